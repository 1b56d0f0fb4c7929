"""
What surveys do by the clock: ask those whose time has come.
"""

from __future__ import annotations

from datetime import timedelta

from bot.core.database import Database
from bot.core.leases import take_lease
from bot.core.scheduler import Scheduler
from bot.core.secretbox import SecretBox
from bot.inbox.rules import Promise
from bot.surveys import store
from bot.surveys.service import ask

ASK_EVERY = timedelta(seconds=10)
AT_ONCE = 50
LEASE = timedelta(seconds=60)


async def ask_due(database: Database, holder: str, *, box: SecretBox, promise: Promise, base_url: str) -> int:
    """
    Ask everybody whose time has come; gives how many were asked.

    One process at a time does it: two conversations of one contact must not both be asked about at once.
    """
    async with database.write(patient=True) as work:
        mine = await take_lease(work, "surveys", holder=holder, length=LEASE)
        waiting = await store.due(work, limit=AT_ONCE) if mine else []
    asked = 0
    for survey_id in waiting:
        async with database.write(patient=True) as work:
            if await take_lease(work, "surveys", holder=holder, length=LEASE):
                asked += await ask(work, survey_id, box=box, promise=promise, base_url=base_url)
    return asked


def schedule(
    scheduler: Scheduler, database: Database, holder: str, *, box: SecretBox, promise: Promise, base_url: str
) -> None:
    """
    Put the job of surveys on the scheduler.
    """

    async def run() -> None:
        await ask_due(database, holder, box=box, promise=promise, base_url=base_url)

    scheduler.every("surveys.ask", ASK_EVERY, run)
