"""
Merge, split and undo, spam, and bulk jobs over the API.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from bot.core.errors import Invalid
from bot.inbox import bulk, merging, spam, store
from bot.inbox.api import ConversationOut, conversation_out, read_words
from bot.inbox.bulk import BulkVerb
from bot.inbox.keys import PROMISE
from bot.inbox.selection import read_selection, selection_problems
from bot.staff.rules import Permission
from bot.web.operations import Body, Call, Listing, PageQuery, operation

READ, ANSWER = Permission.CONVERSATIONS_READ, Permission.CONVERSATIONS_ANSWER
TAG = "conversations"
Id = Annotated[str, Field(min_length=1, max_length=100)]


class MergeIn(Body):
    into: Id
    other_contact: bool = Field(default=False, description="they are with different people, and that is meant")


class SplitIn(Body):
    message_id: Id = Field(description="the first message that moves")


class SpamIn(Body):
    from_now_on: bool = Field(default=False, description="what the contact writes later is spam too")


class RearrangementOut(BaseModel):
    """
    A merge or a split that stands.
    """

    model_config = ConfigDict(from_attributes=True)

    id: str
    kind: Literal["merge", "split"]
    from_id: str
    into_id: str
    at: datetime
    by_name: str


@operation("POST", "/conversations/{id}/merge", permission=ANSWER, tag=TAG)
async def merge_conversation(call: Call, id: str, body: MergeIn) -> ConversationOut:
    """
    Pour a conversation into another one; gives the one that stays.
    """
    one = await merging.merge(call.work, call.actor, id, body.into, other_contact=body.other_contact)
    return await _shown(call, one.id)


@operation("POST", "/conversations/{id}/split", permission=ANSWER, tag=TAG, status=201)
async def split_conversation(call: Call, id: str, body: SplitIn) -> ConversationOut:
    """
    Move a message and what came after it into a new conversation; gives the new one.
    """
    new = await merging.split(call.work, call.actor, id, body.message_id, call.request.app[PROMISE])
    return await _shown(call, new.id)


@operation("GET", "/conversations/{id}/rearrangement", permission=READ, tag=TAG)
async def last_rearrangement(call: Call, id: str) -> RearrangementOut | None:
    """
    Give the last merge or split of a conversation that stands, which can be undone; 204 when there is none.
    """
    await store.get_conversation(call.work, id)
    found = await merging.last_rearrangement(call.work, id)
    return RearrangementOut.model_validate(found) if found else None


@operation("POST", "/rearrangements/{id}/undo", permission=ANSWER, tag=TAG)
async def undo_rearrangement(call: Call, id: str) -> ConversationOut:
    """
    Take a merge or a split back; gives the conversation it began with.
    """
    return await _shown(call, (await merging.undo(call.work, call.actor, id)).id)


@operation("POST", "/conversations/{id}/spam", permission=ANSWER, tag=TAG)
async def mark_conversation_as_spam(call: Call, id: str, body: SpamIn) -> ConversationOut:
    """
    Call a conversation spam: resolved, and nobody waits.
    """
    await spam.mark_spam(call.work, call.actor, id, from_now_on=body.from_now_on)
    return await _shown(call, id)


@operation("POST", "/conversations/{id}/not-spam", permission=ANSWER, tag=TAG)
async def say_conversation_is_no_spam(call: Call, id: str) -> ConversationOut:
    """
    Say that a conversation was no spam.
    """
    await spam.unmark_spam(call.work, call.actor, id, call.request.app[PROMISE])
    return await _shown(call, id)


async def _shown(call: Call, conversation_id: str) -> ConversationOut:
    await call.work.session.flush()
    tags = await store.tags_of(call.work, [conversation_id])
    return conversation_out(await store.get_listed(call.work, conversation_id), tags.get(conversation_id, ()))


class BulkIn(Body):
    verb: BulkVerb
    ids: list[Id] = Field(
        default=[], max_length=bulk.MOST_ITEMS, description="of the conversations, or `selection`"
    )
    selection: dict[str, Any] | None = Field(
        default=None, description="all that match now, with the fields of a view; at most 10,000"
    )
    tag: str = Field(default="", max_length=200, description="for tag and untag")
    agent_id: str = Field(default="", max_length=100, description="for assign")
    until: AwareDatetime | None = Field(default=None, description="for snooze, or `in_words`")
    in_words: str = Field(default="", max_length=200, description="for snooze, such as `tomorrow 9`")
    zone: str = Field(default="UTC", max_length=60, description="of `in_words`, such as `Europe/Berlin`")


class BulkOut(BaseModel):
    """
    A bulk job and how far it is.
    """

    model_config = ConfigDict(from_attributes=True)

    id: str
    verb: BulkVerb
    detail: dict[str, Any]
    state: Literal["running", "stopped", "done"]
    total: int
    done: int
    left_out: int
    by_name: str
    created_at: datetime
    finished_at: datetime | None


class LeftOut(BaseModel):
    """
    A conversation that a bulk job left out, and why.
    """

    model_config = ConfigDict(from_attributes=True)

    conversation_id: str
    reason: str


@operation("POST", "/bulk", permission=ANSWER, tag="bulk", status=201)
async def begin_bulk(call: Call, body: BulkIn) -> BulkOut:
    """
    Do one thing to many conversations; the answer comes at once, the work is done meanwhile.
    """
    if body.selection is not None and (problems := selection_problems(body.selection)):
        raise Invalid(fields={f"selection.{name}": text for name, text in problems.items()})
    job = await bulk.begin(
        call.work,
        call.actor,
        body.verb,
        ids=body.ids,
        selection=None if body.selection is None else read_selection(body.selection),
        tag=body.tag,
        agent_id=body.agent_id,
        until=_until(call, body),
    )
    return BulkOut.model_validate(job)


def _until(call: Call, body: BulkIn) -> datetime | None:
    if not body.in_words.strip():
        return body.until
    if body.until is not None:
        raise Invalid(fields={"until": "say either `until` or `in_words`"})
    return read_words(body.in_words, body.zone, now=call.work.now, field="in_words")


@operation("GET", "/bulk", permission=READ, tag="bulk")
async def list_bulk(call: Call, query: PageQuery) -> Listing[BulkOut]:
    """
    List bulk jobs, newest first.
    """
    found = await bulk.list_jobs(call.work, limit=query.limit, after=query.after)
    return Listing(items=[BulkOut.model_validate(one) for one in found.items], after=found.after)


@operation("GET", "/bulk/{id}", permission=READ, tag="bulk")
async def read_bulk(call: Call, id: str) -> BulkOut:
    """
    Say how far a bulk job is.
    """
    return BulkOut.model_validate(await bulk.get_job(call.work, id))


@operation("GET", "/bulk/{id}/left-out", permission=READ, tag="bulk")
async def list_bulk_left_out(call: Call, id: str, query: PageQuery) -> Listing[LeftOut]:
    """
    List what a bulk job left out, with the reasons.
    """
    await bulk.get_job(call.work, id)
    found = await bulk.list_left_out(call.work, id, limit=query.limit, after=query.after)
    return Listing(items=[LeftOut.model_validate(one) for one in found.items], after=found.after)


@operation("POST", "/bulk/{id}/stop", permission=ANSWER, tag="bulk")
async def stop_bulk(call: Call, id: str) -> BulkOut:
    """
    Stop a bulk job where it is.
    """
    return BulkOut.model_validate(await bulk.stop(call.work, call.actor, id))
