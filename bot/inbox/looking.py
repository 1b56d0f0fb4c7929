"""
Who has a conversation open, and who is typing in it: shown to colleagues, so that two people do not do one's work.

Nothing here decides anything: a browser that was closed without a word is forgotten after a while.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

import sqlalchemy as sa
from sqlmodel import col

from bot.core.actor import Actor
from bot.core.database import UnitOfWork
from bot.inbox import store
from bot.inbox.order_tables import Looking

L = Looking
LOOKS_FOR = timedelta(seconds=50)
"""Since the last sign of life; pages give one every 20 seconds (WARNING: compose.js)."""

TYPES_FOR = timedelta(seconds=8)
TOLD_EVERY = timedelta(seconds=3)
"""Colleagues' pages hear of one person no more often than this."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Onlooker:
    """
    Somebody who has the conversation open.
    """

    name: str
    typing: bool


def topic_of(conversation_id: str) -> str:
    """
    Give the live topic that tells pages to look again who is there.
    """
    return f"looking:{conversation_id}"


async def look(work: UnitOfWork, actor: Actor, conversation_id: str, *, typing: bool) -> bool:
    """
    Note that somebody is here. Says whether colleagues are told: of a change, every few seconds at most.
    """
    await store.get_conversation(work, conversation_id)
    before = await work.session.get(L, (conversation_id, actor.id), populate_existing=True)
    was_here = before is not None and before.until > work.now
    # Compared with what they were told: a change that came too soon after the last one is told with the next beat.
    changed = before is None or not was_here or typing != before.told_typing
    tells = changed and (before is None or before.told_at + TOLD_EVERY <= work.now)
    values = {
        "name": actor.name,
        "until": work.now + LOOKS_FOR,
        "typing_until": work.now + TYPES_FOR if typing else None,
        "told_at": work.now if tells or before is None else before.told_at,
        "told_typing": typing if tells or before is None else before.told_typing,
    }
    key = {"conversation_id": conversation_id, "staff_id": actor.id}
    statement = work.insert(L).values(**key, **values)
    await work.session.execute(statement.on_conflict_do_update(index_elements=list(key), set_=values))
    if tells:
        work.publish(topic_of(conversation_id))
    return tells


async def leave(work: UnitOfWork, actor: Actor, conversation_id: str) -> None:
    """
    Note that somebody has closed the conversation.
    """
    same = (col(L.conversation_id) == conversation_id, col(L.staff_id) == actor.id)
    gone = await work.session.execute(sa.delete(L).where(*same).returning(col(L.staff_id)))
    if gone.first() is not None:
        work.publish(topic_of(conversation_id))


async def onlookers(work: UnitOfWork, conversation_id: str, *, besides: str = "") -> Sequence[Onlooker]:
    """
    Give who has the conversation open just now, those who type first.
    """
    query = sa.select(L).where(
        col(L.conversation_id) == conversation_id, col(L.until) > work.now, col(L.staff_id) != besides
    )
    rows = (await work.session.scalars(query.order_by(col(L.name)).limit(20))).all()
    found = [
        Onlooker(name=row.name, typing=row.typing_until is not None and row.typing_until > work.now)
        for row in rows
    ]
    return sorted(found, key=lambda one: not one.typing)


async def prune_looking(work: UnitOfWork) -> None:
    """
    Forget who went without a word.
    """
    await work.session.execute(sa.delete(L).where(col(L.until) < work.now))
