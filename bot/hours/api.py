"""
Business hours over JSON.
"""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Literal

from pydantic import BaseModel, Field

from bot.core.errors import Invalid
from bot.core.outward import OutwardRules
from bot.core.units import read_duration
from bot.hours import service, store, views
from bot.hours.calendar import days_of, schedule_of, unpacked, week_of
from bot.hours.feed import LONGEST_LABEL
from bot.hours.jobs import FEEDS
from bot.hours.keys import HOURS_USERS
from bot.hours.rules import add, is_open, next_closing, next_opening
from bot.hours.tables import BusinessHours, HoursDay
from bot.hours.wishes import LONGEST_NAME, WEEKDAYS, Wish
from bot.hours.writing import show_spans
from bot.staff.rules import Permission, may
from bot.web.keys import OUTWARD
from bot.web.operations import Body, Call, Listing, Moment, PageQuery, Query, operation

READ, CHANGE = Permission.CONVERSATIONS_READ, Permission.HOURS_CHANGE
MOST_DAYS = 400
SPANS = "such as 09:00-12:30, 13:30-18:00; empty is closed"


class Week(Body):
    """
    The hours of each weekday as text.
    """

    monday: str = Field(default="", max_length=200, description=SPANS)
    tuesday: str = Field(default="", max_length=200)
    wednesday: str = Field(default="", max_length=200)
    thursday: str = Field(default="", max_length=200)
    friday: str = Field(default="", max_length=200)
    saturday: str = Field(default="", max_length=200)
    sunday: str = Field(default="", max_length=200)


class HoursIn(Body):
    """
    Business hours to keep.
    """

    name: str = Field(max_length=LONGEST_NAME)
    zone: str = Field(max_length=100, description="IANA name, such as Europe/Berlin")
    week: Week
    country: str = Field(default="", max_length=2, description="of public holidays: two letters; empty: none")
    subdivision: str = Field(default="", max_length=40, description="a part of the country, such as BY")
    make_up: bool = Field(default=True, description="working days that make up for a holiday are open")
    feed_url: str = Field(default="", max_length=2_000, description="an iCal feed; empty: none")
    feed_means: Literal["closed", "open"] = Field(default="closed", description="what an event of the feed says")
    version: str = Field(default="", max_length=100, description="the one you changed; a newer one is a conflict")


class FeedOut(BaseModel):
    """
    How it stands with the feed.
    """

    url: str = Field(description="only for those who may change it; it may hold a secret")
    means: str
    asked_at: datetime | None
    read_at: datetime | None = Field(description="its days are as of then")
    problem: str = Field(description="why the last try failed; empty: it did not")
    note: str


class HoursOut(BaseModel):
    """
    Business hours, and whether they are open.
    """

    id: str
    name: str
    zone: str
    week: Week
    country: str
    subdivision: str
    make_up: bool
    feed: FeedOut | None
    version: str
    created_at: datetime
    changed_at: datetime
    open: bool
    opens_at: datetime | None = Field(description="the next opening; null: open now, or never again")
    closes_at: datetime | None = Field(description="the next closing; null: never")


class DayOut(BaseModel):
    """
    A date as it really is.
    """

    on: date
    spans: str = Field(description="in wall time; empty: closed")
    seconds: float = Field(description="how long it is open, clock changes included")
    source: str | None = Field(description="holidays, make-up, feed or hand; null: its weekday")
    label: str


class DaysQuery(Query):
    """
    Which dates.
    """

    first: date | None = Field(default=None, description="today, if left out")
    count: int = Field(default=views.DAYS_SHOWN, ge=1, le=MOST_DAYS)


class DaysIn(Body):
    """
    When some days are open; overrules holidays and feed.
    """

    first: date
    last: date | None = Field(default=None, description="the same as the first, if left out")
    spans: str = Field(default="", max_length=200, description=SPANS)
    label: str = Field(default="", max_length=LONGEST_LABEL)


class ExtraDayOut(BaseModel):
    """
    A day that was set by hand.
    """

    id: str
    on: date
    spans: str
    label: str


class DeadlineQuery(Query):
    """
    What to count.
    """

    start: Moment
    length: str = Field(max_length=50, description="of open time, such as 15m")


class DeadlineOut(BaseModel):
    """
    When so much open time has passed.
    """

    at: datetime


@operation("GET", "/hours", permission=READ, tag="hours")
async def list_hours(call: Call, query: PageQuery) -> Listing[HoursOut]:
    """
    List business hours by name.
    """
    found = await service.list_hours(call.work, limit=query.limit, after=query.after)
    return Listing(items=[await _out(call, one) for one in found.items], after=found.after)


@operation("POST", "/hours", permission=CHANGE, tag="hours", status=201)
async def create_hours(call: Call, body: HoursIn) -> HoursOut:
    """
    Add business hours; their feed is fetched soon.
    """
    row = await service.create_hours(call.work, call.actor, _wish(body), _outward(call))
    _wake_after(call, row)
    return await _out(call, row)


@operation("GET", "/hours/{hours_id}", permission=READ, tag="hours")
async def get_hours(call: Call, hours_id: str) -> HoursOut:
    """
    Give business hours, and whether they are open.
    """
    return await _out(call, await service.get_hours(call.work, hours_id))


@operation("PUT", "/hours/{hours_id}", permission=CHANGE, tag="hours")
async def change_hours(call: Call, hours_id: str, body: HoursIn) -> HoursOut:
    """
    Change business hours; what runs keeps its deadline.
    """
    wish = _wish(body)
    row = await service.change_hours(call.work, call.actor, hours_id, wish, _outward(call), seen=body.version)
    _wake_after(call, row)
    return await _out(call, row)


