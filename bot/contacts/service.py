"""
The verbs of contacts: meet somebody, look them up.

`meet` promises: however many messages of a stranger arrive at once, in however many processes, there is one
identity and one contact afterwards. The unique constraint on channel and key decides, not a look beforehand.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from bot.contacts import store
from bot.contacts.rules import is_seen_anew, shown_name
from bot.contacts.tables import Contact, Identity
from bot.core.database import UnitOfWork
from bot.core.links import web_link
from bot.core.paging import Slice
from connectors.base import Author


async def meet(work: UnitOfWork, channel: str, author: Author) -> Identity:
    """
    Give the identity of somebody who was heard on `channel`; make identity and contact at first sight.

    What the channel says about them now (handle, name, address, followers) replaces what it said before.
    """
    known = await store.find_identity(work, channel, author.key)
    if known is None:
        known = await _first_sight(work, channel, author)
    await _learn(work, known, author)
    return known


async def get_contact(work: UnitOfWork, contact_id: str) -> Contact:
    """
    Read a contact.

    Raises:
        NotFound: there is none.
    """
    return await store.get_contact(work, contact_id)


async def identities_of(work: UnitOfWork, contact_id: str) -> Sequence[Identity]:
    """
    List the identities of a contact, the one seen last first.
    """
    return await store.identities_of(work, contact_id)


async def list_contacts(
    work: UnitOfWork, *, search: str = "", limit: int = 50, after: str | None = None
) -> Slice[tuple[Contact, Sequence[Identity]]]:
    """
    List contacts with their identities, the newest first.
    """
    page = await store.list_contacts(work, search=search.strip(), limit=limit, after=after)
    identities = await store.identities_of_many(work, [contact.id for contact in page.items])
    return page.map(lambda contact: (contact, [one for one in identities if one.contact_id == contact.id]))


async def _first_sight(work: UnitOfWork, channel: str, author: Author) -> Identity:
    contact_id = work.new_id()
    # The contact comes first, since the identity refers to it; if somebody was faster it goes again.
    await store.add_contact(work, contact_id, shown_name(author.name, author.handle, author.key))
    values = {"id": work.new_id(), "contact_id": contact_id, "channel": channel, "key": author.key}
    if not await store.add_identity(work, {**values, "seen_at": work.now, **_told(author)}):
        await store.drop_contact(work, contact_id)
    found = await store.find_identity(work, channel, author.key)
    assert found is not None, "it was just added, or somebody else's commit was waited for"
    return found


async def _learn(work: UnitOfWork, identity: Identity, author: Author) -> None:
    before = {name: getattr(identity, name) for name in _told(author)}
    told = _told(author)
    contact = await store.get_contact(work, identity.contact_id)
    if told != before:
        for name, value in told.items():
            setattr(identity, name, value)
        if contact.name == shown_name(before["name"], before["handle"], identity.key):
            contact.name = shown_name(author.name, author.handle, author.key)
    if is_seen_anew(identity.seen_at, work.now):
        identity.seen_at = contact.seen_at = work.now
    await work.session.flush()


def _told(author: Author) -> Mapping[str, Any]:
    told: dict[str, Any] = {
        "handle": author.handle,
        "name": author.name,
        "url": web_link(author.url),
        "automated": author.automated,
    }
    # A channel that does not tell how many followers somebody has does not take back what it once told.
    return told if author.followers is None else {**told, "followers": author.followers}
