"""
What every change of a conversation shares, whoever makes it: who may, its event, and the news to open pages.
"""

from __future__ import annotations

from typing import Any

from bot.core.actor import Actor
from bot.core.database import UnitOfWork
from bot.core.errors import Conflict
from bot.inbox.rules import may_act
from bot.inbox.tables import Conversation, ConversationEvent
from bot.staff.rules import Permission, may

EVENTS_TOPIC = "events"
"""Wakes who reacts to events (bot.inbox.reactions)."""


def refuse_merged(conversation: Conversation) -> None:
    """
    Refuse what can only be done where the messages are.

    Raises:
        Conflict: it has gone into another conversation.
    """
    if conversation.merged_into is not None:
        raise Conflict("this conversation has gone into another one; open that one instead")


def refuse_change(conversation: Conversation, actor: Actor) -> None:
    """
    Refuse to let somebody change what another agent has, or what has gone into another conversation.

    Raises:
        Conflict: with who has it, and what to do.
    """
    refuse_merged(conversation)
    takes_over = may(actor.role, Permission.CONVERSATIONS_TAKE_OVER)
    if not may_act(conversation.agent_id, actor.id, takes_over=takes_over):
        raise Conflict(
            f"{conversation.agent_name} has claimed this conversation; ask them or a lead to hand it over"
        )


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
