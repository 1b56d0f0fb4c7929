"""
`hubbub account` and `hubbub heard`. A credential comes from a prompt, standard input or the environment, never
from an argument: arguments are seen by everybody on the machine and end up in the shell's history.
"""

from __future__ import annotations

import os
import sys
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from contextlib import asynccontextmanager
from contextvars import ContextVar
from typing import Annotated, Any

import aiohttp
import typer

from bot.accounts import checking, ledger, service, store, views
from bot.accounts.connect import Connectors
from bot.accounts.options import OptionField, describe
from bot.accounts.rules import HeardState
from bot.console import WRONG_USAGE, Console, JsonOption, fail, print_json, print_table, run
from bot.opening import secret_box
from bot.staff.commands import OPERATOR
from connectors.registry import Channel, Registry, UnknownChannel

LONGEST_SLICE = 200

account_app = typer.Typer(help="Our logins on networks.", no_args_is_help=True)

_provider: ContextVar[Callable[[], Registry]] = ContextVar("registry")

AccountArgument = Annotated[str, typer.Argument(help="Name or id of the account.")]


def use_registry(provider: Callable[[], Registry]) -> None:
    """
    Remember where the channels come from; `bot.cli` calls it before any command, since only it knows them.
    """
    _provider.set(provider)


@account_app.command("add")
def add(
    channel: Annotated[str, typer.Argument(help="The channel, such as mastodon or email.")],
    name: Annotated[str, typer.Option(help="What we call it: lower-case letters, digits and dashes.")],
    option: Annotated[
        list[str] | None, typer.Option(help="KEY=VALUE, as often as needed; no credentials.")
    ] = None,
    secret_stdin: Annotated[
        bool,
        typer.Option(
            "--secret-stdin",
            help="Read the credentials from standard input, one a line, as KEY=VALUE or in order.",
        ),
    ] = False,
    unchecked: Annotated[
        bool, typer.Option("--unchecked", help="Add it even if its server does not answer.")
    ] = False,
    json: JsonOption = False,
) -> None:
    """
    Add an account, after its server has accepted it.

    Its credentials are asked for, or come from --secret-stdin or from variables ACCOUNT_SECRET_<KEY>.
    """
    found = _channel(channel)
    given = _options(found, option or [], secret_stdin)

    async def connect(console: Console) -> dict[str, Any]:
        async with _connectors(console) as connectors:
            added = await checking.connect_account(
                console.database,
                OPERATOR,
                connectors,
                channel=channel,
                name=name,
                options=given,
                unchecked=unchecked,
            )
        async with console.database.read() as work:
            return _row(await views.get_view(work, added.id))

    row = run(connect)
    if json:
        print_json(row)
    else:
        print(
            f"{row['name']} is {row['handle'] or 'not checked yet'} on {row['channel']}; it is heard from now on."
        )
        for warning in row["facts"].get("warnings") or []:
            print(f"note: {warning}")


@account_app.command("list")
def show_all(json: JsonOption = False) -> None:
    """
    List all accounts.
    """

    async def read(console: Console) -> list[dict[str, Any]]:
        async with console.database.read() as work:
            return [_row(view) for view in await views.list_views(work)]

    columns = ["name", "channel", "handle", "state", "heard_until", "delay_p95_seconds", "failure", "id"]
    print_table(run(read), columns, json=json, empty="No account yet: hubbub account add CHANNEL --name NAME")


@account_app.command("show")
def show(account: AccountArgument, json: JsonOption = False) -> None:
    """
    Show one account: state, facts of its server, coverage of the last day.
    """

    async def read(console: Console) -> dict[str, Any]:
        async with console.database.read() as work:
            view = await views.get_view(work, account)
            coverage = await views.coverage_of(work, view.account, work.now - views.DAY)
            counts = await ledger.heard_counts(work, view.account.id)
            spans = [
                {"since": span.since, "until": span.until, "state": span.state.value, "reason": span.reason}
                for one in coverage
                for span in one.spans
            ]
            return {**_row(view), "counts": counts.equation, "coverage": spans}

    row = run(read)
    if json:
        print_json(row)
        return
    spans = row.pop("coverage")
    print_table([{"what": name, "is": value} for name, value in row.items()], ["what", "is"], json=False)
    print_table(spans, ["since", "until", "state", "reason"], json=False)


@account_app.command("start")
def start(account: AccountArgument) -> None:
    """
    Hear an account again, from where it was stopped.
    """

    async def change(console: Console) -> str:
        async with console.database.write() as work:
            return (await service.start_account(work, OPERATOR, account)).name

    print(f"{run(change)} is heard again.")


@account_app.command("stop")
def stop(account: AccountArgument, reason: Annotated[str, typer.Option(help="Why, for the others.")] = "") -> None:
    """
    Stop hearing an account; what it brought is kept.
    """

    async def change(console: Console) -> str:
        async with console.database.write() as work:
            return (await service.stop_account(work, OPERATOR, account, reason)).name

    print(f"{run(change)} is stopped.")


