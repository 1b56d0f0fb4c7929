"""
A node that does nothing but send: a process of its own, to be killed.

    python -m tests.integration.outbox.node DATABASE_URL SECRET_KEY NAME STEP

It kills itself with SIGKILL at the named step of sending, where nothing can be tidied up any more; at step `never`
it works until SIGTERM. When it is ready it prints a line.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from enum import StrEnum
from typing import Any, NoReturn

import sqlalchemy as sa
from aiohttp import ClientSession

import bot.schema  # noqa: F401  (every table is known)
import connectors.mastodon
from bot.accounts.connect import Connectors
from bot.core.clock import SystemClock
from bot.core.database import Database, open_database
from bot.core.live import LiveEvents
from bot.core.secretbox import GivenKeys, SecretBox
from bot.outbox.jobs import OutboxWorker
from bot.settings import OutboxSettings
from connectors.registry import Registry


class Step(StrEnum):
    """
    Where it dies.
    """

    NEVER = "never"
    BEFORE_ATTEMPT_COMMIT = "before-attempt-commit"
    AFTER_ATTEMPT_COMMIT = "after-attempt-commit"  # on record, the network not yet asked
    BEFORE_RESULT_COMMIT = "before-result-commit"  # the network has answered


def die() -> NoReturn:
    """
    End as by a power cut.
    """
    os.kill(os.getpid(), signal.SIGKILL)
    raise SystemExit("not reached")


def arm(database: Database, step: Step) -> None:
    """
    Make the process die at a step, seen from the statements it sends to the database.
    """
    engine = database.engine.sync_engine
    seen = {"state": ""}

    @sa.event.listens_for(engine, "before_cursor_execute")
    def remember(_conn: Any, _cursor: Any, statement: str, given: Any, _context: Any, _many: bool) -> None:
        if statement.startswith("UPDATE outbox_entry"):
            taking = "attempts=(outbox_entry.attempts + " in statement
            seen["state"] = "attempting" if taking else "confirmed" if "confirmed" in given else ""

    @sa.event.listens_for(engine, "commit")
    def about_to_commit(_connection: Any) -> None:
        if (step, seen["state"]) in (
            (Step.BEFORE_ATTEMPT_COMMIT, "attempting"),
            (Step.BEFORE_RESULT_COMMIT, "confirmed"),
        ):
            die()


async def main(url: str, key: str, name: str, step: Step) -> None:
    """
    Send until told to stop, or until it dies.
    """
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    database = open_database(url, SystemClock())
    arm(database, step)
    channel = connectors.mastodon.channel
    async with ClientSession() as session:
        opened = Connectors(Registry((channel,)), SecretBox(GivenKeys(key)), session)
        if step is Step.AFTER_ATTEMPT_COMMIT:
            opened.open = lambda _account: die()
        async with LiveEvents(database) as live, OutboxWorker(database, live, opened, (), OutboxSettings(), name):
            print("ready", flush=True)
            await stop.wait()
    await database.close()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], sys.argv[2], sys.argv[3], Step(sys.argv[4])))
