"""
The team page: for leads, to see at a glance who is here and who has too much.
"""

from __future__ import annotations

from typing import Any

from aiohttp import web

from bot.inbox import store
from bot.inbox.team import room_of, team_now
from bot.staff.presence_pages import choices_of
from bot.staff.rules import Permission
from bot.web.pages import Visit, page


@page("GET", "/team", permission=Permission.STAFF_READ)
async def show_team(visit: Visit) -> web.StreamResponse:
    """
    Show who is here, what they take and what waits for them.
    """
    return await visit.render("inbox/team.html", **await _shown(visit))


@page("GET", "/team/list", permission=Permission.STAFF_READ)
async def show_team_list(visit: Visit) -> web.StreamResponse:
    """
    Give the figures and the list alone, for live pages.
    """
    return await visit.render("inbox/_team_list.html", **await _shown(visit))


async def _shown(visit: Visit) -> dict[str, Any]:
    members = await team_now(visit.work)
    waiting, breached, _ = await store.waiting_figures(visit.work)
    return {
        "members": members,
        "here": sum(one.agent.presence == "here" for one in members),
        "room": room_of(members),
        "waiting": waiting,
        "breached": breached,
        "accounts": dict((await choices_of(visit, visit.work)).accounts),
    }
