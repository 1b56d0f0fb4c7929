"""
While somebody writes, over the API: drafts, who else looks and types, and moments in words.

A token is somebody of its own: its drafts are those that it saved, as a person's are theirs.
"""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from pydantic import BaseModel, Field

from bot.core.errors import NotFound
from bot.inbox import dispatch, drafts, looking, store
from bot.inbox.api import read_words
from bot.inbox.drafts import DraftKind
from bot.inbox.rules import LONGEST_TEXT
from bot.staff.rules import Permission
from bot.web.operations import Body, Call, Listing, PageQuery, Query, operation

READ, ANSWER = Permission.CONVERSATIONS_READ, Permission.CONVERSATIONS_ANSWER
TAG = "conversations"
LARGEST_VERSION = 2**31 - 1


class DraftOut(BaseModel):
    """
    What one is writing in a conversation and has not sent.
    """

    conversation_id: str
    kind: Literal["reply", "note"]
    text: str
    version: int = Field(description="hand it in when saving")
    updated_at: datetime


class ListedDraftOut(DraftOut):
    """
    A draft with whom it is for.
    """

    contact_name: str
    subject: str


class DraftsOut(BaseModel):
    """
    What one is writing in one conversation.
    """

    items: list[DraftOut]


class DraftIn(Body):
    text: str = Field(max_length=LONGEST_TEXT, description="nothing written forgets the draft")
    version: int = Field(
        default=0, ge=0, le=LARGEST_VERSION, description="that the writer started from; 0 for a new one"
    )


class DraftVersionOut(BaseModel):
    """
    What was kept.
    """

    version: int = Field(description="hand it in next time; 0: nothing is kept")


class HereIn(Body):
    typing: bool = False


class OnlookerOut(BaseModel):
    """
    Somebody who has the conversation open.
    """

    name: str
    typing: bool


class OnlookersOut(BaseModel):
    """
    Who has the conversation open, those who type first; oneself left out.
    """

    items: list[OnlookerOut]


class MomentQuery(Query):
    words: str = Field(max_length=200, description="`tomorrow 9`, `in 2 hours`, `下周一`")
    zone: str = Field(default="UTC", max_length=60, description="of who says it, such as `Europe/Berlin`")


class MomentOut(BaseModel):
    """
    How a moment in words is understood.
    """

    at: datetime


@operation("GET", "/moments", permission=READ, tag=TAG)
async def understand_moment(call: Call, query: MomentQuery) -> MomentOut:
    """
    Say how a moment in words is understood, without doing anything.
    """
    return MomentOut(at=read_words(query.words, query.zone, now=call.work.now, field="words"))


@operation("GET", "/drafts", permission=ANSWER, tag=TAG)
async def list_drafts(call: Call, query: PageQuery) -> Listing[ListedDraftOut]:
    """
    List one's own drafts in all conversations, the last touched first.
    """
    found = await drafts.list_drafts(call.work, call.actor, limit=query.limit, after=query.after)
    items = [ListedDraftOut.model_validate(one, from_attributes=True) for one in found.items]
    return Listing(items=items, after=found.after)


@operation("GET", "/conversations/{id}/drafts", permission=ANSWER, tag=TAG)
async def read_drafts(call: Call, id: str) -> DraftsOut:
    """
    Read what one is writing in a conversation: at most a reply and a note.
    """
    await store.get_conversation(call.work, id)
    found = await drafts.drafts_in(call.work, call.actor, id)
    return DraftsOut(items=[DraftOut.model_validate(one, from_attributes=True) for one in found.values()])


@operation("PUT", "/conversations/{id}/drafts/{kind}", permission=ANSWER, tag=TAG)
async def save_draft(call: Call, id: str, kind: str, body: DraftIn) -> DraftVersionOut:
    """
    Keep a draft, a reply or a note; 409 when another text was saved since `version`, and nothing is overwritten.
    """
    version = await drafts.save_draft(call.work, call.actor, id, _kind(kind), body.text, version=body.version)
    await dispatch.touch(call.work, call.actor, id)
    return DraftVersionOut(version=version)


@operation("DELETE", "/conversations/{id}/drafts/{kind}", permission=ANSWER, tag=TAG)
async def discard_draft(call: Call, id: str, kind: str) -> None:
    """
    Throw a draft away; one that is not there is no mistake.
    """
    await store.get_conversation(call.work, id)
    await drafts.drop_draft(call.work, call.actor, id, _kind(kind))


def _kind(said: str) -> DraftKind:
    if said not in set(DraftKind):
        raise NotFound(f"a draft is one of {', '.join(DraftKind)}")
    return DraftKind(said)


@operation("GET", "/conversations/{id}/onlookers", permission=READ, tag=TAG)
async def list_onlookers(call: Call, id: str) -> OnlookersOut:
    """
    Say who else has a conversation open, and who types.
    """
    await store.get_conversation(call.work, id)
    found = await looking.onlookers(call.work, id, besides=call.actor.id)
    return OnlookersOut(items=[OnlookerOut(name=one.name, typing=one.typing) for one in found])


@operation("POST", "/conversations/{id}/here", permission=READ, tag=TAG)
async def be_here(call: Call, id: str, body: HereIn) -> None:
    """
    Show colleagues that one has a conversation open, and whether one types; repeat it every 20 seconds.
    """
    await looking.look(call.work, call.actor, id, typing=body.typing)
    await dispatch.touch(call.work, call.actor, id)


@operation("DELETE", "/conversations/{id}/here", permission=READ, tag=TAG)
async def leave(call: Call, id: str) -> None:
    """
    Say that one has closed a conversation.
    """
    await looking.leave(call.work, call.actor, id)
