"""
The bell and the page of one's notifications.
"""

from __future__ import annotations

from urllib.parse import urlencode

from aiohttp import web

from bot.core.errors import NotFound
from bot.staff import notices
from bot.staff.rules import Permission
from bot.web.pages import Visit, page

ROWS = 50
OWN = Permission.OWN_SESSION


@page("GET", "/notifications", permission=OWN)
async def show_notices(visit: Visit) -> web.StreamResponse:
    """
    List what one should know, newest first.
    """
    after = visit.query.get("after") or None
    found = await notices.list_notices(visit.work, visit.person, limit=ROWS, after=after)
    return await visit.render(
        "staff/notifications.html",
        notices=[(notice, notices.said(notice)) for notice in found.items],
        older=f"/notifications?{urlencode({'after': found.after})}" if found.after else None,
        newest="/notifications" if after else None,
    )


@page("GET", "/notifications/bell", permission=OWN)
async def show_bell(visit: Visit) -> web.StreamResponse:
    """
    Give the bell alone, for live pages.
    """
    return await visit.render("web/_bell_alone.html")


@page("POST", "/notifications/read", permission=OWN)
async def read_all(visit: Visit) -> web.StreamResponse:
    """
    Note that all of them were read.
    """
    await notices.mark_read(visit.work, visit.person)
    return visit.go("/notifications")


@page("POST", "/notifications/{notice_id}/open", permission=OWN)
async def open_notice(visit: Visit) -> web.StreamResponse:
    """
    Go where one leads; it counts as read then.
    """
    notice = await notices.find_notice(visit.work, visit.person, visit.path["notice_id"])
    if notice is None:
        raise NotFound("you have no notification of that id")
    await notices.mark_read(visit.work, visit.person, [notice.id])
    return visit.go(notice.url)
