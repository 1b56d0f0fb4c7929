"""
The clock, real and fake.
"""

from __future__ import annotations

import asyncio
import time
from datetime import UTC, datetime, timedelta

import pytest

from bot.core.clock import Clock, SystemClock
from tests.fakes.clock import START, FakeClock


def test_the_system_clock_is_aware_utc() -> None:
    before = datetime.now(UTC)
    now = SystemClock().now()
    assert before <= now <= datetime.now(UTC)
    assert now.utcoffset() == timedelta(0)


async def test_the_system_clock_really_waits() -> None:
    began = time.monotonic()
    await SystemClock().sleep(0.02)
    assert time.monotonic() - began >= 0.015


@pytest.mark.parametrize("clock", [SystemClock(), FakeClock()], ids=["system", "fake"])
async def test_sleeping_for_nothing_lets_others_run(clock: Clock) -> None:
    ran: list[str] = []
    task = asyncio.create_task(_note(ran))
    await clock.sleep(0)
    assert ran == ["other"]
    await task


async def _note(ran: list[str]) -> None:
    ran.append("other")


async def test_sleepers_wake_in_the_order_of_their_instants_and_see_them() -> None:
    clock, woken = FakeClock(), []

    async def sleeper(name: str, seconds: float) -> None:
        await clock.sleep(seconds)
        woken.append((name, clock.now() - START))

    async with asyncio.TaskGroup() as group:
        for name, seconds in (("late", 30), ("early", 10), ("same as early", 10), ("too late", 31)):
            group.create_task(sleeper(name, seconds))
        await clock.advance(timedelta(seconds=30))
        assert woken == [
            ("early", timedelta(seconds=10)),
            ("same as early", timedelta(seconds=10)),
            ("late", timedelta(seconds=30)),
        ]
        assert clock.now() == START + timedelta(seconds=30)
        await clock.advance(1)


async def test_a_loop_that_sleeps_again_runs_as_often_as_time_allows() -> None:
    clock, ticks = FakeClock(), []

    async def ticker() -> None:
        while True:
            await clock.sleep(15)
            ticks.append(clock.now())

    task = asyncio.create_task(ticker())
    await clock.advance(timedelta(minutes=1))
    assert ticks == [START + timedelta(seconds=15 * n) for n in (1, 2, 3, 4)]
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    await clock.advance(60)
    assert len(ticks) == 4
    assert clock.sleeping == 0


async def test_jumping_wakes_nobody() -> None:
    clock = FakeClock()
    task = asyncio.create_task(clock.sleep(5))
    await asyncio.sleep(0)
    clock.set(START + timedelta(hours=1))
    await asyncio.sleep(0)
    assert clock.sleeping == 1
    await clock.advance(0)
    assert task.done()
