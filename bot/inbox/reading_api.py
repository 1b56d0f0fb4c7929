"""
More to read over the API: notes, the event log, spam, all of a contact, and the team at work.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from pydantic import BaseModel, Field

from bot.contacts.service import get_contact
from bot.core.database import UnitOfWork
from bot.inbox import spam, store
from bot.inbox.api import ConversationOut, NoteOut, conversation_out
from bot.inbox.history_pages import conversations_of
from bot.inbox.store import Listed
from bot.inbox.tables import ConversationEvent, Note
from bot.inbox.team import room_of, team_now
from bot.staff.presence_api import AgentOut, agent_out
from bot.staff.rules import Permission
from bot.web.operations import Call, Listing, PageQuery, operation

READ = Permission.CONVERSATIONS_READ
TAG = "conversations"


class EventOut(BaseModel):
    """
    Something that happened to a conversation.
    """

    id: str
    at: datetime
    kind: str
    actor_id: str
    actor_name: str
    detail: dict[str, Any]


class MemberOut(AgentOut):
    """
    Somebody who answers, with what they have.
    """

    waiting: int = Field(description="conversations that wait for them")
    first_due_at: datetime | None = Field(description="the earliest deadline among these")


class TeamOut(BaseModel):
    """
    The team at one moment: those who are here first, then by name.
    """

    waiting: int = Field(description="conversations that wait, in all")
    breached: int = Field(description="of these, with a deadline that has passed")
    room: int = Field(description="how many more those who are here can take")
    members: list[MemberOut]


@operation("GET", "/conversations/{id}/notes", permission=READ, tag=TAG)
async def list_notes(call: Call, id: str, query: PageQuery) -> Listing[NoteOut]:
    """
    List the notes on a conversation, oldest first.
    """
    await store.get_conversation(call.work, id)
    found = await store.list_of(call.work, Note, id, limit=query.limit, after=query.after)
    return Listing(
        items=[NoteOut.model_validate(one, from_attributes=True) for one in found.items], after=found.after
    )


@operation("GET", "/conversations/{id}/events", permission=READ, tag=TAG)
async def list_events(call: Call, id: str, query: PageQuery) -> Listing[EventOut]:
    """
    List what happened to a conversation, oldest first: the log from which all figures are computed.
    """
    await store.get_conversation(call.work, id)
    found = await store.list_of(call.work, ConversationEvent, id, limit=query.limit, after=query.after)
    return Listing(
        items=[EventOut.model_validate(one, from_attributes=True) for one in found.items], after=found.after
    )


@operation("GET", "/spam", permission=READ, tag=TAG)
async def list_spam(call: Call, query: PageQuery) -> Listing[ConversationOut]:
    """
    List what is spam, newest word first.
    """
    found = await spam.list_spam(call.work, limit=query.limit, after=query.after)
    return Listing(items=await _shown(call.work, found.items), after=found.after)


@operation("GET", "/contacts/{contact_id}/conversations", permission=READ, tag=TAG)
async def list_conversations_of_contact(call: Call, contact_id: str, query: PageQuery) -> Listing[ConversationOut]:
    """
    List all conversations of a contact in any state, newest word first.
    """
    await get_contact(call.work, contact_id)
    found = await conversations_of(call.work, contact_id, limit=query.limit, after=query.after)
    listed = await store.listed_of(call.work, [one.id for one in found.items])
    return Listing(items=await _shown(call.work, listed), after=found.after)


@operation("GET", "/team", permission=Permission.STAFF_READ, tag="agents")
async def read_team(call: Call) -> TeamOut:
    """
    Read who is here, what each has and takes, and what waits in all.
    """
    members = await team_now(call.work)
    waiting, breached, _ = await store.waiting_figures(call.work)
    shown = [
        MemberOut(
            **agent_out(one.agent).model_dump(), waiting=one.load.waiting, first_due_at=one.load.first_due_at
        )
        for one in members
    ]
    return TeamOut(waiting=waiting, breached=breached, room=room_of(members), members=shown)


async def _shown(work: UnitOfWork, listed: Sequence[Listed]) -> list[ConversationOut]:
    tags = await store.tags_of(work, [one.conversation.id for one in listed])
    return [conversation_out(one, tags.get(one.conversation.id, ())) for one in listed]
