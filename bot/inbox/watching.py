"""
`hubbub queue --watch`: the queue in a terminal, as it changes. Draws; what it shows is read by `glance`.

It reads when something changed, at most twice a second; between, only the countdowns move. A database that is lost
is said, the last picture stays, and it goes on as soon as the database is back.
"""

from __future__ import annotations

import asyncio
import json as codec
import logging
import signal
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from datetime import datetime

import rich.box
import rich.console
import sqlalchemy as sa
from rich.console import Group, RenderableType
from rich.live import Live
from rich.table import Table
from rich.text import Text

from bot.console import Console, printable
from bot.core.live import LiveEvents
from bot.inbox.api import conversation_out
from bot.inbox.glance import SOON, Glance, look
from bot.inbox.rules import Tab
from bot.staff.presence import TOPIC
from bot.web.shell import until
from responses import Priority

TOPICS = frozenset({"queue", TOPIC})
SHORTEST_PAUSE_SECONDS = 0.5
TICK_SECONDS = 1.0
HEADER_LINES = 6
"""Figures, the line for what is wrong, the heading of the table with its rule, and the blank lines around it."""
MOST_ROWS = 200
AWAY = "The database does not answer; this is how it was at {at}. Trying again."


class Watcher:
    """
    Looks at the queue again and again, until it is told to stop.
    """

    def __init__(self, console: Console, tab: Tab) -> None:
        self._console = console
        self._tab = tab
        self._changed = asyncio.Event()
        self._stop = asyncio.Event()
        self.glance: Glance | None = None
        self.problem = ""

    async def lines(self) -> None:
        """
        Print one line of JSON for each change.
        """
        async with self._following():
            async for _ in self._looks(limit=lambda: MOST_ROWS, always=False):
                if self.glance is not None and not self.problem:
                    print(as_json(self.glance), flush=True)

    async def picture(self, terminal: rich.console.Console) -> None:
        """
        Fill the terminal until Ctrl-C; a new size is taken up with the next picture.
        """

        def room() -> int:
            return max(1, min(MOST_ROWS, terminal.size.height - HEADER_LINES))

        logging.disable(logging.CRITICAL)  # a line of the log would stand in the picture; it says what is wrong
        with Live(console=terminal, screen=True, auto_refresh=False, transient=True) as screen:
            async with self._following():
                async for _ in self._looks(limit=room, always=True):
                    now = self._console.clock.now()
                    screen.update(draw(self.glance, self.problem, now, rows=room()), refresh=True)

    @asynccontextmanager
    async def _following(self) -> AsyncIterator[None]:
        asyncio.get_running_loop().add_signal_handler(signal.SIGINT, self._stop.set)
        async with LiveEvents(self._console.database) as live:
            task = asyncio.create_task(self._listen(live), name="queue-watch")
            try:
                yield
            finally:
                task.cancel()
                await asyncio.gather(task, return_exceptions=True)
                asyncio.get_running_loop().remove_signal_handler(signal.SIGINT)

    async def _listen(self, live: LiveEvents) -> None:
        while True:
            with suppress(sa.exc.SQLAlchemyError, OSError):
                async for _ in live.subscribe(TOPICS, None):
                    self._changed.set()
            await asyncio.sleep(TICK_SECONDS)

    async def _looks(self, *, limit: Callable[[], int], always: bool) -> AsyncIterator[None]:
        """
        Yield after each look; with `always` also when only time has passed.
        """
        self._changed.set()
        while not self._stop.is_set():
            looked = self._changed.is_set() or bool(self.problem)
            self._changed.clear()
            if looked:
                await self._look(limit())
            if looked or always:
                yield
            await self._pause(SHORTEST_PAUSE_SECONDS)
            if not self._changed.is_set():
                await self._pause(TICK_SECONDS - SHORTEST_PAUSE_SECONDS)

    async def _pause(self, seconds: float) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._stop.wait()

    async def _look(self, limit: int) -> None:
        try:
            async with self._console.database.read() as work:
                self.glance = await look(work, self._tab, limit=limit)
            self.problem = ""
        except (sa.exc.SQLAlchemyError, OSError):
            at = f"{self.glance.at:%H:%M:%S} UTC" if self.glance else "no time"
            self.problem = AWAY.format(at=at)


def as_json(glance: Glance) -> str:
    """
    Write a glance as one line for programs.
    """
    figures = {
        name: getattr(glance, name) for name in ("waiting", "breached", "due_soon", "here", "arrived", "answered")
    }
    rows = [conversation_out(row).model_dump(mode="json") for row in glance.rows]
    return codec.dumps({"at": glance.at.isoformat(), **figures, "rows": rows})


def draw(glance: Glance | None, problem: str, now: datetime, *, rows: int) -> RenderableType:
    """
    Make the picture of a glance; the countdowns are those of `now`.
    """
    wrong = Text(problem, style="bold red", no_wrap=True, overflow="ellipsis")
    if glance is None:
        return wrong
    return Group(_figures(glance), wrong, _table(glance, now, rows))


def _figures(glance: Glance) -> Text:
    parts = [
        (f"{glance.waiting} waiting", "bold"),
        (f"{glance.breached} late", "bold red" if glance.breached else "dim"),
        (f"{glance.due_soon} due in 5 min", "bold yellow" if glance.due_soon else "dim"),
        (f"{glance.here} here", "green" if glance.here else "bold red"),
        (f"15 min: {glance.arrived} in, {glance.answered} answered", "dim"),
    ]
    line = Text(no_wrap=True, overflow="ellipsis")
    for text, style in parts:
        line.append("  " if line else "").append(text, style)
    return line


def _table(glance: Glance, now: datetime, rows: int) -> Table:
    table = Table(box=rich.box.SIMPLE_HEAD, expand=True, pad_edge=False, padding=(0, 1, 0, 0))
    for name, options in COLUMNS.items():
        table.add_column(name, no_wrap=True, overflow="ellipsis", **options)  # type: ignore[arg-type]
    for one in glance.rows[:rows]:
        c = one.conversation
        cells = (one.contact_name, c.agent_name or "", c.channel, f"{c.subject} {c.snippet}".strip())
        priority = Priority(c.priority).name.lower()
        table.add_row(_clock(c.due_at, now), priority, *(Text(printable(cell)) for cell in cells))
    return table


COLUMNS: dict[str, dict[str, int]] = {
    "due": {"min_width": 12},
    "priority": {"min_width": 8},
    "contact": {"ratio": 2},
    "agent": {"ratio": 1},
    "channel": {"ratio": 1},
    "says": {"ratio": 5},
}


def _clock(due_at: datetime | None, now: datetime) -> Text:
    if due_at is None:
        return Text("answered", style="dim")
    left = due_at - now
    style = "bold red" if left.total_seconds() < 0 else "yellow" if left <= SOON else "green"
    return Text(until(due_at, now), style=style)
