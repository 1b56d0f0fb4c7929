"""
From what is stored to a schedule: the week, public holidays, the feed, and people, who have the last word. Pure.

Public holidays are taken from the year before `now` to two years after it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Any

from bot.hours.public import public_days
from bot.hours.rules import CLOSED, Schedule, Span, Spans, first_open
from bot.hours.tables import BusinessHours, HoursDay

YEARS_BACK, YEARS_AHEAD = 1, 2


class Source(StrEnum):
    """
    Who says that a date is otherwise; a later one overrules an earlier one.
    """

    HOLIDAYS = "holidays"
    MAKE_UP = "make-up"
    FEED = "feed"
    HAND = "hand"


@dataclass(frozen=True, slots=True, kw_only=True)
class Day:
    """
    A date that is otherwise than its weekday.
    """

    spans: Spans
    label: str
    source: Source


def days_of(hours: BusinessHours, extra: Iterable[HoursDay], year: int) -> Mapping[date, Day]:
    """
    Give every date that is otherwise than its weekday, around a year, in order.
    """
    found: dict[date, Day] = {}
    make_up_spans = first_open(week_of(hours))
    for one in range(year - YEARS_BACK, year + YEARS_AHEAD + 1):
        public = public_days(hours.country, hours.subdivision, one)
        found |= {day: Day(spans=CLOSED, label=name, source=Source.HOLIDAYS) for day, name in public.free.items()}
        if hours.make_up:
            found |= {
                day: Day(spans=make_up_spans, label="Make-up working day", source=Source.MAKE_UP)
                for day in public.worked
            }
    rows = sorted(extra, key=lambda row: row.source == Source.HAND)
    found |= {
        row.day_on: Day(spans=unpacked(row.spans), label=row.label, source=Source(row.source)) for row in rows
    }
    return dict(sorted(found.items()))


def schedule_of(hours: BusinessHours, days: Mapping[date, Day]) -> Schedule:
    """
    Make the schedule that arithmetic takes.
    """
    return Schedule(zone=hours.zone, week=week_of(hours), days={on: day.spans for on, day in days.items()})


def week_of(hours: BusinessHours) -> tuple[Spans, ...]:
    return tuple(map(unpacked, hours.week))


def packed(spans: Sequence[Span]) -> list[list[int]]:
    """
    Write spans as they are stored.
    """
    return [[span.opens, span.closes] for span in spans]


def unpacked(stored: Iterable[Any]) -> Spans:
    """
    Read spans as they are stored.
    """
    return tuple(Span(opens=opens, closes=closes) for opens, closes in stored)
