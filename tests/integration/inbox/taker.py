"""
A node whose agents press Next: a process of its own, for races with others.

    python -m tests.integration.inbox.taker DATABASE_URL COUNT

It reads a list of agents from standard input (JSON, one a taker), says `ready`, waits for a line, and lets every
taker take and resolve until nothing is left. Then it writes what happened, as JSON.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from datetime import timedelta

import bot.schema  # noqa: F401  (every table is known)
from bot.core.actor import Actor
from bot.core.clock import SystemClock
from bot.core.database import Database, UnitOfWork, open_database
from bot.core.errors import Conflict
from bot.inbox import dispatch, dispatch_store, service

REACH = timedelta(minutes=5)
LONGEST_WAIT = timedelta(seconds=120)


@dataclass
class Story:
    """
    What the takers of a process saw.

    Args:
        taken: ids, each as often as it was taken.
        most: the largest number that ever waited for one agent, seen while their row was locked.
        refused: how often somebody had enough.
        seconds: that each `Next` took which gave something.
    """

    taken: list[str] = field(default_factory=list)
    most: int = 0
    refused: int = 0
    seconds: list[float] = field(default_factory=list)


async def press(database: Database, actor: Actor, story: Story) -> str | None:
    """
    Press Next once; gives what came, or an empty text when they have enough.
    """
    began = time.perf_counter()
    try:
        async with database.write() as work:
            got = await dispatch.claim_next(work, actor, REACH)
            if got is not None:
                story.most = max(story.most, await dispatch_store.count_waiting(work, actor.id))
    except Conflict:
        story.refused += 1
        return ""
    if got is None:
        return None
    story.seconds.append(time.perf_counter() - began)
    story.taken.append(got.id)
    return got.id


async def work_off(database: Database, actor: Actor, story: Story) -> None:
    """
    Take until there is nothing more; who has enough resolves what they took themselves, oldest first.
    """
    mine: list[str] = []
    while (got := await press(database, actor, story)) is not None:
        if got:
            mine.append(got)
        elif mine:
            done = mine.pop(0)
            async with database.write() as work:
                await service.resolve(work, actor, done)
        else:
            await asyncio.sleep(0.1)  # another tab of theirs has it all
    for left in mine:
        async with database.write() as work:
            await _resolve(work, actor, left)


async def _resolve(work: UnitOfWork, actor: Actor, conversation_id: str) -> None:
    await service.resolve(work, actor, conversation_id)


async def main(url: str, agents: Sequence[Actor]) -> Story:
    database = open_database(url, SystemClock(), busy_timeout=LONGEST_WAIT, pool_size=10)
    story = Story()
    try:
        async with database.read():
            print("ready", flush=True)
        await asyncio.to_thread(sys.stdin.readline)
        await asyncio.gather(*(work_off(database, agent, story) for agent in agents))
    finally:
        await database.close()
    return story


if __name__ == "__main__":
    given = [Actor(**one) for one in json.loads(sys.stdin.readline())]
    print(json.dumps(asdict(asyncio.run(main(sys.argv[1], given)))), flush=True)
