"""
`hubbub outbox`, on a database file, with the real wiring of the daemon.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

import bot.schema  # noqa: F401  (every table is known)
from bot.cli import app
from bot.core.actor import HUBBUB
from bot.core.clock import SystemClock
from bot.core.database import Database, open_database
from bot.core.migrate import upgrade
from bot.outbox import store
from bot.outbox.rules import FOR_A_PERSON, State
from bot.outbox.service import get_entry, prepare_reply
from connectors.base import Draft
from tests.integration.outbox.conftest import add_account

ESCAPE = "\x1b[2Jgone"


@dataclass(frozen=True, slots=True)
class Shell:
    """
    Runs `hubbub` in a folder of its own.
    """

    folder: Path
    database: Database
    account_id: str

    async def hubbub(self, *words: str) -> Result:
        # In a thread, since a command runs a loop of its own.
        env = {"HUBBUB_DATA_DIR": str(self.folder)}
        return await asyncio.to_thread(CliRunner().invoke, app, words, env=env)

    async def prepare(self, text: str, state: State = State.PREPARED) -> str:
        async with self.database.write() as work:
            entry = await prepare_reply(
                work,
                HUBBUB,
                account_id=self.account_id,
                subject_kind="conversation",
                subject_id=text,
                reply_to={"id": "q-1"},
                draft=Draft(text=text),
                grace=timedelta(hours=1),
            )
            entry.state, entry.reason = state, "because" if state is not State.PREPARED else ""
            if state is State.UNKNOWN:
                entry.due_at = FOR_A_PERSON
        return entry.id

    async def state(self, entry_id: str) -> str:
        async with self.database.read() as work:
            return (await get_entry(work, entry_id)).state


@pytest.fixture
async def shell(tmp_path: Path) -> AsyncIterator[Shell]:
    database = open_database(f"sqlite+aiosqlite:///{tmp_path / 'hubbub.db'}", SystemClock())
    await upgrade(database)
    yield Shell(tmp_path, database, (await add_account(database, "shop")).id)
    await database.close()


async def test_the_listing_says_what_waits_and_why(shell: Shell):
    assert (await shell.hubbub("outbox")).stdout == "Nothing waits.\n"
    await shell.prepare("Waiting " + ESCAPE)
    await shell.prepare("Refused", State.REFUSED)
    await shell.prepare("Delivered", State.CONFIRMED)
    done = await shell.hubbub("outbox")
    assert done.exit_code == 0
    assert "It leaves in a moment." in done.stdout
    assert done.stdout.index("Refused") < done.stdout.index("Waiting")
    assert "Delivered" not in done.stdout
    assert "\x1b" not in done.stdout


async def test_the_listing_as_json_by_state(shell: Shell):
    await shell.prepare("one")
    two = await shell.prepare("x" * 500, State.CONFIRMED)
    rows = json.loads((await shell.hubbub("outbox", "--state", "confirmed", "--json")).stdout)
    assert [(row["id"], row["text"]) for row in rows] == [(two, "x" * 500)]
    assert json.loads((await shell.hubbub("outbox", "--state", "held", "--json")).stdout) == []


@pytest.mark.parametrize(
    ("was", "words", "then"),
    [
        (State.PREPARED, ("cancel",), "cancelled"),
        (State.REFUSED, ("retry",), "prepared"),
        (State.UNKNOWN, ("settle", "--arrived"), "confirmed"),
        (State.UNKNOWN, ("settle", "--send-again"), "prepared"),
    ],
)
async def test_verbs_change_the_entry_and_leave_a_trail(
    shell: Shell, was: State, words: tuple[str, ...], then: str
):
    entry_id = await shell.prepare("Hello", was)
    done = await shell.hubbub("outbox", *words, entry_id)
    assert (done.exit_code, done.stdout) == (0, f"{entry_id} is {then} now.\n"), done.stderr
    assert await shell.state(entry_id) == then


async def test_what_cannot_be_is_one_line_and_changes_nothing(shell: Shell):
    entry_id = await shell.prepare("Hello", State.CONFIRMED)
    done = await shell.hubbub("outbox", "cancel", entry_id)
    assert done.exit_code == 1
    assert "this is confirmed by now" in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert (await shell.hubbub("outbox", "cancel", "nobody")).exit_code == 1
    assert (await shell.hubbub("outbox", "settle", entry_id)).exit_code == 2
    assert await shell.state(entry_id) == "confirmed"


async def test_a_wrong_state_is_wrong_usage(shell: Shell):
    assert (await shell.hubbub("outbox", "--state", "lost")).exit_code == 2


async def test_ids_are_counted_by_state(shell: Shell):
    await shell.prepare("one")
    await shell.prepare("two", State.CONFIRMED)
    async with shell.database.read() as work:
        assert await store.count_by_state(work) == {"prepared": 1, "confirmed": 1}
