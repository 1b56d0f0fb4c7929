"""
A node that does nothing but send webhooks: a process of its own, to be killed.

    python -m tests.integration.webhooks.node DATABASE_URL SECRET_KEY STEP

At step `after-answer` it kills itself with SIGKILL when the receiver has answered and nothing is written down yet;
at `never` it works until SIGTERM. When it is ready it prints a line.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from enum import StrEnum
from ipaddress import ip_network
from typing import Any

import bot.schema  # noqa: F401  (every table is known)
from bot.core.clock import SystemClock
from bot.core.database import open_database
from bot.core.live import LiveEvents
from bot.core.outward import Answer, Outward, OutwardRules
from bot.core.secretbox import GivenKeys, SecretBox
from bot.settings import WebhookSettings
from bot.webhooks.jobs import WebhookWorker


class Step(StrEnum):
    """
    Where it dies.
    """

    NEVER = "never"
    AFTER_ANSWER = "after-answer"


class Deadly(Outward):
    """
    Dies as by a power cut as soon as something was answered.
    """

    async def post(self, url: str, body: bytes, **more: Any) -> Answer:
        await super().post(url, body, **more)
        os.kill(os.getpid(), signal.SIGKILL)
        raise SystemExit("not reached")


async def main(url: str, key: str, step: Step) -> None:
    """
    Send until told to stop, or until it dies.
    """
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    database = open_database(url, SystemClock())
    rules = OutwardRules(networks=(ip_network("127.0.0.1/32"),), http=True)
    async with (Deadly if step is Step.AFTER_ANSWER else Outward)(rules) as outward, LiveEvents(database) as live:
        worker = WebhookWorker(database, live, outward, SecretBox(GivenKeys(key)), WebhookSettings(), "node")
        async with worker:
            print("ready", flush=True)
            await stop.wait()
    await database.close()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], sys.argv[2], Step(sys.argv[3])))
