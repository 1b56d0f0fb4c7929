"""
Alike requests and acknowledgements over the API.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, Field, StringConstraints

from bot.inbox.keys import PROMISE
from bot.inbox.store import get_conversation
from bot.replies.acknowledging import (
    AcknowledgementWish,
    find_acknowledgement,
    set_acknowledgement,
)
from bot.replies.alike_pages import why
from bot.replies.answering import Answer, Outcome, answer_slice, check_answer
from bot.replies.gathering import Gathered, Member, get_group, group_of, list_groups, members_of
from bot.replies.rules import LONGEST_TEXT
from bot.staff.rules import Permission
from bot.web.operations import Body, Call, Listing, PageQuery, operation

READ, ANSWER, CHANGE = (
    Permission.CONVERSATIONS_READ,
    Permission.CONVERSATIONS_ANSWER,
    Permission.REPLIES_CHANGE,
)
TAG = "alike requests"
MOST_AT_ONCE = 25
"""Members that one call answers: it is one unit of work, and others wait for it."""
Id = Annotated[str, StringConstraints(max_length=100)]


class AlikeGroupOut(BaseModel):
    """
    Requests that ask the same.
    """

    id: str
    text: str = Field(description="of the request that came first")
    language: str | None
    intent: str
    waiting: int


class AlikeMemberOut(BaseModel):
    """
    Somebody who waits in a group, and why.
    """

    conversation_id: str
    newest_message_id: str = Field(description="hand it in with the answer")
    name: str
    text: str
    why: str
    agent_id: str | None


class AlikeMembersOut(BaseModel):
    """
    Everybody who waits in a group, whose time runs out first at the top.
    """

    items: list[AlikeMemberOut]


class AnswerGroupIn(Body):
    text: str = Field(min_length=1, max_length=LONGEST_TEXT, description="with variables, as in saved replies")
    seen: dict[Id, Id] = Field(
        min_length=1,
        max_length=MOST_AT_ONCE,
        description="by conversation, the `newest_message_id` that was read; more in a further call",
    )
    then: Literal["", "pending", "resolved"] = Field(default="", description="state once an answer has arrived")


class AnsweredOut(BaseModel):
    """
    Whom an answer goes to, and who was left out and why.
    """

    answered: list[str]
    left_out: dict[str, str] = Field(description="reason by conversation")


class AcknowledgementIn(Body):
    enabled: bool
    hours_id: Id | None = Field(description="sent outside of these business hours")
    texts: dict[
        Annotated[str, StringConstraints(max_length=20)],
        Annotated[str, StringConstraints(max_length=LONGEST_TEXT)],
    ] = Field(max_length=50, description='by language; "" is for any other')


class AcknowledgementOut(BaseModel):
    """
    What an account says by itself outside its hours.
    """

    account_id: str
    enabled: bool
    hours_id: str | None
    texts: dict[str, str]


def _group_out(one: Gathered) -> AlikeGroupOut:
    named = one.group.model_dump(include={"id", "text", "language", "intent"})
    return AlikeGroupOut(**named, waiting=one.size)


def _member_out(one: Member) -> AlikeMemberOut:
    return AlikeMemberOut(
        conversation_id=one.conversation.id,
        newest_message_id=one.likeness.message_id,
        name=one.name,
        text=one.text,
        why=why(one),
        agent_id=one.conversation.agent_id,
    )


@operation("GET", "/alike", permission=READ, tag=TAG)
async def list_alike(call: Call, query: PageQuery) -> Listing[AlikeGroupOut]:
    """
    List groups of alike requests, the biggest first.
    """
    found = await list_groups(call.work, limit=query.limit, after=query.after)
    return Listing(items=[_group_out(one) for one in found.items], after=found.after)


@operation("GET", "/alike/{id}", permission=READ, tag=TAG)
async def read_alike(call: Call, id: str) -> AlikeMembersOut:
    """
    Read who waits in a group and why.
    """
    await get_group(call.work, id)
    return AlikeMembersOut(items=[_member_out(one) for one in await members_of(call.work, id)])


@operation("GET", "/conversations/{id}/alike", permission=READ, tag=TAG)
async def read_alike_of(call: Call, id: str) -> AlikeGroupOut | None:
    """
    Give the group a conversation waits in; 204 when it waits alone or not at all.
    """
    await get_conversation(call.work, id)
    found = await group_of(call.work, id)
    return _group_out(found) if found else None


@operation("POST", "/alike/answer", permission=ANSWER, tag=TAG)
async def answer_alike(call: Call, body: AnswerGroupIn) -> AnsweredOut:
    """
    Answer several alike requests with one text, each person in their own conversation.
    """
    answer, outcome = Answer(text=body.text, seen=body.seen, then=body.then), Outcome()
    check_answer(answer)
    promise = call.request.app[PROMISE]
    await answer_slice(call.work, call.actor, answer, list(answer.seen), promise, outcome)
    return AnsweredOut(answered=outcome.answered, left_out=outcome.left_out)


@operation("GET", "/accounts/{id}/acknowledgement", permission=CHANGE, tag=TAG)
async def read_acknowledgement(call: Call, id: str) -> AcknowledgementOut | None:
    """
    Read what an account says by itself outside its hours.
    """
    row = await find_acknowledgement(call.work, id)
    return AcknowledgementOut(**row.model_dump(exclude={"changed_at"})) if row else None


@operation("PUT", "/accounts/{id}/acknowledgement", permission=CHANGE, tag=TAG)
async def change_acknowledgement(call: Call, id: str, body: AcknowledgementIn) -> AcknowledgementOut:
    """
    Say what an account acknowledges messages with outside its hours, and whether.
    """
    wish = AcknowledgementWish(enabled=body.enabled, hours_id=body.hours_id, texts=body.texts)
    row = await set_acknowledgement(call.work, call.actor, id, wish)
    return AcknowledgementOut(**row.model_dump(exclude={"changed_at"}))