@operation("DELETE", "/hours/{hours_id}", permission=CHANGE, tag="hours")
async def delete_hours(call: Call, hours_id: str) -> None:
    """
    Delete business hours that nothing uses.
    """
    await service.delete_hours(call.work, call.actor, hours_id, call.request.app.get(HOURS_USERS, ()))


@operation("GET", "/hours/{hours_id}/calendar", permission=READ, tag="hours")
async def list_calendar(call: Call, hours_id: str, query: DaysQuery) -> Listing[DayOut]:
    """
    Give dates as they really are: week, holidays, feed and extra days together.
    """
    row = await service.get_hours(call.work, hours_id)
    today = call.work.now.astimezone((await service.get_schedule(call.work, hours_id)).tz).date()
    first = query.first or today
    if abs((first - today).days) > service.FARTHEST.days:
        raise Invalid(fields={"first": "must be within ten years from now"})
    days = days_of(row, await store.list_days(call.work, hours_id), call.work.now.year)
    shown = views.day_views(schedule_of(row, days), days, first, query.count, today)
    return Listing(
        items=[
            DayOut(
                on=day.on,
                spans=day.spans,
                seconds=day.length / timedelta(seconds=1),
                source=day.source,
                label=day.label,
            )
            for day in shown
        ]
    )


@operation("GET", "/hours/{hours_id}/deadline", permission=READ, tag="hours")
async def compute_deadline(call: Call, hours_id: str, query: DeadlineQuery) -> DeadlineOut:
    """
    Say when so much open time has passed since an instant.
    """
    try:
        length = read_duration(query.length)
        return DeadlineOut(at=add(await service.get_schedule(call.work, hours_id), query.start, length))
    except OverflowError:
        raise Invalid(fields={"length": "leads further than any calendar goes"}) from None
    except ValueError as error:
        raise Invalid(fields={"length": str(error)}) from None


@operation("GET", "/hours/{hours_id}/days", permission=READ, tag="hours")
async def list_extra_days(call: Call, hours_id: str) -> Listing[ExtraDayOut]:
    """
    List the days that were set by hand, the earliest first.
    """
    row = await service.get_hours(call.work, hours_id)
    rows = await store.list_days(call.work, row.id, source="hand")
    days = [(one, show_spans(unpacked(one.spans))) for one in rows]
    return Listing(
        items=[ExtraDayOut(id=one.id, on=one.day_on, spans=spans, label=one.label) for one, spans in days]
    )


@operation("POST", "/hours/{hours_id}/days", permission=CHANGE, tag="hours")
async def set_days(call: Call, hours_id: str, body: DaysIn) -> Listing[ExtraDayOut]:
    """
    Say by hand when some days are open; gives all such days.
    """
    last = body.last or body.first
    await service.set_days(
        call.work, call.actor, hours_id, first=body.first, last=last, spans=body.spans, label=body.label
    )
    rows = await store.list_days(call.work, hours_id, source="hand")
    return Listing(items=list(map(_extra, rows)))


@operation("DELETE", "/hours/{hours_id}/days/{day_id}", permission=CHANGE, tag="hours")
async def drop_day(call: Call, hours_id: str, day_id: str) -> None:
    """
    Forget a day that was set by hand.
    """
    await service.drop_day(call.work, call.actor, hours_id, day_id)


@operation("POST", "/hours/{hours_id}/fetch", permission=CHANGE, tag="hours")
async def fetch_feed(call: Call, hours_id: str) -> HoursOut:
    """
    Have the feed fetched as soon as possible.
    """
    row = await service.ask_feed(call.work, call.actor, hours_id)
    _wake_after(call, row)
    return await _out(call, row)


def _day(day: views.DayView) -> DayOut:
    seconds = day.length / timedelta(seconds=1)
    return DayOut(on=day.on, spans=day.spans, seconds=seconds, source=day.source, label=day.label)


def _extra(row: HoursDay) -> ExtraDayOut:
    return ExtraDayOut(id=row.id, on=row.day_on, spans=show_spans(unpacked(row.spans)), label=row.label)


def _wake_after(call: Call, row: BusinessHours) -> None:
    feeds = call.request.app.get(FEEDS)
    if feeds is not None and row.feed_url:
        call.work.after_commit(feeds.wake)


def _outward(call: Call) -> OutwardRules:
    outward = call.request.app.get(OUTWARD)
    return outward.rules if outward is not None else service.INTERNET


def _wish(body: HoursIn) -> Wish:
    given = body.model_dump(exclude={"week", "version"})
    return Wish(week=[getattr(body.week, weekday) for weekday in WEEKDAYS], **given)


async def _out(call: Call, row: BusinessHours) -> HoursOut:
    schedule, now = await service.get_schedule(call.work, row.id), call.work.now
    open_now = is_open(schedule, now)
    return HoursOut(
        **{name: getattr(row, name) for name in ("id", "name", "zone", "country", "subdivision", "make_up")},
        week=Week(**dict(zip(WEEKDAYS, map(show_spans, week_of(row)), strict=True))),
        feed=_feed(row, whole=may(call.actor.role, CHANGE)) if row.feed_url else None,
        version=row.version,
        created_at=row.created_at,
        changed_at=row.changed_at,
        open=open_now,
        opens_at=None if open_now else next_opening(schedule, now),
        closes_at=next_closing(schedule, now),
    )


def _feed(row: BusinessHours, *, whole: bool) -> FeedOut:
    return FeedOut(
        url=row.feed_url if whole else "",
        means=row.feed_means,
        asked_at=row.feed_asked_at,
        read_at=row.feed_read_at,
        problem=row.feed_problem,
        note=row.feed_note,
    )
