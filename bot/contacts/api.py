"""
Contacts over JSON.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from pydantic import BaseModel, ConfigDict, Field

from bot.contacts import service
from bot.contacts.tables import Contact, Identity
from bot.web.operations import Call, Listing, PageQuery, operation


class _Out(BaseModel):
    model_config = ConfigDict(from_attributes=True)


class IdentityOut(_Out):
    """
    One handle of a contact on one channel.
    """

    id: str
    channel: str
    key: str = Field(description="stable: actor URI, lower-cased address")
    handle: str
    name: str
    url: str | None
    automated: bool = Field(description="the account calls itself a bot")
    followers: int | None
    seen_at: datetime


class ContactOut(_Out):
    """
    A person out there, as far as we know them to be one.
    """

    id: str
    name: str
    created_at: datetime
    seen_at: datetime
    identities: list[IdentityOut]


class ContactQuery(PageQuery):
    """
    Which contacts.
    """

    search: str = Field(default="", max_length=200, description="part of a name or a handle")


@operation("GET", "/contacts", permission="contacts.read", tag="contacts")
async def list_contacts(call: Call, query: ContactQuery) -> Listing[ContactOut]:
    """
    List or search contacts, the newest first.
    """
    found = await service.list_contacts(call.work, search=query.search, limit=query.limit, after=query.after)
    return Listing[ContactOut](items=[_out(*pair) for pair in found.items], after=found.after)


@operation("GET", "/contacts/{contact_id}", permission="contacts.read", tag="contacts")
async def get_contact(call: Call, contact_id: str) -> ContactOut:
    """
    Read one contact with their identities.
    """
    contact = await service.get_contact(call.work, contact_id)
    return _out(contact, await service.identities_of(call.work, contact_id))


def _out(contact: Contact, identities: Sequence[Identity]) -> ContactOut:
    known = [IdentityOut.model_validate(identity) for identity in identities]
    return ContactOut.model_validate({**contact.model_dump(), "identities": known})
