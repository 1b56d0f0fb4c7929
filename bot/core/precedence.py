"""
Who goes first on the one event loop: what is written, then what is looked at.

A page that is put together keeps the loop for some milliseconds, and a unit of work that writes is a dozen turns
of the loop. With pages in each of them, a message would wait a dozen times on its way into its conversation, and
hold up whoever writes after it. So pages are put together one at a time, in the pauses between units that write.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager, suppress

LONGEST_SECONDS = 0.05
"""No page waits longer than this for a unit that writes much, or a disk that is slow."""


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
