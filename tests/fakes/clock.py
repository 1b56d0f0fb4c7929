"""
A clock that stands still until a test moves it.
"""

from __future__ import annotations

import asyncio
import heapq
import itertools
from datetime import UTC, datetime, timedelta

START = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
"""A Monday morning."""

TURNS = 5
"""How often the loop runs after a sleeper was woken, so that what it starts at once has happened."""


class FakeClock:
    """
    Tells the time a test gave it. Sleepers wake in the order of their instants while time advances.
    """

    def __init__(self, now: datetime = START) -> None:
        self._now = now
        self._order = itertools.count()
        self._sleepers: list[tuple[datetime, int, asyncio.Future[None]]] = []

    def now(self) -> datetime:
        return self._now

    async def sleep(self, seconds: float) -> None:
        if seconds <= 0:
            await asyncio.sleep(0)
            return
        woken: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        heapq.heappush(self._sleepers, (self._now + timedelta(seconds=seconds), next(self._order), woken))
        await woken

    @property
    def sleeping(self) -> int:
        """
        Count who waits.
        """
        return sum(not woken.done() for _, _, woken in self._sleepers)

    def set(self, now: datetime) -> None:
        """
        Jump to an instant, also backwards, without waking anybody.
        """
        self._now = now

    async def advance(self, by: timedelta | float) -> None:
        """
        Let time pass (seconds or a timedelta); each sleeper sees the instant it asked for, and may sleep again.
        """
        until = self._now + (by if isinstance(by, timedelta) else timedelta(seconds=by))
        await self._turn()
        while self._sleepers and self._sleepers[0][0] <= until:
            at, _, woken = heapq.heappop(self._sleepers)
            if woken.done():  # cancelled meanwhile
                continue
            self._now = max(self._now, at)
            woken.set_result(None)
            await self._turn()
        self._now = until
        await self._turn()

    async def _turn(self) -> None:
        for _ in range(TURNS):
            await asyncio.sleep(0)
