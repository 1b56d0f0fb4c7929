"""
`hubbub queue --watch` as a process in a pseudo-terminal, and as a stream of JSON.
"""

from __future__ import annotations

import asyncio
import fcntl
import json
import os
import pty
import signal
import struct
import sys
import termios
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path

import pytest
import rich.console

from bot.console import Console
from bot.core.clock import SystemClock
from bot.core.database import Database, open_database
from bot.inbox.glance import Glance, look
from bot.inbox.rules import Tab
from bot.inbox.watching import Watcher, draw
from bot.settings import PresenceSettings, Settings
from bot.staff import presence
from connectors.base import Author
from tests.fakes.clock import FakeClock
from tests.integration.inbox.house import REED, House

ROOT = Path(__file__).parents[3]
PATIENCE_SECONDS = 60
LEAVES_ALTERNATE_SCREEN = b"\x1b[?1049l"
MINUTE = timedelta(minutes=1)


@pytest.fixture
async def house(database_url: str) -> AsyncIterator[House]:
    opened = open_database(database_url, SystemClock())
    yield await House(opened).build()
    await opened.close()


def environment(url: str, folder: Path) -> dict[str, str]:
    own = {"HUBBUB_DATABASE__URL": url, "HUBBUB_DATA_DIR": str(folder), "TERM": "xterm-256color"}
    kept = {name: value for name, value in os.environ.items() if name not in ("COLUMNS", "LINES")}
    return {**kept, **own}


class Screen:
    """
    What a process writes to its terminal.
    """

    def __init__(self, master: int) -> None:
        self.master = master
        self.text = b""
        os.set_blocking(master, False)

    def resize(self, rows: int, columns: int) -> None:
        fcntl.ioctl(self.master, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def read(self) -> bytes:
        try:
            while part := os.read(self.master, 65536):
                self.text += part
        except OSError:  # nothing now, or the other side is closed
            pass
        return self.text

    async def shows(self, text: str) -> None:
        async with asyncio.timeout(PATIENCE_SECONDS):
            while text.encode() not in self.read():
                await asyncio.sleep(0.05)


@asynccontextmanager
async def watching(url: str, folder: Path) -> AsyncIterator[tuple[asyncio.subprocess.Process, Screen]]:
    master, slave = pty.openpty()
    screen = Screen(master)
    screen.resize(24, 110)
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "bot", "queue", "--watch"),
        stdin=slave,
        stdout=slave,
        stderr=slave,
        cwd=folder,
        start_new_session=True,
        env={**environment(url, folder), "PYTHONPATH": str(ROOT)},
    )
    os.close(slave)
    try:
        yield process, screen
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
        os.close(master)


async def test_the_queue_in_a_terminal_follows_what_happens_and_leaves_it_clean(
    house: House, database_url: str, tmp_path: Path
) -> None:
    await house.asked("Does it ship to Norway?")
    async with watching(database_url, tmp_path) as (process, screen):
        await screen.shows("1 waiting")
        await screen.shows("Does it ship to Norway?")
        await house.asked("请问什么时候发货？\x1b[2J", Author(key="z", handle="z@far.example", name="周慧"))
        await screen.shows("2 waiting")
        await screen.shows("请问什么时候发货")
        assert b"\x1b[2J" not in screen.text.partition("请问".encode())[2]
        screen.text = b""
        screen.resize(10, 60)
        await screen.shows("2 waiting")
        os.write(screen.master, b"\x03")
        if process.returncode is None:  # no controlling terminal: the key reaches nobody by itself
            process.send_signal(signal.SIGINT)
        async with asyncio.timeout(PATIENCE_SECONDS):
            assert await process.wait() == 0
        assert LEAVES_ALTERNATE_SCREEN in screen.read()
        assert b"Traceback" not in screen.text


async def test_as_json_there_is_a_line_for_each_change(house: House, database_url: str, tmp_path: Path) -> None:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "bot", "queue", "--watch", "--json"),
        stdout=asyncio.subprocess.PIPE,
        cwd=tmp_path,
        env={**environment(database_url, tmp_path), "PYTHONPATH": str(ROOT)},
    )
    assert process.stdout is not None
    try:
        async with asyncio.timeout(PATIENCE_SECONDS):
            assert json.loads(await process.stdout.readline())["waiting"] == 0
            opened = await house.asked()
            line = json.loads(await process.stdout.readline())
        assert (line["waiting"], line["arrived"], line["rows"][0]["id"]) == (1, 1, opened)
        process.send_signal(signal.SIGINT)
        async with asyncio.timeout(PATIENCE_SECONDS):
            assert await process.wait() == 0
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


async def test_without_a_terminal_it_says_what_to_do(tmp_path: Path) -> None:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "bot", "queue", "--watch"),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        cwd=tmp_path,
        env={**environment("sqlite+aiosqlite:///x.db", tmp_path), "PYTHONPATH": str(ROOT)},
    )
    out, said = await process.communicate()
    assert (process.returncode, out) == (2, b"")
    assert b"--watch --json writes a line for each change" in said


async def test_the_figures_are_right(database: Database, clock: FakeClock) -> None:
    house = await House(database).build()
    first = await house.asked(occurred_at=clock.now() - 20 * MINUTE)
    await house.asked(author=REED, occurred_at=clock.now() - 11 * MINUTE)
    await house.asked("written by a machine", author=REED, automatic="out of office")
    await house.becomes(await house.reply(first), "confirmed")
    async with database.write() as work:
        await presence.beat(work, house.people["ann"], PresenceSettings())
    glance = await look_at(house)
    assert (glance.waiting, glance.breached, glance.due_soon, glance.here) == (2, 0, 1, 1)
    assert (glance.arrived, glance.answered) == (2, 1)
    await clock.advance(16 * MINUTE)
    later = await look_at(house)
    assert (later.breached, later.due_soon, later.here, later.arrived, later.answered) == (1, 0, 0, 0, 0)


async def look_at(house: House) -> Glance:
    async with house.database.read() as work:
        return await look(work, Tab.WAITING, limit=10)


async def test_a_lost_database_is_said_and_the_last_picture_stays(clock: FakeClock) -> None:
    lost = open_database("postgresql+asyncpg://nobody@127.0.0.1:1/nothing", clock)
    watcher = Watcher(Console(settings=Settings(), database=lost, clock=clock), Tab.WAITING)
    await watcher._look(10)
    shown = drawn(watcher.glance, watcher.problem, clock)
    assert "The database does not answer" in shown
    watcher.glance = Glance(
        at=clock.now(), waiting=7, breached=0, due_soon=0, here=1, arrived=3, answered=2, rows=[]
    )
    await watcher._look(10)
    shown = drawn(watcher.glance, watcher.problem, clock)
    assert "this is how it was at 09:00:00 UTC" in shown
    assert "7 waiting" in shown
    await lost.close()


def drawn(glance: Glance | None, problem: str, clock: FakeClock) -> str:
    terminal = rich.console.Console(width=100, height=20, record=True, file=open(os.devnull, "w"))  # noqa: SIM115
    terminal.print(draw(glance, problem, clock.now(), rows=10))
    terminal.file.close()
    return terminal.export_text()
