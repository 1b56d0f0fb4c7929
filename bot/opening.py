"""
From the settings to the things they name: the database of the right shape, the secret box.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from bot.core.clock import Clock
from bot.core.database import Database, open_database
from bot.core.migrate import current_revision, newest_revision, require_newest, upgrade
from bot.core.redact import redactor
from bot.core.secretbox import SecretBox, open_secret_box
from bot.settings import Settings


@asynccontextmanager
async def unchecked_database(settings: Settings, clock: Clock) -> AsyncIterator[Database]:
    """
    Open the database whatever its shape; close it at the end.
    """
    if settings.database.url is None:
        settings.data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
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


@asynccontextmanager
async def opened_database(settings: Settings, clock: Clock) -> AsyncIterator[Database]:
    """
    Open the database: an SQLite file is brought to this version's shape, PostgreSQL must have it.

    Raises:
        SchemaBehind: with the command that helps.
    """
    async with unchecked_database(settings, clock) as database:
        if database.is_sqlite and await current_revision(database) != newest_revision():
            await upgrade(database)
        await require_newest(database)
        yield database


def secret_box(settings: Settings) -> SecretBox:
    """
    Open the secret box that the settings name; what it opens never shows in a log.
    """
    return open_secret_box(settings.secrets.key, settings.key_file, redactor.hide)
