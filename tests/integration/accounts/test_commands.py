"""
`hubbub account` and `hubbub heard`, on a real micro-blog and a database file.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest
from typer.testing import CliRunner

from bot.cli import app
from connectors.playground.server import Playground

BRAND = "tidepool"


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    code: int
    out: str
    err: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Shell:
    """
    Runs `hubbub` in a folder of its own.
    """

    folder: Path
    playground: Playground

    async def hubbub(self, *arguments: str, said: str = "", **environment: str) -> Done:
        # In a thread, since a command runs a loop of its own.
        done = await asyncio.to_thread(
            CliRunner().invoke,
            app,
            arguments,
            input=said,
            env={"HUBBUB_DATA_DIR": str(self.folder), **environment},
        )
        assert done.exception is None or isinstance(done.exception, SystemExit)
        assert self.playground.token not in done.stdout + done.stderr
        return Done(code=done.exit_code, out=done.stdout, err=done.stderr)

    async def add(self, *more: str, said: str = "", **environment: str) -> Done:
        server = f"server={self.playground.url}"
        return await self.hubbub(
            "account", "add", "mastodon", "--name", "shop", "--option", server, *more, said=said, **environment
        )


@pytest.fixture
async def shell(tmp_path: Path) -> AsyncIterator[Shell]:
    async with Playground(now=lambda: datetime.now(UTC), brands=(BRAND,)) as playground:
        yield Shell(folder=tmp_path, playground=playground)


async def test_an_account_is_added_listed_stopped_and_checked(shell: Shell) -> None:
    added = await shell.add("--secret-stdin", said=f"{shell.playground.token}\n")
    assert (added.code, added.err) == (0, "")
    assert "it is heard from now on" in added.out
    (listed,) = json.loads((await shell.hubbub("account", "list", "--json")).out)
    assert (listed["name"], listed["state"], listed["handle"].startswith(BRAND)) == ("shop", "active", True)
    assert "sealed" not in listed
    assert (await shell.hubbub("account", "stop", "shop", "--reason", "holidays")).code == 0
    shown = json.loads((await shell.hubbub("account", "show", "shop", "--json")).out)
    assert (shown["state"], shown["state_reason"]) == ("stopped", "holidays")
    assert shown["counts"].startswith("0 heard = 0 routed")
    assert (await shell.hubbub("account", "start", "shop")).code == 0
    assert (await shell.hubbub("account", "check", "shop")).code == 0
    heard = json.loads((await shell.hubbub("heard", "--account", "shop", "--json")).out)
    assert (heard["items"], heard["counts"]["heard"]) == ([], 0)
    assert "0 heard = 0 routed" in (await shell.hubbub("heard")).out


async def test_a_wrong_token_fails_in_words_and_stores_nothing(shell: Shell) -> None:
    refused = await shell.add(ACCOUNT_SECRET_ACCESS_TOKEN="wrong-token-2718")
    assert refused.code == 1
    assert "options:" in refused.err
    assert "wrong-token-2718" not in refused.err
    assert "No account yet" in (await shell.hubbub("account", "list")).out
    anyway = await shell.add("--unchecked", ACCOUNT_SECRET_ACCESS_TOKEN="wrong-token-2718")
    assert anyway.code == 0
    assert (await shell.hubbub("account", "check", "shop")).code == 1
    (listed,) = json.loads((await shell.hubbub("account", "list", "--json")).out)
    assert listed["state"] == "unauthorized"


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (("account", "add", "pigeon", "--name", "shop"), 2, "no channel 'pigeon'; there are: mastodon, email"),
        (("account", "add", "mastodon", "--name", "shop", "--option", "sever=x"), 2, "no option 'sever'"),
        (("account", "add", "mastodon", "--name", "shop", "--option", "access_token=t"), 2, "is a credential"),
        (("account", "add", "mastodon", "--name", "shop", "--option", "server"), 2, "--option needs KEY=VALUE"),
        (("account", "add", "mastodon", "--name", "No!", "--option", "server=x"), 1, "name: use 1 to 40"),
        (("account", "stop", "nobody"), 1, "there is no account 'nobody'"),
        (("heard", "--account", "nobody"), 1, "there is no account 'nobody'"),
    ],
)
async def test_mistakes_get_one_clear_line(
    shell: Shell, arguments: tuple[str, ...], code: int, words: str
) -> None:
    done = await shell.hubbub(*arguments)
    assert (done.code, done.out) == (code, "")
    assert words in done.err
    assert "Traceback" not in done.err
