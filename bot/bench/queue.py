"""
The queue under load: a million open conversations, agents who look at their views, customers who write, clocks.

Everything runs in the real daemon (`bot.app.running`) on a database of its own; agents ask its pages over HTTP
from a process of their own. Yardsticks of the same run: a bare UPDATE for claims, the idle daemon for the delays
of poller and outbox. The load is ten times the peak hour of a day of 10,000 requests; the daily curve is that of
`bot.reports.simulation`, which says where it comes from.
"""

from __future__ import annotations

import os
import tempfile
import time
from typing import Any

from bot.bench.queue_busy import with_daemon
from bot.bench.queue_house import Settings, build
from bot.bench.queue_reads import claims, next_50
from bot.core.clock import SystemClock
from bot.core.database import open_database
from bot.core.log import setup_logging
from bot.core.migrate import upgrade
from bot.daemon import run_loop
from bot.settings import Settings as HouseSettings

__all__ = ["Settings", "run"]


def run(settings: Settings) -> dict[str, Any]:
    """
    Measure everything; see docs/explanation/counting-a-million.md for what each figure means.
    """
    setup_logging(HouseSettings().log)  # to standard error; standard output is for the figures
    return run_loop(_run(settings))  # as the daemon itself is run


async def _run(settings: Settings) -> dict[str, Any]:
    with tempfile.TemporaryDirectory(prefix="hubbub-bench-") as folder:
        url = settings.url or f"sqlite+aiosqlite:///{folder}/bench.db"
        database = open_database(url, SystemClock())
        await upgrade(database)
        began = time.perf_counter()
        house = await build(database, settings)
        loaded = time.perf_counter() - began
        figures: dict[str, Any] = {
            "conversations": settings.conversations,
            "database": "sqlite" if database.is_sqlite else "postgresql",
            "cores": os.cpu_count(),
            "load_seconds": round(loaded, 1),
            "next_50_without_board": await next_50(database, house, settings, None),
            "claims": await claims(database, house, settings),
        }
        await database.close()
        figures |= await with_daemon(folder, url, house, settings)
        return figures
