"""
Write the reference of the command line from the commands themselves, so that it cannot be wrong.

`python -m bot.command_reference` writes it; a test compares it with what is in the repository.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator
from enum import Enum
from pathlib import Path
from typing import Any

import typer

from bot.cli import app

ROOT = Path(__file__).parents[1]
REFERENCE = Path("docs/reference/commands.md")

# Shown once in the head, or brought by Typer for every program.
LEFT_OUT = {"--help", "--install-completion", "--show-completion"}

HEAD = """\
# Commands

<!-- Written by `make docs` from the commands themselves; change them there. -->

`hubbub COMMAND --help` says the same on the spot. `hubbub --config FILE COMMAND` (or `-c FILE`, before the
command) names the settings file; else it is `HUBBUB_CONFIG`, else `hubbub.toml` in the working folder.

Commands work on the database directly, so they also work while the daemon does not run, and a daemon that runs
notices what they change. Whoever can read the settings file and the key may do everything; the audit trail says
"command line".

`--json` prints for programs: instants by ISO 8601, every field of a row, nothing cut. Passwords and credentials
are never arguments: they come from a prompt, from standard input, or from the environment.

## Exit codes

| code | meaning |
|---|---|
| 0 | done |
| 1 | it failed; the reason is one line on standard error. `check` and `db status`: something is wrong |
| 2 | wrong settings or wrong usage; nothing was done |
| 130 | ended by Ctrl-C |
"""


def command_tree() -> dict[tuple[str, ...], Any]:
    """
    Give every command that does something, by its words: `("outbox", "retry")`.

    A group is in it only if it does something without a further word.
    """
    return dict(_walk(typer.main.get_command(app), ()))


def command_reference() -> str:
    """
    Write the reference, one section a command.
    """
    return HEAD + "".join(_section(words, command) for words, command in sorted(command_tree().items()))


def options_of(command: Any) -> list[Any]:
    """
    List a command's options as they are documented.
    """
    options = [one for one in command.params if one.param_type_name == "option"]
    return [one for one in options if not LEFT_OUT & set(one.opts)]


def arguments_of(command: Any) -> list[Any]:
    """
    List a command's arguments in their order.
    """
    return [one for one in command.params if one.param_type_name == "argument"]


def _walk(command: Any, words: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], Any]]:
    inner = getattr(command, "commands", {})
    if words and (not inner or command.invoke_without_command):
        yield words, command
    for name, one in inner.items():
        yield from _walk(one, (*words, name))


def _section(words: tuple[str, ...], command: Any) -> str:
    usage = " ".join(["hubbub", *words, *(_metavar(one) for one in arguments_of(command))])
    options = "".join(_option(one) for one in options_of(command))
    arguments = "".join(_argument(one) for one in arguments_of(command))
    table = f"\n| | default | meaning |\n|---|---|---|\n{arguments}{options}" if arguments or options else ""
    return f"\n## `{usage}`\n\n{_help(command)}\n{table}"


def _help(command: Any) -> str:
    # Markdown would take `<KEY>` for HTML and hide it.
    return inspect.cleandoc(command.help or "").replace("<", "\\<")


def _metavar(argument: Any) -> str:
    return str(argument.metavar or argument.name).upper()


def _argument(one: Any) -> str:
    return f"| `{_metavar(one)}` | | {_cell(one.help)} |\n"


def _option(one: Any) -> str:
    names = ", ".join(f"`{name}`" for name in (*one.opts, *one.secondary_opts))
    return f"| {names} | {_default(one)} | {_cell(one.help)}{_bounds(one)} |\n"


def _default(one: Any) -> str:
    # A switch is off unless it is given; a callable default would be asked for, not known.
    if one.required or one.prompt:
        return "asked for" if one.prompt else "needed"
    value = getattr(one.default, "value", one.default)
    return "" if value in (None, "", False) or callable(value) else f"`{value}`"


def _bounds(one: Any) -> str:
    kind = one.type_descriptor.annotation
    if isinstance(kind, type) and issubclass(kind, Enum):
        return f" One of {', '.join(f'`{choice.value}`' for choice in kind)}."
    return "" if one.min is None or one.max is None else f" From {one.min:g} to {one.max:g}."


def _cell(text: str | None) -> str:
    return re.sub(r"\s+", " ", text or "").replace("|", "\\|")


def main() -> None:
    """
    Write the file into the repository.
    """
    (ROOT / REFERENCE).write_text(command_reference())


if __name__ == "__main__":
    main()
