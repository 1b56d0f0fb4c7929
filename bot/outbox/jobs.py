"""
The worker: takes what is due, sends it, and writes down what came of it.

The attempt is committed before the network hears of it, and the result after; a worker that dies in between leaves
an attempt whose lease runs out, which makes the entry unknown, and unknown means: look before sending again.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import Any

import structlog

from bot.accounts.connect import Connectors
from bot.accounts.service import get_account, mark_unauthorized
from bot.accounts.tables import Account
from bot.core.database import Database, UnitOfWork
from bot.core.live import LiveEvents
from bot.outbox import store
from bot.outbox.drafts import draft_from_json
from bot.outbox.rules import (
    ANSWER_WITHIN,
    LOOKS,
    SETTLED,
    Limits,
    Next,
    Said,
    State,
    after_attempt,
    after_look,
)
from bot.outbox.service import Receipt, changed
from bot.outbox.tables import OutboxEntry
from bot.settings import OutboxSettings
from connectors.base import Finds, Publishes, Replies, Sent
from connectors.errors import Ambiguous, Rejected, Unauthorized, Unreachable, Unsupported

log = structlog.get_logger(__name__)

DIED = "the process that was sending it stopped in the middle"
MISSED = "missed: its time to be sent has passed"
NO_LEASE: dict[str, Any] = {"lease_holder": None, "lease_until": None}
LOOK_FOR_WORK_SECONDS = 1.0
ACCOUNTS_AT_ONCE = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """
    What the network said to an attempt or a look.
    """

    said: Said
    sent: Sent | None = None
    reason: str = ""
    wait: timedelta | None = None


class OutboxWorker:
    """
    Sends for one process. Used as an async context manager around the life of the daemon.

    Args:
        holder: names this process in leases.
    """

    def __init__(
        self,
        database: Database,
        live: LiveEvents,
        connectors: Connectors,
        receipts: Sequence[Receipt],
        settings: OutboxSettings,
        holder: str,
    ) -> None:
        self._database = database
        self._live = live
        self._connectors = connectors
        self._receipts = receipts
        self._lease = settings.lease
        self._limits = Limits(
            attempts=settings.attempts, first_wait=settings.first_wait, longest_wait=settings.longest_wait
        )
        self._holder = holder
        self._wake = asyncio.Event()
        self._busy: dict[str, asyncio.Task[None]] = {}
        self._tasks: list[asyncio.Task[None]] = []
        self._failing = False

    async def __aenter__(self) -> OutboxWorker:
        self._tasks = [
            asyncio.create_task(self._run(), name="outbox"),
            asyncio.create_task(self._listen(), name="outbox-wake"),
        ]
        return self

    async def __aexit__(self, *_: object) -> None:
        """
        Take nothing new; let what is being sent come to its end, so that a planned stop leaves nothing unknown.
        """
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._busy:
            await asyncio.wait(self._busy.values(), timeout=self._lease.total_seconds())

    async def _listen(self) -> None:
        async for _ in self._live.subscribe(frozenset({"outbox", "accounts"}), None):
            self._wake.set()

    async def _run(self) -> None:
        while True:
            try:
                await self.round()
                self._failing = False
            except Exception:
                if not self._failing:
                    log.exception("outbox cannot work; it goes on trying", action="outbox.failed")
                self._failing = True
            with suppress(TimeoutError):
                await asyncio.wait_for(self._wake.wait(), LOOK_FOR_WORK_SECONDS)
            self._wake.clear()

    async def round(self) -> None:
        """
        Note what died and what is too late, then start on every account that has something due.
        """
        await self._sweep()
        async with self._database.read() as work:
            accounts = await store.accounts_with_work(work)
        for account_id in accounts:
            if account_id not in self._busy and len(self._busy) < ACCOUNTS_AT_ONCE:
                task = asyncio.create_task(self._drain(account_id), name=f"outbox-{account_id}")
                self._busy[account_id] = task
                task.add_done_callback(partial(self._done, account_id))

    def _done(self, account_id: str, _: asyncio.Task[None]) -> None:
        self._busy.pop(account_id, None)
        self._wake.set()

    async def _sweep(self) -> None:
        async with self._database.read() as work:
            if not (await store.abandoned(work) or await store.overdue(work)):
                return
        async with self._database.write() as work:
            for entry_id in await store.abandoned(work):
                values = {"due_at": work.now + LOOKS[0], "reason": DIED, **NO_LEASE}
                entry = await store.change(work, entry_id, State.UNKNOWN, values, lapsed=True)
                await self._tell(work, entry)
            for entry_id in await store.overdue(work):
                values = {"settled_at": work.now, "reason": MISSED}
                await self._tell(work, await store.change(work, entry_id, State.REFUSED, values))

    async def _drain(self, account_id: str) -> None:
        try:
            while await self._send_one(account_id) or await self._look_one(account_id):
                pass
        except Exception:
            log.exception("outbox stopped at an account; it goes on later", action="outbox.account", id=account_id)

    async def _send_one(self, account_id: str) -> bool:
        """
        Attempt the account's next entry; False when there is none.
        """
        async with self._database.write() as work:
            entry = await store.take_due(work, account_id, holder=self._holder, lease=self._lease)
            if entry is None:
                return False
            account = await get_account(work, account_id)
        result = await self._bounded(self._attempt(account, entry))
        async with self._database.write() as work:
            then = after_attempt(
                result.said,
                now=work.now,
                attempts=entry.attempts,
                limits=self._limits,
                reason=result.reason,
                server_wait=result.wait,
                chance=random.random(),
            )
            await self._note(work, account, entry, result, then)
        return True

    async def _look_one(self, account_id: str) -> bool:
        """
        Look for the account's next unknown entry; False when none is due.
        """
        async with self._database.write() as work:
            entry = await store.take_unknown(work, account_id, holder=self._holder, lease=self._lease)
            if entry is None:
                return False
            account = await get_account(work, account_id)
        result = await self._bounded(self._find(account, entry))
        async with self._database.write() as work:
            then = after_look(
                result.said,
                now=work.now,
                attempted_at=entry.attempted_at or entry.prepared_at,
                looks=entry.finds,
                reason=result.reason or entry.reason,
            )
            await self._note(work, account, entry, result, then)
        return True

    async def _bounded(self, asked: Awaitable[Result]) -> Result:
        """
        Wait for the network for less than the lease, so that nobody else takes over while we may still be heard.
        """
        try:
            async with asyncio.timeout(self._lease.total_seconds() * ANSWER_WITHIN):
                return await asked
        except TimeoutError:
            return Result(said=Said.LOST, reason="no answer in time")

    async def _attempt(self, account: Account, entry: OutboxEntry) -> Result:
        draft = draft_from_json(entry.draft)
        reached = False
        try:
            async with self._connectors.open(account) as connector:
                reached = True
                if entry.reply_to is not None and isinstance(connector, Replies):
                    return Result(said=Said.SENT, sent=await connector.reply(entry.reply_to, draft, key=entry.key))
                if entry.reply_to is None and isinstance(connector, Publishes):
                    return Result(said=Said.SENT, sent=await connector.publish(draft, key=entry.key))
                return Result(said=Said.REFUSED, reason=f"{account.channel} cannot send this")
        except Exception as error:
            return self._judged(error, if_unexpected=Said.LOST if reached else Said.WAIT)

    async def _find(self, account: Account, entry: OutboxEntry) -> Result:
        since = entry.prepared_at
        try:
            async with self._connectors.open(account) as connector:
                if not isinstance(connector, Finds):
                    return Result(said=Said.UNSURE, reason=f"{account.channel} cannot be asked whether it arrived")
                draft = draft_from_json(entry.draft)
                sent = await connector.find(entry.key, draft, to=entry.reply_to, since=since)
        except (Ambiguous, Unsupported) as error:
            return Result(said=Said.UNSURE, reason=str(error))
        except Exception as error:
            return self._judged(error, if_unexpected=Said.WAIT)
        return Result(said=Said.SENT, sent=sent) if sent else Result(said=Said.ABSENT, reason=entry.reason)

    def _judged(self, error: Exception, *, if_unexpected: Said) -> Result:
        match error:
            case Unreachable():
                return Result(said=Said.WAIT, reason=str(error), wait=error.wait(self._database.clock.now()))
            case Unauthorized():
                return Result(said=Said.NO_ACCESS, reason=str(error))
            case Rejected() | Unsupported():
                return Result(said=Said.REFUSED, reason=str(error))
            case Ambiguous():
                return Result(said=Said.LOST, reason=str(error))
            case _:
                log.error(
                    "connector failed", action="outbox.connector", error=type(error).__name__, exc_info=error
                )
                return Result(said=if_unexpected, reason=f"unexpected {type(error).__name__}; see the log")

    async def _note(
        self, work: UnitOfWork, account: Account, entry: OutboxEntry, result: Result, then: Next
    ) -> None:
        """
        Write down what came of an attempt or a look.
        """
        if result.said is Said.NO_ACCESS:
            await mark_unauthorized(work, account.id, result.reason)
        values: dict[str, Any] = {"due_at": then.due_at, "reason": then.reason, **NO_LEASE}
        if result.sent is not None:
            sent = result.sent
            values |= {"sent_id": sent.remote_id, "sent_url": sent.url, "sent_at": sent.at or work.now}
        if then.state in SETTLED:
            values["settled_at"] = work.now
        if not then.counts and then.state is State.PREPARED:
            values["attempts"] = entry.attempts - 1
        await self._tell(work, await self._moved(work, entry.id, then.state, values))
        if then.state in (State.REFUSED, State.UNKNOWN):
            log.warning("not sent", action=f"outbox.{then.state}", id=entry.id, reason=then.reason)

    async def _moved(
        self, work: UnitOfWork, entry_id: str, to: State, values: dict[str, Any]
    ) -> OutboxEntry | None:
        if to is State.CONFIRMED:
            # A receipt is the truth, even if it comes after our lease has run out.
            return await store.change(work, entry_id, to, values)
        moved = await store.change(work, entry_id, to, values, holder=self._holder)
        if moved is None and to is State.UNKNOWN:
            return await store.look_again(work, entry_id, values, holder=self._holder)
        return moved

    async def _tell(self, work: UnitOfWork, entry: OutboxEntry | None) -> None:
        # None: somebody else was faster (another worker, a person); what they decided stands.
        if entry is not None:
            await changed(work, entry, self._receipts)
