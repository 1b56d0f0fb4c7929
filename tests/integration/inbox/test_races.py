"""
Thirty takers in real processes, on both databases: nobody above their limit, nothing given twice, nothing left.
"""

from __future__ import annotations

import asyncio
import json
import statistics
import sys
from collections import Counter
from dataclasses import asdict
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from bot.core.actor import HUBBUB, Actor
from bot.core.clock import SystemClock
from bot.core.database import open_database
from bot.core.migrate import upgrade
from bot.inbox.tables import Conversation
from bot.staff import presence
from bot.staff.rules import Profile
from bot.staff.service import add_staff
from tests.integration.inbox.house import House

ROOT = Path(__file__).parents[3]
PROCESSES, TAKERS = 3, 30
AGENTS, CAPACITY = 10, 3
CONVERSATIONS = 120


async def settle(url: str, count: int) -> list[Actor]:
    """
    Fill a database: so many conversations that wait, and agents of little capacity.
    """
    database = open_database(url, SystemClock())
    house = await House(database).build()
    first = await house.asked()
    async with database.write() as work:
        pattern = await work.session.get(Conversation, first)
        assert pattern is not None
        row = pattern.model_dump()
        for number in range(count - 1):
            due_at = work.now + timedelta(minutes=10, seconds=number)
            work.session.add(Conversation(**{**row, "id": work.new_id(), "due_at": due_at}))
        agents = []
        for number in range(AGENTS):
            staff = await add_staff(work, HUBBUB, login=f"agent{number}", name=f"A{number}", role="agent")
            await presence.change_profile(work, HUBBUB, staff.id, Profile(capacity=CAPACITY))
            agents.append(staff.actor())
    await database.close()
    return agents


async def race(url: str, agents: list[Actor]) -> list[dict[str, Any]]:
    """
    Let thirty takers loose, three tabs an agent, each tab in another process. Gives what each process saw.
    """
    pipe = asyncio.subprocess.PIPE
    command = (sys.executable, "-m", "tests.integration.inbox.taker", url)
    nodes = []
    for number in range(PROCESSES):
        node = await asyncio.create_subprocess_exec(*command, cwd=ROOT, stdin=pipe, stdout=pipe)
        share = [asdict(agents[taker % AGENTS]) for taker in range(number, TAKERS, PROCESSES)]
        assert node.stdin is not None
        node.stdin.write(json.dumps(share).encode() + b"\n")
        nodes.append(node)
    try:
        for node in nodes:
            assert node.stdout is not None
            assert await node.stdout.readline() == b"ready\n"
        for node in nodes:
            assert node.stdin is not None
            node.stdin.write(b"go\n")
        told = await asyncio.gather(*(node.communicate() for node in nodes))
    finally:
        for node in nodes:
            if node.returncode is None:
                node.kill()
                await node.wait()
    return [json.loads(out) for out, _ in told]


@pytest.mark.kill
async def test_S8_of_thirty_takers_nobody_gets_above_their_limit_and_nothing_is_given_twice(
    database_url: str,
) -> None:
    agents = await settle(database_url, CONVERSATIONS)
    stories = await race(database_url, agents)
    taken = Counter(one for story in stories for one in story["taken"])
    assert len(taken) == CONVERSATIONS
    assert set(taken.values()) == {1}
    assert max(story["most"] for story in stories) == CAPACITY
    assert sum(story["refused"] for story in stories) > 0


async def measure(url: str, count: int) -> None:
    """
    Print how long `Next` takes while thirty press it: `python -m tests.integration.inbox.test_races URL COUNT`.
    """
    database = open_database(url, SystemClock())
    await upgrade(database)
    await database.close()
    stories = await race(url, await settle(url, count))
    seconds = [one for story in stories for one in story["seconds"]]
    parts = [1000 * part for part in statistics.quantiles(seconds, n=100)]
    print(f"{len(seconds)} taken; p50 {parts[49]:.0f} ms, p95 {parts[94]:.0f} ms, p99 {parts[98]:.0f} ms")


if __name__ == "__main__":
    asyncio.run(measure(sys.argv[1], int(sys.argv[2])))