@account_app.command("check")
def check(account: AccountArgument, json: JsonOption = False) -> None:
    """
    Ask an account's server who we are there; code 1 if it refuses or does not answer.
    """

    async def ask(console: Console) -> dict[str, Any]:
        async with _connectors(console) as connectors:
            checked = await checking.check_again(console.database, connectors, account)
        async with console.database.read() as work:
            return _row(await views.get_view(work, checked.id))

    row = run(ask)
    if json:
        print_json(row)
        return
    print(f"{row['name']} is {row['handle']} on {row['channel']}.")
    for warning in row["facts"].get("warnings") or []:
        print(f"note: {warning}")


def heard(
    account: Annotated[str, typer.Option(help="Name or id of the account; all, if left out.")] = "",
    state: Annotated[HeardState | None, typer.Option(help="Only those.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=LONGEST_SLICE, help="How many, the newest first.")] = 20,
    after: Annotated[str, typer.Option(help="The mark that the listing before gave.")] = "",
    json: JsonOption = False,
) -> None:
    """
    List what was heard, with the sums that must add up.
    """

    async def read(console: Console) -> dict[str, Any]:
        async with console.database.read() as work:
            account_id = (await store.get_account(work, account)).id if account else None
            only = ledger.HeardFilter(account_id=account_id, state=state)
            found = await ledger.list_heard(work, only, limit=limit, after=after or None)
            counts = await ledger.heard_counts(work, account_id)
            rows = [row.model_dump(exclude={"item", "raw"}) for row in found.items]
            return {"counts": counts, "items": rows, "after": found.after}

    found = run(read)
    if json:
        print_json(found)
        return
    columns = ["heard_at", "kind", "author_handle", "excerpt", "state", "reason", "deliveries", "id"]
    print_table(found["items"], columns, json=False, empty="Nothing of this kind was heard.")
    print(found["counts"].equation)
    if found["after"]:
        print(f"more: --after {found['after']}")


@asynccontextmanager
async def _connectors(console: Console) -> AsyncIterator[Connectors]:
    async with aiohttp.ClientSession() as session:
        yield Connectors(_registry(), secret_box(console.settings), session)


def _registry() -> Registry:
    return _provider.get()()


def _channel(name: str) -> Channel:
    try:
        return _registry().get(name)
    except UnknownChannel as error:
        fail(str(error), code=WRONG_USAGE)


def _options(channel: Channel, given: Iterable[str], secret_stdin: bool) -> dict[str, str]:
    fields = {field.name: field for field in describe(channel.options)}
    options = dict(_pair(text) for text in given)
    secret = [name for name, field in fields.items() if field.kind == "password"]
    if leaks := [name for name in secret if name in options]:
        fail(
            f"{leaks[0]} is a credential: give it by prompt, --secret-stdin or ACCOUNT_SECRET_{leaks[0].upper()}",
            code=WRONG_USAGE,
        )
    if unknown := [name for name in options if name not in fields]:
        known = ", ".join(name for name in fields if name not in secret)
        fail(f"{channel.name} has no option {unknown[0]!r}; it has: {known}", code=WRONG_USAGE)
    return {**options, **_secrets([fields[name] for name in secret], secret_stdin)}


def _secrets(fields: list[OptionField], from_stdin: bool) -> dict[str, str]:
    found = {field.name: os.environ.get(f"ACCOUNT_SECRET_{field.name.upper()}", "") for field in fields}
    if from_stdin:
        found |= _from_lines([field.name for field in fields], sys.stdin.read().splitlines())
    elif sys.stdin.isatty():
        for field in fields:
            if field.required and not found[field.name]:
                found[field.name] = typer.prompt(field.label, hide_input=True)
    return {name: text for name, text in found.items() if text}


def _from_lines(names: list[str], lines: list[str]) -> dict[str, str]:
    """
    Read credentials from lines: `KEY=VALUE` for a known key, else the next one in order. Pure.
    """
    found: dict[str, str] = {}
    for line in filter(None, lines):
        key, equals, value = line.partition("=")
        open_names = [name for name in names if name not in found]
        if equals and key in names:
            found[key] = value
        elif open_names:
            found[open_names[0]] = line
    return found


def _pair(text: str) -> tuple[str, str]:
    key, equals, value = text.partition("=")
    if not equals or not key:
        fail("--option needs KEY=VALUE", code=WRONG_USAGE)
    return key.strip().replace("-", "_"), value


def _row(view: views.AccountView) -> dict[str, Any]:
    row: Mapping[str, Any] = view.account.model_dump(exclude={"sealed"})
    return {
        **row,
        "heard_until": view.heard_until,
        "delay_p95_seconds": view.delay.p95.total_seconds() if view.delay else None,
        "budget_remaining": view.budget_remaining,
    }
