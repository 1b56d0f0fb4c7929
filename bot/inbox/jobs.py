"""
What the inbox does by the clock: bring back what was snoozed.
"""

from __future__ import annotations

from datetime import timedelta

from bot.core.database import Database
from bot.core.scheduler import Scheduler
from bot.inbox.hearing import wake_snoozed

WAKE_EVERY = timedelta(seconds=5)


def schedule(scheduler: Scheduler, database: Database) -> None:
    """
    Put the inbox's jobs on the scheduler.
    """

    async def wake() -> None:
        async with database.write() as work:
            await wake_snoozed(work)

    scheduler.every("inbox.wake", WAKE_EVERY, wake)
