"""
One lived-in daemon on each database for a whole module, since starting one takes seconds.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
import pytest_asyncio
import sqlalchemy as sa

from bot.core.clock import SystemClock
from bot.core.database import open_database
from tests.acceptance.lived_in import LivedIn, lived_in


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def module_database_url(request: pytest.FixtureRequest) -> Iterator[str]:
    """
    The URL of an empty database for a module's tests together; empty: SQLite in the daemon's own folder.
    """
    if request.param == "sqlite":
        yield ""
        return
    server: sa.URL = request.getfixturevalue("postgres_server")
    name = f"module_{os.getpid()}_{abs(hash(request.module.__name__))}"
    asyncio.run(_alone(server, f"CREATE DATABASE {name} TEMPLATE template_hubbub"))
    yield server.set(database=name).render_as_string(hide_password=False)
    asyncio.run(_alone(server, f"DROP DATABASE {name} WITH (FORCE)"))


async def _alone(server: sa.URL, statement: str) -> None:
    database = open_database(server.render_as_string(hide_password=False), SystemClock())
    async with database.engine.connect() as connection:
        await connection.execution_options(isolation_level="AUTOCOMMIT")
        await connection.execute(sa.text(statement))
    await database.close()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def house(module_database_url: str, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[LivedIn]:
    """
    A daemon with an account, customers, an answer, and people of every role.
    """
    folder: Path = tmp_path_factory.mktemp("house")
    async with lived_in(folder, module_database_url) as built:
        yield built
