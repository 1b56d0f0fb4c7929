"""
Every query about business hours.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime

import sqlalchemy as sa
from sqlmodel import col

from bot.core.database import UnitOfWork
from bot.core.errors import NotFound
from bot.core.paging import Slice, decode_mark, slice_of
from bot.hours.tables import BusinessHours, HoursDay

NO_SUCH_HOURS = "there are no such business hours; they may have been deleted"


async def list_hours(work: UnitOfWork, *, limit: int, after: str | None) -> Slice[BusinessHours]:
    """
    List all business hours by name.
    """
    query = sa.select(BusinessHours).order_by(col(BusinessHours.name)).limit(limit + 1)
    if after is not None:
        query = query.where(col(BusinessHours.name) > str(decode_mark(after, parts=1)[0]))
    return slice_of((await work.session.scalars(query)).all(), limit, lambda row: [row.name])


async def get_hours(work: UnitOfWork, hours_id: str, *, lock: bool = False) -> BusinessHours:
    """
    Give business hours by id.

    Args:
        lock: keep others from changing them or their days until the unit ends.

    Raises:
        NotFound: there are none.
    """
    query = sa.select(BusinessHours).where(col(BusinessHours.id) == hours_id)
    if lock:
        # Read again what this unit read before it waited.
        query = query.with_for_update().execution_options(populate_existing=True)
    row = await work.session.scalar(query)
    if row is None:
        raise NotFound(NO_SUCH_HOURS)
    return row


async def get_version(work: UnitOfWork, hours_id: str) -> str:
    """
    Give what changes whenever the hours or their days do.

    Raises:
        NotFound: there are none.
    """
    version = await work.session.scalar(
        sa.select(col(BusinessHours.version)).where(col(BusinessHours.id) == hours_id)
    )
    if version is None:
        raise NotFound(NO_SUCH_HOURS)
    return str(version)


async def name_is_taken(work: UnitOfWork, name: str, *, but: str = "") -> bool:
    query = sa.select(col(BusinessHours.id)).where(col(BusinessHours.name) == name, col(BusinessHours.id) != but)
    return await work.session.scalar(query) is not None


async def insert_hours(work: UnitOfWork, row: BusinessHours) -> bool:
    """
    Add business hours; False when the name is taken. One statement: the database decides.
    """
    statement = work.insert(BusinessHours).values(**row.model_dump()).on_conflict_do_nothing()
    done = await work.session.execute(statement.returning(col(BusinessHours.id)))
    return done.first() is not None


async def delete_hours(work: UnitOfWork, hours_id: str) -> None:
    await work.session.execute(sa.delete(HoursDay).where(col(HoursDay.hours_id) == hours_id))
    await work.session.execute(sa.delete(BusinessHours).where(col(BusinessHours.id) == hours_id))


async def list_days(work: UnitOfWork, hours_id: str, *, source: str = "") -> Sequence[HoursDay]:
    """
    Give the extra days of some hours, the earliest first.

    Args:
        source: only those by hand, or of the feed.
    """
    query = sa.select(HoursDay).where(col(HoursDay.hours_id) == hours_id)
    if source:
        query = query.where(col(HoursDay.source) == source)
    return (await work.session.scalars(query.order_by(col(HoursDay.day_on), col(HoursDay.source)))).all()


async def count_days(work: UnitOfWork, hours_id: str, source: str) -> int:
    same = sa.and_(col(HoursDay.hours_id) == hours_id, col(HoursDay.source) == source)
    return int(await work.session.scalar(sa.select(sa.func.count()).select_from(HoursDay).where(same)) or 0)


async def put_days(work: UnitOfWork, rows: Sequence[HoursDay]) -> None:
    """
    Set days; what the same source said of a date before is replaced.
    """
    if not rows:
        return
    statement = work.insert(HoursDay)
    statement = statement.on_conflict_do_update(
        index_elements=["hours_id", "day_on", "source"],
        set_={"spans": statement.excluded.spans, "label": statement.excluded.label},
    )
    await work.session.execute(statement, [row.model_dump() for row in rows])


async def drop_day(work: UnitOfWork, hours_id: str, day_id: str) -> date | None:
    """
    Forget a day that was set by hand; gives which it was.
    """
    mine = sa.and_(col(HoursDay.hours_id) == hours_id, col(HoursDay.source) == "hand")
    gone = sa.delete(HoursDay).where(mine, col(HoursDay.id) == day_id).returning(col(HoursDay.day_on))
    return await work.session.scalar(gone)


async def drop_feed_days(work: UnitOfWork, hours_id: str) -> None:
    fed = sa.and_(col(HoursDay.hours_id) == hours_id, col(HoursDay.source) == "feed")
    await work.session.execute(sa.delete(HoursDay).where(fed))


def _feed_due(work: UnitOfWork) -> sa.ColumnElement[bool]:
    return sa.and_(col(BusinessHours.feed_url) != "", col(BusinessHours.feed_due_at) <= work.now)


async def feed_is_due(work: UnitOfWork) -> bool:
    return await work.session.scalar(sa.select(col(BusinessHours.id)).where(_feed_due(work)).limit(1)) is not None


async def take_due_feed(work: UnitOfWork, *, again_at: datetime) -> BusinessHours | None:
    """
    Take the feed that has been due longest, and move it on to `again_at`, so that nobody else takes it.

    One statement decides between processes.
    """
    due = _feed_due(work)
    oldest = sa.select(col(BusinessHours.id)).where(due).order_by(col(BusinessHours.feed_due_at)).limit(1)
    if work.dialect == "postgresql":
        oldest = oldest.with_for_update(skip_locked=True)
    taken = (
        sa.update(BusinessHours)
        .where(col(BusinessHours.id).in_(oldest.scalar_subquery()), due)
        .values(feed_due_at=again_at, feed_asked_at=work.now)
        .returning(BusinessHours)
    )
    return await work.session.scalar(taken)
