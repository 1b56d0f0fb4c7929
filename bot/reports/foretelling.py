"""
The verbs of the forecast: gather what is known, foretell, keep what was foretold, and say how wrong it was.

Hours are those of the clock in UTC; "the same hour a week ago" is the same instant seven days before. In the weeks
after a clock change this is an hour off where people live by local time.
"""

from __future__ import annotations

import asyncio
import statistics
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from bot.core.database import Database, UnitOfWork
from bot.inbox.order import reach_of
from bot.reports import store
from bot.reports.folding import instant_of, quarter_of
from bot.reports.forecast import (
    WEEKS,
    Accuracy,
    Desk,
    Forecast,
    Hour,
    accuracy,
    foretell,
    handling_of,
    level_of,
    robust_mean,
)
from bot.reports.percentiles import nearest_rank
from bot.reports.service import gather
from bot.reports.tables import ForecastHour
from bot.staff.presence import present_agents

HOURS_AHEAD = 10
LOOK_BACK = timedelta(hours=4)
"""Of today, to see whether it is busier than usual."""
FORETOLD_BEFORE = timedelta(hours=24)
USUAL_HANDLING = 86.0
ENOUGH_ANSWERS = 30
ANSWERS_LOOKED_AT = 3_000
HOUR, DAY, WEEK = timedelta(hours=1), timedelta(days=1), timedelta(days=7)
FRESH = timedelta(minutes=5)


@dataclass(frozen=True, slots=True, kw_only=True)
class Outlook:
    """
    A forecast with all that was assumed. Its seconds count from `base`.

    Args:
        measured: answers from which the handling time comes; below ENOUGH_ANSWERS the usual one is assumed.
        weeks: past weeks (or days, while there is no week yet) from which arrivals come; 0: nothing is known.
    """

    made_at: datetime
    base: datetime
    forecast: Forecast
    desk: Desk
    measured: int
    weeks: int
    level: float
    people_here: int
    waiting: int
    wrong: Accuracy

    def at(self, seconds: float) -> datetime:
        """
        Give the instant of a moment of the forecast.
        """
        return self.base + timedelta(seconds=seconds)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Past:
    """
    Arrivals and people by quarter of an hour, and since when there are any.
    """

    arrivals: Mapping[int, int]
    people: Mapping[int, int]
    since: datetime | None

    def samples(self, hour_at: datetime) -> list[datetime]:
        if self.since is None:
            return []
        weeks = [hour_at - WEEK * back for back in range(1, WEEKS + 1)]
        known = [at for at in weeks if at >= self.since]
        days = [hour_at - DAY * back for back in range(1, 8)]
        return known or [at for at in days if at >= self.since]

    def came(self, hour_at: datetime) -> int:
        return sum(self.arrivals.get(quarter_of(hour_at) + step, 0) for step in range(4))

    def there(self, hour_at: datetime) -> int:
        return max(self.people.get(quarter_of(hour_at) + step, 0) for step in range(4))

    def expected(self, hour_at: datetime) -> float:
        return robust_mean([self.came(at) for at in self.samples(hour_at)])

    def people_at(self, hour_at: datetime) -> int:
        there = [self.there(at) for at in self.samples(hour_at)]
        return round(statistics.median(there)) if there else 0


async def outlook(database: Database, promise: timedelta) -> Outlook:
    """
    Foretell the next hours.

    Args:
        promise: of a first response.
    """
    await gather(database)
    async with database.read() as work:
        now = work.now
        past = await _past(work, now)
        desk, measured = await _desk(work, promise)
        here = len(await present_agents(work))
        since = await store.waiting_since(work)
        wrong = await how_wrong(work)
    base = _hour_of(now)
    level = _level(past, base)
    hours = [_hour(past, base, number, now, level, here) for number in range(HOURS_AHEAD)]
    waiting = [(at - base).total_seconds() for at in since]
    # Some thousand simulated answers: too long to hold up everything else.
    forecast = await asyncio.to_thread(foretell, hours, waiting, desk)
    return Outlook(
        made_at=now,
        base=base,
        forecast=forecast,
        desk=desk,
        measured=measured,
        weeks=len(past.samples(base)),
        level=level,
        people_here=here,
        waiting=len(waiting),
        wrong=wrong,
    )


