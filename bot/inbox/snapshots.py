"""
What a conversation was before it was merged or split, and how to go back. Pure but for the row it is about.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from bot.inbox.tables import Conversation

FIELDS = (
    *("state", "agent_id", "agent_name", "claimed_at", "snoozed_until", "priority", "language", "mood", "intent"),
    *("snippet", "last_message_at", "newest_message_id", "waiting_messages", "first_answered_at", "resolved_at"),
    *("identity_id", "spam_at", "merged_into"),
)
Snapshot = dict[str, Any]


def take(conversation: Conversation) -> Snapshot:
    """
    Write down what a conversation is now, as JSON can hold it.
    """
    return {name: _plain(getattr(conversation, name)) for name in FIELDS}


def restore(conversation: Conversation, before: Mapping[str, Any]) -> None:
    """
    Make a conversation what it was.
    """
    for name in FIELDS:
        setattr(conversation, name, _value(name, before[name]))


def give_back(conversation: Conversation, before: Mapping[str, Any], after: Mapping[str, Any]) -> None:
    """
    Make a conversation what it was before something was added to it; what was changed since then stays.
    """
    waiting = conversation.waiting_messages
    for name in FIELDS:
        if _plain(getattr(conversation, name)) == after[name]:
            setattr(conversation, name, _value(name, before[name]))
    if waiting != after["waiting_messages"]:
        conversation.waiting_messages = max(0, waiting - (after["waiting_messages"] - before["waiting_messages"]))


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.isoformat()
    return str(value) if isinstance(value, str) else value


def _value(name: str, plain: Any) -> Any:
    is_instant = name.endswith(("_at", "_until"))
    return datetime.fromisoformat(plain) if is_instant and plain is not None else plain
