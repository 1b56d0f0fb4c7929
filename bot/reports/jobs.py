"""
What the reports do by the clock: read the event log on, and look ahead.
"""

from __future__ import annotations

from datetime import timedelta

from bot.core.database import Database
from bot.core.scheduler import Scheduler
from bot.reports import service
from bot.reports.foretelling import Seer

GATHER_EVERY = timedelta(seconds=30)
LOOK_EVERY = timedelta(minutes=5)


def schedule(scheduler: Scheduler, database: Database, seer: Seer) -> None:
    """
    Put the jobs of the reports on the scheduler.
    """

    async def gather() -> None:
        await service.gather(database)

    scheduler.every("reports.gather", GATHER_EVERY, gather)
    scheduler.every("reports.look", LOOK_EVERY, seer.round, jitter=timedelta(seconds=20))