def _hour_of(at: datetime) -> datetime:
    return at.replace(minute=0, second=0, microsecond=0)


def _hour(past: _Past, base: datetime, number: int, now: datetime, level: float, here: int) -> Hour:
    hour_at = base + HOUR * number
    begins = max((now - base).total_seconds(), 0.0) if number == 0 else number * 3600.0
    ends = (number + 1) * 3600.0
    usual = past.people_at(hour_at)
    return Hour(
        begins=begins,
        ends=ends,
        arrivals=past.expected(hour_at) * level * (ends - begins) / 3600.0,
        # who is here is known; of the hours to come only what is usual, or who is here where nothing is
        people=here if here and (number == 0 or usual == 0) else usual,
    )


def _level(past: _Past, base: datetime) -> float:
    hours = [base - HOUR * back for back in range(1, LOOK_BACK // HOUR + 1)]
    return level_of(sum(past.expected(at) for at in hours), sum(past.came(at) for at in hours))


async def _past(work: UnitOfWork, now: datetime) -> _Past:
    first, end = quarter_of(now - WEEK * (WEEKS + 1)), quarter_of(now) + 1
    arrivals = await store.words_by_quarter(work, "in", first, end)
    people = await store.people_by_quarter(work, first, end)
    since = instant_of(min(arrivals)) if arrivals else None
    return _Past(arrivals=arrivals, people=people, since=since)


async def _desk(work: UnitOfWork, promise: timedelta) -> tuple[Desk, int]:
    rows = await store.answers_since(work, quarter_of(work.now - WEEK * 2), ANSWERS_LOOKED_AT)
    times = sorted(handling_of([(who, taken.timestamp(), done.timestamp()) for who, taken, done in rows]))
    mean, longest = USUAL_HANDLING, None
    if len(times) >= ENOUGH_ANSWERS:
        mean, longest = statistics.fmean(times), timedelta(seconds=nearest_rank(times, 95) or 0.0)
    reach = reach_of(promise, longest)
    return Desk(handling=mean, promise=promise.total_seconds(), reach=reach.total_seconds()), len(times)


async def keep_forecast(database: Database) -> None:
    """
    Keep what is foretold of the hours a day ahead, to be held against what comes; what was kept first stays.
    """
    async with database.write(patient=True) as work:
        past = await _past(work, work.now)
        hours = [_hour_of(work.now) + FORETOLD_BEFORE + HOUR * step for step in range(2)]
        rows = [
            ForecastHour(
                hour_at=at, made_at=work.now, arrivals=past.expected(at), people=past.people_at(at), kept=None
            )
            for at in hours
            if past.samples(at)
        ]
        await store.save_forecast(work, rows)


async def how_wrong(work: UnitOfWork) -> Accuracy:
    """
    Hold what was foretold a day before against what came, over the last week.
    """
    end = _hour_of(work.now)
    rows = await store.list_forecasts(work, end - WEEK, end)
    arrivals = await store.words_by_quarter(work, "in", quarter_of(end - WEEK), quarter_of(end))
    foretold = {quarter_of(row.hour_at): row.arrivals for row in rows}
    came = {first: sum(arrivals.get(first + step, 0) for step in range(4)) for first in foretold}
    return accuracy(foretold, came)


class Seer:
    """
    Keeps the newest outlook of this process, so that a page costs nothing and banners cost nothing.
    """

    def __init__(self, database: Database, promise: timedelta) -> None:
        self._database, self._promise = database, promise
        self._lock = asyncio.Lock()
        self.newest: Outlook | None = None

    async def look(self) -> Outlook:
        """
        Give an outlook that is a few minutes old at the most.
        """
        async with self._lock:
            now = self._database.clock.now()
            if self.newest is None or now - self.newest.made_at > FRESH:
                self.newest = await outlook(self._database, self._promise)
            return self.newest

    @property
    def breach_at(self) -> datetime | None:
        """
        Give when the first promise is expected to break, from an outlook that is still good.
        """
        found = self.newest
        if found is None or self._database.clock.now() - found.made_at > 2 * FRESH:
            return None
        breach = found.forecast.first_breach
        return found.at(breach) if found.weeks and breach is not None else None

    async def round(self) -> None:
        """
        Look anew, and keep what is foretold of tomorrow.
        """
        await self.look()
        await keep_forecast(self._database)
