"""
Every query of the heard ledger: one row a heard item, unique by account, kind and remote id.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlmodel import col

from bot.accounts.rules import HeardCounts, HeardState
from bot.accounts.tables import HeardItem
from bot.core.database import UnitOfWork
from bot.core.errors import NotFound
from bot.core.ids import EPOCH, MILLISECOND, layout
from bot.core.paging import Slice, decode_mark, slice_of


@dataclass(frozen=True, slots=True, kw_only=True)
class HeardFilter:
    """
    Which part of the ledger to list; None means all.
    """

    account_id: str | None = None
    state: HeardState | None = None
    kind: str | None = None


async def note(work: UnitOfWork, row: dict[str, Any]) -> str | None:
    """
    Write a heard item down, and give its id if it is new; None if it was heard before, which is then counted.

    One statement: of two processes that hear the same thing, the database lets one be first.
    """
    statement = (
        work.insert(HeardItem)
        .values(**row)
        .on_conflict_do_update(
            index_elements=["account_id", "kind", "remote_id"],
            set_={"deliveries": HeardItem.deliveries + 1},
        )
        .returning(col(HeardItem.id))
    )
    heard_id = str((await work.session.execute(statement)).scalar_one())
    return heard_id if heard_id == row["id"] else None


async def settle(work: UnitOfWork, heard_id: str, **values: Any) -> None:
    """
    Write down what became of an item.
    """
    await work.session.execute(sa.update(HeardItem).where(col(HeardItem.id) == heard_id).values(**values))


async def get_heard(work: UnitOfWork, heard_id: str, *, lock: bool = False) -> HeardItem:
    """
    Read one row of the ledger.

    Args:
        lock: keep others from changing it until the unit ends.

    Raises:
        NotFound: there is none.
    """
    query = sa.select(HeardItem).where(col(HeardItem.id) == heard_id)
    found = (await work.session.execute(query.with_for_update() if lock else query)).scalar_one_or_none()
    if found is None:
        raise NotFound("there is no heard item of that id")
    return found


async def list_heard(
    work: UnitOfWork, only: HeardFilter, *, limit: int, after: str | None, oldest_first: bool = False
) -> Slice[HeardItem]:
    """
    List the ledger, the newest first.
    """
    order = col(HeardItem.id) if oldest_first else col(HeardItem.id).desc()
    query = sa.select(HeardItem).where(*_conditions(only)).order_by(order).limit(limit + 1)
    if after is not None:
        mark = str(decode_mark(after, parts=1)[0])
        query = query.where(col(HeardItem.id) > mark if oldest_first else col(HeardItem.id) < mark)
    rows = (await work.session.execute(query)).scalars().all()
    return slice_of(rows, limit, lambda row: [row.id])


async def heard_counts(work: UnitOfWork, account_id: str | None = None) -> HeardCounts:
    """
    Sum the ledger up, of one account or of all.
    """
    counted = [
        sa.func.count().filter(col(HeardItem.state) == state.value).label(state.value) for state in HeardState
    ]
    deliveries = sa.func.coalesce(sa.func.sum(col(HeardItem.deliveries)), 0).label("heard")
    duplicate = sa.func.coalesce(sa.func.sum(col(HeardItem.deliveries) - 1), 0).label("duplicate")
    query = sa.select(deliveries, duplicate, *counted).where(*_conditions(HeardFilter(account_id=account_id)))
    row = (await work.session.execute(query)).one()._mapping
    return HeardCounts(**{name: int(row[name]) for name in row})


async def kinds_heard(work: UnitOfWork) -> Sequence[str]:
    """
    List the kinds of items that the ledger holds.
    """
    return (await work.session.execute(sa.select(col(HeardItem.kind)).distinct().order_by("kind"))).scalars().all()


async def delays(work: UnitOfWork, account_id: str, *, since: datetime, most: int) -> list[timedelta]:
    """
    List how late the newest `most` items since `since` were heard, leaving out what is older than the account.
    """
    query = (
        sa.select(col(HeardItem.occurred_at), col(HeardItem.heard_at))
        .where(
            col(HeardItem.account_id) == account_id,
            col(HeardItem.state).in_([state.value for state in HeardState]),
            col(HeardItem.id) >= first_id_at(since),
            col(HeardItem.occurred_at) >= since,
        )
        .order_by(col(HeardItem.id).desc())
        .limit(most)
    )
    return [heard_at - occurred_at for occurred_at, heard_at in (await work.session.execute(query)).all()]


def first_id_at(at: datetime) -> str:
    """
    Give the lowest id that a row made at `at` can have, since ids sort by time.
    """
    return layout((at - EPOCH) // MILLISECOND, 0, 0)


def _conditions(only: HeardFilter) -> list[sa.ColumnElement[bool]]:
    wanted = []
    if only.account_id is not None:
        wanted.append(col(HeardItem.account_id) == only.account_id)
    if only.state is not None:
        wanted.append(col(HeardItem.state) == only.state.value)
    if only.kind is not None:
        wanted.append(col(HeardItem.kind) == only.kind)
    return wanted
