"""
Replay a day of requests through the real queue at the speed of the machine, once for each order of the queue.

Everything is real but the people and the time: a real database, `inbox.hearing.hear` for what comes in, `claim`
and `reply` for what agents do, the outbox's receipt for what arrives. The clock jumps from event to event. What
is drawn (arrivals, handling times, bursts) is that of `bot.reports.simulation`, which says where it comes from;
the same draw goes through its simulation too, so that the two can be compared. First-in-first-out and
oldest-first are the orders of other inboxes, done here with their own queries on the same tables.
"""

from __future__ import annotations

import asyncio
import heapq
import tempfile
import time
from collections.abc import AsyncIterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from itertools import groupby, repeat
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlmodel import col

import bot.schema  # noqa: F401  (every table is known)
import responses
from bot.accounts.ears import Heard, Routed
from bot.accounts.tables import Account
from bot.accounts.tables import HeardItem as HeardRow
from bot.core.actor import HUBBUB, Actor
from bot.core.database import Database, UnitOfWork, open_database
from bot.core.errors import HubbubError
from bot.core.migrate import upgrade
from bot.inbox import hearing, service
from bot.inbox.dispatch import claim_next
from bot.inbox.order import reach_of
from bot.inbox.rules import ClockKind, Promise, State
from bot.inbox.tables import Conversation, ConversationClock
from bot.outbox.service import changed, entries_of
from bot.outbox.tables import OutboxEntry
from bot.reports.percentiles import share, summarise
from bot.reports.simulation import (
    ACCOUNTS,
    GLANCE,
    HOUR,
    HOURS,
    MOST_ALIKE,
    USUAL_BURSTS,
    Order,
    Plan,
    Request,
    Shift,
    compare,
    load,
    make_day,
)
from bot.staff.service import add_staff
from connectors.base import Author, HeardItem, HeardKind

MORNING = datetime(2026, 3, 3, tzinfo=UTC)
"""A Tuesday; each order gets a day of its own."""
QUESTIONS = ("Where is my order?", "Is the blue one from your post still there?", "Is the shop down?")
"""What the requests say: on their own, and of each burst."""
C = Conversation


class NotEmpty(HubbubError):
    """
    The database for the benchmark holds something already.
    """


class DayClock:
    """
    Tells the time of the replayed day; nobody sleeps.
    """

    def __init__(self) -> None:
        self.time = MORNING

    def now(self) -> datetime:
        return self.time

    async def sleep(self, seconds: float) -> None:
        """
        Refuse: a replayed day has no idle time.
        """
        raise NotImplementedError("the clock of a replayed day only jumps")


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """
    What to replay.

    Args:
        url: of an empty PostgreSQL database; None for an SQLite file of its own.
    """

    agents: int = 30
    requests: int = 10_000
    handling: float = 85.0
    promise: timedelta = timedelta(minutes=15)
    seed: int = 1
    url: str | None = None

    def plan(self) -> Plan:
        return Plan(
            requests=self.requests,
            handling=self.handling,
            promise=self.promise.total_seconds(),
            bursts=USUAL_BURSTS,
        )


