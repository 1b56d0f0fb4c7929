"""
From the settings to the things they name: the database of the right shape, the secret box.
"""

from __future__ import annotations

import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import sqlalchemy as sa

from bot.core.clock import Clock
from bot.core.database import Database, open_database
from bot.core.errors import HubbubError
from bot.core.migrate import current_revision, newest_revision, require_newest, upgrade
from bot.core.redact import redactor
from bot.core.secretbox import SecretBox, open_secret_box
from bot.settings import Settings


class DatabaseAway(HubbubError):
    """
    The database cannot be reached.
    """


def missing_file(settings: Settings) -> Path | None:
    """
    Name the SQLite file that is not there yet; None where there is one, or where there is a server.
    """
    url = sa.make_url(settings.database_url)
    file = Path(url.database or "")
    return file if url.get_backend_name() == "sqlite" and not file.exists() else None


@asynccontextmanager
async def unchecked_database(settings: Settings, clock: Clock) -> AsyncIterator[Database]:
    """
    Open the database whatever its shape; close it at the end.

    Raises:
        DatabaseAway: an SQLite file that cannot be opened.
    """
    if settings.database.url is None:
        settings.data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    _try_file(sa.make_url(settings.database_url))
    database = open_database(
        settings.database_url,
        clock,
        busy_timeout=settings.database.busy_timeout,
        pool_size=settings.database.pool_size,
    )
    try:
        yield database
    finally:
        await database.close()


def _try_file(url: sa.URL) -> None:
    # aiosqlite leaves a thread behind when it cannot open a file, and that thread ends with a stack trace.
    if url.get_backend_name() != "sqlite":
        return
    try:
        sqlite3.connect(url.database or ":memory:").close()
    except sqlite3.Error as error:
        raise DatabaseAway(f"{url.database}: {error}") from error


async def shape_of(database: Database) -> str | None:
    """
    Give the revision the database has; None for an empty one.

    Raises:
        DatabaseAway: with where it should be, and what is wrong.
    """
    url = database.engine.url
    where = f"{url.host}:{url.port or 5432}" if url.host else url.database
    try:
        return await current_revision(database)
    except sa.exc.DBAPIError as error:
        raise DatabaseAway(f"{where}: {error.orig}") from error
    except OSError as error:
        raise DatabaseAway(f"{where}: {error.strerror or error}") from error


@asynccontextmanager
async def opened_database(settings: Settings, clock: Clock) -> AsyncIterator[Database]:
    """
    Open the database: an SQLite file is brought to this version's shape, PostgreSQL must have it.

    Raises:
        DatabaseAway: it cannot be reached.
        SchemaBehind: with the command that helps.
    """
    async with unchecked_database(settings, clock) as database:
        if await shape_of(database) != newest_revision() and database.is_sqlite:
            await upgrade(database)
        await require_newest(database)
        yield database


def secret_box(settings: Settings) -> SecretBox:
    """
    Open the secret box that the settings name; what it opens never shows in a log.
    """
    return open_secret_box(settings.secrets.key, settings.key_file, redactor.hide)
