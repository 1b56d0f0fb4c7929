"""
Bring the database to the shape that this code needs, with Alembic.

Migrations run by themselves at start on SQLite; on PostgreSQL an operator says when (`hubbub db upgrade`).
"""

from __future__ import annotations

from pathlib import Path

import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory

from bot.core.database import Database
from bot.core.errors import HubbubError
from bot.core.sqlite import WRITES

SCRIPTS = Path(__file__).with_name("migrations")


class SchemaBehind(HubbubError):
    """
    The database has another shape than this version of Hubbub needs.
    """


def alembic_config() -> Config:
    """
    Give Alembic's configuration; there is no alembic.ini.
    """
    config = Config()
    config.set_main_option("script_location", str(SCRIPTS))
    return config


def newest_revision() -> str:
    """
    Give the revision this code needs.
    """
    return ScriptDirectory.from_config(alembic_config()).get_current_head() or ""


async def current_revision(database: Database) -> str | None:
    """
    Give the revision the database has; None for an empty one.
    """
    async with database.engine.connect() as connection:
        return await connection.run_sync(lambda sync: MigrationContext.configure(sync).get_current_revision())


async def upgrade(database: Database) -> None:
    """
    Apply all missing migrations in one transaction.
    """
    async with database.engine.connect() as connection:
        await connection.execution_options(**{WRITES: True})
        await connection.run_sync(_upgrade)
        await connection.commit()


def _upgrade(connection: sa.Connection) -> None:
    config = alembic_config()
    config.attributes["connection"] = connection
    command.upgrade(config, "head")


async def require_newest(database: Database) -> None:
    """
    Refuse to work on a database of another shape.

    Raises:
        SchemaBehind: with the command that helps.
    """
    has, needs = await current_revision(database), newest_revision()
    if has != needs:
        raise SchemaBehind(f"it is at {has or 'nothing'}, this version needs {needs}; run: hubbub db upgrade")