class Replay:
    """
    One day under one order.
    """

    def __init__(self, database: Database, clock: DayClock, settings: Settings, order: Order, day: int) -> None:
        self.database, self.clock, self.order = database, clock, order
        self.promise = Promise(first_response=settings.promise, grace=timedelta(hours=24))
        self.reach = reach_of(settings.promise)
        self.midnight = MORNING + timedelta(days=day)
        self.accounts: list[Account] = []
        self.people: list[Actor] = []
        self.asked: dict[str, Request] = {}  # by conversation
        self.waiting_alike: dict[int, dict[str, None]] = {}
        self.waiting = 0

    async def open(self, agents: int) -> None:
        """
        Hire the people and connect the accounts of this day.
        """
        self.clock.time = self.midnight
        name = self.order.value
        async with self.database.write() as work:
            for number in range(ACCOUNTS):
                account = Account(
                    id=work.new_id(), channel="bench", name=f"{name} {number}", handle="", created_at=work.now
                )
                work.session.add(account)
                self.accounts.append(account)
            for number in range(agents):
                login = f"{name}-{number}"
                staff = await add_staff(work, HUBBUB, login=login, name=login, role="agent")
                self.people.append(Actor(id=staff.id, name=staff.name, role=staff.role, kind="staff"))

    async def run(self, day: Sequence[Request]) -> None:
        """
        Let the people answer everything: whoever is free first takes what the order says.
        """
        pages = [(at, list(page)) for at, page in groupby(day, key=lambda request: request.heard)]
        opens = min(HOUR * (request.written // HOUR) for request in day)
        # ends of answers, as (when, agent, what was answered); everybody is free at the opening
        ends: list[tuple[float, int, list[str]]] = [(opens, number, []) for number in range(len(self.people))]
        idle: list[int] = []
        while pages or len(idle) < len(self.people):
            if pages and (not ends or pages[0][0] <= ends[0][0]):
                now, page = pages.pop(0)
                await self._hear(now, page)
            else:
                now, agent, answered = heapq.heappop(ends)
                await self._answer(now, agent, answered)
                heapq.heappush(idle, agent)
            while idle and self.waiting:
                agent = heapq.heappop(idle)
                taken = await self._take(now, agent)
                work = self.asked[taken[0]].work + GLANCE * (len(taken) - 1)
                heapq.heappush(ends, (now + work, agent, taken))

    def _set(self, now: float) -> None:
        self.clock.time = self.midnight + timedelta(seconds=now)

    async def _hear(self, now: float, page: list[Request]) -> None:
        self._set(now)
        async with self.database.write() as work:
            for request in page:
                async with work.savepoint():
                    routed = await hearing.hear(work, await self._in_ledger(work, request), self.promise)
                assert isinstance(routed, Routed)
                conversation_id = routed.to.removeprefix("conversation:")
                self.asked[conversation_id] = request
                if request.alike:
                    self.waiting_alike.setdefault(request.alike, {})[conversation_id] = None
        self.waiting += len(page)

    async def _in_ledger(self, work: UnitOfWork, request: Request) -> Heard:
        account = self.accounts[request.account]
        written_at = self.midnight + timedelta(seconds=request.written)
        number = f"{self.order}-{request.number}"
        item = HeardItem(
            kind=HeardKind.MENTION,
            remote_id=number,
            message_id=number,
            author=Author(key=number, handle=number, name=f"Customer {request.number}"),
            text=QUESTIONS[request.alike],
            occurred_at=written_at,
            reply_to={"id": number},
        )
        row = HeardRow(
            id=work.new_id(),
            account_id=account.id,
            stream="bench",
            kind=item.kind,
            remote_id=number,
            state="routed",
            occurred_at=written_at,
            heard_at=work.now,
        )
        work.session.add(row)
        await work.session.flush()
        return Heard(heard_id=row.id, account=account, stream="bench", item=item)

    async def _take(self, now: float, agent: int) -> list[str]:
        """
        Claim the next conversation, and with grouping those alike to it.
        """
        self._set(now)
        async with self.database.write() as work:
            first = await self._next(work, self.people[agent])
            alike = self.waiting_alike.get(self.asked[first].alike, {})
            taken = [first]
            if self.order is Order.GROUPED:
                taken += [other for other in alike if other != first][: MOST_ALIKE - 1]
            for conversation_id in taken:
                alike.pop(conversation_id, None)
                if conversation_id != first:
                    await service.claim(work, self.people[agent], conversation_id)
        self.waiting -= len(taken)
        return taken

    async def _next(self, work: UnitOfWork, actor: Actor) -> str:
        """
        Give somebody the next one: ours by the verb behind the button `Next`, others' by their own order.
        """
        if self.order in (Order.OURS, Order.GROUPED):
            taken = await claim_next(work, actor, self.reach)
            assert taken is not None, "somebody waits, but the queue gives nobody"
            return taken.id
        # The promise is the same for all, so "by deadline" is "by when the customer wrote".
        first = col(C.opened_at) if self.order is Order.FIFO else col(C.due_at)
        query = sa.select(col(C.id)).where(col(C.state) == sa.literal_column("'open'"), col(C.agent_id).is_(None))
        found = (await work.session.scalars(query.order_by(first, col(C.id)).limit(1))).one()
        await service.claim(work, actor, found)
        return found

    async def _answer(self, now: float, agent: int, answered: list[str]) -> None:
        self._set(now)
        for conversation_id in answered:
            async with self.database.write() as work:
                conversation = await work.session.get(C, conversation_id)
                assert conversation is not None
                await service.reply(
                    work,
                    self.people[agent],
                    conversation_id,
                    text="It is on its way.",
                    seen=conversation.newest_message_id or "",
                    promise=self.promise,
                    then=State.RESOLVED,
                )
            async with self.database.write() as work:
                entry = (await entries_of(work, "conversation", conversation_id))[-1]
                entry.state, entry.sent_id, entry.sent_at = "confirmed", f"sent-{entry.id}", work.now
                await changed(work, entry, [self._receipt])

    async def _receipt(self, work: UnitOfWork, entry: OutboxEntry) -> None:
        await hearing.sent(work, entry, self.promise)

    async def result(self) -> dict[str, Any]:
        """
        Read from the database how the day went.
        """
        query = (
            sa.select(*(col(getattr(ConversationClock, name)) for name in ("started_at", "stopped_at", "outcome")))
            .join(C, col(ConversationClock.conversation_id) == col(C.id))
            .where(
                col(C.account_id).in_([account.id for account in self.accounts]),
                col(ConversationClock.kind) == ClockKind.FIRST_RESPONSE,
            )
        )
        async with self.database.read() as work:
            rows = (await work.session.execute(query)).all()
        times = summarise([(stopped - started).total_seconds() for started, stopped, _ in rows])
        return {
            "requests": len(rows),
            "kept": _rounded(share(sum(outcome == "kept" for _, _, outcome in rows), len(rows)), 4),
            **{
                f"{name}_seconds": _rounded(getattr(times, name), 1)
                for name in ("average", "p50", "p95", "longest")
            },
        }


def _rounded(value: float | None, digits: int) -> float | None:
    return None if value is None else round(value, digits)


def run(settings: Settings, orders: Sequence[Order] = tuple(Order), *, processes: int = 1) -> dict[str, Any]:
    """
    Replay the day under each order and say how it went, with everything that was assumed.

    Args:
        processes: replays at once. On PostgreSQL there is one queue for all, so one at a time.

    Raises:
        NotEmpty: the database named holds conversations.
    """
    plan = settings.plan()
    day = make_day(plan, settings.seed)
    shifts = [Shift(begins=plan.opens * HOUR)] * settings.agents
    simulated = compare(day, shifts, reach_of(settings.promise).total_seconds(), orders)
    if settings.url is not None or processes == 1:
        replayed = [_replayed(settings, order, number) for number, order in enumerate(orders)]
    else:
        with ProcessPoolExecutor(processes) as pool:
            replayed = list(pool.map(_replayed, repeat(settings), orders, range(len(orders))))
    figures = {
        one.order.value: {**result, "kept_by_simulation": _rounded(one.kept, 4)}
        for one, result in zip(simulated, replayed, strict=True)
    }
    return {**_assumed(settings, plan, day), "orders": figures}


def _replayed(settings: Settings, order: Order, number: int) -> dict[str, Any]:
    return asyncio.run(_replay(settings, order, number))


async def _replay(settings: Settings, order: Order, number: int) -> dict[str, Any]:
    responses.warm_up()
    began = time.perf_counter()
    clock = DayClock()
    async with _database(settings, clock, first=number == 0) as database:
        replay = Replay(database, clock, settings, order, number)
        await replay.open(settings.agents)
        await replay.run(make_day(settings.plan(), settings.seed))
        return {**await replay.result(), "took_seconds": round(time.perf_counter() - began, 1)}


def _assumed(settings: Settings, plan: Plan, day: Sequence[Request]) -> dict[str, Any]:
    hours = {f"{hour:02}": HOURS[hour] for hour in range(plan.opens, plan.closes)}
    return {
        "agents": settings.agents,
        "requests": settings.requests,
        "promise_seconds": plan.promise,
        "load": round(load(day, settings.agents, plan.closes - plan.opens), 4),
        "database": "sqlite" if settings.url is None else "postgresql",
        "seed": settings.seed,
        "curve": {
            "calls_by_hour": hours,
            "source": "bank_calls (R package fpp3), 4 and 5 March 2003; Weinberg, Brown and Stroud 2007, JASA 102",
        },
        "handling": {
            "distribution": "log-normal",
            "mean_seconds": plan.handling,
            "sigma": plan.spread,
            "source": "shape: Brown et al. 2005, JASA 100; mean: a parameter (30 people x 8 h / 10,000 is 86.4 s)",
        },
        "bursts": [{**asdict(burst), "source": "assumed"} for burst in plan.bursts],
        "grouping": {"glance_seconds": GLANCE, "at_most": MOST_ALIKE, "source": "assumed"},
    }


@asynccontextmanager
async def _database(settings: Settings, clock: DayClock, *, first: bool) -> AsyncIterator[Database]:
    with tempfile.TemporaryDirectory(prefix="hubbub-bench-") as folder:
        url = settings.url or f"sqlite+aiosqlite:///{Path(folder) / 'day.db'}"
        database = open_database(url, clock)
        try:
            await upgrade(database)
            if first:
                await _require_empty(database)
            yield database
        finally:
            await database.close()


async def _require_empty(database: Database) -> None:
    async with database.read() as work:
        if (await work.session.scalars(sa.select(col(C.id)).limit(1))).first() is not None:
            raise NotEmpty("it holds conversations; give the benchmark an empty database of its own")
