"""
How we talk to SQLite: durable, transactions begun by ourselves, and one trip to a thread for a statement.

aiosqlite lends each connection a thread, and every step of a cursor (make it, execute, fetch, close) is a trip
there and back through the event loop. A message taken in is dozens of statements: four turns to wait for in each.
"""

from __future__ import annotations

import sqlite3
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import suppress
from datetime import timedelta
from typing import Any, TypeVar

import aiosqlite
import sqlalchemy as sa
from sqlalchemy.dialects.sqlite.base import SQLiteCompiler
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

T = TypeVar("T")

WRITES = "hubbub_writes"
"""The option of a connection whose unit will write."""
SAVEPOINTS = ("SAVEPOINT ", "RELEASE SAVEPOINT ", "ROLLBACK TO SAVEPOINT ")
FIRST_ROWS = 2_000
"""So many rows come along with the statement itself. What is longer stays open, and may be read in parts."""


def open_sqlite(url: str, *, busy_timeout: timedelta, pool_size: int) -> AsyncEngine:
    """
    Make an engine for a file; no connection is opened yet.
    """

    def open_file() -> sqlite3.Connection:
        (place,), options = engine.dialect.create_connect_args(engine.url)
        file: sqlite3.Connection = sqlite3.connect(place, **{**options, "timeout": 0, "factory": _File})
        return file

    async def connect() -> aiosqlite.Connection:
        return await _Connection(open_file, iter_chunk_size=64)

    # hide_parameters: an error names the statement, never what customers wrote or what is sealed
    engine = create_async_engine(url, pool_size=pool_size, async_creator=connect, hide_parameters=True)
    engine.dialect.statement_compiler = _HintedCompiler
    _prepare(engine, busy_timeout)
    return engine


def _prepare(engine: AsyncEngine, busy_timeout: timedelta) -> None:
    """
    Make connections durable and let us begin transactions ourselves.

    A unit that writes begins IMMEDIATE: a reader that turns writer later could only fail.
    """

    @sa.event.listens_for(engine.sync_engine, "connect")
    def configure(connection: Any, _record: Any) -> None:
        connection.isolation_level = None  # the driver begins nothing by itself
        cursor = connection.cursor()
        cursor.execute(f"PRAGMA busy_timeout = {int(busy_timeout.total_seconds() * 1000)}")
        cursor.execute("PRAGMA journal_mode = WAL")
        cursor.execute("PRAGMA synchronous = FULL")
        cursor.execute("PRAGMA foreign_keys = ON")
        cursor.close()

    @sa.event.listens_for(engine.sync_engine, "begin")
    def begin(connection: sa.Connection) -> None:
        writes = connection.get_execution_options().get(WRITES, False)
        connection.connection.driver_connection.begin(writes=writes)  # type: ignore[union-attr]


class _File(sqlite3.Connection):
    """
    Gives the file free when it is closed in the middle of a write, as happens to one that was cancelled.

    Without that SQLite keeps the connection, and its lock, until the last cursor is collected as garbage
    (`sqlite3_close_v2` in its documentation), and nobody else can write meanwhile.
    """

    def close(self) -> None:
        try:
            with suppress(sqlite3.ProgrammingError):  # it is closed already
                if self.in_transaction:
                    self.rollback()
        finally:
            super().close()


class _Connection(aiosqlite.Connection):
    """
    A connection whose cursors make one trip to its thread for a whole statement.

    What begins and ends transactions and savepoints makes none of its own: it goes along with the next statement,
    and where none follows nothing has happened.
    """

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._thread.daemon = True  # one that hangs on a dead disk does not keep the process
        self._before: list[str] = []
        self._used = False

    def begin(self, *, writes: bool) -> None:
        """
        Begin a transaction. SQLite itself takes its snapshot only with the first SELECT.
        """
        self._before, self._used = ["BEGIN IMMEDIATE" if writes else "BEGIN"], False

    def cursor(self) -> _Cursor:  # type: ignore[override]  # not a context manager of aiosqlite's own kind
        return _Cursor(self)

    async def commit(self) -> None:
        """
        Make what was done last.

        Raises:
            sqlite3.OperationalError: SQLite gave the transaction up in between (a full disk); nothing is kept.
        """
        if self._used and not self.in_transaction:
            raise sqlite3.OperationalError("the transaction was rolled back before it could be committed")
        await self._end(super().commit)

    async def rollback(self) -> None:
        await self._end(super().rollback)

    async def _end(self, end: Callable[[], Awaitable[None]]) -> None:
        # SQLAlchemy rolls back what it gives back to the pool, also when it has just been committed.
        # Savepoints that are still to be released end with their transaction.
        self._before = []
        if self._used:
            await end()
            self._used = False

    async def run(self, kind: str, sql: str, parameters: Iterable[Any]) -> _Outcome | None:
        """
        Execute a statement (`kind`: which method of a cursor does it) and fetch what it gives, in the thread.
        None: it goes along with the next one.
        """
        if sql.startswith(SAVEPOINTS) and self._goes_along(sql):
            return None
        before, self._before, self._used = self._before, [], True
        try:
            return await self.in_thread(_run, self._conn, before, kind, sql, parameters)
        except sqlite3.Error:
            if before and before[0].startswith("BEGIN") and not self.in_transaction:
                self._before = before  # it could not even begin: whatever comes next begins it
            raise

    def _goes_along(self, sql: str) -> bool:
        begins = "SAVEPOINT " + sql.rpartition(" ")[2]
        if sql != begins and begins in self._before:
            del self._before[self._before.index(begins) :]  # nothing has been done in it
            return True
        if sql.startswith("ROLLBACK"):
            return False  # at once; if SQLite has given up the whole transaction, it says so here
        self._before.append(sql)
        return True

    async def in_thread(self, function: Callable[..., T], *arguments: Any) -> T:
        """
        Make one trip.
        """
        done: T = await self._execute(function, *arguments)  # type: ignore[no-untyped-call]
        return done


