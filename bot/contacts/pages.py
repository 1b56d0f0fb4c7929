"""
Pages of contacts. Their conversations are the queue's: this feature stands below it and only links there.
"""

from __future__ import annotations

from urllib.parse import urlencode

from aiohttp import web

from bot.contacts import service
from bot.contacts.blocking import How, block, blocks_of, unblock
from bot.contacts.keys import PANELS
from bot.contacts.segments import add_segments, known_segments, remove_segment, segments_of
from bot.core.errors import Invalid
from bot.core.labels import split_labels
from bot.staff.rules import Permission
from bot.web.pages import Visit, page
from bot.web.translations import gettext as _

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
    sources = visit.request.app.get(PANELS, ())
    panels = [panel for source in sources if (panel := await source(visit, contact.id)) is not None]
    return await visit.render(
        "contacts/show.html",
        panels=panels,
        blocks={one.subject_id: one for one in await blocks_of(visit.work, contact.id)},
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


@page("POST", "/contacts/{contact_id}/block", permission=CHANGE)
async def block_contact(visit: Visit) -> web.StreamResponse:
    """
    Keep a contact, or one of their identities, away from the queue.
    """
    how = visit.form.get("how", How.BLOCKED)
    if how not in set(How):
        raise Invalid(fields={"how": f"one of {', '.join(How)}"})
    identity = visit.form.get("identity_id") or None
    contact_id = visit.path["contact_id"]
    await block(visit.work, visit.person, contact_id, how=How(how), identity_id=identity)
    return visit.go(f"/contacts/{contact_id}#block", _("What they write stays away from the queue now."))


@page("POST", "/contacts/{contact_id}/unblock", permission=CHANGE)
async def unblock_contact(visit: Visit) -> web.StreamResponse:
    """
    Let their words into the queue again.
    """
    contact_id = visit.path["contact_id"]
    await unblock(visit.work, visit.person, contact_id, identity_id=visit.form.get("identity_id") or None)
    return visit.go(f"/contacts/{contact_id}#block", _("What they write reaches the queue again."))


def _url(search: str, after: str | None) -> str:
    query = {name: value for name, value in (("search", search), ("after", after)) if value}
    return f"/contacts?{urlencode(query)}" if query else "/contacts"
