"""
The pages of business hours: the list, and for each its week, the days as they really are, and its feed.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

from aiohttp import web

from bot.core.errors import Invalid
from bot.core.outward import OutwardRules
from bot.hours import service, store, views
from bot.hours.jobs import FEEDS
from bot.hours.keys import HOURS_USERS
from bot.hours.public import countries, subdivisions
from bot.hours.tables import BusinessHours
from bot.hours.wishes import WEEKDAYS, Wish, zones
from bot.staff.rules import Permission
from bot.web.keys import OUTWARD
from bot.web.pages import Visit, page
from bot.web.translations import gettext as _
from bot.web.translations import locale, word

ROWS = 50
READ, CHANGE = Permission.CONVERSATIONS_READ, Permission.HOURS_CHANGE
NO_FIELDS: Mapping[str, str] = {}
NEW = {
    "zone": "",
    "country": "",
    "make_up": "yes",
    "feed_means": "closed",
    **dict.fromkeys(WEEKDAYS[:5], "09:00-18:00"),
}


@page("GET", "/hours", permission=READ)
async def show_hours(visit: Visit) -> web.StreamResponse:
    """
    List business hours, and whether they are open now.
    """
    after = visit.query.get("after")
    found = await service.list_hours(visit.work, limit=ROWS, after=after)
    rows = [
        (one, views.now_view(await service.get_schedule(visit.work, one.id), visit.work.now))
        for one in found.items
    ]
    return await visit.render(
        "hours/list.html",
        rows=rows,
        week_lines=views.week_lines,
        newer="/hours" if after else None,
        older=f"/hours?after={found.after}" if found.after else None,
        **_words(),
    )


@page("GET", "/hours/new", permission=CHANGE)
async def show_new(visit: Visit) -> web.StreamResponse:
    """
    Ask for new business hours.
    """
    return await _new(visit)


async def _new(visit: Visit, errors: Mapping[str, str] = NO_FIELDS, status: int = 200) -> web.Response:
    return await visit.render("hours/new.html", status=status, **_form(visit.form if errors else NEW, errors))


@page("POST", "/hours", permission=CHANGE)
async def create(visit: Visit) -> web.StreamResponse:
    """
    Add business hours.
    """
    try:
        row = await service.create_hours(visit.work, visit.person, _wish(visit), _outward(visit))
    except Invalid as error:
        return await _new(visit, error.fields, error.status)
    _wake_after(visit, row)
    return visit.go(f"/hours/{row.id}", _("%(name)s is kept.", name=row.name))


@page("GET", "/hours/{hours_id}", permission=READ)
async def show_one(visit: Visit) -> web.StreamResponse:
    """
    Show business hours: now, the next days, holidays, extra days, the feed, and the form to change them.
    """
    return await _one(visit)


async def _one(visit: Visit, errors: Mapping[str, str] = NO_FIELDS, status: int = 200) -> web.Response:
    row = await store.get_hours(visit.work, visit.path["hours_id"])
    rows = await store.list_days(visit.work, row.id)
    changed_week = errors and "name" in visit.form
    return await visit.render(
        "hours/show.html",
        status=status,
        view=views.hours_view(row, rows, visit.work.now),
        day_typed=NO_FIELDS if changed_week else visit.form,
        day_errors=NO_FIELDS if changed_week else errors,
        sources=views.SOURCES,
        **_form(visit.form if changed_week else views.typed_of(row), errors if changed_week else NO_FIELDS),
        **_words(),
    )


@page("POST", "/hours/{hours_id}", permission=CHANGE)
async def change(visit: Visit) -> web.StreamResponse:
    """
    Change business hours.
    """
    hours_id, seen = visit.path["hours_id"], visit.form.get("version", "")
    try:
        wish = _wish(visit)
        row = await service.change_hours(visit.work, visit.person, hours_id, wish, _outward(visit), seen=seen)
    except Invalid as error:
        return await _one(visit, error.fields, error.status)
    _wake_after(visit, row)
    return visit.go(f"/hours/{row.id}", _("%(name)s is kept.", name=row.name))


@page("POST", "/hours/{hours_id}/delete", permission=CHANGE)
async def delete(visit: Visit) -> web.StreamResponse:
    """
    Delete business hours that nothing uses.
    """
    users = visit.request.app.get(HOURS_USERS, ())
    await service.delete_hours(visit.work, visit.person, visit.path["hours_id"], users)
    return visit.go("/hours", _("Deleted."))


@page("POST", "/hours/{hours_id}/days", permission=CHANGE)
async def set_days(visit: Visit) -> web.StreamResponse:
    """
    Say by hand when some days are open.
    """
    form, hours_id = visit.form, visit.path["hours_id"]
    try:
        first = _date(form.get("first", ""), "first")
        last = _date(form.get("last", ""), "last") if form.get("last") else first
        spans, label = form.get("spans", ""), form.get("label", "")
        await service.set_days(
            visit.work, visit.person, hours_id, first=first, last=last, spans=spans, label=label
        )
    except Invalid as error:
        return await _one(visit, error.fields, error.status)
    return visit.go(f"/hours/{hours_id}#extra", _("The days are kept."))


@page("POST", "/hours/{hours_id}/days/{day_id}/remove", permission=CHANGE)
async def drop_day(visit: Visit) -> web.StreamResponse:
    """
    Forget an extra day.
    """
    hours_id = visit.path["hours_id"]
    await service.drop_day(visit.work, visit.person, hours_id, visit.path["day_id"])
    return visit.go(f"/hours/{hours_id}#extra", _("Removed."))


@page("POST", "/hours/{hours_id}/fetch", permission=CHANGE)
async def fetch(visit: Visit) -> web.StreamResponse:
    """
    Have the feed fetched as soon as possible.
    """
    row = await service.ask_feed(visit.work, visit.person, visit.path["hours_id"])
    _wake_after(visit, row)
    return visit.go(f"/hours/{row.id}#feed", _("The feed is being fetched; this page shows what comes of it."))


def _wake_after(visit: Visit, row: BusinessHours) -> None:
    feeds = visit.request.app.get(FEEDS)
    if feeds is not None and row.feed_url:
        visit.work.after_commit(feeds.wake)


def _outward(visit: Visit) -> OutwardRules:
    outward = visit.request.app.get(OUTWARD)
    return outward.rules if outward is not None else service.INTERNET


def _wish(visit: Visit) -> Wish:
    form = visit.form
    return Wish(
        name=form.get("name", ""),
        zone=form.get("zone", ""),
        week=[form.get(weekday, "") for weekday in WEEKDAYS],
        country=form.get("country", ""),
        subdivision=form.get("subdivision", ""),
        make_up=form.get("make_up") == "yes",
        feed_url=form.get("feed_url", ""),
        feed_means=form.get("feed_means", "closed"),
    )


def _date(text: str, name: str) -> date:
    try:
        return date.fromisoformat(text.strip())
    except ValueError:
        raise Invalid(fields={name: "write the date as 2026-12-24"}) from None


def _form(typed: Mapping[str, str], errors: Mapping[str, str]) -> dict[str, Any]:
    names = locale().territories
    known = sorted((str(names.get(code, name)), code) for code, name in countries().items())
    return {
        "typed": typed,
        "errors": errors,
        "weekdays": [(weekday, word(views.WEEKDAY_NAMES[weekday])) for weekday in WEEKDAYS],
        "zones": zones(),
        "countries": [("", _("none")), *((code, name) for name, code in known)],
        "parts": subdivisions(typed.get("country", "")),
        "meanings": [(meaning, word(text)) for meaning, text in views.MEANINGS.items()],
    }


def _words() -> dict[str, Any]:
    return {"day_name": views.day_name, "wall_time": views.wall_time, "weekday_short": views.weekday_short}
