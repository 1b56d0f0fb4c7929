"""
Business hours: when we are open, and how to count in open time. Pure.

A schedule says in wall time (what a clock in its zone shows) when each weekday is open, and which days are
otherwise. Arithmetic is between instants. One sentence ties the two together, so that nothing is counted twice
when clocks are set back and nothing is lost when they are set forward: **a wall time means the first instant at
which the clock on the wall shows it or more.** That is monotone: spans that are apart in wall time are apart as
instants.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from functools import cached_property
from itertools import pairwise
from zoneinfo import ZoneInfo

MINUTES = 24 * 60
"""Of a wall day; a span that ends at midnight ends at this minute, written 24:00."""

HORIZON = timedelta(days=100 * 366)
"""A deadline further away than this is not meant: the schedule has (nearly) no hours."""

SECOND = timedelta(seconds=1)


class NoHours(ValueError):
    """
    These business hours are never open for that long: a policy with no hours cannot be kept.
    """


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Span:
    """
    A part of a wall day, in minutes since its midnight; the end itself is closed.
    """

    opens: int
    closes: int

    def __str__(self) -> str:
        return f"{_clock(self.opens)}-{_clock(self.closes)}"


Spans = tuple[Span, ...]
WHOLE_DAY: Spans = (Span(opens=0, closes=MINUTES),)
CLOSED: Spans = ()


@dataclass(frozen=True, kw_only=True)
class Schedule:
    """
    When we are open.

    Args:
        zone: IANA name, such as `Europe/Berlin`.
        week: the spans of Monday to Sunday, in order and apart from each other.
        days: dates that are otherwise than their weekday: closed (no span), or with spans of their own.
    """

    zone: str
    week: tuple[Spans, ...]
    days: Mapping[date, Spans] = field(default_factory=dict)

    @cached_property
    def is_always(self) -> bool:
        """
        Say whether it never closes, so that open time is plain time.
        """
        return all(spans == WHOLE_DAY for spans in (*self.week, *self.days.values()))

    @cached_property
    def tz(self) -> ZoneInfo:
        return ZoneInfo(self.zone)

    def spans_on(self, day: date) -> Spans:
        """
        Give the spans of a date.
        """
        return self.days.get(day, self.week[day.weekday()])


ALWAYS = Schedule(zone="UTC", week=(WHOLE_DAY,) * 7)
"""Calendar time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stretch:
    """
    A span of a certain date as instants.
    """

    opens_at: datetime
    closes_at: datetime


def add(schedule: Schedule, start: datetime, length: timedelta) -> datetime:
    """
    Give the instant at which `length` of open time has passed since `start`.

    It lies inside a span or at its end; a start in closed time counts from the next opening.

    Raises:
        NoHours: not within a hundred years.
    """
    if length < timedelta(0):
        raise ValueError("open time is only added, never taken away")
    if schedule.is_always:
        return start + length
    for stretch in _stretches(schedule, start):
        begin = max(stretch.opens_at, start)
        if length <= (here := stretch.closes_at - begin):
            return begin + length
        length -= here
    raise NoHours(_said(NoHours))


def between(schedule: Schedule, start: datetime, end: datetime) -> timedelta:
    """
    Give how much open time lies between two instants; none when the end comes first.
    """
    if end <= start:
        return timedelta(0)
    if schedule.is_always:
        return end - start
    total = timedelta(0)
    for stretch in _stretches(schedule, start, until=end):
        total += max(min(stretch.closes_at, end) - max(stretch.opens_at, start), timedelta(0))
    return total


def is_open(schedule: Schedule, at: datetime) -> bool:
    """
    Say whether we are open at an instant.
    """
    return schedule.is_always or next((one.opens_at <= at for one in _after(schedule, at)), False)


def next_opening(schedule: Schedule, at: datetime) -> datetime | None:
    """
    Give when we are open next: now, if we are; None: not within a hundred years.
    """
    return at if is_open(schedule, at) else next((one.opens_at for one in _after(schedule, at)), None)


