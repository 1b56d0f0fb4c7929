"""
Tags over the API.
"""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, Field

from bot.inbox import store, tagging
from bot.staff.rules import Permission
from bot.web.operations import Body, Call, Query, operation

READ, ANSWER = Permission.CONVERSATIONS_READ, Permission.CONVERSATIONS_ANSWER
TAG = "conversations"
TagText = Annotated[str, Field(min_length=1, max_length=200)]


class TagsOut(BaseModel):
    """
    Tags, in order.
    """

    tags: list[str]


class TagsIn(Body):
    tags: list[TagText] = Field(min_length=1, max_length=tagging.MOST_TAGS)


class KnownTagsQuery(Query):
    starts_with: str = Field(default="", max_length=200)


@operation("GET", "/tags", permission=READ, tag=TAG)
async def list_known_tags(call: Call, query: KnownTagsQuery) -> TagsOut:
    """
    List the first 20 tags in use that begin with some letters.
    """
    return TagsOut(tags=await tagging.known_tags(call.work, query.starts_with))


@operation("POST", "/conversations/{id}/tags", permission=ANSWER, tag=TAG)
async def tag_conversation(call: Call, id: str, body: TagsIn) -> TagsOut:
    """
    Put tags on a conversation; those it has are left alone. Gives all it has.
    """
    await tagging.add_tags(call.work, call.actor, id, body.tags)
    return await _tags(call, id)


@operation("DELETE", "/conversations/{id}/tags/{tag}", permission=ANSWER, tag=TAG)
async def untag_conversation(call: Call, id: str, tag: str) -> TagsOut:
    """
    Take a tag off a conversation; one that is not there is no mistake. Gives all it has.
    """
    await tagging.remove_tag(call.work, call.actor, id, tag)
    return await _tags(call, id)


async def _tags(call: Call, conversation_id: str) -> TagsOut:
    found = await store.tags_of(call.work, [conversation_id])
    return TagsOut(tags=list(found.get(conversation_id, ())))
