"""
What the pages of business hours show: whether we are open, and the days as they really are. Pure but for the rows.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from babel.dates import format_skeleton

from bot.hours.calendar import Day, Source, days_of, schedule_of, week_of
from bot.hours.public import countries
from bot.hours.rules import Schedule, is_open, next_closing, next_opening, stretches_on
from bot.hours.tables import BusinessHours, HoursDay
from bot.hours.wishes import WEEKDAYS
from bot.hours.writing import show_spans
from bot.web.translations import gettext as _
from bot.web.translations import locale, mark

DAYS_SHOWN = 14
HOLIDAYS_SHOWN = timedelta(days=365)
WEEKDAY_NAMES = {
    "monday": mark("Monday"),
    "tuesday": mark("Tuesday"),
    "wednesday": mark("Wednesday"),
    "thursday": mark("Thursday"),
    "friday": mark("Friday"),
    "saturday": mark("Saturday"),
    "sunday": mark("Sunday"),
}
MEANINGS = {
    "closed": mark("the days of its events are closed"),
    "open": mark("its events are when we are open"),
}
SOURCES = {
    Source.HOLIDAYS: mark("public holiday"),
    Source.MAKE_UP: mark("make-up working day"),
    Source.FEED: mark("feed"),
    Source.HAND: mark("by hand"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class NowView:
    """
    Whether we are open now, and the wall time of the zone at which that changes (None: never).
    """

    open: bool
    wall: datetime
    changes_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class DayView:
    """
    A date as it really is.

    Args:
        spans: as text; empty: closed.
        length: how long it is open, clock changes included.
        note: for a person: a clock change.
    """

    on: date
    spans: str
    length: timedelta
    label: str
    source: Source | None
    note: str
    today: bool
    id: str = ""


def now_view(schedule: Schedule, now: datetime) -> NowView:
    open_now = is_open(schedule, now)
    changes_at = next_closing(schedule, now) if open_now else next_opening(schedule, now)
    return NowView(
        open=open_now,
        wall=now.astimezone(schedule.tz),
        changes_at=changes_at.astimezone(schedule.tz) if changes_at else None,
    )


def day_views(schedule: Schedule, days: Mapping[date, Day], first: date, count: int, today: date) -> list[DayView]:
    """
    Show some days in a row.
    """
    return [_day_view(schedule, days.get(on), on, today) for on in (first + timedelta(n) for n in range(count))]


def _day_view(schedule: Schedule, day: Day | None, on: date, today: date) -> DayView:
    length = sum((one.closes_at - one.opens_at for one in stretches_on(schedule, on)), timedelta(0))
    spans = schedule.spans_on(on)
    on_the_wall = timedelta(minutes=sum(span.closes - span.opens for span in spans))
    return DayView(
        on=on,
        spans=show_spans(spans),
        length=length,
        label=day.label if day else "",
        source=day.source if day else None,
        note=_("clocks change: %(hours)s h open", hours=round(length / timedelta(hours=1), 2))
        if length != on_the_wall
        else "",
        today=on == today,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class HoursView:
    """
    Business hours with all that one page shows of them.

    Args:
        coming: the next days.
        public: public holidays and make-up days of the next year.
        extra: the days set by hand, those that are over left out.
    """

    hours: BusinessHours
    now: NowView
    coming: Sequence[DayView]
    public: Sequence[DayView]
    extra: Sequence[DayView]
    fed: int
    country: str


def hours_view(hours: BusinessHours, rows: Sequence[HoursDay], now: datetime) -> HoursView:
    """
    Show business hours with their extra days.
    """
    days = days_of(hours, rows, now.year)
    schedule = schedule_of(hours, days)
    public = schedule_of(hours, shown := days_of(hours, (), now.year))
    today = now.astimezone(schedule.tz).date()
    ids = {row.day_on: row.id for row in rows if row.source == Source.HAND}
    return HoursView(
        hours=hours,
        now=now_view(schedule, now),
        coming=day_views(schedule, days, today, DAYS_SHOWN, today),
        public=[
            _day_view(public, day, on, today) for on, day in shown.items() if today <= on <= today + HOLIDAYS_SHOWN
        ],
        extra=[_hand_view(schedule, days[on], on, today, ids[on]) for on in sorted(ids) if on >= today],
        fed=sum(row.source == Source.FEED and row.day_on >= today for row in rows),
        country=_country(hours),
    )


def _hand_view(schedule: Schedule, day: Day, on: date, today: date, day_id: str) -> DayView:
    shown = _day_view(schedule, day, on, today)
    return DayView(**{name: getattr(shown, name) for name in DayView.__slots__ if name != "id"}, id=day_id)


def _country(hours: BusinessHours) -> str:
    if not hours.country:
        return ""
    name = locale().territories.get(hours.country, countries().get(hours.country, hours.country))
    return f"{name}, {hours.subdivision}" if hours.subdivision else str(name)


def typed_of(hours: BusinessHours) -> dict[str, str]:
    """
    Give business hours as the fields of their form.
    """
    spans = zip(WEEKDAYS, week_of(hours), strict=True)
    rest: dict[str, Any] = {name: getattr(hours, name) for name in ("name", "zone", "country", "subdivision")}
    return {
        **rest,
        **{weekday: show_spans(one) for weekday, one in spans},
        "make_up": "yes" if hours.make_up else "",
        "feed_url": hours.feed_url,
        "feed_means": hours.feed_means,
        "version": hours.version,
    }


def week_lines(hours: BusinessHours) -> list[tuple[int, int, str]]:
    """
    Give the week in few lines: first and last weekday of equal hours in a row, and those hours as text.
    """
    lines: list[tuple[int, int, str]] = []
    for number, spans in enumerate(map(show_spans, week_of(hours))):
        if lines and lines[-1][2] == spans:
            lines[-1] = (lines[-1][0], number, spans)
        else:
            lines.append((number, number, spans))
    return [line for line in lines if line[2]]


def weekday_short(number: int) -> str:
    """
    Name a weekday briefly, as people here do.
    """
    return str(locale().days["format"]["abbreviated"][number])


def day_name(on: date) -> str:
    """
    Write a date with its weekday: `Tue, 24 Nov 2026`.
    """
    return str(format_skeleton("yMMMEd", datetime(on.year, on.month, on.day), locale=locale()))  # noqa: DTZ001


def wall_time(at: datetime, wall_now: datetime) -> str:
    """
    Write a wall time, with its day if it is not the same.
    """
    clock = f"{at:%H:%M}"
    return clock if at.date() == wall_now.date() else f"{day_name(at.date())}, {clock}"
