"""
What every command of the command line shares: settings, an open database, clear failures, tables.

A command of a feature reads:

    @staff_app.command("list")
    def show(json: JsonOption = False) -> None:
        async def read(console: Console) -> list[dict[str, object]]:
            async with console.database.read() as work:
                return [row_of(one) for one in (await list_staff(work)).items]

        print_table(run(read), ["login", "name"], json=json)

Exit codes: 0 done; 1 it failed, and the reason is one line on standard error; 2 wrong settings or wrong usage.
"""

from __future__ import annotations

import asyncio
import dataclasses
import json as codec
import os
import re
import sys
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any, NoReturn, TypeVar

import rich.console
import sqlalchemy as sa
import typer
from rich.table import Table
from rich.text import Text

from bot.core.clock import Clock, SystemClock
from bot.core.database import Database
from bot.core.errors import HubbubError
from bot.core.log import setup_logging
from bot.core.redact import redactor
from bot.core.secretbox import SecretsError
from bot.opening import opened_database
from bot.settings import Settings, SettingsError, load_settings

FAILED = 1
WRONG_USAGE = 2
INTERRUPTED = 130
PIPE_WIDTH = 250
"""Columns of a table that goes into a file or a pipe, where nothing should be cut."""

_UNSEEN = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")
"""What could steer a terminal or turn text around: controls but the new line, and marks of direction."""

_config: ContextVar[Path | None] = ContextVar("config", default=None)

JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")]
T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Console:
    """
    What a command works with.
    """

    settings: Settings
    database: Database
    clock: Clock


def use_config(path: Path | None) -> None:
    """
    Remember what `--config` said; `bot.cli` calls it before any command.
    """
    _config.set(path)


def config_file() -> Path | None:
    """
    Give what `--config` said.
    """
    return _config.get()


def settings_or_exit() -> Settings:
    """
    Load the settings, or leave with code 2 and a line for each problem.
    """
    try:
        return load_settings(_config.get(), os.environ)
    except SettingsError as error:
        fail(str(error), code=WRONG_USAGE)


def run(command: Callable[[Console], Awaitable[T]], settings: Settings | None = None) -> T:
    """
    Run a command's coroutine on an open database of the right shape; leave with a clear line when it fails.

    Args:
        settings: loaded by the caller already; else they are loaded here.
    """
    loaded = settings or settings_or_exit()
    setup_logging(loaded.log)  # to standard error; standard output is for results
    return explained(lambda: asyncio.run(_on_database(command, loaded)))


def explained(action: Callable[[], T]) -> T:
    """
    Do something; when it fails for a reason that a person can mend, say it in one line and leave with code 1.
    """
    try:
        return action()
    except HubbubError as error:
        fail(f"{error.title()} {error.detail}".strip())
    except SecretsError as error:
        fail(str(error))
    except sa.exc.DBAPIError as error:
        fail(f"The database cannot be used: {error.orig}")
    except OSError as error:
        fail(f"The system refused: {error}")
    except KeyboardInterrupt:
        raise typer.Exit(INTERRUPTED) from None


async def _on_database(command: Callable[[Console], Awaitable[T]], settings: Settings) -> T:
    clock = SystemClock()
    async with opened_database(settings, clock) as database:
        return await command(Console(settings=settings, database=database, clock=clock))


def fail(text: str, *, code: int = FAILED) -> NoReturn:
    """
    Say what is wrong on standard error, and leave.
    """
    for line in text.splitlines():
        print(f"error: {printable(redactor.text(line))}", file=sys.stderr)
    raise typer.Exit(code)


def printable(text: str) -> str:
    """
    Make text from outside harmless for a terminal.
    """
    return _UNSEEN.sub("\N{REPLACEMENT CHARACTER}", text)


def print_table(
    rows: Sequence[Mapping[str, object]], columns: Sequence[str], *, json: bool, empty: str = "Nothing."
) -> None:
    """
    Print a listing: a table of these columns, or a JSON array of whole rows.

    Args:
        columns: keys of the rows; a heading is the key with spaces for underscores.
        empty: what to say instead of an empty table.
    """
    if json:
        print_json(list(rows))
        return
    if not rows:
        print(empty)
        return
    table = Table(*(name.replace("_", " ") for name in columns))
    for row in rows:
        table.add_row(*(Text(printable(_shown(row.get(name)))) for name in columns))
    rich.console.Console(width=None if sys.stdout.isatty() else PIPE_WIDTH).print(table)


def print_json(value: object) -> None:
    """
    Print JSON for programs: instants by ISO 8601, text as it is but for what could steer a terminal.
    """
    text = codec.dumps(value, ensure_ascii=False, indent=2, default=_plain)
    print(_UNSEEN.sub(lambda found: f"\\u{ord(found[0]):04x}", text))


def _plain(value: object) -> Any:
    if isinstance(value, datetime):
        return value.isoformat()
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return dataclasses.asdict(value)
    return str(value)


def _shown(value: object) -> str:
    match value:
        case None:
            return ""
        case bool():
            return "yes" if value else "no"
        case datetime():
            return value.strftime("%Y-%m-%d %H:%M:%S %Z")
        case _:
            return str(value)
