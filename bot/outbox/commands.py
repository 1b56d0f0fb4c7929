"""
`hubbub outbox`: what is waiting and why, and what a person decides.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from contextvars import ContextVar
from typing import Annotated

import typer

from bot.console import Console, JsonOption, print_table, run
from bot.core.actor import Actor
from bot.core.database import UnitOfWork
from bot.outbox import service, store
from bot.outbox.api import outbox_entry_out
from bot.outbox.rules import SHOWN, State, Tab
from bot.outbox.service import Receipt
from bot.outbox.store import Wanted
from bot.outbox.tables import OutboxEntry
from bot.settings import Settings

OPERATOR = Actor(id="operator", name="command line", role="system", kind="system")
"""Whoever may read the configuration may do everything; the audit trail says that it was them."""

COLUMNS = ("state", "account_name", "text", "why", "attempts", "prepared_at", "id")
SHORT_TEXT = 60

outbox_app = typer.Typer(help="What leaves the house, and what could not.", invoke_without_command=True)
_receipts: ContextVar[Callable[[Settings], Sequence[Receipt]]] = ContextVar("receipts")

IdArgument = Annotated[str, typer.Argument(help="Its id, from the listing.", metavar="ID")]
StateOption = Annotated[State | None, typer.Option(help="Only this state; else all that is not delivered.")]
LimitOption = Annotated[int, typer.Option(min=1, max=200, help="How many rows at the most.")]


def use_receipts(receipts: Callable[[Settings], Sequence[Receipt]]) -> None:
    """
    Say who is told when a command changes an entry; `bot.cli` calls it before any command.
    """
    _receipts.set(receipts)


@outbox_app.callback()
def listing(
    context: typer.Context, state: StateOption = None, limit: LimitOption = 50, json: JsonOption = False
) -> None:
    """
    Show what is in the outbox, what needs a person first.
    """
    if context.invoked_subcommand is not None:
        return
    states = {state} if state else SHOWN[Tab.UNDELIVERED]

    async def read(console: Console) -> list[dict[str, object]]:
        async with console.database.read() as work:
            wanted = Wanted(states=states, attention_first=True)
            found = await store.list_listed(work, wanted, limit=limit, after=None)
            return [outbox_entry_out(one, work.now).model_dump() for one in found.items]

    rows = run(read)
    if not json:
        rows = [{**row, "text": _short(str(row["text"]))} for row in rows]
    print_table(rows, COLUMNS, json=json, empty="Nothing waits.")


@outbox_app.command()
def cancel(entry_id: IdArgument) -> None:
    """
    Take something back before it is sent.
    """
    _change(lambda work, receipts: service.cancel(work, OPERATOR, entry_id, receipts))


@outbox_app.command()
def retry(entry_id: IdArgument) -> None:
    """
    Send what was refused after all.
    """
    _change(lambda work, receipts: service.retry(work, OPERATOR, entry_id, receipts))


@outbox_app.command()
def settle(
    entry_id: IdArgument,
    arrived: Annotated[
        bool, typer.Option("--arrived/--send-again", help="Is it at the customer, or to be sent again?")
    ],
) -> None:
    """
    Say what became of an unknown one.
    """
    _change(
        lambda work, receipts: service.settle_unknown(work, OPERATOR, entry_id, arrived=arrived, receipts=receipts)
    )


def _change(verb: Callable[[UnitOfWork, Sequence[Receipt]], Awaitable[OutboxEntry]]) -> None:
    async def store_it(console: Console) -> OutboxEntry:
        async with console.database.write() as work:
            return await verb(work, _receipts.get()(console.settings))

    entry = run(store_it)
    print(f"{entry.id} is {entry.state} now.")


def _short(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= SHORT_TEXT else line[: SHORT_TEXT - 1] + "…"
