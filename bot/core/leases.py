"""
Leases: only one process at a time does a thing, and a dead one does not block it for ever.
"""

from __future__ import annotations

from datetime import timedelta

import sqlalchemy as sa
from sqlmodel import col

from bot.core.columns import Instant
from bot.core.database import UnitOfWork
from bot.core.tables import Lease


async def take_lease(work: UnitOfWork, name: str, *, holder: str, length: timedelta) -> bool:
    """
    Take or renew the lease `name` until `now + length`; False while somebody else holds it.

    One statement: the database decides, not we.
    """
    statement = work.insert(Lease).values(name=name, holder=holder, until=work.now + length)
    statement = statement.on_conflict_do_update(
        index_elements=["name"],
        set_={"holder": holder, "until": work.now + length},
        where=sa.or_(col(Lease.holder) == holder, col(Lease.until) <= work.now),
    ).returning(col(Lease.name))
    return (await work.session.execute(statement)).first() is not None


_HELD = (
    sa.select(col(Lease.name))
    .where(
        col(Lease.name) == sa.bindparam("name"),
        col(Lease.holder) == sa.bindparam("holder"),
        col(Lease.until) > sa.bindparam("until", type_=Instant()),
    )
    .with_for_update()
)


async def holds_lease(work: UnitOfWork, name: str, *, holder: str, ahead: timedelta = timedelta(0)) -> bool:
    """
    Say whether `holder` holds the lease now, and keep others from taking it until the unit ends.

    Args:
        ahead: and so much longer.
    """
    held = await work.session.execute(_HELD, {"name": name, "holder": holder, "until": work.now + ahead})
    return held.first() is not None


async def drop_lease(work: UnitOfWork, name: str, *, holder: str) -> None:
    """
    Give the lease back, if it is still ours.
    """
    await work.session.execute(sa.delete(Lease).where(col(Lease.name) == name, col(Lease.holder) == holder))
