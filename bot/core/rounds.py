"""
A worker's rounds: once when it starts, whenever news of its topics come, and every so often in case news got lost.

Acts; what a round does is up to whoever makes it. One round runs at a time. A round that fails is logged once,
until one works again. A planned stop lets the round that runs come to its end: a read that is cancelled would
leave a broken connection behind, and an attempt that is cancelled an unknown one.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress

import structlog

from bot.core.database import Database
from bot.core.live import LiveEvents

log = structlog.get_logger(__name__)

Round = Callable[[], Awaitable[object]]
AGAIN_SECONDS = 1.0
"""Until news are asked for again after they could not be read."""


class Rounds:
    """
    Runs rounds for one process. Used as an async context manager around the life of the daemon.

    Args:
        name: of the worker, for its tasks and its log.
        topics: of live news that call for a round.
        run: does one; `True` says that there is more to do, and the next one follows at once.
        every: seconds between two rounds without news.
        action: what the log calls a failure.
    """

    def __init__(
        self,
        name: str,
        database: Database,
        live: LiveEvents,
        topics: frozenset[str],
        run: Round,
        *,
        action: str,
        every: float = 1.0,
    ) -> None:
        self._name = name
        self._database = database
        self._live = live
        self._topics = topics
        self._run_one = run
        self._every = every
        self._action = action
        self._news = asyncio.Event()
        self._running: asyncio.Task[None] | None = None
        self._listening: asyncio.Task[None] | None = None
        self._failing = False
        self.stopping = False

    async def __aenter__(self) -> Rounds:
        self._running = asyncio.create_task(self._run(), name=self._name)
        self._listening = asyncio.create_task(self._listen(), name=f"{self._name}-wake")
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._running is not None
        assert self._listening is not None
        self.stopping = True
        self.wake()
        self._listening.cancel()
        await asyncio.wait((self._running, self._listening))

    def wake(self) -> None:
        """
        Call for a round as soon as possible.
        """
        self._news.set()

    async def _listen(self) -> None:
        while True:
            try:
                async for _ in self._live.subscribe(self._topics, None):
                    self.wake()
            except Exception as error:
                log.warning(
                    "live events cannot be read", action="live.lost", worker=self._name, error=type(error).__name__
                )
                await self._database.clock.sleep(AGAIN_SECONDS)

    async def _run(self) -> None:
        while not self.stopping:
            self._news.clear()
            if await self._guarded():
                continue
            # Not wait_for: on Python 3.11 it swallows a cancellation that comes together with the wake-up.
            with suppress(TimeoutError):
                async with asyncio.timeout(self._every):
                    await self._news.wait()

    async def _guarded(self) -> bool:
        """
        Run one; says whether there is more to do.
        """
        try:
            more = await self._run_one()
        except Exception:
            if not self._failing:
                log.exception("a worker fails; it goes on trying", action=self._action, worker=self._name)
            self._failing = True
            return False
        self._failing = False
        return more is True
