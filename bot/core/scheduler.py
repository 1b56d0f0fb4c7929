"""
Jobs that come round: APScheduler with the settings that are right for every job of ours.

A job never runs twice at a time in one process, missed rounds are made up by one, and a job that fails is logged
once until it works again. Between processes the job itself takes a lease.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta

import structlog
from apscheduler.jobstores.base import JobLookupError
from apscheduler.schedulers.asyncio import AsyncIOScheduler
from apscheduler.triggers.date import DateTrigger
from apscheduler.triggers.interval import IntervalTrigger

from bot.core.clock import Clock

log = structlog.get_logger(__name__)
MOST_RUNS = 1_000
"""Of one job at a time; as good as no limit."""
Job = Callable[[], Awaitable[object]]


class Scheduler:
    """
    Runs named jobs; used as an async context manager around the life of the daemon.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        # It warns whenever a run is longer than its interval, which for a poll that fetches a lot is as it should
        # be; what goes wrong in a job is said by `_guarded`.
        logger = logging.getLogger("hubbub.scheduler")
        logger.setLevel(logging.CRITICAL)
        self._scheduler = AsyncIOScheduler(
            logger=logger,
            timezone=UTC,
            job_defaults={"coalesce": True, "max_instances": 1, "misfire_grace_time": None},
        )
        self._failing: set[str] = set()

    async def __aenter__(self) -> Scheduler:
        self._scheduler.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        self._scheduler.shutdown(wait=False)

    def every(self, name: str, interval: timedelta, job: Job, *, jitter: timedelta = timedelta(0)) -> None:
        """
        Run `job` now and then every `interval`, up to `jitter` early or late. The same name replaces its job.
        """
        seconds = jitter.total_seconds() or None
        self._scheduler.add_job(
            self._guarded,
            IntervalTrigger(seconds=interval.total_seconds(), jitter=seconds, timezone=UTC),
            args=(name, job),
            id=name,
            replace_existing=True,
            next_run_time=self._clock.now(),
        )

    def at(self, name: str, instant: datetime, job: Job) -> None:
        """
        Run `job` once at an instant, or at once if that is past. The same name replaces its job.

        Unlike one that comes round, it is never left out because its last run has not ended: nothing would make up
        for it. A job that minds takes a lock.
        """
        self._scheduler.add_job(
            self._guarded,
            DateTrigger(run_date=instant, timezone=UTC),
            args=(name, job),
            id=name,
            replace_existing=True,
            max_instances=MOST_RUNS,
        )

    def poke(self, name: str) -> None:
        """
        Run a job as soon as possible instead of at its time; an unknown name is no mistake, it may just be gone.
        """
        try:
            self._scheduler.modify_job(name, next_run_time=self._clock.now())
        except JobLookupError:
            return

    def drop(self, name: str) -> None:
        """
        Forget a job; a run that is going on ends by itself.
        """
        try:
            self._scheduler.remove_job(name)
        except JobLookupError:
            return

    def names(self) -> set[str]:
        """
        Give the names of all jobs.
        """
        return {job.id for job in self._scheduler.get_jobs()}

    async def _guarded(self, name: str, job: Job) -> None:
        try:
            await job()
        except asyncio.CancelledError:
            return  # the daemon ends; APScheduler would log this as a failure
        except Exception:
            if name not in self._failing:
                self._failing.add(name)
                log.exception("job failed; it is tried again at its next time", action="job.failed", job=name)
            return
        if name in self._failing:
            self._failing.discard(name)
            log.info("job works again", action="job.recovered", job=name)
