"""
Reading and claiming in a queue of many: the first fifty of a view, its number, claims beside a bare UPDATE.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import asdict
from typing import Any

import sqlalchemy as sa

from bot.bench.queue_house import House, Settings, any_view
from bot.bench.queue_load import some_unclaimed
from bot.core.actor import Actor
from bot.core.database import Database, UnitOfWork
from bot.inbox import service, store
from bot.inbox.board import Board
from bot.inbox.listing import count, list_selected
from bot.reports.percentiles import summarise

AT_A_TIME = 100


async def next_50(database: Database, house: House, settings: Settings, board: Board | None) -> dict[str, Any]:
    """
    Read the first fifty by deadline of a team's view, and its number.

    Without the board each reads the whole table, as a node does in its first seconds: a tenth of them is enough.
    """
    choice, rows, counts = random.Random(1), list[float](), list[float]()
    for _ in range(settings.reads if board else max(1, settings.reads // 10)):
        selection = any_view(choice, house.accounts)
        async with database.read() as work:
            begin = time.perf_counter()
            await list_selected(work, selection, limit=50, after=None, board=board)
            rows.append(time.perf_counter() - begin)
            begin = time.perf_counter()
            await count(work, selection, actor_id="", board=board)
            counts.append(time.perf_counter() - begin)
    return {"rows_ms": millis(rows), "count_ms": millis(counts)}


async def claims(database: Database, house: House, settings: Settings) -> dict[str, Any]:
    """
    Claim durably, one transaction each, beside a bare UPDATE of the same rows: a row that nobody else wants.
    """
    ids = await some_unclaimed(database, min(3 * settings.claims, settings.conversations // 2))
    part = len(ids) // 3
    first, second, third = ids[:part], ids[part : 2 * part], ids[2 * part :]

    async def bare(work: UnitOfWork, one: str, person: Actor) -> None:
        await work.session.execute(
            sa.text("UPDATE conversation SET agent_id = :agent, agent_name = :name WHERE id = :id"),
            {"agent": person.id, "name": person.name, "id": one},
        )

    async def claim(work: UnitOfWork, one: str, person: Actor) -> None:
        assert await store.claim(work, one, agent_id=person.id, agent_name=person.name)

    async def whole(work: UnitOfWork, one: str, person: Actor) -> None:
        await service.claim(work, person, one)

    acts, took = (bare, claim, whole), [0.0, 0.0, 0.0]
    # In turns of a few: what else the machine does meanwhile slows all three alike.
    for turn in range(0, part, AT_A_TIME):
        for number, (some, act) in enumerate(zip((first, second, third), acts, strict=True)):
            took[number] += await _seconds(database, house, some[turn : turn + AT_A_TIME], act)
    rates = [round(part / seconds) for seconds in took]
    return {
        "bare_update_per_second": rates[0],
        "claim_per_second": rates[1],
        "claim_to_bare": round(rates[1] / rates[0], 2),
        "claim_with_event_audit_and_news_per_second": rates[2],
        "claim_with_event_audit_and_news_to_bare": round(rates[2] / rates[0], 2),
    }


async def _seconds(
    database: Database,
    house: House,
    ids: Sequence[str],
    act: Callable[[UnitOfWork, str, Actor], Awaitable[None]],
) -> float:
    left = list(ids)

    async def agent(person: Actor) -> None:
        while left:
            one = left.pop()
            async with database.write() as work:
                await act(work, one, person)

    begin = time.perf_counter()
    await asyncio.gather(*(agent(person) for person in house.people[:8]))
    return time.perf_counter() - begin


def millis(seconds: Sequence[float]) -> dict[str, float | int | None]:
    """
    Say durations in milliseconds: their number, percentiles and the longest.
    """
    times = asdict(summarise(seconds))
    return {
        name: times[name] if name == "count" else None if times[name] is None else round(1_000 * times[name], 2)
        for name in ("count", "p50", "p95", "p99", "longest")
    }
