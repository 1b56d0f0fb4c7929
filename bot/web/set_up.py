"""
The page *Set up*: everything that is not needed all day, with a sentence about each.
"""

from __future__ import annotations

from aiohttp import web

from bot.web.pages import Visit, page
from bot.web.shell import SET_UP_PAGE


@page("GET", SET_UP_PAGE, permission="own.session")
async def show_set_up(visit: Visit) -> web.StreamResponse:
    """
    Show what this person may set up or look after.
    """
    return await visit.render("web/set_up.html", places=visit.shell.set_up_for(visit.person))
