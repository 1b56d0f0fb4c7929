"""
The worker: takes what is due, sends it, and writes down what came of it.

The attempt is committed before the network hears of it, and the result after; a worker that dies in between leaves
an attempt whose lease runs out, which makes the entry unknown, and unknown means: look before sending again.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import Any

import structlog

from bot.accounts.connect import Connectors
from bot.accounts.service import get_account, mark_unauthorized
from bot.accounts.tables import Account
from bot.core.database import Database, UnitOfWork
from bot.core.live import LiveEvents
from bot.core.rounds import Rounds
from bot.outbox import store
from bot.outbox.rules import LOOKS, SETTLED, Limits, Next, Said, State, after_attempt, after_look
from bot.outbox.sending import Result, attempt, look
from bot.outbox.service import Receipt, changed
from bot.outbox.store import NO_LEASE
from bot.outbox.tables import OutboxEntry
from bot.settings import OutboxSettings

log = structlog.get_logger(__name__)

DIED = "the process that was sending it stopped in the middle"
MISSED = "missed: its time to be sent has passed"
ACCOUNTS_AT_ONCE = 8
WRITE_WAITS_SECONDS = (0.1, 0.5, 2.0)
"""Waits between tries to write a result down: what the network said must not be lost to a busy database."""
LAPSED_EVERY = timedelta(seconds=1)
WRITING_TAKES_SECONDS = 10.0
"""The longest that writing a result down may take on a planned stop."""

Write = Callable[[UnitOfWork, Sequence[Receipt]], Awaitable[None]]


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
        self._connectors = connectors
        self._receipts = receipts
        self._lease = settings.lease
        self._limits = Limits(
            attempts=settings.attempts, first_wait=settings.first_wait, longest_wait=settings.longest_wait
        )
        self._holder = holder
        self._slots = asyncio.Semaphore(ACCOUNTS_AT_ONCE)
        self._busy: dict[str, asyncio.Task[None]] = {}
        self._again: set[str] = set()
        self._asked_at: datetime | None = None
        self._rounds = Rounds(
            "outbox", database, live, frozenset({"outbox", "accounts"}), self.round, action="outbox.failed"
        )

    async def __aenter__(self) -> OutboxWorker:
        await self._rounds.__aenter__()
        return self

    async def __aexit__(self, *_: object) -> None:
        """
        Take nothing new; let what is being sent come to its end, so that a planned stop leaves nothing unknown.
        """
        await self._rounds.__aexit__()
        await self.finish()

    async def finish(self) -> None:
        """
        Wait for what is being done; an attempt ends before its lease does, and then it is written down.
        """
        if self._busy:
            longest = self._lease.total_seconds() + WRITING_TAKES_SECONDS
            await asyncio.wait(self._busy.values(), timeout=longest)

    async def round(self) -> None:
        """
        Start on every account that has something due, and note what died and what is too late.
        """
        async with self._database.read() as work:
            accounts = await store.accounts_with_work(work)
            abandoned, overdue = await self._lapsed(work)
        for one in accounts:
            self._start_on(one.account_id)
        for entry_id in abandoned:
            await self._write(partial(self._note_death, entry_id=entry_id))
        for entry_id in overdue:
            await self._write(partial(self._note_missed, entry_id=entry_id))

    async def _lapsed(self, work: UnitOfWork) -> tuple[list[str], list[str]]:
        """
        Give what died and what is too late; asked once a second, however often there is something to send.
        """
        if self._asked_at is not None and timedelta(0) <= work.now - self._asked_at < LAPSED_EVERY:
            return [], []
        self._asked_at = work.now
        return await store.abandoned(work), await store.overdue(work)

    def _start_on(self, account_id: str) -> None:
        if account_id in self._busy:
            self._again.add(account_id)
            return
        task = asyncio.create_task(self._drain(account_id), name=f"outbox-{account_id}")
        self._busy[account_id] = task
        task.add_done_callback(partial(self._done, account_id))

    def _done(self, account_id: str, _: asyncio.Task[None]) -> None:
        self._busy.pop(account_id, None)
        # Something came in while we were about to finish. Never without that: it would turn without end.
        if account_id in self._again:
            self._again.discard(account_id)
            self._rounds.wake()

    async def _note_death(self, work: UnitOfWork, receipts: Sequence[Receipt], *, entry_id: str) -> None:
        values = {"due_at": work.now + LOOKS[0], "unknown_at": work.now, "reason": DIED, **NO_LEASE}
        await _tell(work, await store.change(work, entry_id, State.UNKNOWN, values, lapsed=True), receipts)

    async def _note_missed(self, work: UnitOfWork, receipts: Sequence[Receipt], *, entry_id: str) -> None:
        values = {"settled_at": work.now, "reason": MISSED}
        await _tell(work, await store.change(work, entry_id, State.REFUSED, values), receipts)

    async def _drain(self, account_id: str) -> None:
        async with self._slots:
            try:
                while not self._rounds.stopping and await self._do_one(account_id):
                    pass
            except Exception:
                self._again.discard(account_id)
                log.exception(
                    "outbox stopped at an account; it goes on later", action="outbox.account", id=account_id
                )

    async def _do_one(self, account_id: str) -> bool:
        """
        Send or look for one entry; False when there is none. Asked first: to try in vain costs others a turn.
        """
        async with self._database.read() as work:
            found = await store.accounts_with_work(work, account_id)
        sends, looks = any(one.sends for one in found), any(one.looks for one in found)
        return (sends and await self._send_one(account_id)) or (looks and await self._look_one(account_id))

    async def _send_one(self, account_id: str) -> bool:
        """
        Attempt the account's next entry; False when there is none.
        """
        async with self._database.write() as work:
            entry = await store.take_due(work, account_id, holder=self._holder, lease=self._lease)
            if entry is None:
                return False
            account = await get_account(work, account_id)
        result = await attempt(self._connectors, account, entry, clock=self._database.clock, lease=self._lease)
        await self._write(partial(self._note_attempt, account=account, entry=entry, result=result))
        return True

    async def _note_attempt(
        self,
        work: UnitOfWork,
        receipts: Sequence[Receipt],
        *,
        account: Account,
        entry: OutboxEntry,
        result: Result,
    ) -> None:
        then = after_attempt(
            result.said,
            now=work.now,
            attempts=entry.attempts,
            limits=self._limits,
            reason=result.reason,
            server_wait=result.wait,
            chance=random.random(),
        )
        await self._note(work, receipts, account, entry, result, then)

    async def _look_one(self, account_id: str) -> bool:
        """
        Look for the account's next unknown entry; False when none is due.
        """
        async with self._database.write() as work:
            entry = await store.take_unknown(work, account_id, holder=self._holder, lease=self._lease)
            if entry is None:
                return False
            account = await get_account(work, account_id)
        result = await look(self._connectors, account, entry, clock=self._database.clock, lease=self._lease)
        await self._write(partial(self._note_look, account=account, entry=entry, result=result))
        return True

    async def _note_look(
        self,
        work: UnitOfWork,
        receipts: Sequence[Receipt],
        *,
        account: Account,
        entry: OutboxEntry,
        result: Result,
    ) -> None:
        if result.sent is not None and await store.belongs_to_another(work, entry, result.sent.remote_id):
            result = Result(
                said=Said.UNSURE, reason="the same text was sent before, so we cannot tell the two apart"
            )
        then = after_look(
            result.said,
            now=work.now,
            unknown_at=entry.unknown_at or work.now,
            looks=entry.finds,
            attempts=entry.attempts,
            limits=self._limits,
            reason=result.reason or entry.reason,
        )
        await self._note(work, receipts, account, entry, result, then)

    async def _note(
        self,
        work: UnitOfWork,
        receipts: Sequence[Receipt],
        account: Account,
        entry: OutboxEntry,
        result: Result,
        then: Next,
    ) -> None:
        """
        Write down what came of an attempt or a look.
        """
        values = _values(work, entry, result, then)
        moved = await store.settle(work, entry.id, then.state, values, holder=self._holder)
        await _tell(work, moved, receipts)
        if then.account_waits_until is not None:
            await store.let_account_wait(work, account.id, then.account_waits_until, result.reason)
        if result.said is Said.NO_ACCESS:
            await mark_unauthorized(work, account.id, result.reason)
        if moved is None:
            log.warning("too late to note", action="outbox.late", id=entry.id, said=result.said)
        elif then.state in (State.REFUSED, State.UNKNOWN):
            log.warning("not sent", action=f"outbox.{then.state}", id=entry.id, reason=then.reason)

    async def _write(self, write: Write) -> None:
        """
        Write something down, again if that fails, at last without telling the receipts (one may be broken):
        what happened outside must be on record before anything else.
        """
        for wait in WRITE_WAITS_SECONDS:
            try:
                async with self._database.write() as work:
                    await write(work, self._receipts)
                return
            except Exception as error:
                log.warning("cannot write down a result yet", action="outbox.write", error=type(error).__name__)
            await self._database.clock.sleep(wait)
        async with self._database.write() as work:
            await write(work, ())
        log.error("written down, but nobody was told", action="outbox.receipt")


def _values(work: UnitOfWork, entry: OutboxEntry, result: Result, then: Next) -> dict[str, Any]:
    values: dict[str, Any] = {"due_at": then.due_at, "reason": then.reason, **NO_LEASE}
    if result.sent is not None:
        sent = result.sent
        values |= {"sent_id": sent.remote_id, "sent_url": sent.url, "sent_at": sent.at or work.now}
    if then.state in SETTLED:
        values["settled_at"] = work.now
    if then.state is not State.UNKNOWN:
        values["unknown_at"] = None
    elif entry.state == State.ATTEMPTING:
        values["unknown_at"] = work.now
    if not then.counts:
        values["attempts"] = entry.attempts - 1
    return values


async def _tell(work: UnitOfWork, entry: OutboxEntry | None, receipts: Sequence[Receipt]) -> None:
    # None: somebody else was faster (another worker, a person); what they decided stands.
    if entry is not None:
        await changed(work, entry, receipts)
