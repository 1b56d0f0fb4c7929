"""
Jobs that come round, on the real clock and a real loop.
"""

from __future__ import annotations

import asyncio
import logging
from datetime import timedelta

import pytest
import structlog

from bot.core.clock import SystemClock
from bot.core.scheduler import Scheduler

OFTEN = timedelta(milliseconds=20)


async def _until(done, seconds: float = 5.0) -> None:
    async with asyncio.timeout(seconds):
        while not done():
            await asyncio.sleep(0.01)


async def test_a_job_runs_at_once_and_again_and_never_twice_at_a_time() -> None:
    running, most, runs = 0, 0, 0

    async def job() -> None:
        nonlocal running, most, runs
        running, runs = running + 1, runs + 1
        most = max(most, running)
        await asyncio.sleep(0.05)
        running -= 1

    async with Scheduler(SystemClock()) as scheduler:
        scheduler.every("job", OFTEN, job)
        await _until(lambda: runs >= 3)
    assert most == 1


async def test_poke_runs_it_now_and_drop_ends_it() -> None:
    runs = 0

    async def job() -> None:
        nonlocal runs
        runs += 1

    async with Scheduler(SystemClock()) as scheduler:
        scheduler.every("job", timedelta(hours=1), job)
        await _until(lambda: runs == 1)
        scheduler.poke("job")
        await _until(lambda: runs == 2)
        assert scheduler.names() == {"job"}
        scheduler.drop("job")
        scheduler.drop("job")
        scheduler.poke("job")
        assert scheduler.names() == set()
        await asyncio.sleep(0.05)
    assert runs == 2


async def test_a_failure_is_logged_once_and_its_recovery_once() -> None:
    runs = 0

    async def job() -> None:
        nonlocal runs
        runs += 1
        if runs <= 3:
            raise RuntimeError("broken")

    with structlog.testing.capture_logs() as logged:
        async with Scheduler(SystemClock()) as scheduler:
            scheduler.every("job", OFTEN, job)
            await _until(lambda: runs >= 6)
    assert [entry["action"] for entry in logged] == ["job.failed", "job.recovered"]


async def test_a_job_that_is_cut_off_at_the_end_is_no_failure(caplog: pytest.LogCaptureFixture) -> None:
    started = asyncio.Event()

    async def job() -> None:
        started.set()
        await asyncio.sleep(60)

    with caplog.at_level(logging.DEBUG), structlog.testing.capture_logs() as logged:
        async with Scheduler(SystemClock()) as scheduler:
            scheduler.every("job", OFTEN, job)
            await started.wait()
        await asyncio.sleep(0.01)
    assert logged == []
    assert not [record for record in caplog.records if record.levelno >= logging.WARNING]