def next_closing(schedule: Schedule, at: datetime) -> datetime | None:
    """
    Give when we close next, after the next opening if we are closed; None: not within a hundred years.
    """
    if schedule.is_always:
        return None
    closes_at = None
    for stretch in _after(schedule, at):
        if closes_at is not None and stretch.opens_at > closes_at:
            return closes_at
        closes_at = stretch.closes_at  # a span that ends at midnight may go on in the next day's
    return None


def stretches_on(schedule: Schedule, day: date) -> list[Stretch]:
    """
    Give the spans of a date as instants; what falls into a gap of the clock is left out.
    """
    found = [
        Stretch(
            opens_at=instant_of(schedule.tz, day, span.opens), closes_at=instant_of(schedule.tz, day, span.closes)
        )
        for span in schedule.spans_on(day)
    ]
    return [one for one in found if one.opens_at < one.closes_at]


def instant_of(zone: ZoneInfo, day: date, minute: int) -> datetime:
    """
    Give the first instant at which the clock on the wall shows that minute of that day or more.
    """
    days, rest = divmod(minute, MINUTES)
    wall = datetime.combine(day + timedelta(days=days), time(*divmod(rest, 60)), tzinfo=zone)
    early, late = (wall.replace(fold=fold, tzinfo=zone).utcoffset() or timedelta(0) for fold in (0, 1))
    naive = wall.replace(tzinfo=UTC)
    return _end_of_gap(zone, naive - late, naive - early) if early < late else naive - early


def _end_of_gap(zone: ZoneInfo, before: datetime, after: datetime) -> datetime:
    """
    Find the instant between two at which clocks are set forward, by halving; transitions are at whole seconds.
    """
    offset = before.astimezone(zone).utcoffset()
    while after - before > SECOND:
        middle = before + (after - before) // SECOND // 2 * SECOND
        if middle.astimezone(zone).utcoffset() == offset:
            before = middle
        else:
            after = middle
    return after


def _stretches(schedule: Schedule, start: datetime, *, until: datetime | None = None) -> Iterator[Stretch]:
    """
    Yield what is open from `start` on (ending then or later), in order, for a hundred years or to `until`.
    """
    # A day early: where clocks are set back over midnight, an instant may still belong to the day before.
    first = max(start.astimezone(schedule.tz).date().toordinal() - 1, 1)
    for day in _days(schedule, first, min(first + HORIZON.days, date.max.toordinal() - 2)):
        for stretch in stretches_on(schedule, day):
            if until is not None and stretch.opens_at >= until:
                return
            if stretch.closes_at >= start:
                yield stretch


def _days(schedule: Schedule, first: int, last: int) -> Iterator[date]:
    if any(schedule.week):
        return (date.fromordinal(ordinal) for ordinal in range(first, last))
    return (day for day in sorted(schedule.days) if first <= day.toordinal() < last)


def _after(schedule: Schedule, at: datetime) -> Iterator[Stretch]:
    return (one for one in _stretches(schedule, at) if one.closes_at > at)


def _said(error: type[Exception]) -> str:
    return " ".join((error.__doc__ or "").split())


def first_open(week: Sequence[Spans]) -> Spans:
    """
    Give the hours of the first weekday that is open: those of a make-up working day.
    """
    return next((spans for spans in week if spans), CLOSED)


def spans_problem(spans: Sequence[Span]) -> str | None:
    """
    Say what is wrong with the spans of one day, or nothing.
    """
    for span in spans:
        if not 0 <= span.opens <= MINUTES or not 0 <= span.closes <= MINUTES:
            return f"{span}: times go from 00:00 to 24:00"
        if span.closes == span.opens:
            return f"{span} is empty: it ends when it begins"
        if span.closes < span.opens:
            return f"{span} ends before it begins; over midnight, end it at 24:00 and go on at 00:00 the next day"
    for one, other in pairwise(sorted(spans)):
        if other.opens < one.closes:
            return f"{one} and {other} overlap"
    return None


def _clock(minute: int) -> str:
    hours, minutes = divmod(minute, 60)
    return f"{hours:02d}:{minutes:02d}"
