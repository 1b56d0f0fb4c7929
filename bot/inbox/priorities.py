"""
Set the priority of a conversation by hand, by macro or by rule; what is read in a later message may only raise it.
"""

from __future__ import annotations

from bot.core.actor import Actor
from bot.core.database import UnitOfWork
from bot.inbox import store
from bot.inbox.changes import note_event, tell
from bot.inbox.rules import EventKind
from bot.inbox.tables import Conversation
from bot.staff.service import audit
from responses import Priority


async def set_priority(work: UnitOfWork, actor: Actor, conversation_id: str, priority: Priority) -> Conversation:
    """
    Give a conversation another priority; the same again changes nothing.
    """
    conversation = await store.get_conversation(work, conversation_id, lock=True)
    if conversation.priority == priority:
        return conversation
    was, to = Priority(conversation.priority).name.lower(), priority.name.lower()
    conversation.priority = int(priority)
    note_event(work, conversation, EventKind.PRIORITY_SET, actor, was=was, to=to)
    await audit(work, actor, f"conversation.{EventKind.PRIORITY_SET}", "conversation", conversation.id, to=to)
    tell(work, conversation.id)
    return conversation
