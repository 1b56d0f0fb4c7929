"""
Tags of conversations: put on, take off, and which there are. Anybody who may answer may tag.
"""

from __future__ import annotations

from collections.abc import Sequence

import sqlalchemy as sa
from sqlmodel import col

from bot.core.actor import Actor
from bot.core.database import UnitOfWork
from bot.core.errors import Invalid
from bot.core.labelled import OFFERED, checked_label, known_labels
from bot.core.labels import clean_label
from bot.inbox import store
from bot.inbox.changes import note_event, refuse_merged, tell
from bot.inbox.order_tables import ConversationTag
from bot.inbox.rules import EventKind
from bot.inbox.tables import Conversation
from bot.staff.service import audit

T = ConversationTag
MOST_TAGS = 50
"""Of one conversation; more would be a text, not tags."""


async def add_tags(work: UnitOfWork, actor: Actor, conversation_id: str, tags: Sequence[str]) -> list[str]:
    """
    Put tags on a conversation; those it has are left alone. Gives what was added.

    Raises:
        Invalid: one cannot be a tag, or there would be too many.
        Conflict: it has gone into another conversation.
    """
    conversation = await store.get_conversation(work, conversation_id)
    refuse_merged(conversation)
    wanted = [checked_label(tag, "tag") for tag in tags]
    if not wanted:
        raise Invalid(fields={"tag": "write a tag first"})
    added = [tag for tag in dict.fromkeys(wanted) if await _insert(work, conversation.id, tag)]
    if len((await store.tags_of(work, [conversation.id])).get(conversation.id, ())) > MOST_TAGS:
        raise Invalid(fields={"tag": f"a conversation can have {MOST_TAGS} tags; take one off first"})
    for tag in added:
        await _done(work, conversation, EventKind.TAGGED, actor, tag)
    return added


async def remove_tag(work: UnitOfWork, actor: Actor, conversation_id: str, tag: str) -> bool:
    """
    Take a tag off a conversation; False when it has none of that name.
    """
    conversation = await store.get_conversation(work, conversation_id)
    refuse_merged(conversation)
    same = sa.and_(col(T.conversation_id) == conversation.id, col(T.tag) == clean_label(tag))
    gone = (await work.session.execute(sa.delete(T).where(same).returning(col(T.tag)))).first()
    if gone is not None:
        await _done(work, conversation, EventKind.UNTAGGED, actor, gone[0])
    return gone is not None


async def known_tags(work: UnitOfWork, typed: str = "", *, limit: int = OFFERED) -> list[str]:
    """
    Give tags in use that begin with what was typed, in order.
    """
    return await known_labels(work, col(T.tag), typed, limit=limit)


async def _insert(work: UnitOfWork, conversation_id: str, tag: str) -> bool:
    row = {"conversation_id": conversation_id, "tag": tag, "at": work.now}
    statement = work.insert(T).values(**row).on_conflict_do_nothing().returning(col(T.tag))
    return (await work.session.execute(statement)).first() is not None


async def _done(work: UnitOfWork, conversation: Conversation, kind: EventKind, actor: Actor, tag: str) -> None:
    note_event(work, conversation, kind, actor, tag=tag)
    await audit(work, actor, f"conversation.{kind}", "conversation", conversation.id, tag=tag)
    tell(work, conversation.id)
