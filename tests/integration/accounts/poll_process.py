"""
A daemon that only hears, as a process of its own, so that tests can kill it.

    python -m tests.integration.accounts.poll_process HOLDER

The database URL and the key of the secret box come by environment. Each item leaves an entry in the audit trail,
in the unit that hears it; hearing one takes a moment, so that a kill often falls between fetch and commit.
"""

from __future__ import annotations

import asyncio
import os
import sys
from datetime import timedelta

import aiohttp

import connectors.mastodon
from bot.accounts.connect import Connectors
from bot.accounts.ears import Heard, Routed
from bot.accounts.jobs import Pollers
from bot.core.actor import HUBBUB
from bot.core.clock import SystemClock
from bot.core.database import UnitOfWork, open_database
from bot.core.scheduler import Scheduler
from bot.core.secretbox import GivenKeys, SecretBox
from bot.settings import AccountSettings
from bot.staff.service import audit
from connectors.registry import Registry

SETTINGS = AccountSettings(
    poll_every=timedelta(seconds=1), poll_jitter=timedelta(0), lease=timedelta(seconds=5), stream=False
)


async def main(holder: str) -> None:
    """
    Hear every active account until killed.
    """

    async def note(work: UnitOfWork, heard: Heard) -> Routed:
        await audit(work, HUBBUB, "test.heard", "item", heard.item.remote_id, by=holder, text=heard.item.text)
        await asyncio.sleep(0.005)
        return Routed(to=f"test:{heard.item.remote_id}")

    clock = SystemClock()
    database = open_database(os.environ["TEST_DATABASE"], clock)
    box = SecretBox(GivenKeys(os.environ["TEST_KEY"]))
    async with aiohttp.ClientSession() as session, Scheduler(clock) as scheduler:
        opened = Connectors(Registry((connectors.mastodon.channel,)), box, session)
        async with Pollers(database, scheduler, opened, (note,), SETTINGS, holder) as pollers:
            await pollers.sync()
            print("hearing", flush=True)
            await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))
