"""
Move a conversation from state to state, with all that hangs on it: its clocks and what it remembers. Acts.

Whoever calls has locked the conversation, and writes the event. The states are drawn in `bot.inbox.rules`.
"""

from __future__ import annotations

from datetime import datetime

from bot.core.database import UnitOfWork
from bot.inbox import clocks
from bot.inbox.rules import State
from bot.inbox.tables import Conversation


async def open_now(work: UnitOfWork, conversation: Conversation, at: datetime) -> State:
    """
    Make a conversation open, and let clocks that waited for the customer count on from `at`. Gives what it was.
    """
    was = State(conversation.state)
    conversation.state, conversation.snoozed_until, conversation.resolved_at = State.OPEN, None, None
    if was is State.PENDING:
        await clocks.resume(work, conversation, at)
    return was


async def wait_now(work: UnitOfWork, conversation: Conversation) -> None:
    """
    Make a conversation wait for the customer; its clocks pause.
    """
    conversation.state, conversation.snoozed_until = State.PENDING, None
    await clocks.pause(work, conversation)


async def snooze_now(work: UnitOfWork, conversation: Conversation, until: datetime) -> None:
    """
    Put a conversation aside; its clocks run, for it is we who wait.
    """
    await open_now(work, conversation, work.now)
    conversation.state, conversation.snoozed_until = State.SNOOZED, until


async def resolve_now(work: UnitOfWork, conversation: Conversation) -> None:
    """
    Make a conversation resolved; its clocks stop.
    """
    conversation.state, conversation.resolved_at = State.RESOLVED, work.now
    conversation.snoozed_until, conversation.waiting_messages = None, 0
    await clocks.resolve(work, conversation)
