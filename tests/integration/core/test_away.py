"""
Errors of the database: which mean that it is away, and that none shows what was in a statement.
"""

from __future__ import annotations

from contextlib import nullcontext
from datetime import timedelta

import pytest
import sqlalchemy as sa

from bot.core.database import Database, database_is_away, open_database
from bot.core.tables import Lease
from tests.fakes.clock import FakeClock


async def test_one_that_cannot_be_reached_is_away(clock: FakeClock) -> None:
    database = open_database("postgresql+asyncpg://hub:pg-sekret@127.0.0.1:1/x", clock)
    with pytest.raises((sa.exc.SQLAlchemyError, OSError)) as caught:
        async with database.read() as work:
            await work.session.execute(sa.text("SELECT 1"))
    assert database_is_away(caught.value)
    assert "pg-sekret" not in str(caught.value)
    await database.close()


@pytest.mark.parametrize("savepoint", [False, True])
@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_a_file_that_another_process_holds_is_away(
    database: Database, clock: FakeClock, savepoint: bool
) -> None:
    url = database.engine.url.render_as_string(hide_password=False)
    other = open_database(url, clock, busy_timeout=timedelta(milliseconds=50))
    async with database.write() as work:
        await work.session.execute(sa.text("DELETE FROM lease"))
        with pytest.raises(sa.exc.OperationalError, match="database is locked") as caught:
            async with other.write() as theirs, theirs.savepoint() if savepoint else nullcontext():
                await theirs.session.execute(sa.text("DELETE FROM lease"))
    assert database_is_away(caught.value)
    async with other.write() as theirs:
        await theirs.session.execute(sa.text("DELETE FROM lease"))
    await other.close()


async def test_our_own_mistakes_are_not_and_show_no_values(database: Database) -> None:
    async def insert(**row: object) -> None:
        async with database.write() as work:
            await work.session.execute(sa.insert(Lease).values(row))

    row = {"name": "one", "holder": "a customer's words", "until": database.clock.now()}
    await insert(**row)
    with pytest.raises(sa.exc.IntegrityError) as twice:
        await insert(**row)
    with pytest.raises(sa.exc.DBAPIError) as wrong:
        await insert(**{**row, "name": [7]})
    for caught in (twice, wrong):
        assert not database_is_away(caught.value)
        assert "a customer's words" not in str(caught.value)