class _Outcome:
    """
    What a statement gave. `rest` is its cursor while there may be more rows.
    """

    __slots__ = ("description", "lastrowid", "rest", "rowcount", "rows")

    def __init__(self, cursor: sqlite3.Cursor) -> None:
        self.description = cursor.description
        self.rows = deque(cursor.fetchmany(FIRST_ROWS) if cursor.description else ())
        self.rest = cursor if len(self.rows) == FIRST_ROWS else None
        # only now: a statement with RETURNING has done its work when it has given its last row
        self.rowcount, self.lastrowid = cursor.rowcount, cursor.lastrowid


def _run(
    file: sqlite3.Connection, before: Iterable[str], kind: str, sql: str, parameters: Iterable[Any]
) -> _Outcome:
    for one in before:
        file.execute(one).close()
    cursor = file.cursor()
    outcome = None
    try:
        getattr(cursor, kind)(sql, parameters)
        outcome = _Outcome(cursor)
        return outcome
    finally:
        if outcome is None or outcome.rest is None:
            cursor.close()


class _Cursor:
    """
    The part of aiosqlite's cursor that SQLAlchemy's adapter uses.
    """

    arraysize = 1

    def __init__(self, connection: _Connection) -> None:
        self._connection = connection
        self._outcome: _Outcome | None = None

    async def __aenter__(self) -> _Cursor:
        return self

    async def execute(self, sql: str, parameters: Iterable[Any] = ()) -> _Cursor:
        self._outcome = await self._connection.run("execute", sql, parameters)
        return self

    async def executemany(self, sql: str, parameters: Iterable[Iterable[Any]]) -> _Cursor:
        self._outcome = await self._connection.run("executemany", sql, parameters)
        return self

    async def fetchone(self) -> Any | None:
        rows = await self.fetchmany(1)
        return rows[0] if rows else None

    async def fetchmany(self, size: int | None = None) -> list[Any]:
        wanted, outcome = size or self.arraysize, self._outcome
        if outcome is None:
            return []
        if len(outcome.rows) < wanted and outcome.rest is not None:
            missing = wanted - len(outcome.rows)
            more = await self._connection.in_thread(outcome.rest.fetchmany, missing)
            outcome.rows.extend(more)
            if len(more) < missing:
                await self.close()
        return [outcome.rows.popleft() for _ in range(min(wanted, len(outcome.rows)))]

    async def fetchall(self) -> list[Any]:
        outcome = self._outcome
        if outcome is None:
            return []
        rows = list(outcome.rows)
        outcome.rows.clear()
        if outcome.rest is not None:
            rows.extend(await self._connection.in_thread(outcome.rest.fetchall))
            await self.close()
        return rows

    async def __aiter__(self) -> AsyncIterator[Any]:
        while (row := await self.fetchone()) is not None:
            yield row

    async def close(self) -> None:
        if self._outcome is not None and self._outcome.rest is not None:
            rest, self._outcome.rest = self._outcome.rest, None
            await self._connection.in_thread(rest.close)

    @property
    def description(self) -> Any:
        return self._outcome and self._outcome.description

    @property
    def rowcount(self) -> int:
        return self._outcome.rowcount if self._outcome else -1

    @property
    def lastrowid(self) -> int | None:
        return self._outcome.lastrowid if self._outcome else None


class _HintedCompiler(SQLiteCompiler):
    """
    Writes `Select.with_hint` out for SQLite too, so that a query can name the index that it walks (INDEXED BY).
    """

    def get_from_hint_text(self, table: Any, text: str | None) -> str | None:
        return text
