"""
The database and the unit of work: one request, one job or one page is one transaction.

Everything is written for SQLite (embedded, one file) and PostgreSQL (many nodes) alike. Services get a
`UnitOfWork` and never commit; no network happens inside one. This module knows no feature's tables.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
import structlog
from sqlalchemy.dialects.postgresql import insert as postgresql_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, create_async_engine

from bot.core.clock import Clock
from bot.core.ids import new_id
from bot.core.sqlite import WRITES, open_sqlite
from bot.core.tables import LiveEvent
from bot.core.turns import Turns

log = structlog.get_logger(__name__)

LIVE_CHANNEL = "hubbub_live"
AWAY_STATES = ("08", "53", "55000", "57P")
"""How SQLSTATEs begin when PostgreSQL is lost, full, closed or going down (its documentation, appendix A)."""
SETTLE_TRIES = 12
"""Each waits for `busy_timeout`; after that the file belongs to another process, and writers say so."""
LIVE_ORDER_LOCK = 0x48554242  # "HUBB": serialises commits that carry live events, so that ids follow commits


class UnitOfWork:
    """
    One transaction and the instant it happens at.

    Args:
        now: aware UTC; the same for everything in the unit.
    """

    def __init__(self, session: AsyncSession, now: datetime) -> None:
        self.session = session
        self.now = now
        self.live: list[tuple[str, Mapping[str, Any]]] = []
        self.afterwards: list[Callable[[], None]] = []
        self.caused_by: tuple[str, ...] = ()
        """Ids of the rules that led to what is done now; events that are written keep them."""

    def new_id(self) -> str:
        """
        Make a time-ordered id for a row of this unit.
        """
        return new_id(self.now)

    def publish(self, topic: str, data: Mapping[str, Any] | None = None) -> None:
        """
        Tell open pages about this unit once it is committed. The same news twice is told once.
        """
        if (topic, data or {}) not in self.live:
            self.live.append((topic, data or {}))

    def after_commit(self, callback: Callable[[], None]) -> None:
        """
        Call something quick (wake a worker) once the unit is committed; never when it failed.
        """
        self.afterwards.append(callback)

    @contextmanager
    def because_of(self, chain: tuple[str, ...]) -> Iterator[None]:
        """
        Say what led to what is done in this block: a chain of rules, the first one first.
        """
        before, self.caused_by = self.caused_by, chain
        try:
            yield
        finally:
            self.caused_by = before

    @asynccontextmanager
    async def savepoint(self) -> AsyncIterator[None]:
        """
        Open a part of the unit that can fail alone: what raises undoes its own rows and its own news.
        """
        live, afterwards = list(self.live), list(self.afterwards)
        try:
            async with self.session.begin_nested():
                yield
        except BaseException:
            self.live, self.afterwards = live, afterwards
            raise

    @property
    def dialect(self) -> str:
        return self.session.get_bind().dialect.name

    def insert(self, table: type[Any]) -> Any:
        """
        Begin an INSERT that knows ON CONFLICT, in the database's own dialect.
        """
        return (sqlite_insert if self.dialect == "sqlite" else postgresql_insert)(table)


class Database:
    """
    Opens units of work. On SQLite writers queue inside the process, so that none waits by polling.
    """

    def __init__(self, engine: AsyncEngine, clock: Clock) -> None:
        self.engine = engine
        self.clock = clock
        self.on_live: Callable[[], None] | None = None
        self._turns = Turns() if engine.dialect.name == "sqlite" else None
        self._settling: asyncio.Task[None] | None = None

    @property
    def is_sqlite(self) -> bool:
        return self._turns is not None

    @asynccontextmanager
    async def read(self) -> AsyncIterator[UnitOfWork]:
        """
        Open a unit that only reads, on one snapshot where the database offers it. It is rolled back at the end.
        """
        async with AsyncSession(self.engine, expire_on_commit=False, autoflush=False) as session:
            yield UnitOfWork(session, self.clock.now())

    @asynccontextmanager
    async def write(self, *, patient: bool = False) -> AsyncIterator[UnitOfWork]:
        """
        Open a unit that is committed when the block ends well and rolled back when it raises.

        Args:
            patient: nobody waits for it: it lets others go first, for a while (SQLite; PostgreSQL needs no turns).
        """
        async with self._turn(patient), self._unit() as work:
            yield work
        for callback in work.afterwards:
            callback()
        if work.live and self.on_live is not None:
            self.on_live()

    @asynccontextmanager
    async def _turn(self, patient: bool) -> AsyncIterator[None]:
        """
        Wait until nobody else in this process writes.
        """
        turns = self._turns
        if turns is None:
            yield
            return
        await turns.take(patient=patient)
        try:
            yield
        except asyncio.CancelledError:
            # Its last statement may still be at work in its thread (a disk that hangs), and it holds the file.
            self._settling = asyncio.create_task(self._settle(), name="database-settle")
            self._settling.add_done_callback(lambda _: turns.pass_on())
            raise
        except BaseException:
            turns.pass_on()
            raise
        turns.pass_on()

    async def _settle(self) -> None:
        """
        Wait until the file can be written again: whoever is next would only see that it is locked, and give up.
        """
        for _ in range(SETTLE_TRIES):
            try:
                async with AsyncSession(self.engine) as session:
                    await session.connection(execution_options={WRITES: True})
                    await session.execute(sa.text("SELECT 1"))
                return
            except sa.exc.OperationalError:
                log.warning("a cancelled write is still under way", action="database.settling")

    @asynccontextmanager
    async def _unit(self) -> AsyncIterator[UnitOfWork]:
        async with AsyncSession(self.engine, expire_on_commit=False) as session:
            await session.connection(execution_options={WRITES: True})
            work = UnitOfWork(session, self.clock.now())
            yield work
            if work.live:
                await _store_live(work)
            await session.commit()

    async def close(self) -> None:
        """
        Close every connection.
        """
        if self._settling is not None:
            await asyncio.wait({self._settling})
        await self.engine.dispose()


async def _store_live(work: UnitOfWork) -> None:
    # Taken last, so that it is held for one insert and the commit only.
    if work.dialect == "postgresql":
        await work.session.execute(sa.select(sa.func.pg_advisory_xact_lock(LIVE_ORDER_LOCK)))
    rows = [{"at": work.now, "topic": topic, "data": dict(data)} for topic, data in work.live]
    await work.session.execute(sa.insert(LiveEvent), rows)
    if work.dialect == "postgresql":
        await work.session.execute(sa.select(sa.func.pg_notify(LIVE_CHANNEL, "")))


def database_is_away(error: object) -> bool:
    """
    Say whether an error means that the database does not answer just now, so that waiting can help.
    """
    if isinstance(error, (sa.exc.OperationalError, sa.exc.TimeoutError, ConnectionRefusedError)):
        return True
    if not isinstance(error, sa.exc.DBAPIError):
        return False
    state = getattr(error.orig, "sqlstate", None) or ""
    return error.connection_invalidated or state.startswith(AWAY_STATES)


def open_database(
    url: str, clock: Clock, *, busy_timeout: timedelta = timedelta(seconds=5), pool_size: int = 10
) -> Database:
    """
    Make a database from a URL; no connection is opened yet.

    Args:
        url: `sqlite+aiosqlite:///FILE` or `postgresql+asyncpg://...`.
    """
    if sa.make_url(url).get_backend_name() == "sqlite":
        return Database(open_sqlite(url, busy_timeout=busy_timeout, pool_size=pool_size), clock)
    # hide_parameters: an error names the statement, never what customers wrote or what is sealed
    engine = create_async_engine(
        url, pool_size=pool_size, max_overflow=pool_size, pool_pre_ping=True, hide_parameters=True
    )
    return Database(engine, clock)
