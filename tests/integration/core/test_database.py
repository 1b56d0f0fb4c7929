"""
The unit of work, leases and migrations, on both databases.
"""

from __future__ import annotations

import asyncio
import threading
import time
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from alembic import command

from bot.core.database import Database, open_database
from bot.core.leases import drop_lease, holds_lease, take_lease
from bot.core.migrate import SchemaBehind, alembic_config, require_newest, upgrade
from bot.core.tables import LiveEvent
from bot.schema import METADATA
from tests.fakes.clock import FakeClock

MINUTE = timedelta(minutes=1)


async def _count(database: Database) -> int:
    async with database.read() as work:
        return int(await work.session.scalar(sa.select(sa.func.count()).select_from(LiveEvent)) or 0)


async def test_a_unit_commits_whole_or_not_at_all(database: Database) -> None:
    async with database.write() as work:
        work.publish("queue")

    async def break_off() -> None:
        async with database.write() as work:
            work.session.add(LiveEvent(at=work.now, topic="lost"))
            await work.session.flush()
            raise RuntimeError("broken")

    with pytest.raises(RuntimeError, match="broken"):
        await break_off()
    assert await _count(database) == 1


async def test_what_follows_a_commit_does_not_follow_a_failure(database: Database) -> None:
    called: list[str] = []
    async with database.write() as work:
        work.after_commit(lambda: called.append("good"))

    async def break_off() -> None:
        async with database.write() as work:
            work.after_commit(lambda: called.append("bad"))
            raise RuntimeError("broken")

    with pytest.raises(RuntimeError, match="broken"):
        await break_off()
    assert called == ["good"]


async def test_many_writers_at_once_all_commit(database: Database) -> None:
    async def write(number: int) -> None:
        async with database.write() as work:
            work.publish("queue", {"number": number})
            await asyncio.sleep(0)

    await asyncio.gather(*(write(number) for number in range(50)))
    assert await _count(database) == 50


async def test_a_cancelled_write_gives_the_file_free(tmp_path: Path) -> None:
    """
    Also while somebody still holds the error that ended it, and with it the cursor.
    """
    url = f"sqlite+aiosqlite:///{tmp_path / 'hubbub.db'}"
    database = open_database(url, FakeClock(), busy_timeout=timedelta(milliseconds=200))
    await upgrade(database)

    async def write(looks: int = 0) -> None:
        async with database.write() as work:
            await work.session.execute(sa.insert(LiveEvent).values(at=work.now, topic="queue", data={}))
            for _ in range(looks):
                await work.session.execute(sa.select(LiveEvent))

    kept = []
    for turn in range(30):
        cancelled = asyncio.create_task(write(1_000))
        await asyncio.sleep(0.002 * (turn % 10))
        cancelled.cancel()
        kept.append((await asyncio.gather(cancelled, return_exceptions=True))[0])
        await write()
    assert all(isinstance(error, asyncio.CancelledError) for error in kept)
    assert await _count(database) == 30
    await database.close()


async def test_nobody_writes_before_a_cancelled_write_is_over(tmp_path: Path) -> None:
    """
    A disk that hangs keeps the thread of a write at work after its task was cancelled, twice.
    """
    url = f"sqlite+aiosqlite:///{tmp_path / 'hubbub.db'}"
    database = open_database(url, FakeClock(), busy_timeout=timedelta(milliseconds=200))
    hangs = threading.Event()

    def hang() -> None:
        hangs.set()
        time.sleep(1.0)

    @sa.event.listens_for(database.engine.sync_engine, "connect")
    def teach(connection: Any, _record: Any) -> None:
        connection.create_function("hang", 0, hang)

    await upgrade(database)

    async def write(topic: str) -> None:
        async with database.write() as work:
            await work.session.execute(sa.insert(LiveEvent).values(at=work.now, topic=topic, data={}))
            if topic == "slow":
                await work.session.execute(sa.text("SELECT hang()"))

    cancelled = asyncio.create_task(write("slow"))
    await asyncio.to_thread(hangs.wait)
    for _ in range(2):
        cancelled.cancel()
        await asyncio.sleep(0.02)
    assert cancelled.done(), "whoever cancels twice does not wait for the disk"
    await write("after it")
    assert await _count(database) == 1
    await database.close()


async def test_a_reader_sees_nothing_uncommitted(database: Database) -> None:
    async with database.write() as work:
        work.session.add(LiveEvent(at=work.now, topic="secret"))
        await work.session.flush()
        assert await _count(database) == 0


async def test_instants_come_back_aware_and_naive_ones_are_refused(database: Database, clock: FakeClock) -> None:
    async with database.write() as work:
        work.session.add(LiveEvent(at=clock.now(), topic="x"))
    async with database.read() as work:
        assert (await work.session.scalars(sa.select(LiveEvent.at))).one() == clock.now()  # type: ignore[call-overload]
    with pytest.raises(sa.exc.StatementError, match="time zone"):
        async with database.write() as work:
            work.session.add(LiveEvent(at=clock.now().replace(tzinfo=None), topic="x"))


async def test_a_lease_has_one_holder_until_it_runs_out(database: Database, clock: FakeClock) -> None:
    async def take(holder: str) -> bool:
        async with database.write() as work:
            return await take_lease(work, "poll:1", holder=holder, length=MINUTE)

    assert sorted(await asyncio.gather(*(take(f"node-{n}") for n in range(8)))) == [False] * 7 + [True]
    async with database.read() as work:
        holder = (await work.session.execute(sa.text("SELECT holder FROM lease"))).scalar_one()
    assert await take(holder), "its own holder renews it"
    assert not await take("other")
    await clock.advance(MINUTE)
    assert await take("other")
    async with database.write() as work:
        assert await holds_lease(work, "poll:1", holder="other")
        assert not await holds_lease(work, "poll:1", holder=holder)
        await drop_lease(work, "poll:1", holder="other")
    assert await take(holder)


async def test_migrations_build_exactly_the_tables(database: Database) -> None:
    await require_newest(database)

    def check(connection: sa.Connection) -> None:
        config = alembic_config()
        config.attributes |= {"connection": connection, "metadata": METADATA}
        command.check(config)

    async with database.engine.connect() as connection:
        await connection.run_sync(check)


async def test_an_older_database_is_refused_with_the_command_that_helps(tmp_path, clock: FakeClock) -> None:
    empty = open_database(f"sqlite+aiosqlite:///{tmp_path}/empty.db", clock)
    with pytest.raises(SchemaBehind, match="hubbub db upgrade"):
        await require_newest(empty)
    await empty.close()


async def test_sqlite_is_durable(sqlite_template, clock: FakeClock) -> None:
    database = open_database(f"sqlite+aiosqlite:///{sqlite_template}", clock)
    async with database.read() as work:
        asked = [
            (await work.session.execute(sa.text(f"PRAGMA {name}"))).scalar_one()
            for name in ("journal_mode", "synchronous", "foreign_keys", "busy_timeout")
        ]
    await database.close()
    assert asked == ["wal", 2, 1, 5000]
