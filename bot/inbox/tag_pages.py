"""
Tags on the conversation page, and the list that offers known ones.
"""

from __future__ import annotations

from aiohttp import web

from bot.core.labels import split_labels
from bot.inbox import tagging
from bot.staff.rules import Permission
from bot.web.pages import Visit, page

READ, ANSWER = Permission.CONVERSATIONS_READ, Permission.CONVERSATIONS_ANSWER


@page("GET", "/tags/options", permission=READ)
async def tag_options(visit: Visit) -> web.StreamResponse:
    """
    Offer known tags that begin with what is typed, for the field's list.
    """
    typed = visit.query.get("tag", "")[:200].replace("\x00", "")
    begun = (split_labels(typed) or [""])[-1]
    return await visit.render("inbox/_tag_options.html", tags=await tagging.known_tags(visit.work, begun))


@page("POST", "/conversations/{id}/tags", permission=ANSWER)
async def add_tags(visit: Visit) -> web.StreamResponse:
    """
    Put one tag or several on it.
    """
    await tagging.add_tags(visit.work, visit.person, visit.path["id"], split_labels(visit.form.get("tag", "")))
    return visit.go(f"/conversations/{visit.path['id']}")


@page("POST", "/conversations/{id}/untag", permission=ANSWER)
async def remove_tag(visit: Visit) -> web.StreamResponse:
    """
    Take a tag off.
    """
    await tagging.remove_tag(visit.work, visit.person, visit.path["id"], visit.form.get("tag", ""))
    return visit.go(f"/conversations/{visit.path['id']}")
