"""
Run the daemon in the foreground until it is told to stop.
"""

from __future__ import annotations

import asyncio
import gc
import signal
import sys
from collections.abc import Coroutine
from typing import Any, TypeVar

import structlog

from bot.app import running
from bot.core.log import setup_logging
from bot.settings import Settings

log = structlog.get_logger(__name__)

T = TypeVar("T")


YOUNG_OBJECTS = 10_000
"""New objects before the garbage collector looks at them. A page makes some thousand that die with it; with
Python's own 700 they are looked at several times while it is made, and counted among the old ones."""


def run_loop(main: Coroutine[Any, Any, T]) -> T:
    """
    Run a coroutine on uvloop where it is installed, on asyncio's own loop elsewhere, and give what it gives.
    """
    gc.set_threshold(YOUNG_OBJECTS, *gc.get_threshold()[1:])
    if sys.platform == "win32":
        return asyncio.run(main)
    try:
        import uvloop
    except ImportError:
        return asyncio.run(main)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(main)


def stop_signal() -> asyncio.Event:
    """
    Give an event that SIGINT and SIGTERM set.
    """
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    return stop


async def serve(settings: Settings) -> None:
    """
    Serve until a signal; then end what is under way and leave.
    """
    setup_logging(settings.log)
    stop = stop_signal()
    async with running(settings) as daemon:
        log.info("ready", action="daemon.ready", url=daemon.url, database=daemon.database.engine.dialect.name)
        await stop.wait()
        log.info("stopping", action="daemon.stopping")
    log.info("stopped", action="daemon.stopped")
