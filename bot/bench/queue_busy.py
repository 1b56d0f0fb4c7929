"""
The daemon under load: agents who look at their views over HTTP, customers who write, answers, clocks that run out.
"""

from __future__ import annotations

import asyncio
import json
import os
import random
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlmodel import col

from bot.app import Daemon, running
from bot.bench.loopback import Loopback
from bot.bench.queue_house import House, Settings
from bot.bench.queue_load import some_unclaimed
from bot.bench.queue_reads import millis, next_50
from bot.core.database import Database
from bot.core.paging import LONGEST_PAGE
from bot.inbox import service
from bot.inbox.board import TOPIC
from bot.inbox.rules import EventKind, Promise
from bot.inbox.tables import Conversation, ConversationClock, ConversationEvent, Message
from bot.settings import Settings as HouseSettings
from bot.web.keys import SESSION_COOKIE
from connectors.registry import Registry

STRAGGLE_SECONDS = 20.0
"""Given to what was asked last, so that the end of the run counts like its middle."""
BREACHES_PER_SECOND = 5.0
GRACE = timedelta(hours=24)


async def with_daemon(folder: str, url: str, house: House, settings: Settings) -> dict[str, Any]:
    network = Loopback()
    own = HouseSettings.model_validate(
        {
            "data_dir": Path(folder),
            "server": {"port": 0},
            "database": {"url": url},
            # What the copies say about claims and presence is not to be tidied up meanwhile.
            "queue": {"claim_lease": "7d", "offline_grace": "24h"},
        }
    )
    async with running(own, channels=Registry((network.channel(),))) as daemon:
        before, begin = _resident_bytes(), time.perf_counter()
        await daemon.board.filled()
        board = {
            "seconds": round(time.perf_counter() - begin, 1),
            "megabytes": round((_resident_bytes() - before) / 1e6),
            "conversations": len(daemon.board),
        }
        read = await next_50(daemon.database, house, settings, daemon.board)
        idle = await _busy(daemon, network, house, settings.seconds / 3, per_second=1.0, breaches=1.0)
        async with _agents(daemon, house, settings) as looking:
            load_figures = await _busy(
                daemon,
                network,
                house,
                settings.seconds,
                per_second=settings.per_second,
                breaches=BREACHES_PER_SECOND,
            )
            refreshes = await looking()
    return {
        "board": board,
        "next_50_with_board": read,
        "idle": idle,
        "load": {
            "requests_per_second": round(settings.per_second, 2),
            "agents": settings.agents,
            "views_each": settings.views,
            "refresh_ms": millis(refreshes),
            **load_figures,
        },
    }


@asynccontextmanager
async def _agents(
    daemon: Daemon, house: House, settings: Settings
) -> AsyncIterator[Callable[[], Awaitable[list[float]]]]:
    work = {
        "url": daemon.url,
        "seconds": settings.seconds,
        "agents": [
            {"cookie_name": SESSION_COOKIE, "cookie": house.cookies[person.id], "views": house.views[person.id]}
            for person in house.people
        ],
    }
    pages = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "bot.bench.queue_agents"),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    talking = asyncio.create_task(pages.communicate(json.dumps(work).encode()))

    async def took() -> list[float]:
        out, _ = await talking
        if pages.returncode:
            raise RuntimeError("the agents' pages failed; see above")
        return list(json.loads(out))

    try:
        yield took
    finally:
        if pages.returncode is None:
            pages.kill()
        await asyncio.gather(talking, return_exceptions=True)


async def _busy(
    daemon: Daemon, network: Loopback, house: House, seconds: float, *, per_second: float, breaches: float
) -> dict[str, Any]:
    """
    Let customers write and agents answer at a rate, and clocks break; say how late each of them was.
    """
    first, choice = len(network.items), random.Random(len(network.items))
    clocks = await _set_clocks(daemon.database, house, seconds, breaches)
    told_at: dict[str, float] = {}
    listening = asyncio.create_task(_listen(daemon, told_at))
    asked = asyncio.create_task(_ask(network, seconds, per_second, choice, daemon))
    replied_at = await _answer(daemon, house, asked, first, network)
    await _have_left(network, replied_at)
    listening.cancel()
    numbers = [str(number + 1) for number in range(first, len(network.items))]
    heard, told = await _heard_after(daemon.database, network, numbers, told_at)
    lags = await _breach_lags(daemon.database, clocks)
    outbox = [
        network.answered_at[number] - at for number, at in replied_at.items() if number in network.answered_at
    ]
    return {
        "questions": len(numbers),
        "poller_delay_ms": millis(heard),
        "told_delay_ms": millis(told),
        "answers": len(outbox),
        "outbox_delay_ms": millis(outbox),
        "breaches": len(lags),
        "breaches_recorded_of": len(clocks),
        "breach_lag_ms": millis(lags),
    }


