"""
The `hubbub` command in a folder of its own, run in this process or as one of its own.
"""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from typer.testing import CliRunner

from bot.cli import app
from bot.core.clock import SystemClock
from bot.core.database import open_database
from connectors.playground.server import Playground


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """
    How a command ended.
    """

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)

    @property
    def lines(self) -> list[str]:
        return [line for line in self.err.splitlines() if line.startswith("error: ")]


@dataclass(frozen=True, kw_only=True)
class Shell:
    """
    Runs commands; what they printed is kept in `printed`.
    """

    folder: Path
    environment: dict[str, str]
    printed: list[str] = field(default_factory=list)

    def run(self, *words: str, said: str = "", **settings: str) -> Done:
        """
        Run in this process.
        """
        named = {f"HUBBUB_{name}": value for name, value in settings.items()}
        done = CliRunner().invoke(app, words, input=said, env={**self.environment, **named})
        assert done.exception is None or isinstance(done.exception, SystemExit), done.exception
        return self._kept(Done(code=done.exit_code, out=done.stdout, err=done.stderr))

    def spawn(self, *words: str, said: str = "", **settings: str) -> Done:
        """
        Run as a process of its own.
        """
        named = {f"HUBBUB_{name}": value for name, value in settings.items()}
        kept = {name: value for name, value in os.environ.items() if not name.startswith("HUBBUB_")}
        done = subprocess.run(
            [sys.executable, "-m", "bot", *words],
            input=said,
            capture_output=True,
            text=True,
            env=kept | self.environment | named,
            cwd=self.folder,
            timeout=120,
            check=False,
        )
        return self._kept(Done(code=done.returncode, out=done.stdout, err=done.stderr))

    async def run_beside(self, *words: str, said: str = "", **settings: str) -> Done:
        """
        Run in a thread, since the playground answers from the loop of the test.
        """
        return await asyncio.to_thread(self.run, *words, said=said, **settings)

    async def add_account(self, playground: Playground, name: str = "shop", **settings: str) -> Done:
        server = f"server={playground.url}"
        words = ("account", "add", "mastodon", "--name", name, "--option", server, "--secret-stdin")
        return await self.run_beside(*words, said=f"{playground.token}\n", **settings)

    def _kept(self, done: Done) -> Done:
        self.printed.append(done.out + done.err)
        return done


@pytest.fixture
def shell(database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Shell:
    """
    A house on each database, of the right shape and empty; commands start in its folder.
    """
    monkeypatch.chdir(tmp_path)
    given = {"HUBBUB_DATA_DIR": str(tmp_path / "data"), "HUBBUB_DATABASE__URL": database_url}
    return Shell(folder=tmp_path, environment=given)


@pytest.fixture
def fresh(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Shell:
    """
    Nothing at all yet, and SQLite by default.
    """
    monkeypatch.chdir(tmp_path)
    return Shell(folder=tmp_path, environment={})


@pytest.fixture
def empty_postgres(postgres_server: sa.URL) -> Iterator[str]:
    """
    The URL of a PostgreSQL database without any table.
    """
    name = f"empty_{os.getpid()}"
    asyncio.run(_alone(postgres_server, f"CREATE DATABASE {name}"))
    yield postgres_server.set(database=name).render_as_string(hide_password=False)
    asyncio.run(_alone(postgres_server, f"DROP DATABASE {name} WITH (FORCE)"))


async def _alone(server: sa.URL, statement: str) -> None:
    database = open_database(server.render_as_string(hide_password=False), SystemClock())
    async with database.engine.connect() as connection:
        await connection.execution_options(isolation_level="AUTOCOMMIT")
        await connection.execute(sa.text(statement))
    await database.close()


@pytest.fixture
async def playground() -> AsyncIterator[Playground]:
    async with Playground(now=lambda: datetime.now(UTC), brands=("tidepool",)) as opened:
        yield opened
