"""
The poller of one account: fetch outside, hear inside a unit of work, and know when to ask again.

Between processes a lease in the database decides who hears an account; within one, runs follow one another. The
connector stays open between polls, since a login each time is slow and locks accounts; an error closes it.
A stream, where the channel has one, only wakes the poll: what it says is fetched, so that nothing depends on it.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AsyncExitStack, aclosing
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TypeVar

import sqlalchemy as sa
import structlog

from bot.accounts import store
from bot.accounts.connect import Connectors
from bot.accounts.ears import Ear
from bot.accounts.hearing import Fetched, Outrun, hear, lease_name, still_waiting
from bot.accounts.rules import (
    MAIN_STREAM,
    AccountState,
    back_off,
    gist,
    late_after,
    may_ask_at,
    usable,
    wait_after,
)
from bot.accounts.service import mark_unauthorized, record_check, record_failure, record_success
from bot.accounts.tables import Account, AccountStream
from bot.core.database import Database, UnitOfWork
from bot.core.leases import drop_lease, holds_lease, take_lease
from bot.settings import AccountSettings
from connectors.base import Connector, Cursor, Listens, Page, Streams
from connectors.errors import ConnectorError, Unauthorized, Unreachable, Unsupported

log = structlog.get_logger(__name__)
T = TypeVar("T")

MOST_PAGES = 20
"""Pages that one turn brings before the lease is renewed and the account looked at again."""

RENEWED_BELOW = 2 / 3
"""A lease is renewed when less than this share of it is left."""
STREAM_IS_WELL_AFTER = timedelta(minutes=1)


class Broke(ConnectorError):
    """
    The connector broke; that is a mistake of ours, and it is in the log.
    """


@dataclass(frozen=True, slots=True, kw_only=True)
class Tools:
    """
    What every poller of a process works with.
    """

    database: Database
    connectors: Connectors
    ears: Sequence[Ear]
    settings: AccountSettings
    holder: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """
    Permission to poll now.
    """

    account: Account
    stream: AccountStream


@dataclass(frozen=True, slots=True, kw_only=True)
class Rest:
    """
    No polling now.

    Args:
        until: when it may go on, if that is known.
        leave: another process hears the account, or nobody should: close what is open.
    """

    until: datetime | None = None
    leave: bool = False


class Poller:
    """
    Hears one account for one process.

    Args:
        wake: asks the scheduler to call `poll` as soon as possible.
    """

    def __init__(self, account: Account, tools: Tools, wake: Callable[[], None]) -> None:
        self.account = account
        self._tools = tools
        self._clock = tools.database.clock
        self._wake = wake
        self._again = False
        self._running: asyncio.Task[None] | None = None
        self._listening: asyncio.Task[None] | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._connector: Connector | None = None
        self._opened = AsyncExitStack()

    async def poll(self) -> None:
        """
        Take turns until there is nothing more to do now. A second call at the same time does nothing.
        """
        if self._running is not None and not self._running.done():
            return
        # A task of its own, so that `close` can end it without breaking the scheduler's.
        self._running = asyncio.create_task(self._turns(), name=f"poll-{self.account.name}")
        await asyncio.wait({self._running})
        if not self._running.cancelled():
            self._running.result()

    def poke(self) -> None:
        """
        Poll soon; what comes during a poll leads to another one right after it.
        """
        if self._running is not None and not self._running.done():
            self._again = True
        else:
            self._wake()

    async def close(self) -> None:
        """
        End whatever is going on and give the lease back, so that another process can go on at once.
        """
        await _ended(self._running)
        await self._leave()
        try:
            async with self._tools.database.write() as work:
                await drop_lease(work, lease_name(self.account.id), holder=self._tools.holder)
        except (sa.exc.SQLAlchemyError, OSError) as error:
            # It runs out by itself.
            log.debug("lease not given back", action="poll.lease", error=type(error).__name__)

    async def _turns(self) -> None:
        while True:
            self._again = False
            await self._turn()
            if not self._again:
                return

    async def _turn(self) -> None:
        async with self._tools.database.read() as work:
            ready: Turn | Rest | None = await self._ready_as_it_is(work)
        if ready is None:
            async with self._tools.database.write() as work:
                ready = await self._ready(work)
        if isinstance(ready, Rest):
            if ready.leave:
                await self._leave()
            elif ready.until is not None:
                self._wake_at(ready.until)
            return
        self.account = ready.account
        try:
            await self._hear(ready)
        except Outrun as error:
            log.debug(
                "what was fetched is dropped", action="poll.outrun", account=ready.account.name, why=str(error)
            )
        except ConnectorError as error:
            await self._disconnect()
            await self._failed(ready, error)

    async def _ready_as_it_is(self, work: UnitOfWork) -> Turn | None:
        """
        Begin a turn without a write, and so without waiting for others to write: the lease still holds for long.
        None: something has to be written down.
        """
        lease = self._tools.settings.lease
        name, holder = lease_name(self.account.id), self._tools.holder
        if not await holds_lease(work, name, holder=holder, ahead=lease * RENEWED_BELOW):
            return None
        account = await store.get_account(work, self.account.id)
        stream = await store.find_stream(work, account.id, MAIN_STREAM)
        if account.state != AccountState.ACTIVE or stream is None:
            return None
        until, _ = _quiet(account, stream, work.now)
        return Turn(account=account, stream=stream) if until is None else None

    async def _ready(self, work: UnitOfWork) -> Turn | Rest:
        account = await store.get_account(work, self.account.id)
        if account.state != AccountState.ACTIVE or not await self._hold(work):
            return Rest(leave=True)
        stream = await store.open_stream(work, account.id, MAIN_STREAM)
        until, why = _quiet(account, stream, work.now)
        if until is None:
            return Turn(account=account, stream=stream)
        await still_waiting(work, account, stream, reason=why, late_after=self._late_after)
        return Rest(until=until)

    async def _hold(self, work: UnitOfWork) -> bool:
        settings, name = self._tools.settings, lease_name(self.account.id)
        return await take_lease(work, name, holder=self._tools.holder, length=settings.lease)

    async def _hear(self, turn: Turn) -> None:
        connector = await self._connected(turn.account)
        if turn.account.checked_at is None:
            checked = await self._ask(connector.check())
            async with self._tools.database.write() as work:
                await record_check(work, turn.account.id, checked)
        if not isinstance(connector, Listens):
            return
        self._listen_too(connector, turn)
        cursor = turn.stream.cursor
        for _ in range(MOST_PAGES):
            asked_at = self._clock.now()
            page = await self._ask(connector.fetch(_cursor(cursor), now=asked_at))
            await self._store(turn, page, cursor, asked_at)
            if not page.more or page.cursor in (None, cursor) or _is_used_up(page):
                return
            cursor = page.cursor
        self._again = True

    async def _store(self, turn: Turn, page: Page, cursor: str | None, asked_at: datetime) -> None:
        fetched = Fetched(
            account=turn.account,
            stream=MAIN_STREAM,
            page=page,
            started_from=cursor,
            asked_at=asked_at,
            holder=self._tools.holder,
            late_after=self._late_after,
        )
        async with self._tools.database.write() as work:
            became = await hear(work, fetched, self._tools.ears)
            recovered = await record_success(work, turn.account.id)
        if recovered:
            log.info("account is heard again", action="poll.recovered", account=turn.account.name)
        if became.quarantined:
            log.warning(
                "items could not be understood; see the page Heard",
                action="heard.quarantined",
                account=turn.account.name,
                count=became.quarantined,
            )

    async def _failed(self, turn: Turn, error: ConnectorError) -> None:
        if isinstance(error, Unauthorized):
            await self._refused(turn.account, error)
            return
        now = self._clock.now()
        asked = error.wait(now) if isinstance(error, Unreachable) else None
        wait = wait_after(turn.account.failures + 1, asked, spread=random.random())
        async with self._tools.database.write() as work:
            first = await record_failure(work, turn.account.id, str(error), wait)
            await still_waiting(
                work, turn.account, turn.stream, reason=gist(str(error)), late_after=self._late_after
            )
        if first:
            cause = error.__cause__ if isinstance(error, Broke) else None
            log.warning(
                "account cannot be heard; it is tried again",
                action="poll.failed",
                account=turn.account.name,
                error=str(error),
                exc_info=cause,
            )
        self._wake_at(now + wait)

    async def _refused(self, account: Account, error: Unauthorized) -> None:
        async with self._tools.database.write() as work:
            first = await mark_unauthorized(work, account.id, str(error))
        if first:
            log.error(
                "the server refuses our credentials; renew them",
                action="account.unauthorized",
                account=account.name,
                error=str(error),
            )
        await self._leave()

    async def _ask(self, question: Awaitable[T]) -> T:
        """
        Await the network and keep the lease meanwhile, however slow the server is.

        Raises:
            Outrun: the lease went to another process.
            ConnectorError: as the connector says; anything else it raises is a mistake of ours.
        """
        task = asyncio.ensure_future(question)
        try:
            while not task.done():
                await asyncio.wait({task}, timeout=self._tools.settings.lease.total_seconds() / 3)
                if not task.done():
                    async with self._tools.database.write() as work:
                        if not await self._hold(work):
                            raise Outrun("the lease went to another process during a slow answer")
            return task.result()
        except (ConnectorError, Outrun, sa.exc.SQLAlchemyError):
            raise
        except Exception as error:
            raise Broke(type(error).__name__) from error
        finally:
            await _ended(task)

    async def _connected(self, account: Account) -> Connector:
        if self._connector is None:
            self._connector = await self._ask(self._open(account))
        return self._connector

    async def _open(self, account: Account) -> Connector:
        return await self._opened.enter_async_context(self._tools.connectors.open(account))

    async def _disconnect(self) -> None:
        opened, self._opened, self._connector = self._opened, AsyncExitStack(), None
        try:
            await opened.aclose()
        except Exception as error:
            # It is gone either way; what mattered about it was said when it failed.
            log.debug("connector did not close well", action="poll.close", error=type(error).__name__)

    async def _leave(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        listening, self._listening = self._listening, None
        await _ended(listening)
        await self._disconnect()

    def _wake_at(self, at: datetime) -> None:
        # Later than the next regular poll, that one will do.
        wait = at - self._clock.now()
        if wait < self._tools.settings.poll_every:
            if self._timer is not None:
                self._timer.cancel()
            self._timer = asyncio.get_running_loop().call_later(max(wait.total_seconds(), 0) + 0.01, self.poke)

    def _listen_too(self, connector: Connector, turn: Turn) -> None:
        if self._tools.settings.stream and self._listening is None and isinstance(connector, Streams):
            task = self._listen(turn.account, _cursor(turn.stream.cursor))
            self._listening = asyncio.create_task(task, name=f"stream-{turn.account.name}")

    async def _listen(self, account: Account, cursor: Cursor | None) -> None:
        """
        Follow the stream, on a connection of its own, until it is known that there is none.
        """
        failures = 0
        while True:
            began = self._clock.now()
            try:
                await self._follow(account, cursor)
            except Unsupported:
                return
            except Unauthorized:
                self.poke()  # the poll sees it too and says so
                return
            except Exception as error:
                log.debug("stream ended", action="stream.ended", account=account.name, error=type(error).__name__)
            failures = 1 if self._clock.now() - began >= STREAM_IS_WELL_AFTER else failures + 1
            await self._clock.sleep(back_off(failures, spread=random.random()).total_seconds())

    async def _follow(self, account: Account, cursor: Cursor | None) -> None:
        async with self._tools.connectors.open(account) as connector:
            assert isinstance(connector, Streams)
            hints = connector.listen(cursor)
            async with aclosing(hints):  # type: ignore[type-var]
                async for _ in hints:
                    self.poke()

    @property
    def _late_after(self) -> timedelta:
        return late_after(self._tools.settings.poll_every)


def _quiet(account: Account, stream: AccountStream, now: datetime) -> tuple[datetime | None, str]:
    """
    Say until when not to ask, and why; None when we may ask now. Pure.
    """
    if account.quiet_until is not None and account.quiet_until > now:
        return min(account.quiet_until, now + timedelta(days=1)), gist(
            account.failure
        ) or "waiting after a failure"
    limit, remaining, resets_at = stream.budget_limit, stream.budget_remaining, stream.budget_resets_at
    if limit is None or remaining is None or resets_at is None or resets_at <= now or stream.heard_until is None:
        return None, ""
    until = may_ask_at(limit=limit, remaining=remaining, resets_at=resets_at, asked_at=stream.heard_until)
    if until <= now:
        return None, ""
    return until, f"the server allows {limit} calls until {resets_at:%d %b %H:%M} UTC, and they must last"


def _is_used_up(page: Page) -> bool:
    return page.budget is not None and usable(page.budget.limit, page.budget.remaining) == 0


def _cursor(text: str | None) -> Cursor | None:
    return None if text is None else Cursor(text)


async def _ended(task: asyncio.Future[T] | None) -> None:
    """
    Cancel a task and wait until it is gone; what it raises at that is not ours to tell.
    """
    if task is None or task.done():
        return
    task.cancel()
    await asyncio.wait({task})
    if not task.cancelled():
        task.exception()
