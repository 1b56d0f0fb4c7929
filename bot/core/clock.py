"""
The only place that asks the system what time it is; everything else takes `now` or a `Clock`.

Decides nothing: it tells the time and waits.
"""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import Protocol


class Clock(Protocol):
    """
    Tells the time and waits. Tests use `tests.fakes.clock.FakeClock`.
    """

    def now(self) -> datetime:
        """
        Tell the instant, aware UTC.
        """
        ...

    async def sleep(self, seconds: float) -> None:
        """
        Wait; nothing or less than nothing still lets others run once.
        """
        ...


class SystemClock:
    """
    The machine's own clock.
    """

    def now(self) -> datetime:
        return datetime.now(UTC)

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)