async def _ask(
    network: Loopback, seconds: float, per_second: float, choice: random.Random, daemon: Daemon
) -> None:
    until = time.perf_counter() + seconds
    while time.perf_counter() < until:
        await asyncio.sleep(choice.expovariate(per_second))
        network.put("Where is my order? It has not arrived.", daemon.database.clock.now())


async def _answer(
    daemon: Daemon, house: House, asked: asyncio.Task[None], first: int, network: Loopback
) -> dict[str, float]:
    """
    Claim and answer what comes in, as agents do; gives when each answer was committed.
    """
    replied_at: dict[str, float] = {}
    answered, until = set[str](), 0.0
    while not asked.done() or (len(answered) < len(network.items) - first and time.perf_counter() < until):
        if not asked.done():
            until = time.perf_counter() + STRAGGLE_SECONDS
        await asyncio.sleep(0.2)
        async with daemon.database.read() as work:
            query = sa.select(col(Message.conversation_id), col(Message.remote_id), col(Message.id)).where(
                col(Message.direction) == "inbound", col(Message.account_id) == house.account.id
            )
            rows = (await work.session.execute(query.order_by(col(Message.id).desc()).limit(LONGEST_PAGE))).all()
        for conversation_id, remote_id, message_id in rows:
            if remote_id is None or remote_id in answered or int(remote_id) <= first:
                continue
            answered.add(remote_id)
            person = house.people[int(remote_id) % len(house.people)]
            async with daemon.database.write() as work:
                await service.reply(
                    work,
                    person,
                    conversation_id,
                    text="It is on its way.",
                    seen=message_id,
                    promise=Promise(first_response=timedelta(minutes=15), grace=GRACE),
                )
            replied_at[remote_id] = time.perf_counter()
    await asked
    return replied_at


async def _have_left(network: Loopback, replied_at: Mapping[str, float]) -> None:
    """
    Wait until the answers are out, and the last clock has rung; whoever takes longer counts as missing.
    """
    until = time.perf_counter() + STRAGGLE_SECONDS
    await asyncio.sleep(2.0)
    while not replied_at.keys() <= network.answered_at.keys() and time.perf_counter() < until:  # noqa: ASYNC110
        await asyncio.sleep(0.1)  # the network of the bench has no event to wait for


async def _listen(daemon: Daemon, told_at: dict[str, float]) -> None:
    """
    Note when pages are first told of each conversation.
    """
    async for news in daemon.live.subscribe(None, None):
        if news.topic.startswith(TOPIC):
            told_at.setdefault(news.topic.removeprefix(TOPIC), time.perf_counter())


async def _heard_after(
    database: Database, network: Loopback, numbers: Sequence[str], told_at: Mapping[str, float]
) -> tuple[list[float], list[float]]:
    """
    Say how long each question took from the network until it was taken into its conversation (the instant that its
    unit of work happens at), and until pages were told of it (after the commit).
    """
    async with database.read() as work:
        query = sa.select(
            col(Message.remote_id), col(Conversation.id), col(Conversation.opened_at), col(Message.at)
        ).join(Conversation, col(Message.conversation_id) == col(Conversation.id))
        found = await work.session.execute(
            query.where(col(Message.direction) == "inbound", col(Message.remote_id).in_(numbers[-500:]))
        )
        rows = found.all()
    taken = [(opened - written).total_seconds() for _, _, opened, written in rows]
    told = [told_at[one] - network.put_at[number] for number, one, _, _ in rows if number and one in told_at]
    return taken, told


async def _set_clocks(database: Database, house: House, seconds: float, per_second: float) -> list[str]:
    """
    Let clocks of some conversations run out during the run, evenly.
    """
    number = max(1, int(seconds * per_second))
    ids = await some_unclaimed(database, 50_000)
    made = []
    async with database.write() as work:
        for place, one in enumerate(random.Random(number).sample(ids, min(number, len(ids)))):
            due = work.now + timedelta(seconds=1 + seconds * place / number)
            clock = ConversationClock(
                id=work.new_id(),
                conversation_id=one,
                kind="first_response",
                started_at=work.now,
                due_at=due,
                alarm_at=due,
            )
            work.session.add(clock)
            made.append(clock.id)
        work.publish("clocks", {"alarm_at": work.now.isoformat()})
    return made


async def _breach_lags(database: Database, clocks: Sequence[str]) -> list[float]:
    async with database.read() as work:
        query = sa.select(ConversationEvent).where(
            col(ConversationEvent.kind) == EventKind.CLOCK_BREACHED,
            col(ConversationEvent.conversation_id).in_(
                sa.select(col(ConversationClock.conversation_id)).where(col(ConversationClock.id).in_(clocks))
            ),
        )
        events = (await work.session.scalars(query)).all()
    return [
        (event.at - datetime.fromisoformat(event.detail["due_at"])).total_seconds()
        for event in events
        if event.detail.get("clock_id") in set(clocks)
    ]


def _resident_bytes() -> int:
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
