"""
The verbs of the reports: read the event log on, and answer how promises were kept.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from bot.core.database import Database, UnitOfWork
from bot.core.errors import Invalid
from bot.reports import store
from bot.reports.figures import Figures, Gathering
from bot.reports.folding import EPOCH, instant_of, quarter_of
from bot.reports.percentiles import Times, summarise
from bot.reports.store import DIMENSIONS, Wanted

CLOCKS = ("first_response", "next_response", "resolution")
LONGEST = timedelta(days=366)
EVENTS_AT_ONCE = 2_000
OVERLAP = timedelta(minutes=10)
"""A unit of work commits later than its events say; by how much at the most."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Range:
    """
    Whole days of a time zone, the last one included.
    """

    first: date
    last: date
    zone: ZoneInfo

    @property
    def begin(self) -> datetime:
        return datetime.combine(self.first, time(), self.zone).astimezone(UTC)

    @property
    def end(self) -> datetime:
        return datetime.combine(self.last + timedelta(days=1), time(), self.zone).astimezone(UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """
    What a report is asked for, as text from a page, the API or the command line.

    Args:
        first, last: as in 2026-03-02; empty: a week ago, today.
        zone: a name as in Europe/Berlin.
        by: what to group by.
    """

    first: str = ""
    last: str = ""
    zone: str = "UTC"
    clock: str = "first_response"
    by: str = "channel"
    channel: str = ""
    account_id: str = ""
    agent_id: str = ""
    intent: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """
    A part of a report: an hour, a day, a channel, an account, an agent or an intent.
    """

    key: str
    name: str
    figures: Figures


@dataclass(frozen=True, slots=True, kw_only=True)
class SlaReport:
    """
    How one promise was kept over a range.
    """

    clock: str
    by: str
    range: Range
    whole: Figures
    hours: list[Group]
    days: list[Group]
    groups: list[Group]


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """
    What came, what was answered and how many waited at the end, of a quarter of an hour, an hour or a day.
    """

    at: datetime
    arrivals: int
    answers: int
    waiting: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Traffic:
    """
    Arrivals against answers, and how old what waits is now.
    """

    range: Range
    steps: list[Step]
    arrivals: int
    answers: int
    ages: Times


async def gather(database: Database) -> None:
    """
    Read the event log on from where it was left; each part is a unit of its own.
    """
    async with database.read() as work:
        until, began = await store.read_until(work), work.now
    after: str | None = store.first_id_at(until - OVERLAP) if until is not None else ""
    while after is not None:
        async with database.read() as work:
            touched, after = await store.touched(work, after, EVENTS_AT_ONCE)
        async with database.write(patient=True) as work:
            await store.refold(work, touched)
    async with database.write(patient=True) as work:
        await store.set_read_until(work, began)


async def rebuild(database: Database) -> None:
    """
    Throw away what was read off the event log and read all of it again.
    """
    async with database.write(patient=True) as work:
        await store.forget_all(work)
    await gather(database)


def range_of(asked: Asked, now: datetime) -> Range:
    """
    Read the range that somebody asks for.

    Raises:
        Invalid: what is wrong with which field.
    """
    problems: dict[str, str] = {}
    zone = _zone(asked.zone, problems)
    today = now.astimezone(zone).date()
    last = _day(asked.last, "to", today, problems)
    first = _day(asked.first, "from", last - timedelta(days=6) if last > date.min + LONGEST else last, problems)
    if not problems and last < first:
        problems["to"] = "the last day is before the first; swap them"
    if not problems and last - first >= LONGEST:
        problems["from"] = f"at most {LONGEST.days} days at once; choose a later first day"
    if problems:
        raise Invalid(fields=problems)
    return Range(first=first, last=last, zone=zone)


def _zone(name: str, problems: dict[str, str]) -> ZoneInfo:
    try:
        return ZoneInfo(name or "UTC")
    except (ZoneInfoNotFoundError, ValueError, OSError):
        problems["zone"] = f"there is no time zone {name[:60]!r}; write one as in Europe/Berlin"
        return ZoneInfo("UTC")


def _day(text: str, field: str, default: date, problems: dict[str, str]) -> date:
    if not text:
        return default
    try:
        found = date.fromisoformat(text)
    except ValueError:
        problems[field] = f"{text[:30]!r} is no day; write one as in 2026-03-02"
        return default
    if not EPOCH.year < found.year < 9000:
        problems[field] = f"{text[:30]!r} is out of range; choose a day after 1970"
        return default
    return found


def _checked(asked: Asked) -> None:
    problems = {}
    if asked.clock not in CLOCKS:
        problems["clock"] = f"choose one of {', '.join(CLOCKS)}"
    if asked.by not in DIMENSIONS:
        problems["by"] = f"choose one of {', '.join(DIMENSIONS)}"
    if problems:
        raise Invalid(fields=problems)


async def sla_report(work: UnitOfWork, asked: Asked) -> SlaReport:
    """
    Say how a promise was kept: all in all, by hour of the day, by day, and by what is asked for.

    Raises:
        Invalid: a range, a zone, a clock or a grouping that there is not.
    """
    _checked(asked)
    over = range_of(asked, work.now)
    wanted = Wanted(
        clock=asked.clock,
        first=quarter_of(over.begin),
        end=quarter_of(over.end),
        by=asked.by,
        channel=asked.channel,
        account_id=asked.account_id,
        agent_id=asked.agent_id,
        intent=asked.intent,
    )
    gathering = Gathering(_Local(over.zone).hour, _Local(over.zone).day)
    async for rows in store.clock_rows(work, wanted):
        gathering.add(rows)
    names = await store.names_of(work, asked.by)
    # The sums of a quarter of a year take the processor most of a second; other pages go on meanwhile.
    return await asyncio.to_thread(_summed, asked, over, gathering, names)


def _summed(asked: Asked, over: Range, gathering: Gathering, names: Mapping[str, str]) -> SlaReport:
    return SlaReport(
        clock=asked.clock,
        by=asked.by,
        range=over,
        whole=gathering.whole(),
        hours=[
            Group(key=f"{hour:02}", name=f"{hour:02}:00", figures=one) for hour, one in gathering.by_hour().items()
        ],
        days=[Group(key=day, name=day, figures=one) for day, one in gathering.by_day().items()],
        groups=_named(gathering.by_group(), names),
    )


def _named(groups: Mapping[str, Figures], names: Mapping[str, str]) -> list[Group]:
    found = [Group(key=key, name=names.get(key) or key, figures=one) for key, one in groups.items()]
    return sorted(found, key=lambda group: (-group.figures.asked, group.name))


class _Local:
    """
    Turns quarters of an hour into hours and days of a time zone, each once.
    """

    def __init__(self, zone: ZoneInfo) -> None:
        self._zone = zone
        self._known: dict[int, datetime] = {}

    def _at(self, quarter: int) -> datetime:
        if quarter not in self._known:
            self._known[quarter] = instant_of(quarter).astimezone(self._zone)
        return self._known[quarter]

    def hour(self, quarter: int) -> int:
        return self._at(quarter).hour

    def day(self, quarter: int) -> str:
        return self._at(quarter).date().isoformat()


async def traffic(work: UnitOfWork, asked: Asked) -> Traffic:
    """
    Hold arrivals against answers, by hour up to two weeks and by day beyond, with how many waited at the end of
    each.

    Raises:
        Invalid: a range or a zone that there is not.
    """
    over = range_of(asked, work.now)
    first, end = quarter_of(over.begin), quarter_of(min(over.end, work.now + timedelta(minutes=15)))
    arrivals = await store.words_by_quarter(work, "in", first, end)
    answers = await store.words_by_quarter(work, "out", first, end)
    waiting, changes = await store.waiting_changes(work, first, end)
    by_hour = over.last - over.first < timedelta(days=14)
    steps: dict[datetime, Step] = {}
    for quarter in range(first, end):
        local = instant_of(quarter).astimezone(over.zone)
        at = local.replace(minute=0) if by_hour else local.replace(hour=0, minute=0)
        waiting += changes.get(quarter, 0)
        before = steps.get(at.astimezone(UTC))
        steps[at.astimezone(UTC)] = Step(
            at=at,
            arrivals=(before.arrivals if before else 0) + arrivals.get(quarter, 0),
            answers=(before.answers if before else 0) + answers.get(quarter, 0),
            waiting=waiting,
        )
    ages = [max((work.now - since).total_seconds(), 0.0) for since in await store.waiting_since(work)]
    return Traffic(
        range=over,
        steps=list(steps.values()),
        arrivals=sum(arrivals.values()),
        answers=sum(answers.values()),
        ages=summarise(ages),
    )
