"""
Who goes first: what somebody waits for, then the rest; what is written, then what is looked at.

A page that is put together keeps the loop for some milliseconds, and a unit of work that writes is a dozen turns
of the loop. With pages in each of them, a message would wait a dozen times on its way into its conversation, and
hold up whoever writes after it. So pages are put together one at a time, in the pauses between units that write.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager, suppress

LONGEST_PATIENCE = 0.5
"""Seconds after which a unit that lets others go first goes first itself."""
LONGEST_SECONDS = 0.05
"""No page waits longer than this for a unit that writes much, or a disk that is slow."""


class Turns:
    """
    A lock in whose waiting line those who are patient let others pass.
    """

    def __init__(self) -> None:
        self._taken = False
        self._waiting: dict[bool, deque[tuple[float, asyncio.Future[None]]]] = {False: deque(), True: deque()}

    async def take(self, *, patient: bool = False) -> None:
        """
        Wait for a turn. Whoever has it passes it on.
        """
        if not self._taken:
            self._taken = True
            return
        loop = asyncio.get_running_loop()
        turn = loop.create_future()
        self._waiting[patient].append((loop.time(), turn))
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():
                self.pass_on()  # it came at the same moment
            raise

    def pass_on(self) -> None:
        """
        Give the turn to whoever is next.
        """
        turn = self._next()
        if turn is None:
            self._taken = False
        else:
            turn.set_result(None)

    def _next(self) -> asyncio.Future[None] | None:
        for line in self._waiting.values():
            while line and line[0][1].done():  # cancelled meanwhile
                line.popleft()
        first, patient = self._waiting[False], self._waiting[True]
        if patient and (not first or asyncio.get_running_loop().time() - patient[0][0] > LONGEST_PATIENCE):
            return patient.popleft()[1]
        return first.popleft()[1] if first else None


class Precedence:
    """
    Knows who writes in one process.
    """

    def __init__(self) -> None:
        self._writing = 0
        self._ended = asyncio.Event()
        self._next_page = asyncio.Lock()

    @contextmanager
    def writing(self) -> Iterator[None]:
        """
        Be in front of pages in this block. It ends before the commit: the disk's time is time for a page.
        """
        self._writing += 1
        try:
            yield
        finally:
            self._writing -= 1
            self._ended.set()
            self._ended = asyncio.Event()

    async def give_way(self) -> None:
        """
        Let who writes go first: wait for the end of a unit, not of all of them, and for the pages before this one.
        """
        async with self._next_page:
            await asyncio.sleep(0)  # at most one page in each turn of the loop
            if self._writing:
                with suppress(TimeoutError):
                    async with asyncio.timeout(LONGEST_SECONDS):
                        await self._ended.wait()
