"""
Conversations over the API: the same verbs as the pages.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Annotated, Literal
from zoneinfo import ZoneInfo

from pydantic import AwareDatetime, BaseModel, Field

from bot.core.errors import Invalid
from bot.core.paging import Slice
from bot.inbox import dispatch, service, store
from bot.inbox.keys import BOARD, PROMISE, reach_of
from bot.inbox.listing import list_selected
from bot.inbox.matching import condition_problems
from bot.inbox.moments import NotUnderstood, read_moment, zone_named
from bot.inbox.rules import LONGEST_TEXT, Tab
from bot.inbox.selection import ORDER_OF_TAB, PARAMETERS, TABS
from bot.inbox.store import Listed
from bot.inbox.tables import Conversation, Message, Note
from bot.staff.rules import Permission
from bot.web.operations import Body, Call, Listing, PageQuery, operation
from responses import Priority

READ, ANSWER = Permission.CONVERSATIONS_READ, Permission.CONVERSATIONS_ANSWER
TAG = "conversations"


class ConversationOut(BaseModel):
    """
    A conversation as the queue shows it.
    """

    id: str
    state: Literal["open", "pending", "snoozed", "resolved"]
    channel: str
    account_id: str
    contact_id: str
    contact_name: str
    handle: str
    subject: str
    snippet: str
    priority: Literal["urgent", "high", "normal", "low"]
    language: str | None = Field(description="null: not judged")
    sentiment: str
    intent: str
    agent_id: str | None
    agent_name: str | None
    opened_at: datetime
    last_message_at: datetime
    due_at: datetime | None = Field(description="deadline of the running clock; null when nobody waits")
    first_answered_at: datetime | None
    snoozed_until: datetime | None
    resolved_at: datetime | None
    waiting_messages: int
    tags: list[str]
    newest_message_id: str | None = Field(description="hand it in as `seen` with a reply")


class MessageOut(BaseModel):
    """
    A message of a conversation.
    """

    id: str
    direction: Literal["inbound", "outbound"]
    author_name: str
    author_handle: str
    text: str
    quoted: str
    at: datetime
    visibility: str
    url: str | None
    automatic: str | None = Field(description="why it counts as written by a machine; null for a person")
    language: str | None
    sentiment: str
    intent: str
    outbox_id: str | None


class NoteOut(BaseModel):
    """
    An internal note.
    """

    id: str
    author_name: str
    text: str
    at: datetime


Value = Annotated[str, Field(max_length=100)]


class ConversationQuery(PageQuery):
    tab: Tab = Tab.WAITING
    account_id: str = Field(default="", max_length=100)
    contact_id: str = Field(default="", max_length=100)
    channel: Value = ""
    language: str = Field(default="", max_length=100, description="a code, or `none`: not judged")
    intent: Value = ""
    priority: Value = ""
    mood: Value = ""
    tag: Value = ""
    segment: str = Field(default="", max_length=100, description="of the contact")
    q: str = Field(default="", max_length=200, description="words that all must appear")


Text = Annotated[str, Field(min_length=1, max_length=LONGEST_TEXT)]


class ReplyIn(Body):
    text: Text
    seen: str = Field(max_length=100, description="`newest_message_id` that the writer has read")
    seen_answer: str = Field(
        default="",
        max_length=100,
        description="our newest message that the writer has read, if a colleague has answered since `seen`",
    )
    automatic: bool = Field(default=False, description="written by a machine: no first response")
    then: Literal["", "pending", "resolved"] = Field(default="", description="state once the answer has arrived")


class NoteIn(Body):
    text: Text


class HandOverIn(Body):
    agent_id: str = Field(max_length=100)


class SnoozeIn(Body):
    until: AwareDatetime | None = Field(default=None, description="an instant, or `in_words`")
    in_words: str = Field(
        default="", max_length=200, description="`tomorrow 9`, `in 2 hours`, `下周一`; see `GET /moments`"
    )
    zone: str = Field(default="UTC", max_length=60, description="of who says it, such as `Europe/Berlin`")

    def moment(self, now: datetime) -> datetime:
        """
        Give the instant that is meant; raises Invalid.
        """
        if (self.until is None) == (not self.in_words.strip()):
            raise Invalid(fields={"until": "say either `until` or `in_words`"})
        return self.until or read_words(self.in_words, self.zone, now=now, field="in_words")


def read_words(words: str, zone: str, *, now: datetime, field: str) -> datetime:
    """
    Read a moment in words that was handed in; raises Invalid, at `field` or at `zone`.
    """
    try:
        return read_moment(words, now=now, zone=_zone(zone))
    except NotUnderstood as error:
        raise Invalid(fields={field: str(error)}) from error


def _zone(name: str) -> ZoneInfo:
    # A browser's cookie is forgiven a zone that does not exist; a program would wake people at the wrong hour.
    found = zone_named(name)
    if found.key != name:
        raise Invalid(fields={"zone": f"no time zone {name[:60]!r}; use a name such as Europe/Berlin"})
    return found


COLUMNS_OUT = [
    name for name in ConversationOut.model_fields if name in Conversation.model_fields.keys() - {"priority"}
]
"""What is shown as it stands in the table."""


def conversation_out(listed: Listed, tags: Sequence[str] = ()) -> ConversationOut:
    """
    Show a conversation with whom it is with.
    """
    c = listed.conversation
    return ConversationOut(
        **{name: getattr(c, name) for name in COLUMNS_OUT},
        contact_name=listed.contact_name,
        handle=listed.handle,
        sentiment=c.mood,
        tags=list(tags),
        priority=Priority(c.priority).name.lower(),
    )


def message_out(message: Message) -> MessageOut:
    """
    Show a message.
    """
    return MessageOut(**message.model_dump(include=set(MessageOut.model_fields)), sentiment=message.mood)


@operation("GET", "/conversations", permission=READ, tag=TAG)
async def list_conversations(call: Call, query: ConversationQuery) -> Listing[ConversationOut]:
    """
    List conversations: waiting ones by deadline, all others newest word first.
    """
    selection = replace(TABS[query.tab], contact_id=query.contact_id, text=query.q)
    found = await list_selected(
        call.work,
        selection.narrowed(**_conditions(query)),
        actor_id=call.actor.id,
        order=ORDER_OF_TAB[query.tab],
        limit=query.limit,
        after=query.after,
        board=call.request.app.get(BOARD),
    )
    items = [conversation_out(one, one.tags) for one in found.items]
    return Listing(items=items, after=found.after)


def _conditions(query: ConversationQuery) -> dict[str, tuple[str, ...]]:
    said = {field: (name, getattr(query, name)) for name, field in PARAMETERS.items()}
    chosen: dict[str, tuple[str, ...]] = {field: (value,) for field, (_, value) in said.items() if value}
    if problems := condition_problems(chosen):
        raise Invalid(fields={said[field][0]: text for field, text in problems.items()})
    return chosen


@operation("GET", "/conversations/{id}", permission=READ, tag=TAG)
async def read_conversation(call: Call, id: str) -> ConversationOut:
    """
    Read one conversation.
    """
    return await _listed(call, id)


@operation("GET", "/conversations/{id}/messages", permission=READ, tag=TAG)
async def list_messages(call: Call, id: str, query: PageQuery) -> Listing[MessageOut]:
    """
    List the messages of a conversation, oldest first.
    """
    await store.get_conversation(call.work, id)
    found: Slice[Message] = await store.list_messages(call.work, id, limit=query.limit, after=query.after)
    return Listing(items=[message_out(one) for one in found.items], after=found.after)


@operation("POST", "/conversations/claim-next", permission=ANSWER, tag=TAG)
async def claim_next(call: Call) -> ConversationOut | None:
    """
    Claim the most urgent conversation that fits and nobody has; 204 when there is none, 409 when one has enough.
    """
    taken = await dispatch.claim_next(call.work, call.actor, reach_of(call.request))
    return await _shown(call, taken) if taken else None


@operation("POST", "/conversations/{id}/claim", permission=ANSWER, tag=TAG)
async def claim_conversation(call: Call, id: str) -> ConversationOut:
    """
    Claim a conversation; claiming one's own again changes nothing.
    """
    return await _shown(call, await service.claim(call.work, call.actor, id))


@operation("POST", "/conversations/{id}/release", permission=ANSWER, tag=TAG)
async def release_conversation(call: Call, id: str) -> ConversationOut:
    """
    Give a conversation back to the queue.
    """
    return await _shown(call, await service.release(call.work, call.actor, id))


@operation("POST", "/conversations/{id}/reply", permission=ANSWER, tag=TAG, status=201)
async def reply_to_conversation(call: Call, id: str, body: ReplyIn) -> MessageOut:
    """
    Answer the customer; the receipt comes later, see the outbox entry.
    """
    message = await service.reply(
        call.work,
        call.actor,
        id,
        text=body.text,
        seen=body.seen,
        seen_answer=body.seen_answer,
        automatic=body.automatic,
        then=body.then,
        promise=call.request.app[PROMISE],
    )
    return message_out(message)


@operation("POST", "/conversations/{id}/notes", permission=ANSWER, tag=TAG, status=201)
async def add_note(call: Call, id: str, body: NoteIn) -> NoteOut:
    """
    Write an internal note.
    """
    note: Note = await service.add_note(call.work, call.actor, id, body.text)
    return NoteOut(**note.model_dump(include=set(NoteOut.model_fields)))


@operation("POST", "/conversations/{id}/hand-over", permission=ANSWER, tag=TAG)
async def hand_over_conversation(call: Call, id: str, body: HandOverIn) -> ConversationOut:
    """
    Give a conversation to a colleague.
    """
    return await _shown(call, await service.hand_over(call.work, call.actor, id, body.agent_id))


@operation("POST", "/conversations/{id}/snooze", permission=ANSWER, tag=TAG)
async def snooze_conversation(call: Call, id: str, body: SnoozeIn) -> ConversationOut:
    """
    Put a conversation aside until an instant or a moment in words; a new message brings it back before.
    """
    until = body.moment(call.work.now)
    return await _shown(call, await service.snooze(call.work, call.actor, id, until))


@operation("POST", "/conversations/{id}/pending", permission=ANSWER, tag=TAG)
async def wait_for_customer(call: Call, id: str) -> ConversationOut:
    """
    Wait for the customer.
    """
    return await _shown(call, await service.set_pending(call.work, call.actor, id))


@operation("POST", "/conversations/{id}/resolve", permission=ANSWER, tag=TAG)
async def resolve_conversation(call: Call, id: str) -> ConversationOut:
    """
    Call a conversation done.
    """
    return await _shown(call, await service.resolve(call.work, call.actor, id))


@operation("POST", "/conversations/{id}/reopen", permission=ANSWER, tag=TAG)
async def reopen_conversation(call: Call, id: str) -> ConversationOut:
    """
    Put a conversation back into the queue.
    """
    return await _shown(call, await service.reopen(call.work, call.actor, id))


async def _shown(call: Call, conversation: Conversation) -> ConversationOut:
    await call.work.session.flush()
    return await _listed(call, conversation.id)


async def _listed(call: Call, conversation_id: str) -> ConversationOut:
    tags = await store.tags_of(call.work, [conversation_id])
    listed = await store.get_listed(call.work, conversation_id)
    return conversation_out(listed, tags.get(conversation_id, ()))
