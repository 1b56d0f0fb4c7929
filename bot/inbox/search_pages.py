"""
The search page.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from urllib.parse import urlencode

from aiohttp import web

from bot.core.errors import Invalid
from bot.inbox.query import FILTERS, LONGEST_QUERY, read_query
from bot.inbox.search import Hit, find
from bot.inbox.snippets import Piece
from bot.staff.rules import Permission
from bot.web.pages import Visit, page

HITS = 30


@dataclass(frozen=True, slots=True, kw_only=True)
class HitRow:
    """
    A line of the results.
    """

    kind: str
    url: str
    contact_name: str
    author: str
    subject: str
    state: str
    channel: str
    at: datetime
    pieces: list[Piece]


@page("GET", "/search", permission=Permission.CONVERSATIONS_READ)
async def search(visit: Visit) -> web.StreamResponse:
    """
    Find messages, notes, subjects and contacts; without a question, say how to ask.
    """
    typed, after = visit.query.get("q", "").replace("\x00", ""), visit.query.get("after") or None
    rows, older, problem = list[HitRow](), None, ""
    if typed.strip():
        try:
            found = await find(visit.work, read_query(typed), limit=HITS, after=after)
            rows = [_row(hit) for hit in found.items]
            older = "/search?" + urlencode({"q": typed, "after": found.after}) if found.after else None
        except Invalid as error:
            problem = error.fields.get("q") or error.detail
    return await visit.render(
        "inbox/search.html",
        status=422 if problem else 200,
        typed=typed[: 2 * LONGEST_QUERY],
        rows=rows,
        problem=problem,
        older_url=older,
        newer_url="/search?" + urlencode({"q": typed}) if after else None,
        filters=FILTERS,
    )


def _row(hit: Hit) -> HitRow:
    c = hit.conversation
    return HitRow(
        kind=hit.kind,
        url=f"/conversations/{c.id}" if c else f"/contacts/{hit.contact_id}",
        contact_name=hit.contact_name,
        author="" if hit.direction == "inbound" else hit.author,
        subject=c.subject if c and hit.kind != "subject" else "",
        state=c.state if c else "",
        channel=c.channel if c else "",
        at=hit.at,
        pieces=list(hit.pieces),
    )
