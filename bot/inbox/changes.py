"""
What every change of a conversation shares, whoever makes it: its event, its end, and the news to open pages.
"""

from __future__ import annotations

from typing import Any

from bot.core.actor import Actor
from bot.core.database import UnitOfWork
from bot.inbox import store
from bot.inbox.rules import Outcome, State
from bot.inbox.tables import Conversation, ConversationEvent

EVENTS_TOPIC = "events"
"""Wakes who reacts to events (bot.inbox.reactions)."""


async def resolve_now(work: UnitOfWork, conversation: Conversation) -> None:
    """
    Make a conversation resolved; a clock that still runs is dropped.
    """
    conversation.state, conversation.resolved_at = State.RESOLVED, work.now
    conversation.snoozed_until, conversation.waiting_messages = None, 0
    clock = await store.running_clock(work, conversation.id)
    if clock is not None:
        clock.stopped_at, clock.outcome = work.now, Outcome.DROPPED
    conversation.due_at = None


def note_event(work: UnitOfWork, conversation: Conversation, kind: str, actor: Actor, **detail: Any) -> None:
    """
    Write what happened into the conversation's event log.
    """
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
