"""
Every query of the outbox. Each change is one conditional statement, so that a state never goes backwards (O5).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import timedelta
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
    waits_for_earlier = (
        sa.select(sa.literal(1))
        .where(
            col(earlier.subject_kind) == col(due.subject_kind),
            col(earlier.subject_id) == col(due.subject_id),
            col(earlier.id) < col(due.id),
            col(earlier.state).in_((*OPEN_STATES, State.HELD)),
            col(earlier.due_at) < FOR_A_PERSON,
        )
        .exists()
    )
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


async def list_entries(
    work: UnitOfWork, *, states: Collection[str], account_id: str, limit: int, after: str | None
) -> Slice[OutboxEntry]:
    """
    List entries, newest first.
    """
    query = sa.select(E)
    if states:
        query = query.where(col(E.state).in_(states))
    if account_id:
        query = query.where(col(E.account_id) == account_id)
    if after is not None:
        query = query.where(col(E.id) < decode_mark(after, parts=1)[0])
    rows = (await work.session.scalars(query.order_by(col(E.id).desc()).limit(limit + 1))).all()
    return slice_of(rows, limit, lambda row: (row.id,))


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
