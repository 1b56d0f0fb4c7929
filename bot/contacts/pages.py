"""
Pages of contacts. Their conversations are the queue's: this feature stands below it and only links there.
"""

from __future__ import annotations

from urllib.parse import urlencode

from aiohttp import web

from bot.contacts import service
from bot.contacts.segments import add_segments, known_segments, remove_segment, segments_of
from bot.core.labels import split_labels
from bot.staff.rules import Permission
from bot.web.pages import Visit, page

ROWS = 50
LONGEST_SEARCH = 200
CHANGE = Permission.CONTACTS_CHANGE


@page("GET", "/contacts", permission="contacts.read")
async def show_contacts(visit: Visit) -> web.StreamResponse:
    """
    List or search contacts, the newest first.
    """
    search, after = visit.query.get("search", "")[:LONGEST_SEARCH].replace("\x00", ""), visit.query.get("after")
    found = await service.list_contacts(visit.work, search=search, limit=ROWS, after=after)
    return await visit.render(
        "contacts/list.html",
        contacts=found.items,
        search=search,
        older=_url(search, found.after) if found.after else "",
        newest=_url(search, None) if after else "",
    )


@page("GET", "/contacts/{contact_id}", permission="contacts.read")
async def show_contact(visit: Visit) -> web.StreamResponse:
    """
    Show a contact with their identities.
    """
    contact = await service.get_contact(visit.work, visit.path["contact_id"])
    identities = await service.identities_of(visit.work, contact.id)
    return await visit.render(
        "contacts/show.html",
        contact=contact,
        identities=identities,
        segments=(await segments_of(visit.work, [contact.id])).get(contact.id, ()),
        known=await known_segments(visit.work),
    )


@page("POST", "/contacts/{contact_id}/segments", permission=CHANGE)
async def put_into_segments(visit: Visit) -> web.StreamResponse:
    """
    Put a contact into one segment or several.
    """
    typed = split_labels(visit.form.get("segment", ""))
    await add_segments(visit.work, visit.person, visit.path["contact_id"], typed)
    return visit.go(f"/contacts/{visit.path['contact_id']}")


@page("POST", "/contacts/{contact_id}/leave-segment", permission=CHANGE)
async def leave_segment(visit: Visit) -> web.StreamResponse:
    """
    Take a contact out of a segment.
    """
    await remove_segment(visit.work, visit.person, visit.path["contact_id"], visit.form.get("segment", ""))
    return visit.go(f"/contacts/{visit.path['contact_id']}")


def _url(search: str, after: str | None) -> str:
    query = {name: value for name, value in (("search", search), ("after", after)) if value}
    return f"/contacts?{urlencode(query)}" if query else "/contacts"
