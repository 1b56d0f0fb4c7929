"""
What every change of a conversation shares, whoever makes it: its event, and the news to open pages.
"""

from __future__ import annotations

from typing import Any

from bot.core.actor import Actor
from bot.core.database import UnitOfWork
from bot.inbox.tables import Conversation, ConversationEvent

EVENTS_TOPIC = "events"
"""Wakes who reacts to events (bot.inbox.reactions)."""


def note_event(work: UnitOfWork, conversation: Conversation, kind: str, actor: Actor, **detail: Any) -> None:
    """
    Write what happened into the conversation's event log, and which rules led to it.
    """
    if work.caused_by:
        detail["caused_by"] = list(work.caused_by)
    work.session.add(
        ConversationEvent(
            id=work.new_id(),
            conversation_id=conversation.id,
            at=work.now,
            kind=kind,
            actor_id=actor.id,
            actor_name=actor.name,
            detail=detail,
            pending=True,
        )
    )
    work.publish(EVENTS_TOPIC)


def tell(work: UnitOfWork, conversation_id: str) -> None:
    """
    Tell open pages that a conversation, and with it the queue, has changed.
    """
    work.publish("queue")
    work.publish(f"conversation:{conversation_id}")
