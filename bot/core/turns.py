"""
Turns of the units that write, where there is one writer (SQLite): what somebody waits for goes first.
"""

from __future__ import annotations

import asyncio
from collections import deque

LONGEST_PATIENCE = 0.5
"""Seconds after which a unit that lets others go first goes first itself."""


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
