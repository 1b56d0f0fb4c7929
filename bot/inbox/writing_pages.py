"""
While somebody writes: drafts as typed, who else looks and types, and who can be mentioned.
"""

from __future__ import annotations

from urllib.parse import urlencode

from aiohttp import web

from bot.core.errors import Invalid
from bot.inbox import dispatch, drafts, looking, store
from bot.inbox.drafts import DraftChanged, DraftKind
from bot.inbox.mentions import Mentionable, offered
from bot.staff.rules import Permission
from bot.staff.service import colleagues_who_may
from bot.web.pages import Visit, page
from bot.web.translations import gettext as _

ROWS = 50
READ, ANSWER = Permission.CONVERSATIONS_READ, Permission.CONVERSATIONS_ANSWER


@page("POST", "/conversations/{id}/draft", permission=ANSWER)
async def save_draft(visit: Visit) -> web.StreamResponse:
    """
    Keep what is being written; the page's script calls this while somebody types.
    """
    version = visit.form.get("version", "0")
    if not version.isdecimal() or len(version) > 9:
        raise Invalid(fields={"version": "the number that saving gave last time, or 0"})
    kind, text = _kind(visit), visit.form.get("text", "")
    try:
        kept = await drafts.save_draft(
            visit.work, visit.person, visit.path["id"], kind, text, version=int(version)
        )
    except DraftChanged as error:
        return web.json_response({"version": error.version, "text": error.text}, status=error.status)
    await dispatch.touch(visit.work, visit.person, visit.path["id"])
    return web.json_response({"version": kept})


@page("POST", "/conversations/{id}/draft/discard", permission=ANSWER)
async def discard_draft(visit: Visit) -> web.StreamResponse:
    """
    Throw a draft away.
    """
    await drafts.drop_draft(visit.work, visit.person, visit.path["id"], _kind(visit))
    return visit.go("/drafts", _("Draft discarded."))


@page("GET", "/drafts", permission=ANSWER)
async def show_drafts(visit: Visit) -> web.StreamResponse:
    """
    List what one is writing anywhere, the last touched first.
    """
    after = visit.query.get("after") or None
    found = await drafts.list_drafts(visit.work, visit.person, limit=ROWS, after=after)
    return await visit.render(
        "inbox/drafts.html",
        drafts=found.items,
        older=f"/drafts?{urlencode({'after': found.after})}" if found.after else None,
        newest="/drafts" if after else None,
    )


def _kind(visit: Visit) -> DraftKind:
    kind = visit.form.get("kind", "")
    if kind not in set(DraftKind):
        raise Invalid(fields={"kind": f"one of {', '.join(DraftKind)}"})
    return DraftKind(kind)


@page("POST", "/conversations/{id}/here", permission=READ)
async def be_here(visit: Visit) -> web.StreamResponse:
    """
    Say that one has the conversation open, and whether one types; or that one leaves.
    """
    if visit.form.get("leaving"):
        await looking.leave(visit.work, visit.person, visit.path["id"])
    else:
        typing = visit.form.get("typing") == "yes"
        await looking.look(visit.work, visit.person, visit.path["id"], typing=typing)
        await dispatch.touch(visit.work, visit.person, visit.path["id"])
    return web.Response(status=204)


@page("GET", "/conversations/{id}/onlookers", permission=READ)
async def show_onlookers(visit: Visit) -> web.StreamResponse:
    """
    Give who else has the conversation open, for live pages.
    """
    conversation = await store.get_conversation(visit.work, visit.path["id"])
    others = await looking.onlookers(visit.work, conversation.id, besides=visit.person.id)
    return await visit.render("inbox/_onlookers.html", onlookers=others)


@page("GET", "/colleagues/options", permission=READ)
async def offer_colleagues(visit: Visit) -> web.StreamResponse:
    """
    Offer whom an @ may mean, by login or name.
    """
    typed = visit.query.get("q", "")[:60].replace("\x00", "")
    people = await colleagues_who_may(visit.work, READ)
    known = [Mentionable(id=one.id, login=one.login, name=one.name) for one in people]
    return await visit.render("inbox/_colleague_options.html", offered=offered(typed, known))
