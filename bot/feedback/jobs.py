"""
What feedback does by the clock: forget phrases that became no topic.
"""

from __future__ import annotations

from datetime import timedelta

from bot.core.database import Database
from bot.core.scheduler import Scheduler
from bot.feedback import store
from bot.feedback.rules import GROWS_WITHIN

FORGET_EVERY = timedelta(hours=1)


def schedule(scheduler: Scheduler, database: Database) -> None:
    """
    Put the job of feedback on the scheduler.
    """

    async def forget() -> None:
        gone = store.PRUNED_AT_ONCE
        while gone >= store.PRUNED_AT_ONCE:
            async with database.write(patient=True) as work:
                gone = await store.forget_candidates(work, work.now - GROWS_WITHIN)

    scheduler.every("feedback.forget", FORGET_EVERY, forget)
