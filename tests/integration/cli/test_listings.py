"""
Every listing of the command line, found by looking: JSON that is JSON, and tables that say when they are empty.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import typer.main

from bot.cli import app
from connectors.playground.faults import FaultKind
from tests.acceptance.lived_in import lived_in
from tests.integration.cli.conftest import Shell

LEFT_OUT = "bench"
"""These measure, for minutes; each benchmark has a test of its own with a small size."""


def listings(command: Any = None, words: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """
    Walk over every command that takes --json and needs nothing else.
    """
    command = command or typer.main.get_command(app)
    needed = any(parameter.required for parameter in command.params)
    if not needed and any("--json" in parameter.opts for parameter in command.params):
        yield words
    for name, below in getattr(command, "commands", {}).items():
        yield from listings(below, (*words, name))


LISTINGS = sorted(words for words in set(listings()) if words[0] != LEFT_OUT)
AT_ONCE = {("check",), ("db", "status")}
"""Never empty."""


def test_there_is_a_listing_of_everything() -> None:
    named = {("staff", "list"), ("token", "list"), ("account", "list"), ("heard",), ("outbox",), ("queue",)}
    assert named | AT_ONCE <= set(LISTINGS)


@pytest.mark.parametrize("words", LISTINGS, ids=" ".join)
def test_an_empty_house_lists_nothing_in_words(shell: Shell, words: tuple[str, ...]) -> None:
    as_json, as_table = shell.run(*words, "--json"), shell.run(*words)
    assert as_json.code == as_table.code
    assert as_json.json is not None
    assert as_table.out.strip()
    assert as_json.code == 0 or words in AT_ONCE
    assert "Traceback" not in as_table.err


async def test_a_lived_in_house_lists_everything(shell: Shell) -> None:
    url = shell.environment["HUBBUB_DATABASE__URL"]
    async with lived_in(shell.folder, url) as house:
        house.playground.say("rude@far.example", f"@{house.brand} \x1b[31mred\x1b[0m \u202eevil\u202c <b>你好</b>")
        house.playground.faults.arm(FaultKind.SERVER_ERROR, method="POST", path="/api/v1/statuses")
        await house.reply(await house.heard("evil"), "This cannot leave.")
        for words in LISTINGS:
            done = await shell.run_beside(*words, "--json")
            assert done.code == 0, (words, done.err)
            assert done.json, words
            shown = await shell.run_beside(*words)
            assert shown.code == 0, words
            assert not set("\x1b\u202e") & set(done.out + shown.out), "nothing steers the terminal"
        queue = (await shell.run_beside("queue", "--json")).json
        assert any("<b>你好</b>" in one["snippet"] or "你好" in one["snippet"] for one in queue)
        assert house.token not in "".join(shell.printed)
        assert house.playground.tokens[house.brand] not in "".join(shell.printed)
