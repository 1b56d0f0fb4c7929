"""
What the reports do by the clock: read the event log on.
"""

from __future__ import annotations

from datetime import timedelta

from bot.core.database import Database
from bot.core.scheduler import Scheduler
from bot.reports import service

GATHER_EVERY = timedelta(seconds=30)


def schedule(scheduler: Scheduler, database: Database) -> None:
    """
    Put the jobs of the reports on the scheduler.
    """

    async def gather() -> None:
        await service.gather(database)

    scheduler.every("reports.gather", GATHER_EVERY, gather)
