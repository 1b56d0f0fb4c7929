"""
Contacts over JSON.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from bot.contacts import service
from bot.contacts.blocking import How, block, blocks_of, unblock
from bot.contacts.segments import MOST_SEGMENTS, add_segments, remove_segment, segments_of
from bot.contacts.tables import Contact, Identity
from bot.web.operations import Body, Call, Listing, PageQuery, operation


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
    segments: list[str]
    identities: list[IdentityOut]


class BlockOut(_Out):
    """
    What keeps somebody away from the queue.
    """

    subject_id: str = Field(description="of the contact, or of one identity")
    how: How
    by_name: str
    at: datetime


class BlocksOut(BaseModel):
    """
    What keeps a contact and their identities away.
    """

    blocks: list[BlockOut]


class BlockIn(Body):
    how: How = How.BLOCKED
    identity_id: str | None = Field(default=None, max_length=100, description="null: all they write, anywhere")


class UnblockIn(Body):
    identity_id: str | None = Field(default=None, max_length=100)


class SegmentsIn(Body):
    segments: list[Annotated[str, Field(min_length=1, max_length=200)]] = Field(
        min_length=1, max_length=MOST_SEGMENTS
    )


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
    segments = await segments_of(call.work, [contact.id for contact, _ in found.items])
    items = [_out(contact, known, segments.get(contact.id, ())) for contact, known in found.items]
    return Listing[ContactOut](items=items, after=found.after)


@operation("GET", "/contacts/{contact_id}", permission="contacts.read", tag="contacts")
async def get_contact(call: Call, contact_id: str) -> ContactOut:
    """
    Read one contact with their identities.
    """
    return await _read(call, contact_id)


@operation("POST", "/contacts/{contact_id}/segments", permission="contacts.change", tag="contacts")
async def put_contact_into_segments(call: Call, contact_id: str, body: SegmentsIn) -> ContactOut:
    """
    Put a contact into segments; those they are in are left alone.
    """
    await add_segments(call.work, call.actor, contact_id, body.segments)
    return await _read(call, contact_id)


@operation("DELETE", "/contacts/{contact_id}/segments/{segment}", permission="contacts.change", tag="contacts")
async def take_contact_out_of_segment(call: Call, contact_id: str, segment: str) -> ContactOut:
    """
    Take a contact out of a segment; one they are not in is no mistake.
    """
    await remove_segment(call.work, call.actor, contact_id, segment)
    return await _read(call, contact_id)


@operation("GET", "/contacts/{contact_id}/blocks", permission="contacts.read", tag="contacts")
async def list_blocks(call: Call, contact_id: str) -> BlocksOut:
    """
    Say what keeps a contact away from the queue.
    """
    await service.get_contact(call.work, contact_id)
    return await _blocks(call, contact_id)


@operation("POST", "/contacts/{contact_id}/block", permission="contacts.change", tag="contacts")
async def block_contact(call: Call, contact_id: str, body: BlockIn) -> BlocksOut:
    """
    Keep a contact, or one of their identities, away from the queue.
    """
    await block(call.work, call.actor, contact_id, how=body.how, identity_id=body.identity_id)
    return await _blocks(call, contact_id)


@operation("POST", "/contacts/{contact_id}/unblock", permission="contacts.change", tag="contacts")
async def unblock_contact(call: Call, contact_id: str, body: UnblockIn) -> BlocksOut:
    """
    Let their words into the queue again; what is not blocked is no mistake.
    """
    await unblock(call.work, call.actor, contact_id, identity_id=body.identity_id)
    return await _blocks(call, contact_id)


async def _blocks(call: Call, contact_id: str) -> BlocksOut:
    return BlocksOut(blocks=[BlockOut.model_validate(one) for one in await blocks_of(call.work, contact_id)])


async def _read(call: Call, contact_id: str) -> ContactOut:
    contact = await service.get_contact(call.work, contact_id)
    segments = (await segments_of(call.work, [contact_id])).get(contact_id, ())
    return _out(contact, await service.identities_of(call.work, contact_id), segments)


def _out(contact: Contact, identities: Sequence[Identity], segments: Sequence[str]) -> ContactOut:
    known = [IdentityOut.model_validate(identity) for identity in identities]
    return ContactOut.model_validate({**contact.model_dump(), "segments": list(segments), "identities": known})
