"""
Every query of the outbox. Each change is one conditional statement, so that a state never goes backwards (O5).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import aliased
from sqlmodel import col

from bot.accounts.tables import Account
from bot.core.columns import Instant
from bot.core.database import UnitOfWork
from bot.core.errors import Invalid, NotFound
from bot.core.paging import Slice, decode_mark, slice_of
from bot.outbox.rules import FOR_A_PERSON, LONG_UNKNOWN, State, states_before
from bot.outbox.tables import OutboxEntry, OutboxWait

E = OutboxEntry
DUE: Any = aliased(E)
EARLIER: Any = aliased(E)
"""The same table inside a statement about it; made once, since making one takes longer than its query."""
NO_LEASE: Mapping[str, Any] = {"lease_holder": None, "lease_until": None}
OPEN_STATES = (State.PREPARED, State.ATTEMPTING, State.UNKNOWN)
ATTENTION = (State.UNKNOWN, State.REFUSED, State.HELD, State.ATTEMPTING, State.PREPARED)
"""What a person should see first, first."""

LAST_PLACE = len(ATTENTION)


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """
    Which entries to list; nothing means all.

    Args:
        refused_since: of the refused ones, only those settled since.
        attention_first: what needs a person first, then the newest; else the newest first.
    """

    states: Collection[State] = ()
    account_id: str = ""
    refused_since: datetime | None = None
    attention_first: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Listed:
    """
    An entry with what a person needs to understand it.

    Args:
        behind: id of the earlier entry of the same subject that must be settled first.
        waits_until, waits_for: the server asked the account to wait, and what it said.
    """

    entry: OutboxEntry
    channel: str
    account_name: str
    account_state: str
    account_reason: str
    behind: str | None
    waits_until: datetime | None
    waits_for: str


async def get_entry(work: UnitOfWork, entry_id: str) -> OutboxEntry:
    """
    Give an entry; raises NotFound.
    """
    found = await work.session.get(E, entry_id)
    if found is None:
        raise NotFound(f"no outbox entry {entry_id[:60]!r}")
    return found


async def change(
    work: UnitOfWork,
    entry_id: str,
    to: State,
    values: Mapping[str, Any],
    *,
    holder: str | None = None,
    lapsed: bool = False,
) -> OutboxEntry | None:
    """
    Move an entry along an arrow of the rules; None when it is not where that arrow begins any more.

    Args:
        values: other columns to set.
        holder: only while this worker holds the entry's lease.
        lapsed: only if the lease has run out.
    """
    conditions = [col(E.id) == entry_id, col(E.state).in_(states_before(to))]
    if holder is not None:
        conditions.append(col(E.lease_holder) == holder)
    if lapsed:
        conditions.append(col(E.lease_until) <= work.now)
    return await _update(work, conditions, {"state": to, **values})


async def settle(
    work: UnitOfWork, entry_id: str, to: State, values: Mapping[str, Any], *, holder: str
) -> OutboxEntry | None:
    """
    Write down what an attempt or a look came to; None when somebody else was faster.

    A receipt is the truth, even if it comes after our lease has run out; anything else only counts within it.
    """
    if to is State.CONFIRMED:
        return await change(work, entry_id, to, values)
    if to is not State.UNKNOWN:
        return await change(work, entry_id, to, values, holder=holder)
    # A look that tells nothing leaves it unknown, which is no arrow.
    states = states_before(to) | {to}
    conditions = [col(E.id) == entry_id, col(E.state).in_(states), col(E.lease_holder) == holder]
    return await _update(work, conditions, {"state": to, **values})


async def _update(
    work: UnitOfWork, conditions: Sequence[sa.ColumnElement[bool]], values: Mapping[str, Any]
) -> OutboxEntry | None:
    statement = sa.update(E).where(*conditions).values(**values).returning(E)
    changed = await work.session.scalars(statement, execution_options={"populate_existing": True})
    return changed.first()


@dataclass(frozen=True, slots=True, kw_only=True)
class AtAccount:
    """
    An account that has something to send now, or to look for.
    """

    account_id: str
    sends: bool
    looks: bool


async def accounts_with_work(work: UnitOfWork, account_id: str | None = None) -> list[AtAccount]:
    """
    Give the accounts that have something to send or to look for now, or one of them.
    """
    query, values = (_WORK, {}) if account_id is None else (_WORK_AT, {"account": account_id})
    rows = await work.session.execute(query, {"now": work.now, **values})
    return [AtAccount(account_id=row.id, sends=row.sends, looks=row.looks) for row in rows]


def _takeable(now: Any) -> tuple[sa.ColumnElement[bool], ...]:
    """
    Say when an entry may be attempted, as far as it is up to the entry.
    """
    return (
        col(DUE.state) == State.PREPARED,
        col(DUE.due_at) <= now,
        sa.or_(col(DUE.expires_at).is_(None), col(DUE.expires_at) > now),
        ~sa.select(sa.literal(1)).where(*_goes_before(EARLIER, DUE)).exists(),
    )


def _goes_before(earlier: Any, later: Any) -> tuple[sa.ColumnElement[bool], ...]:
    """
    Say when an entry must be settled before another; one that a person must decide holds nobody up.
    """
    return (
        col(earlier.subject_kind) == col(later.subject_kind),
        col(earlier.subject_id) == col(later.subject_id),
        col(earlier.id) < col(later.id),
        col(earlier.state).in_((*OPEN_STATES, State.HELD)),
        col(earlier.due_at) < FOR_A_PERSON,
    )


def _lookable(now: Any) -> tuple[sa.ColumnElement[bool], ...]:
    """
    Say when an entry may be looked for: nobody else is looking.
    """
    return (
        col(DUE.state) == State.UNKNOWN,
        col(DUE.due_at) <= now,
        sa.or_(col(DUE.lease_until).is_(None), col(DUE.lease_until) <= now),
    )


def _told_to_wait(now: Any, account_id: Any) -> sa.ColumnElement[bool]:
    return (
        sa.select(sa.literal(1))
        .where(col(OutboxWait.account_id) == account_id, col(OutboxWait.until) > now)
        .exists()
    )


def _work() -> Any:
    """
    Build the question that is asked at every turn; once, since building it takes longer than its query.
    """
    now, mine = sa.bindparam("now", type_=Instant()), col(DUE.account_id) == col(Account.id)
    due = sa.select(sa.literal(1)).where(mine, *_takeable(now)).exists()
    sends = sa.and_(due, ~_told_to_wait(now, col(Account.id)))
    looks = sa.select(sa.literal(1)).where(mine, *_lookable(now)).exists()
    query = sa.select(col(Account.id), sends.label("sends"), looks.label("looks"))
    return query.where(col(Account.state) == "active", sa.or_(sends, looks))


_WORK = _work()
_WORK_AT = _WORK.where(col(Account.id) == sa.bindparam("account"))


async def let_account_wait(work: UnitOfWork, account_id: str, until: datetime, reason: str) -> None:
    """
    Note that a server asked for a wait: nothing of the account leaves before it is over.
    """
    values = {"until": until, "reason": reason}
    statement = work.insert(OutboxWait).values(account_id=account_id, **values)
    await work.session.execute(statement.on_conflict_do_update(index_elements=["account_id"], set_=values))


async def take_due(work: UnitOfWork, account_id: str, *, holder: str, lease: timedelta) -> OutboxEntry | None:
    """
    Take the account's oldest due entry for an attempt; None when there is none, or another attempt is going on.

    Within a conversation the order of writing is the order of sending.
    """
    query = _first(work, account_id, _takeable(work.now)).where(~_told_to_wait(work.now, account_id))
    values = {
        "state": State.ATTEMPTING,
        "attempts": E.attempts + 1,
        "attempted_at": work.now,
        "lease_holder": holder,
        "lease_until": work.now + lease,
        "finds": 0,
    }
    conditions = [col(E.id) == query.order_by(col(DUE.id)).scalar_subquery(), col(E.state) == State.PREPARED]
    try:
        async with work.savepoint():
            return await _update(work, conditions, values)
    except IntegrityError:
        return None  # outbox_entry_one_attempt: another worker is at this account


async def take_unknown(work: UnitOfWork, account_id: str, *, holder: str, lease: timedelta) -> OutboxEntry | None:
    """
    Take the account's next unknown entry to look for.
    """
    query = _first(work, account_id, _lookable(work.now)).order_by(col(DUE.due_at))
    values = {"lease_holder": holder, "lease_until": work.now + lease, "finds": E.finds + 1}
    return await _update(work, [col(E.id) == query.scalar_subquery(), col(E.state) == State.UNKNOWN], values)


def _first(work: UnitOfWork, account_id: str, conditions: Sequence[sa.ColumnElement[bool]]) -> Any:
    """
    Choose one entry of an active account; on PostgreSQL not one that another worker is just taking.
    """
    query = (
        sa.select(col(DUE.id))
        .join(Account, col(Account.id) == col(DUE.account_id))
        .where(col(DUE.account_id) == account_id, col(Account.state) == "active", *conditions)
        .limit(1)
    )
    return query.with_for_update(skip_locked=True, of=DUE) if work.dialect == "postgresql" else query


async def belongs_to_another(work: UnitOfWork, entry: OutboxEntry, sent_id: str) -> bool:
    """
    Say whether what was found on the network is the receipt of another entry of the same subject.
    """
    query = sa.select(col(E.id)).where(
        col(E.subject_kind) == entry.subject_kind,
        col(E.subject_id) == entry.subject_id,
        col(E.account_id) == entry.account_id,
        col(E.sent_id) == sent_id,
        col(E.id) != entry.id,
    )
    return (await work.session.scalars(query.limit(1))).first() is not None


async def abandoned(work: UnitOfWork) -> list[str]:
    """
    Give the entries whose worker let its lease run out in the middle of an attempt.
    """
    query = sa.select(col(E.id)).where(col(E.state) == State.ATTEMPTING, col(E.lease_until) <= work.now)
    return list((await work.session.scalars(query.order_by(col(E.id)))).all())


async def overdue(work: UnitOfWork) -> list[str]:
    """
    Give the prepared entries that the late rule forbids to send.
    """
    query = sa.select(col(E.id)).where(col(E.state) == State.PREPARED, col(E.expires_at) <= work.now)
    return list((await work.session.scalars(query.order_by(col(E.id)).limit(500))).all())


async def list_listed(work: UnitOfWork, wanted: Wanted, *, limit: int, after: str | None) -> Slice[Listed]:
    """
    List entries with their accounts.
    """
    rank: sa.ColumnElement[int] = sa.literal(0)
    if wanted.attention_first:
        rank = sa.case(
            {state.value: place for place, state in enumerate(ATTENTION)}, value=col(E.state), else_=LAST_PLACE
        )
    query = _listed().add_columns(rank)
    if wanted.states:
        query = query.where(col(E.state).in_(wanted.states))
    if wanted.account_id:
        query = query.where(col(E.account_id) == wanted.account_id)
    if wanted.refused_since is not None:
        query = query.where(sa.or_(col(E.state) != State.REFUSED, col(E.settled_at) > wanted.refused_since))
    if after is not None:
        place, entry_id = _read_mark(after)
        query = query.where(sa.or_(rank > place, sa.and_(rank == place, col(E.id) < entry_id)))
    query = query.order_by(rank, col(E.id).desc()).limit(limit + 1)
    rows = (await work.session.execute(query)).all()
    return slice_of(rows, limit, lambda row: (row[-1], row[0].id)).map(lambda row: _as_listed(row[:-1]))


def _read_mark(mark: str) -> tuple[int, str]:
    place, entry_id = decode_mark(mark, parts=2)
    if type(place) is not int or place not in range(LAST_PLACE + 1) or not isinstance(entry_id, str):
        raise Invalid(fields={"after": "not a mark of this listing; leave it out to begin"})
    return place, entry_id


async def get_listed(work: UnitOfWork, entry_id: str) -> Listed:
    """
    Give an entry with its account; raises NotFound.
    """
    row = (await work.session.execute(_listed().where(col(E.id) == entry_id))).first()
    if row is None:
        raise NotFound(f"no outbox entry {entry_id[:60]!r}")
    return _as_listed(row)


def _listed() -> Any:
    behind = sa.select(sa.func.min(col(EARLIER.id))).where(*_goes_before(EARLIER, E)).scalar_subquery()
    return (
        sa.select(E, Account, behind, OutboxWait)
        .join(Account, col(Account.id) == col(E.account_id))
        .outerjoin(OutboxWait, col(OutboxWait.account_id) == col(E.account_id))
    )


def _as_listed(row: Any) -> Listed:
    entry, account, behind, wait = row
    return Listed(
        entry=entry,
        channel=account.channel,
        account_name=account.name,
        account_state=account.state,
        account_reason=account.state_reason,
        behind=behind,
        waits_until=wait.until if wait else None,
        waits_for=wait.reason if wait else "",
    )


async def entries_of(work: UnitOfWork, subject_kind: str, subject_id: str) -> list[OutboxEntry]:
    """
    Give all entries of a subject, oldest first.
    """
    query = sa.select(E).where(col(E.subject_kind) == subject_kind, col(E.subject_id) == subject_id)
    return list((await work.session.scalars(query.order_by(col(E.id)))).all())


async def count_by_state(work: UnitOfWork) -> dict[str, int]:
    """
    Count the entries of each state.
    """
    rows = await work.session.execute(sa.select(col(E.state), sa.func.count()).group_by(col(E.state)))
    return {state: int(count) for state, count in rows}


async def count_to_do(work: UnitOfWork, account_id: str = "") -> dict[str, int]:
    """
    Count the entries of each state that is neither delivered nor cancelled; those are nearly all there is.
    """
    query = sa.select(col(E.state), sa.func.count()).where(col(E.state).in_(ATTENTION))
    if account_id:
        query = query.where(col(E.account_id) == account_id)
    return {state: int(count) for state, count in await work.session.execute(query.group_by(col(E.state)))}


async def count_for_a_person(work: UnitOfWork) -> int:
    """
    Count the unknown entries that only a person can settle, or that have been unknown for long.
    """
    long = col(E.unknown_at) <= work.now - LONG_UNKNOWN
    undecided = sa.or_(col(E.due_at) >= FOR_A_PERSON, long)
    query = sa.select(sa.func.count()).where(col(E.state) == State.UNKNOWN, undecided)
    return int(await work.session.scalar(query) or 0)


async def open_figures(work: UnitOfWork) -> tuple[dict[str, int], float]:
    """
    Count the open entries by state, and give the age in seconds of the oldest that should have left by now.
    """
    query = sa.select(col(E.state), sa.func.count()).where(col(E.state).in_((*OPEN_STATES, State.HELD)))
    counts = {str(state): int(count) for state, count in await work.session.execute(query.group_by(col(E.state)))}
    oldest = await work.session.scalar(
        sa.select(sa.func.min(col(DUE.due_at)))
        .join(Account, col(Account.id) == col(DUE.account_id))
        .where(*_takeable(work.now), col(Account.state) == "active", ~_told_to_wait(work.now, col(DUE.account_id)))
    )
    return counts, (work.now - oldest).total_seconds() if oldest else 0.0
