"""
What a calendar feed (iCal, RFC 5545) says about days. No I/O; slow enough to be run in a thread.

A feed comes from outside, so its size, the number of its days and the time it may take are all bounded.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import icalendar
import recurring_ical_events

from bot.hours.rules import CLOSED, MINUTES, Span, Spans

LONGEST_LABEL = 200
MOST_EVENTS = 5_000
MOST_DAYS = 2_000
MOST_SECONDS = 5.0
"""Of computing: a rule that repeats every day since the year 1 is no calendar of ours."""
PIECE = timedelta(days=60)
"""What is computed at a time; in between it is seen whether the time is over."""
TOO_OFTEN = ("SECONDLY", "MINUTELY", "HOURLY")
ONE_DAY = timedelta(days=1)


class FeedProblem(ValueError):
    """
    The feed cannot be used.
    """


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedDay:
    """
    What a feed says about a date.
    """

    spans: Spans
    label: str


@dataclass(slots=True, kw_only=True)
class _Found:
    # what events say about each date, before it is brought together
    labels: dict[date, list[str]] = field(default_factory=dict)
    spans: dict[date, list[Span]] = field(default_factory=dict)
    left_out: int = 0

    def say(self, day: date, label: str, span: Iterable[Span] = ()) -> None:
        labels = self.labels.setdefault(day, [])
        if label and label not in labels:
            labels.append(label)
        self.spans.setdefault(day, []).extend(span)
        if len(self.labels) > MOST_DAYS:
            raise FeedProblem(f"it speaks of more than {MOST_DAYS:,} days")


def read_feed(
    body: bytes, *, zone: str, means: str, usual: Spans, first: date, last: date
) -> tuple[Mapping[date, FeedDay], str]:
    """
    Give what a feed says about the dates from `first` to `last`, and what of it was left out, in words.

    Where events mean *closed*, one of a whole day closes it and one with a time is left out. Where they mean
    *open*, the day has the hours of its events; an event of a whole day stands for the usual hours.

    Args:
        means: closed or open.
        usual: the hours of an ordinary day.

    Raises:
        FeedProblem: it is no calendar, or too much of one.
    """
    found = _Found()
    calendar = _parsed(body)
    try:
        for event in _events(calendar, first, last):
            _take(found, event, zone, usual if means == "open" else None, first, last)
    except FeedProblem:
        raise
    except Exception as error:  # what people's programs write is beyond what the parsers foresee
        raise FeedProblem("an event of it cannot be understood") from error
    days = {
        day: FeedDay(spans=_merged(found.spans[day]) if means == "open" else CLOSED, label=" / ".join(labels))
        for day, labels in sorted(found.labels.items())
        if first <= day <= last
    }
    return days, _note(found.left_out)


def _take(found: _Found, event: Any, zone: str, usual: Spans | None, first: date, last: date) -> None:
    """
    Take one event: with the usual hours, what it says is when we are open; without, when we are closed.
    """
    start, end = event.start, event.end
    label = " ".join(str(event.get("SUMMARY", "")).split())[:LONGEST_LABEL]
    if not isinstance(start, datetime):
        for day in _dates(start, end, first, last):
            found.say(day, label, usual or ())
    elif usual is not None:
        _open(found, label, _local(start, zone), _local(end, zone), first, last)
    else:
        found.left_out += 1


def _note(left_out: int) -> str:
    if not left_out:
        return ""
    return f"Only events of whole days close a day; left out, since they have a time of day: {left_out}."


def _parsed(body: bytes) -> icalendar.Calendar:
    try:
        calendar = icalendar.Calendar.from_ical(body)
    except Exception as error:  # the parser raises what it likes
        raise FeedProblem("it is no calendar in the iCal format") from error
    if not isinstance(calendar, icalendar.Calendar):
        raise FeedProblem("it is no calendar in the iCal format")
    events = calendar.walk("VEVENT")
    if len(events) > MOST_EVENTS:
        raise FeedProblem(f"it has more than {MOST_EVENTS:,} events")
    for event in events:
        _refuse_too_often(event)
    return calendar


def _refuse_too_often(event: Any) -> None:
    rules = event.get("RRULE") or []
    for rule in rules if isinstance(rules, list) else [rules]:
        parts = {str(name).upper() for name in rule} if isinstance(rule, Mapping) else set()
        often = {str(one).upper() for one in rule.get("FREQ", ())} & set(TOO_OFTEN) if parts else set()
        if often or parts & {"BYHOUR", "BYMINUTE", "BYSECOND"}:
            raise FeedProblem("an event of it repeats several times a day")


def _events(calendar: icalendar.Calendar, first: date, last: date) -> Iterator[Any]:
    """
    Yield every event with a part in these dates, repeated ones at each time, within the time that is allowed.
    """
    query = recurring_ical_events.of(calendar, components=["VEVENT"])
    begun, seen = time.monotonic(), set()
    while first <= last:
        for event in query.between(first, min(first + PIECE, last + ONE_DAY)):
            key = (str(event.get("UID") or event.get("SUMMARY")), str(event.start))
            if key not in seen and str(event.get("STATUS", "")).upper() != "CANCELLED":
                yield event
            seen.add(key)
        if time.monotonic() - begun > MOST_SECONDS:
            raise FeedProblem("its repetitions take too long to compute")
        first += PIECE


def _dates(start: date, end: date, first: date, last: date) -> Iterator[date]:
    # The end of an event of whole days is the day after it (RFC 5545, section 3.6.1); some leave it out.
    day, end = max(start, first), min(max(end, start + ONE_DAY), last + ONE_DAY)
    while day < end:
        yield day
        day += ONE_DAY


def _local(at: datetime, zone: str) -> datetime:
    # A floating time is meant in the zone of whoever reads it.
    return at.replace(tzinfo=None) if at.tzinfo is None else at.astimezone(ZoneInfo(zone)).replace(tzinfo=None)


def _open(found: _Found, label: str, start: datetime, end: datetime, first: date, last: date) -> None:
    day = max(start.date(), first)
    while day <= min(end.date(), last):
        opens = start.hour * 60 + start.minute if day == start.date() else 0
        closes = end.hour * 60 + end.minute if day == end.date() else MINUTES
        if opens < closes:
            found.say(day, label, [Span(opens=opens, closes=closes)])
        day += ONE_DAY


def _merged(spans: Iterable[Span]) -> Spans:
    merged: list[Span] = []
    for span in sorted(spans):
        if merged and span.opens <= merged[-1].closes:
            merged[-1] = Span(opens=merged[-1].opens, closes=max(merged[-1].closes, span.closes))
        else:
            merged.append(span)
    return tuple(merged)
