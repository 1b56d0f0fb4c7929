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
from bot.core.database import UnitOfWork
from bot.core.errors import NotFound
from bot.core.paging import Slice, decode_mark, slice_of
from bot.outbox.rules import FOR_A_PERSON, State, states_before
from bot.outbox.tables import OutboxEntry

E = OutboxEntry
OPEN_STATES = (State.PREPARED, State.ATTEMPTING, State.UNKNOWN)
ATTENTION = (State.UNKNOWN, State.REFUSED, State.HELD, State.ATTEMPTING, State.PREPARED)
"""What a person should see first, first."""


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
    """

    entry: OutboxEntry
    channel: str
    account_name: str
    account_state: str
    account_reason: str
    behind: str | None


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


async def look_again(
    work: UnitOfWork, entry_id: str, values: Mapping[str, Any], *, holder: str
) -> OutboxEntry | None:
    """
    Leave an entry unknown, with another time to look.
    """
    conditions = [col(E.id) == entry_id, col(E.state) == State.UNKNOWN, col(E.lease_holder) == holder]
    return await _update(work, conditions, values)


async def _update(
    work: UnitOfWork, conditions: Sequence[sa.ColumnElement[bool]], values: Mapping[str, Any]
) -> OutboxEntry | None:
    statement = sa.update(E).where(*conditions).values(**values).returning(E)
    changed = await work.session.scalars(statement, execution_options={"populate_existing": True})
    return changed.first()


async def accounts_with_work(work: UnitOfWork) -> list[str]:
    """
    Give the accounts that have something to send or to look for now.
    """
    query = (
        sa.select(col(E.account_id))
        .distinct()
        .join(Account, col(Account.id) == col(E.account_id))
        .where(
            col(E.due_at) <= work.now,
            col(E.state).in_((State.PREPARED, State.UNKNOWN)),
            col(Account.state) == "active",
        )
    )
    return list((await work.session.scalars(query)).all())


async def take_due(work: UnitOfWork, account_id: str, *, holder: str, lease: timedelta) -> OutboxEntry | None:
    """
    Take the account's oldest due entry for an attempt; None when there is none, or another attempt is going on.

    Within a conversation the order of writing is the order of sending.
    """
    due = _first_due(work, account_id)
    values = {
        "state": State.ATTEMPTING,
        "attempts": E.attempts + 1,
        "attempted_at": work.now,
        "lease_holder": holder,
        "lease_until": work.now + lease,
        "finds": 0,
    }
    try:
        async with work.savepoint():
            return await _update(work, [col(E.id) == due, col(E.state) == State.PREPARED], values)
    except IntegrityError:
        return None  # outbox_entry_one_attempt: another worker is at this account


def _first_due(work: UnitOfWork, account_id: str) -> Any:
    # Aliases, since the statement around it updates the same table.
    due, earlier = aliased(E), aliased(E)
    waits_for_earlier = sa.select(sa.literal(1)).where(*_goes_before(earlier, due)).exists()
    query = (
        sa.select(col(due.id))
        .join(Account, col(Account.id) == col(due.account_id))
        .where(
            col(due.account_id) == account_id,
            col(due.state) == State.PREPARED,
            col(due.due_at) <= work.now,
            col(Account.state) == "active",
            ~waits_for_earlier,
        )
        .order_by(col(due.id))
        .limit(1)
    )
    if work.dialect == "postgresql":
        query = query.with_for_update(skip_locked=True, of=due)
    return query.scalar_subquery()


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


async def take_unknown(work: UnitOfWork, account_id: str, *, holder: str, lease: timedelta) -> OutboxEntry | None:
    """
    Take the account's next unknown entry to look for.
    """
    due = aliased(E)  # the statement around it updates the same table
    query = (
        sa.select(col(due.id))
        .where(
            col(due.account_id) == account_id,
            col(due.state) == State.UNKNOWN,
            col(due.due_at) <= work.now,
            sa.or_(col(due.lease_until).is_(None), col(due.lease_until) <= work.now),
        )
        .order_by(col(due.due_at))
        .limit(1)
    )
    if work.dialect == "postgresql":
        query = query.with_for_update(skip_locked=True)
    values = {"lease_holder": holder, "lease_until": work.now + lease, "finds": E.finds + 1}
    return await _update(work, [col(E.id) == query.scalar_subquery(), col(E.state) == State.UNKNOWN], values)


async def abandoned(work: UnitOfWork) -> list[str]:
    """
    Give the entries whose worker let its lease run out in the middle of an attempt.
    """
    query = sa.select(col(E.id)).where(col(E.state) == State.ATTEMPTING, col(E.lease_until) <= work.now)
    return list((await work.session.scalars(query)).all())


async def overdue(work: UnitOfWork) -> list[str]:
    """
    Give the prepared entries that the late rule forbids to send.
    """
    query = sa.select(col(E.id)).where(col(E.state) == State.PREPARED, col(E.expires_at) <= work.now)
    return list((await work.session.scalars(query.limit(500))).all())


async def list_listed(work: UnitOfWork, wanted: Wanted, *, limit: int, after: str | None) -> Slice[Listed]:
    """
    List entries with their accounts.
    """
    rank: sa.ColumnElement[int] = sa.literal(0)
    if wanted.attention_first:
        rank = sa.case({state.value: place for place, state in enumerate(ATTENTION)}, value=col(E.state), else_=9)
    query = _listed().add_columns(rank)
    if wanted.states:
        query = query.where(col(E.state).in_(wanted.states))
    if wanted.account_id:
        query = query.where(col(E.account_id) == wanted.account_id)
    if wanted.refused_since is not None:
        query = query.where(sa.or_(col(E.state) != State.REFUSED, col(E.settled_at) > wanted.refused_since))
    if after is not None:
        place, entry_id = decode_mark(after, parts=2)
        query = query.where(sa.or_(rank > place, sa.and_(rank == place, col(E.id) < entry_id)))
    query = query.order_by(rank, col(E.id).desc()).limit(limit + 1)
    rows = (await work.session.execute(query)).all()
    return slice_of(rows, limit, lambda row: (row[-1], row[0].id)).map(lambda row: _as_listed(row[:-1]))


async def get_listed(work: UnitOfWork, entry_id: str) -> Listed:
    """
    Give an entry with its account; raises NotFound.
    """
    row = (await work.session.execute(_listed().where(col(E.id) == entry_id))).first()
    if row is None:
        raise NotFound(f"no outbox entry {entry_id[:60]!r}")
    return _as_listed(row)


def _listed() -> Any:
    earlier = aliased(E)
    behind = sa.select(sa.func.min(col(earlier.id))).where(*_goes_before(earlier, E)).scalar_subquery()
    return sa.select(E, Account, behind).join(Account, col(Account.id) == col(E.account_id))


def _as_listed(row: Any) -> Listed:
    entry, account, behind = row
    return Listed(
        entry=entry,
        channel=account.channel,
        account_name=account.name,
        account_state=account.state,
        account_reason=account.state_reason,
        behind=behind,
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
    Count the unknown entries that only a person can settle.
    """
    query = sa.select(sa.func.count()).where(col(E.state) == State.UNKNOWN, col(E.due_at) >= FOR_A_PERSON)
    return int(await work.session.scalar(query) or 0)


async def open_figures(work: UnitOfWork) -> tuple[dict[str, int], float]:
    """
    Count the open entries by state, and give the age in seconds of the oldest that should have left by now.
    """
    query = sa.select(col(E.state), sa.func.count()).where(col(E.state).in_((*OPEN_STATES, State.HELD)))
    counts = {str(state): int(count) for state, count in await work.session.execute(query.group_by(col(E.state)))}
    oldest = await work.session.scalar(
        sa.select(sa.func.min(col(E.due_at)))
        .join(Account, col(Account.id) == col(E.account_id))
        .where(col(E.state) == State.PREPARED, col(E.due_at) <= work.now, col(Account.state) == "active")
    )
    return counts, (work.now - oldest).total_seconds() if oldest else 0.0
