"""
What the inbox does by the clock: bring back what was snoozed, and claims that ran out.
"""

from __future__ import annotations

from datetime import timedelta

from bot.core.database import Database
from bot.core.scheduler import Scheduler
from bot.inbox.dispatch import return_run_out
from bot.inbox.hearing import wake_snoozed
from bot.settings import QueueSettings

WAKE_EVERY = timedelta(seconds=5)
RETURN_EVERY = timedelta(seconds=5)


def schedule(scheduler: Scheduler, database: Database, settings: QueueSettings) -> None:
    """
    Put the inbox's jobs on the scheduler.
    """
    listening_since = database.clock.now()

    async def wake() -> None:
        async with database.write() as work:
            await wake_snoozed(work)

    async def return_claims() -> None:
        async with database.write() as work:
            await return_run_out(
                work,
                lease=settings.claim_lease,
                grace=settings.offline_grace,
                listening_since=listening_since,
            )

    scheduler.every("inbox.wake", WAKE_EVERY, wake)
    scheduler.every("inbox.claims", RETURN_EVERY, return_claims)
