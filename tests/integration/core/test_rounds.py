"""
A worker's rounds: on news, without them, one after the other while there is more, and to the end of the last.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from structlog.testing import capture_logs

from bot.core.database import Database
from bot.core.live import LiveEvents
from bot.core.rounds import Rounds

TOPIC = frozenset({"news"})
NEVER = 3_600.0


async def _until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while not condition():
            await asyncio.sleep(0.01)


def _rounds(database: Database, live: LiveEvents, run: Callable[[], Awaitable[object]], **more: float) -> Rounds:
    return Rounds("test", database, live, TOPIC, run, action="test.failed", **{"every": NEVER, **more})


async def test_news_of_its_topics_call_for_a_round(database: Database) -> None:
    done = 0

    async def run() -> None:
        nonlocal done
        done += 1

    async with LiveEvents(database) as live, _rounds(database, live, run):
        await _until(lambda: done >= 1)
        before = done
        async with database.write() as work:
            work.publish("news")
        await _until(lambda: done > before)


async def test_while_there_is_more_the_next_follows_at_once_and_later_without_news(
    database: Database,
) -> None:
    left = 5

    async def run() -> bool:
        nonlocal left
        left -= 1
        return left > 0

    async with LiveEvents(database) as live, _rounds(database, live, run, every=0.05):
        await _until(lambda: left <= -2)


async def test_what_fails_is_said_once_until_it_works_again(database: Database) -> None:
    tried = 0

    async def run() -> None:
        nonlocal tried
        tried += 1
        if tried in (1, 2, 3, 5):
            raise RuntimeError("broken")

    with capture_logs() as said:
        async with LiveEvents(database) as live, _rounds(database, live, run, every=0.01):
            await _until(lambda: tried >= 6)
    assert [one["action"] for one in said] == ["test.failed", "test.failed"]


async def test_a_stop_lets_the_round_that_runs_come_to_its_end(database: Database) -> None:
    began, ended = asyncio.Event(), asyncio.Event()

    async def run() -> bool:
        began.set()
        await asyncio.sleep(0.2)
        ended.set()
        return True

    async with LiveEvents(database) as live:
        async with _rounds(database, live, run):
            await began.wait()
        assert ended.is_set()
