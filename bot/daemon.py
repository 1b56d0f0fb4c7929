"""
Run the daemon in the foreground until it is told to stop.
"""

from __future__ import annotations

import asyncio
import signal
import sys
from collections.abc import Coroutine
from typing import Any

import structlog

from bot.app import running
from bot.core.log import setup_logging
from bot.settings import Settings

log = structlog.get_logger(__name__)


def run_loop(main: Coroutine[Any, Any, None]) -> None:
    """
    Run a coroutine on uvloop where it is installed, on asyncio's own loop elsewhere.
    """
    if sys.platform == "win32":
        asyncio.run(main)
        return
    try:
        import uvloop
    except ImportError:
        asyncio.run(main)
        return
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(main)


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
