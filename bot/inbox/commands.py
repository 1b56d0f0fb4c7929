"""
The queue on the command line.
"""

from __future__ import annotations

from typing import Annotated

import rich.console
import typer

from bot.console import Console, JsonOption, fail, print_table, run
from bot.inbox.api import conversation_out
from bot.inbox.listing import list_selected
from bot.inbox.rules import Tab
from bot.inbox.selection import ORDER_OF_TAB, TABS
from bot.web.shell import until

COLUMNS = ("due", "priority", "state", "contact", "channel", "agent", "snippet", "id")
TabOption = Annotated[Tab, typer.Option(help="Which part of the queue.")]
LimitOption = Annotated[int, typer.Option(min=1, max=200, help="How many rows at the most.")]


WatchOption = Annotated[bool, typer.Option("--watch", help="Go on showing it as it changes, until Ctrl-C.")]


def queue(
    tab: TabOption = Tab.WAITING,
    limit: LimitOption = 50,
    json: JsonOption = False,
    watch: WatchOption = False,
) -> None:
    """
    Show the queue, most urgent first. With --watch and --json: one line of JSON for each change.
    """
    if watch:
        return _watch(tab, json=json)

    async def read(console: Console) -> list[dict[str, object]]:
        async with console.database.read() as work:
            found = await list_selected(work, TABS[tab], order=ORDER_OF_TAB[tab], limit=limit, after=None)
            shown = [conversation_out(listed) for listed in found.items]
            return [
                {
                    **one.model_dump(),
                    "due": until(one.due_at, work.now),
                    "contact": one.handle,
                    "agent": one.agent_name or "",
                }
                for one in shown
            ]

    print_table(run(read), COLUMNS, json=json, empty="Nothing waits.")
    return None


def _watch(tab: Tab, *, json: bool) -> None:
    from bot.inbox.watching import Watcher  # what draws; the other listings start faster without

    terminal = rich.console.Console()
    if not json and not terminal.is_terminal:
        fail("--watch draws in a terminal, and this is none; --watch --json writes a line for each change", code=2)

    async def follow(console: Console) -> None:
        watcher = Watcher(console, tab)
        await (watcher.lines() if json else watcher.picture(terminal))

    run(follow)
