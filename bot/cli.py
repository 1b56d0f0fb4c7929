"""
The `hubbub` command: puts the features' commands together and adds those that belong to no feature.

Exit codes: 0 done; 1 it failed, and the reason is one line on standard error; 2 wrong settings or wrong usage.
"""

from __future__ import annotations

import asyncio
import getpass
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from bot.accounts.commands import account_app, heard, use_registry
from bot.bench.commands import bench_app
from bot.console import JsonOption, config_file, explained, fail, print_table, run, settings_or_exit, use_config
from bot.core.clock import SystemClock
from bot.core.migrate import newest_revision, upgrade
from bot.inbox.commands import queue
from bot.opening import missing_file, shape_of, unchecked_database
from bot.outbox.commands import outbox_app, use_receipts
from bot.outbox.service import Receipt
from bot.reports.commands import report_app
from bot.setting_up import SETTINGS_FILE, rotate_secrets, set_up, write_settings_file
from bot.settings import Settings
from bot.staff.commands import staff_app, token_app
from connectors.registry import Registry

app = typer.Typer(
    help="Hears what the crowd says to a brand and gets every question answered inside fifteen minutes.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)
db_app = typer.Typer(help="The database's shape.", no_args_is_help=True)
secrets_app = typer.Typer(help="The key that seals credentials.", no_args_is_help=True)
app.add_typer(staff_app, name="staff")
app.add_typer(token_app, name="token")
app.add_typer(account_app, name="account")
app.add_typer(outbox_app, name="outbox")
app.add_typer(db_app, name="db")
app.add_typer(secrets_app, name="secrets")
app.add_typer(report_app, name="report")
app.add_typer(bench_app, name="bench")
app.command("heard")(heard)
app.command("queue")(queue)

ConfigOption = Annotated[
    Path | None, typer.Option("--config", "-c", help="Settings file; else HUBBUB_CONFIG, else ./hubbub.toml.")
]


@app.callback()
def main(config: ConfigOption = None) -> None:
    """
    Remember where the settings are, and who is told when a command changes what leaves.
    """
    use_config(config)
    use_receipts(_receipts)
    use_registry(_registry)


def _registry() -> Registry:
    from bot.app import registry  # the same

    return registry()


def _receipts(settings: Settings) -> Sequence[Receipt]:
    from bot.app import receipts_of  # the whole daemon; other commands start faster without

    return receipts_of(settings)


@app.command("run")
def run_command() -> None:
    """
    Run the daemon in the foreground; SIGTERM or Ctrl-C ends it cleanly.
    """
    from bot.daemon import run_loop, serve  # everything the daemon needs; other commands start faster without

    settings = settings_or_exit()
    explained(lambda: run_loop(serve(settings)))


@app.command()
def demo(
    rate: Annotated[float, typer.Option(min=0, max=600, help="Deeds of the crowd a minute.")] = 20.0,
    seed: Annotated[int, typer.Option(help="The same seed, the same crowd.")] = 1,
) -> None:
    """
    Run the daemon with a simulated micro-blog and its crowd; nothing is kept afterwards.
    """
    from bot.daemon import run_loop
    from bot.demo import demo as run_demo

    settings = settings_or_exit()
    explained(lambda: run_loop(run_demo(settings, rate=rate, seed=seed)))


@app.command()
def init(
    admin: Annotated[str, typer.Option(help="Login of the first admin.", prompt="Login of the first admin")],
    name: Annotated[str, typer.Option(help="Their name, as colleagues see it.")] = "",
    password_stdin: Annotated[bool, typer.Option(help="Read the password from standard input.")] = False,
) -> None:
    """
    Set up: a settings file, the key, the database and the first admin.
    """
    password = sys.stdin.readline().rstrip("\n") if password_stdin else _ask_password()
    typer.echo(explained(lambda: write_settings_file(config_file() or SETTINGS_FILE)))
    typer.echo(run(lambda console: set_up(console, login=admin, name=name or admin, password=password)))


def _ask_password() -> str:
    first = getpass.getpass("Password (at least 10 characters): ")
    if first != getpass.getpass("Once more: "):
        fail("the two passwords differ; nothing was changed")
    return first


@app.command()
def check(json: JsonOption = False) -> None:
    """
    Try every setting and every account, and say what is wrong; exit code 1 if anything is.
    """
    from bot.checkup import check_everything

    settings = settings_or_exit()

    async def gather() -> list[dict[str, object]]:
        return [{"what": one.what, "ok": one.ok, "detail": one.detail} async for one in check_everything(settings)]

    rows = explained(lambda: asyncio.run(gather()))
    print_table(rows, ("what", "ok", "detail"), json=json)
    if not all(row["ok"] for row in rows):
        raise typer.Exit(1)


@db_app.command("upgrade")
def db_upgrade() -> None:
    """
    Bring the database to the shape this version needs.
    """
    settings = settings_or_exit()

    async def go() -> tuple[str | None, str]:
        async with unchecked_database(settings, SystemClock()) as database:
            before = await shape_of(database)
            await upgrade(database)
            return before, newest_revision()

    before, after = explained(lambda: asyncio.run(go()))
    typer.echo(f"at {after} already" if before == after else f"from {before or 'nothing'} to {after}")


@db_app.command("status")
def db_status(json: JsonOption = False) -> None:
    """
    Show the shape the database has and the one this version needs; exit code 1 if they differ.
    """
    settings = settings_or_exit()

    async def look() -> str | None:
        if missing_file(settings):
            return None  # looking must not make it
        async with unchecked_database(settings, SystemClock()) as database:
            return await shape_of(database)

    has, needs = explained(lambda: asyncio.run(look())), newest_revision()
    print_table([{"has": has, "needs": needs, "ok": has == needs}], ("has", "needs", "ok"), json=json)
    if has != needs:
        raise typer.Exit(1)


@secrets_app.command("rotate")
def secrets_rotate() -> None:
    """
    Make a new key, seal every account's credentials with it, and forget the old keys.

    Where keys come from `secrets.key`, none is made: everything is sealed with the first of them.
    """
    typer.echo(run(rotate_secrets))
