"""
Real processes that are really killed in the middle of sending: at least once, always under the same webhook-id.
"""

from __future__ import annotations

import asyncio
import signal
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from bot.webhooks.rules import State
from tests.integration.webhooks.conftest import House
from tests.integration.webhooks.node import Step

ROOT = Path(__file__).parents[3]


@asynccontextmanager
async def node(house: House, url: str, step: Step = Step.NEVER) -> AsyncIterator[asyncio.subprocess.Process]:
    """
    Start a process that sends; it is killed at the end if it still lives.
    """
    (key,) = house.box._source.read()
    words = ("-m", "tests.integration.webhooks.node", url, key, step)
    out = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(sys.executable, *words, cwd=ROOT, stdout=out)
    try:
        assert (await process.stdout.readline()) == b"ready\n"
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


async def until(condition: Callable[[], bool], seconds: float = 20.0) -> None:
    for _ in range(int(seconds / 0.02)):
        if condition():
            return
        await asyncio.sleep(0.02)
    raise TimeoutError("it did not happen")


async def recover(house: House) -> None:
    """
    Let the dead one's lease run out for a worker of this process.
    """
    house.clock.set(datetime.now(UTC) + timedelta(minutes=5))
    await house.work()


@pytest.mark.kill
async def test_O2_O11_killed_between_the_answer_and_writing_it_down(house: House, database_url: str):
    house.clock.set(datetime.now(UTC))
    endpoint, secret = await house.add()
    await house.announce()
    async with node(house, database_url, Step.AFTER_ANSWER) as victim:
        assert await asyncio.wait_for(victim.wait(), 20) == -signal.SIGKILL
    assert [one.state for one in await house.log(endpoint.id)] == [State.SENDING]
    await recover(house)
    assert [got.webhook_id for got in house.receiver.got] == ["e-1", "e-1"]
    assert [got.verify(secret)["type"] for got in house.receiver.got] == ["conversation.created"] * 2
    assert [one.state for one in await house.log(endpoint.id)] == [State.DELIVERED]


@pytest.mark.kill
async def test_O2_a_planned_stop_waits_for_the_answer(house: House, database_url: str):
    house.clock.set(datetime.now(UTC))
    endpoint, _ = await house.add(url=f"{house.receiver.url}?slow")
    await house.announce()
    async with node(house, database_url) as stopping:
        await until(lambda: bool(house.receiver.got))
        stopping.terminate()
        await asyncio.sleep(0.2)
        house.receiver.go_on.set()
        assert await asyncio.wait_for(stopping.wait(), 20) == 0
    assert [one.state for one in await house.log(endpoint.id)] == [State.DELIVERED]
    assert len(house.receiver.got) == 1
