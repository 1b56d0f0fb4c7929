"""
The watch: one job at the earliest warning or deadline, moved as the queue changes. Acts; `clocks.ring` records.

Every node watches. APScheduler holds one job for the earliest alarm; a clock that is set says in the live news
when it rings, and the job is moved if that is earlier. If the earliest clock stops, the job finds nothing and goes
to the next one. So a warning or a breach is known when it happens, however often accounts are polled, and after a
downtime everything that rang meanwhile is recorded once, with its true time.

A conversation that somebody is changing at this moment is left for an instant, so that locks are always taken in
the order conversation, then clock.
"""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta

import structlog

from bot.core.actor import HUBBUB
from bot.core.database import Database, UnitOfWork
from bot.core.live import LiveEvents
from bot.core.scheduler import Scheduler
from bot.inbox import clocks, policy_store, store
from bot.inbox.changes import note_event, tell
from bot.inbox.clocks import CLOCKS_TOPIC
from bot.inbox.escalating import escalate
from bot.inbox.policies import move_running
from bot.inbox.rules import EventKind, State
from bot.inbox.tables import Conversation, ConversationClock

log = structlog.get_logger(__name__)

JOB = "inbox.watch"
AGAIN = timedelta(milliseconds=100)
"""Until a conversation that was locked is looked at again."""
CHECK_EVERY = timedelta(seconds=15)
"""A look at the table in case news got lost: PostgreSQL's notifications may, while it restarts."""
MOVE_EVERY = timedelta(seconds=2)
CLOCKS_AT_ONCE = 50


class Watch:
    """
    Watches for one process. Used as an async context manager around the life of the daemon.
    """

    def __init__(self, database: Database, live: LiveEvents, scheduler: Scheduler) -> None:
        self._database = database
        self._live = live
        self._scheduler = scheduler
        self._next: datetime | None = None
        self._looking = asyncio.Lock()
        self._listening: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Watch:
        self._listening = asyncio.create_task(self._listen(), name="watch")
        self._scheduler.every("inbox.watch.check", CHECK_EVERY, self.look)
        self._scheduler.every("inbox.policies", MOVE_EVERY, self._move)
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._listening is not None
        self._listening.cancel()
        await asyncio.gather(self._listening, return_exceptions=True)
        for name in (JOB, "inbox.watch.check", "inbox.policies"):
            self._scheduler.drop(name)

    async def _listen(self) -> None:
        while True:
            try:
                async for news in self._live.subscribe(frozenset({CLOCKS_TOPIC}), None):
                    said = news.data.get("alarm_at")
                    # Without a time something was missed: look now.
                    self._set(datetime.fromisoformat(said) if said else self._database.clock.now())
            except Exception as error:
                log.warning("live events cannot be read", action="watch.live", error=type(error).__name__)
                await self._database.clock.sleep(1)

    def _set(self, at: datetime) -> None:
        if self._next is None or at < self._next:
            self._next = at
            self._scheduler.at(JOB, at, self.look)

    async def _move(self) -> None:
        async with self._database.write(patient=True) as work:
            await move_running(work)

    async def look(self) -> int:
        """
        Record everything that rings, and set the job for what comes next. Gives how many clocks rang.
        """
        async with self._looking:
            rang, waiting = 0, True
            while waiting:
                async with self._database.read() as work:
                    due = await policy_store.ringing(work, limit=CLOCKS_AT_ONCE)
                done = 0
                for conversation_id, clock_id in due:
                    async with self._database.write() as work:
                        done += await ring(work, conversation_id, clock_id)
                rang, waiting = rang + done, done > 0
            await self._set_next(soon=bool(due))
            return rang

    async def _set_next(self, *, soon: bool) -> None:
        """
        Set the job for the earliest alarm; `soon`: one is due, but its conversation is being changed.
        """
        self._next = None  # the job of before has been run, or is run in vain
        async with self._database.read() as work:
            earliest = await policy_store.earliest_alarm(work)
        if earliest is not None:
            self._set(max(earliest, self._database.clock.now() + AGAIN) if soon else earliest)


async def ring(work: UnitOfWork, conversation_id: str, clock_id: str) -> bool:
    """
    Record what a clock rings for, and escalate; False when somebody has the conversation or it rings no more.
    """
    conversation = await store.lock_if_free(work, conversation_id)
    clock = await store.find_clock(work, clock_id) if conversation is not None else None
    if conversation is None or clock is None or clock.alarm_at is None or clock.alarm_at > work.now:
        return False
    kind = await clocks.ring(work, conversation, clock)
    if kind is None:
        return True
    if conversation.state == State.SNOOZED:
        _wake(work, conversation)
    policy = await policy_store.find_policy(work, clock.policy_id)
    if policy is not None:
        await escalate(work, conversation, clock, policy, kind, share=_share(clock, kind))
    tell(work, conversation.id)
    return True


def _wake(work: UnitOfWork, conversation: Conversation) -> None:
    # Nobody may sleep through the promise that they put aside.
    conversation.state, conversation.snoozed_until = State.OPEN, None
    note_event(work, conversation, EventKind.WOKE, HUBBUB, why="its promise is in danger")


def _share(clock: ConversationClock, kind: EventKind) -> float | None:
    return clock.warn_shares[clock.warned - 1] if kind is EventKind.CLOCK_WARNED else None
