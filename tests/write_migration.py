"""
Write the next migration from the difference between the tables and the migrations so far.

Run as `python -m tests.write_migration NUMBER "What it does"`, then read and mend what it wrote.
"""

from __future__ import annotations

import asyncio
import re
import sys
import tempfile
from pathlib import Path

import sqlalchemy as sa
from alembic import command

from bot.core.clock import SystemClock
from bot.core.database import open_database
from bot.core.migrate import SCRIPTS, alembic_config, upgrade
from bot.schema import METADATA

PLAINER = [
    (r"sqlmodel\.sql\.sqltypes\.AutoString", "sa.String"),
    (r"bot\.core\.columns\.Instant\(timezone=True\)", "Instant()"),
    (r"sa\.JSON\(\)\.with_variant\(postgresql\.JSONB\(astext_type=Text\(\)\), 'postgresql'\)", "JSON"),
    (r"sa\.BigInteger\(\)\.with_variant\(sa\.Integer\(\), 'sqlite'\)", "COUNTER"),
    (r" *# ### .*\n", ""),
]


async def write(number: str, message: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        database = open_database(f"sqlite+aiosqlite:///{folder}/empty.db", SystemClock())
        await upgrade(database)

        def revise(connection: sa.Connection) -> None:
            config = alembic_config()
            config.attributes |= {"connection": connection, "metadata": METADATA}
            command.revision(config, message, autogenerate=True, rev_id=number)

        async with database.engine.connect() as connection:
            await connection.run_sync(revise)
        await database.close()
    for path in (SCRIPTS / "versions").glob(f"{number}_*.py"):
        plain(path)


def plain(path: Path) -> None:
    text = path.read_text()
    for pattern, plainer in PLAINER:
        text = re.sub(pattern, plainer, text)
    path.write_text(text)


if __name__ == "__main__":
    asyncio.run(write(sys.argv[1], sys.argv[2]))
