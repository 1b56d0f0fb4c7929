"""
What business hours do by the clock: fetch their feeds. Nothing waits for a feed, and its last good days stay.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from datetime import date, timedelta

import structlog
from aiohttp import web

from bot.core.database import Database
from bot.core.errors import NotFound
from bot.core.outward import NoAnswer, Outward, OutwardError
from bot.core.scheduler import Scheduler
from bot.hours import service
from bot.hours.calendar import YEARS_AHEAD, YEARS_BACK, week_of
from bot.hours.feed import FeedDay, FeedProblem, read_feed
from bot.hours.rules import first_open
from bot.hours.store import take_due_feed
from bot.hours.tables import BusinessHours

log = structlog.get_logger(__name__)

LOOK_EVERY = timedelta(seconds=30)
FETCH_EVERY = timedelta(hours=6)
AGAIN_AFTER = timedelta(minutes=30)
"""A feed that failed is asked again after this."""
LEASE = timedelta(minutes=2)
"""A process that dies while it fetches keeps others from it for this long."""
MOST_BYTES = 2_000_000
SECONDS = 10.0
ACCEPT = {"Accept": "text/calendar, text/plain;q=0.5, */*;q=0.1"}
JOB = "hours.feeds"


class Feeds:
    """
    Fetches what is due, for one process.
    """

    def __init__(self, database: Database, outward: Outward, scheduler: Scheduler | None = None) -> None:
        self._database = database
        self._outward = outward
        self._scheduler = scheduler

    def schedule(self) -> None:
        """
        Look for feeds that are due now and then.
        """
        if self._scheduler is not None:
            self._scheduler.every(JOB, LOOK_EVERY, self.run)

    def wake(self) -> None:
        """
        Look at once.
        """
        if self._scheduler is not None:
            self._scheduler.poke(JOB)

    async def run(self) -> int:
        """
        Fetch every feed that is due, one after another. Gives how many there were.
        """
        count = 0
        while (hours := await self._take()) is not None:
            await self._fetch(hours)
            count += 1
        return count

    async def _take(self) -> BusinessHours | None:
        # Looked for without writing first: there is hardly ever one.
        async with self._database.read() as work:
            if not await service.feed_is_due(work):
                return None
        async with self._database.write(patient=True) as work:
            return await take_due_feed(work, again_at=work.now + LEASE)

    async def _fetch(self, hours: BusinessHours) -> None:
        today = self._database.clock.now().date()
        try:
            days, note = await self._read(hours, today)
        except (OutwardError, FeedProblem) as error:
            said = error.detail if isinstance(error, OutwardError) else str(error)
            if not hours.feed_problem:
                log.warning("a calendar feed cannot be read", action="hours.feed", hours=hours.name, problem=said)
            await self._keep_problem(hours, said)
            return
        if hours.feed_problem:
            log.info("a calendar feed works again", action="hours.feed-recovered", hours=hours.name)
        try:
            async with self._database.write(patient=True) as work:
                await service.keep_feed(work, hours, days, note, again_at=work.now + FETCH_EVERY)
        except NotFound:
            return  # deleted while it was fetched

    async def _read(self, hours: BusinessHours, today: date) -> tuple[Mapping[date, FeedDay], str]:
        answer = await self._outward.get(hours.feed_url, headers=ACCEPT, seconds=SECONDS, max_bytes=MOST_BYTES)
        if answer.status != 200:
            raise NoAnswer(f"the server answered with {answer.status}")
        # Not on the loop: a large calendar takes seconds.
        return await asyncio.to_thread(
            read_feed,
            answer.body,
            zone=hours.zone,
            means=hours.feed_means,
            usual=first_open(week_of(hours)),
            first=date(today.year - YEARS_BACK, 1, 1),
            last=date(today.year + YEARS_AHEAD, 12, 31),
        )

    async def _keep_problem(self, hours: BusinessHours, said: str) -> None:
        try:
            async with self._database.write(patient=True) as work:
                await service.keep_feed_problem(work, hours, said, again_at=work.now + AGAIN_AFTER)
        except NotFound:
            return


FEEDS = web.AppKey("FEEDS", Feeds)
"""What fetches feeds, for pages and operations that wake it."""
