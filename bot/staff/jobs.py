"""
What staff need by the clock: noticing who fell silent.
"""

from __future__ import annotations

from datetime import timedelta

from bot.core.database import Database
from bot.core.scheduler import Scheduler
from bot.staff.presence import follow_time

FOLLOW_EVERY = timedelta(seconds=5)


def schedule(scheduler: Scheduler, database: Database) -> None:
    """
    Put the jobs of staff on the scheduler.
    """

    async def follow() -> None:
        async with database.write(patient=True) as work:
            await follow_time(work)

    scheduler.every("staff.presence", FOLLOW_EVERY, follow)
