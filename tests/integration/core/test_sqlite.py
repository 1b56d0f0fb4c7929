"""
One trip to the connection's thread for a statement, and everything that SQLAlchemy expects of a cursor.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path

import aiosqlite
import pytest
import sqlalchemy as sa

from bot.core import sqlite
from bot.core.database import Database, UnitOfWork, open_database
from bot.core.migrate import upgrade
from bot.core.tables import LiveEvent
from tests.fakes.clock import FakeClock

TOPICS = sa.select(LiveEvent.topic).order_by(LiveEvent.id)  # type: ignore[call-overload]


@pytest.fixture
async def file(tmp_path: Path) -> AsyncIterator[Database]:
    database = open_database(f"sqlite+aiosqlite:///{tmp_path / 'hubbub.db'}", FakeClock())
    await upgrade(database)
    yield database
    await database.close()


async def _add(file: Database, *topics: str) -> None:
    async with file.write() as work:
        rows = [{"at": work.now, "topic": topic, "data": {}} for topic in topics]
        await work.session.execute(sa.insert(LiveEvent), rows)


@pytest.fixture
def trips(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    made: list[str] = []
    execute = aiosqlite.Connection._execute

    async def counted(self, function, *arguments, **options):
        made.append(function.__name__)
        return await execute(self, function, *arguments, **options)

    monkeypatch.setattr(aiosqlite.Connection, "_execute", counted)
    return made


async def test_a_statement_is_one_trip_and_a_unit_that_reads_one_more(file: Database, trips: list[str]) -> None:
    await _add(file, "a", "b")
    trips.clear()
    async with file.read() as work:
        assert list(await work.session.scalars(TOPICS)) == ["a", "b"]
        assert list(await work.session.scalars(TOPICS.limit(1))) == ["a"]
    assert trips == ["_run", "_run", "rollback"]


async def test_a_unit_that_has_asked_for_nothing_makes_no_trip(file: Database, trips: list[str]) -> None:
    async with file.read() as work:
        await work.session.connection()
    assert trips == []


async def test_a_unit_that_writes_makes_one_more_for_its_commit(file: Database, trips: list[str]) -> None:
    await _add(file, "a")
    assert trips == ["_run", "commit"]


async def test_savepoints_make_no_trip(file: Database, trips: list[str]) -> None:
    async with file.write() as work:
        async with work.savepoint():
            await work.session.execute(TOPICS)
        async with work.savepoint():
            pass
        async with work.savepoint(), work.savepoint():
            await work.session.execute(TOPICS)
    assert trips == ["_run", "_run", "commit"]


async def test_savepoints_hold_and_let_go_of_what_they_should(file: Database) -> None:
    async def add(work: UnitOfWork, topic: str) -> None:
        await work.session.execute(sa.insert(LiveEvent).values(at=work.now, topic=topic, data={}))

    async with file.write() as work:
        await add(work, "before")
        with suppress(ZeroDivisionError):
            async with work.savepoint():
                await add(work, "undone")
                async with work.savepoint():
                    await add(work, "undone with what holds it")
                raise ZeroDivisionError
        with suppress(ZeroDivisionError):
            async with work.savepoint():
                raise ZeroDivisionError
        async with work.savepoint():
            with suppress(ZeroDivisionError):
                async with work.savepoint():
                    await add(work, "undone alone")
                    raise ZeroDivisionError
            await add(work, "in one that holds")
        async with work.savepoint():
            await add(work, "last, and released by the commit")
    async with file.read() as work:
        topics = list(await work.session.scalars(TOPICS))
    assert topics == ["before", "in one that holds", "last, and released by the commit"]


async def test_a_unit_that_reads_keeps_its_snapshot(file: Database) -> None:
    await _add(file, "before")
    async with file.read() as work:
        first = list(await work.session.scalars(TOPICS))
        await _add(file, "after")
        again = list(await work.session.scalars(TOPICS))
    assert first == again == ["before"]
    async with file.read() as work:
        assert list(await work.session.scalars(TOPICS)) == ["before", "after"], "the next unit has a new one"


@pytest.mark.parametrize("more", [-1, 0, 1, 700])
async def test_long_results_are_whole(file: Database, monkeypatch: pytest.MonkeyPatch, more: int) -> None:
    monkeypatch.setattr(sqlite, "FIRST_ROWS", 1_000)
    topics = [f"topic {number}" for number in range(1_000 + more)]
    await _add(file, *topics)
    async with file.read() as work:
        assert list(await work.session.scalars(TOPICS)) == topics
    async with file.read() as work:
        parts = [list(part) async for part in (await work.session.stream_scalars(TOPICS)).partitions(300)]
    assert [one for part in parts for one in part] == topics
    assert {len(part) for part in parts[:-1]} == {300}


async def test_who_stops_in_the_middle_of_a_stream_leaves_nothing_open(
    file: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sqlite, "FIRST_ROWS", 10)
    await _add(file, *(f"topic {number}" for number in range(50)))
    for _ in range(3):
        async with file.read() as work:
            async for topic in await work.session.stream_scalars(TOPICS):
                if topic == "topic 20":
                    break
    await _add(file, "still written")
    async with file.read() as work:
        assert len(list(await work.session.scalars(TOPICS))) == 51


async def test_what_a_statement_says_of_itself_is_known(file: Database) -> None:
    await _add(file, "a", "b", "c")
    changed = sa.update(LiveEvent).values(topic="changed").execution_options(synchronize_session=False)
    async with file.write() as work:
        done = await work.session.execute(changed.where(LiveEvent.topic != "a"))  # type: ignore[arg-type]
        assert done.rowcount == 2
        returned = await work.session.execute(changed.returning(LiveEvent.topic))  # type: ignore[call-overload]
        assert len(returned.all()) == 3
        one = LiveEvent(at=work.now, topic="new")
        work.session.add(one)
        await work.session.flush()
        assert one.id == 4, "the id that the database gave"


async def test_an_error_names_the_statement_and_leaves_the_unit_usable_in_a_savepoint(file: Database) -> None:
    async with file.write() as work:
        with pytest.raises(sa.exc.OperationalError, match="no such table"):
            async with work.savepoint():
                await work.session.execute(sa.text("SELECT 1 FROM nowhere"))
        await work.session.execute(sa.insert(LiveEvent).values(at=work.now, topic="after it", data={}))
    async with file.read() as work:
        assert list(await work.session.scalars(TOPICS)) == ["after it"]


@pytest.mark.parametrize("then", ["ends", "fails in a savepoint", "ends in a savepoint"])
async def test_a_unit_that_sqlite_gave_up_says_so_and_keeps_nothing(file: Database, then: str) -> None:
    """
    A full disk makes SQLite roll the whole transaction back by itself; ROLLBACK stands in for it here.
    """
    give_up = sa.text("ROLLBACK")

    async def write() -> None:
        async with file.write() as work:
            await work.session.execute(sa.insert(LiveEvent).values(at=work.now, topic="before", data={}))
            if then == "ends":
                await work.session.execute(give_up)
                return
            with suppress(ZeroDivisionError):
                async with work.savepoint():
                    await work.session.execute(TOPICS)
                    await work.session.execute(give_up)
                    if then == "fails in a savepoint":
                        raise ZeroDivisionError

    with pytest.raises(sa.exc.OperationalError, match=r"no such savepoint|rolled back before"):
        await write()
    await _add(file, "the next unit works")
    async with file.read() as work:
        assert list(await work.session.scalars(TOPICS)) == ["the next unit works"]
