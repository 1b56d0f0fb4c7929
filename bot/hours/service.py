"""
The verbs about business hours. What a schedule means is in `bot.hours.rules`, how feeds are fetched in `feeds`.

A running clock keeps the deadline it has: other hours hold for what is computed after the change.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import date, datetime, timedelta

from bot.core.actor import Actor
from bot.core.database import UnitOfWork
from bot.core.errors import Conflict, Invalid, NotFound
from bot.core.outward import OutwardRules
from bot.core.paging import Slice
from bot.hours import store
from bot.hours.calendar import days_of, packed, schedule_of
from bot.hours.feed import LONGEST_LABEL, FeedDay
from bot.hours.rules import ALWAYS, Schedule, Spans
from bot.hours.tables import BusinessHours, HoursDay
from bot.hours.wishes import Wish, check_wish, refuse, rest_of
from bot.hours.writing import read_spans
from bot.staff.service import audit

TOPIC = "hours"
MOST_DAYS = 1_000
"""Extra days by hand of one calendar."""
FARTHEST = timedelta(days=10 * 366)
MOST_REMEMBERED = 64
INTERNET = OutwardRules()

Users = Callable[[UnitOfWork, str], Awaitable[Sequence[str]]]
"""Names what uses some hours: `policy "Chat"`. The composition root lists those of the features above."""


async def get_schedule(work: UnitOfWork, hours_id: str | None) -> Schedule:
    """
    Give the schedule of some hours; None: calendar time.

    Cheap after the first time: it is remembered until the hours change or the year does.

    Raises:
        NotFound: there are no such hours.
    """
    if hours_id is None:
        return ALWAYS
    key = (hours_id, await store.get_version(work, hours_id), work.now.year)
    if key not in _remembered:
        hours = await store.get_hours(work, hours_id)
        days = days_of(hours, await store.list_days(work, hours_id), work.now.year)
        while len(_remembered) >= MOST_REMEMBERED:
            del _remembered[next(iter(_remembered))]
        _remembered[key] = schedule_of(hours, days)
    return _remembered[key]


_remembered: dict[tuple[str, str, int], Schedule] = {}
"""A version is never used twice, not even after a unit that failed, so what is in here is never wrong."""


async def get_hours(work: UnitOfWork, hours_id: str) -> BusinessHours:
    """
    Give business hours by id.

    Raises:
        NotFound: there are none.
    """
    return await store.get_hours(work, hours_id)


async def hold_hours(work: UnitOfWork, hours_id: str) -> None:
    """
    Keep hours from being deleted until the unit ends, for whoever is about to use them.

    Raises:
        NotFound: there are none.
    """
    await store.get_hours(work, hours_id, lock=True)


async def list_hours(work: UnitOfWork, *, limit: int = 50, after: str | None = None) -> Slice[BusinessHours]:
    """
    List business hours by name.
    """
    return await store.list_hours(work, limit=limit, after=after)


async def create_hours(
    work: UnitOfWork, actor: Actor, wish: Wish, outward: OutwardRules = INTERNET
) -> BusinessHours:
    """
    Add business hours; their feed is fetched soon.

    Raises:
        Invalid: with the fields name, zone, monday ... sunday, country, subdivision, feed_url, feed_means.
    """
    week = check_wish(wish, outward)
    row = BusinessHours(
        id=work.new_id(),
        name=wish.name.strip(),
        zone=wish.zone.strip(),
        week=[packed(spans) for spans in week],
        version=work.new_id(),
        feed_due_at=work.now,
        created_at=work.now,
        changed_at=work.now,
        **rest_of(wish),
    )
    if not await store.insert_hours(work, row):
        raise Invalid(fields={"name": "other business hours have this name"})
    await audit(work, actor, "hours.create", "hours", row.id, name=row.name, zone=row.zone)
    work.publish(TOPIC)
    return row


async def change_hours(
    work: UnitOfWork, actor: Actor, hours_id: str, wish: Wish, outward: OutwardRules = INTERNET, *, seen: str = ""
) -> BusinessHours:
    """
    Change business hours.

    Args:
        seen: the version that the person changed; empty: whatever there is.

    Raises:
        Invalid: as for `create_hours`.
        Conflict: somebody else changed them since.
    """
    week = check_wish(wish, outward)
    row = await store.get_hours(work, hours_id, lock=True)
    if seen and seen != row.version:
        raise Conflict(
            "somebody changed these business hours meanwhile; look at them again and repeat your change"
        )
    if await store.name_is_taken(work, wish.name.strip(), but=hours_id):
        raise Invalid(fields={"name": "other business hours have this name"})
    rest = rest_of(wish)
    if (rest["feed_url"], rest["feed_means"]) != (row.feed_url, row.feed_means):
        await _forget_feed(work, row)
    row.name, row.zone, row.week = wish.name.strip(), wish.zone.strip(), [packed(spans) for spans in week]
    for name, value in rest.items():
        setattr(row, name, value)
    await _changed(work, actor, row, "hours.change", name=row.name, zone=row.zone)
    return row


async def delete_hours(work: UnitOfWork, actor: Actor, hours_id: str, users: Sequence[Users] = ()) -> None:
    """
    Delete business hours that nothing uses.

    Raises:
        Conflict: something uses them; says what.
    """
    row = await store.get_hours(work, hours_id, lock=True)
    if used_by := [name for find in users for name in await find(work, hours_id)]:
        raise Conflict(f"{row.name} is used by {', '.join(used_by)}; choose other hours there first")
    await store.delete_hours(work, hours_id)
    await audit(work, actor, "hours.delete", "hours", row.id, name=row.name)
    work.publish(TOPIC)


async def set_days(
    work: UnitOfWork, actor: Actor, hours_id: str, *, first: date, last: date, spans: str, label: str = ""
) -> None:
    """
    Say by hand when we are open from one date to another, both included; overrules holidays and feed.

    Args:
        spans: as text; empty: closed.

    Raises:
        Invalid: with the fields first, last, spans, label.
    """
    open_at = _checked_days(work, first, last, spans, label)
    row = await store.get_hours(work, hours_id, lock=True)
    dates = [first + timedelta(days=step) for step in range((last - first).days + 1)]
    if await store.count_days(work, hours_id, "hand") + len(dates) > MOST_DAYS:
        raise Invalid(fields={"last": f"at most {MOST_DAYS} extra days; remove those that are over"})
    packed_spans = packed(open_at)
    await store.put_days(work, [_day(work, hours_id, day, "hand", packed_spans, label.strip()) for day in dates])
    await _changed(work, actor, row, "hours.set-days", first=str(first), last=str(last), spans=spans, label=label)


async def drop_day(work: UnitOfWork, actor: Actor, hours_id: str, day_id: str) -> None:
    """
    Forget an extra day that was set by hand; the date is again what week, holidays and feed say.

    Raises:
        NotFound: there is none.
    """
    row = await store.get_hours(work, hours_id, lock=True)
    day_on = await store.drop_day(work, hours_id, day_id)
    if day_on is None:
        raise NotFound("there is no such extra day; it may have been removed already")
    await _changed(work, actor, row, "hours.drop-day", day=str(day_on))


async def ask_feed(work: UnitOfWork, actor: Actor, hours_id: str) -> BusinessHours:
    """
    Have the feed fetched as soon as possible.

    Raises:
        Conflict: there is none.
    """
    row = await store.get_hours(work, hours_id, lock=True)
    if not row.feed_url:
        raise Conflict("these business hours have no feed; give them the address of one first")
    row.feed_due_at = work.now
    await audit(work, actor, "hours.ask-feed", "hours", row.id, name=row.name)
    return row


async def feed_is_due(work: UnitOfWork) -> bool:
    """
    Say whether a feed should be fetched now.
    """
    return await store.feed_is_due(work)


async def keep_feed(
    work: UnitOfWork, fetched: BusinessHours, days: Mapping[date, FeedDay], note: str, *, again_at: datetime
) -> None:
    """
    Keep what a feed said, unless these hours have another feed by now.

    Raises:
        NotFound: they were deleted meanwhile.
    """
    row = await store.get_hours(work, fetched.id, lock=True)
    if (row.feed_url, row.feed_means) != (fetched.feed_url, fetched.feed_means):
        return
    row.feed_due_at, row.feed_read_at, row.feed_problem, row.feed_note = again_at, work.now, "", note
    wanted = {day: (packed(said.spans), said.label) for day, said in days.items()}
    known = {one.day_on: (one.spans, one.label) for one in await store.list_days(work, row.id, source="feed")}
    if wanted != known:
        rows = [_day(work, row.id, day, "feed", spans, label) for day, (spans, label) in wanted.items()]
        await store.drop_feed_days(work, row.id)
        await store.put_days(work, rows)
        row.version = work.new_id()
    work.publish(TOPIC)


async def keep_feed_problem(work: UnitOfWork, fetched: BusinessHours, problem: str, *, again_at: datetime) -> None:
    """
    Keep why a feed could not be read; its last good days stay.

    Raises:
        NotFound: the hours were deleted meanwhile.
    """
    row = await store.get_hours(work, fetched.id, lock=True)
    if row.feed_url == fetched.feed_url:
        row.feed_due_at, row.feed_problem = again_at, problem
        work.publish(TOPIC)


def _day(work: UnitOfWork, hours_id: str, day: date, source: str, spans: list[list[int]], label: str) -> HoursDay:
    return HoursDay(id=work.new_id(), hours_id=hours_id, day_on=day, source=source, spans=spans, label=label)


async def _changed(work: UnitOfWork, actor: Actor, row: BusinessHours, action: str, **detail: object) -> None:
    row.version, row.changed_at = work.new_id(), work.now
    await audit(work, actor, action, "hours", row.id, **detail)
    work.publish(TOPIC)


async def _forget_feed(work: UnitOfWork, row: BusinessHours) -> None:
    await store.drop_feed_days(work, row.id)
    row.feed_due_at, row.feed_asked_at, row.feed_read_at = work.now, None, None
    row.feed_problem = row.feed_note = ""


def _checked_days(work: UnitOfWork, first: date, last: date, spans: str, label: str) -> Spans:
    problems: dict[str, str | None] = {}
    today = work.now.date()
    if abs(first - today) > FARTHEST:
        problems["first"] = "must be within ten years from now"
    elif last < first:
        problems["last"] = "must not be before the first day"
    elif (last - first).days >= 366:
        problems["last"] = "at most a year at once"
    if len(label) > LONGEST_LABEL:
        problems["label"] = f"at most {LONGEST_LABEL} characters"
    try:
        open_at = read_spans(spans)
    except ValueError as error:
        problems["spans"] = str(error)
    refuse(problems)
    return open_at
