"""
What webhooks are told of conversations: the event log's kinds in the words of receivers, and what goes with them.

Ids, names, states and instants go to everybody who asks for the kind; what the customer wrote (`subject` and
`text`) only to an endpoint that asks for texts.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

from bot.contacts.tables import Identity
from bot.core.database import UnitOfWork
from bot.inbox.reactions import Reaction
from bot.inbox.rules import EventKind
from bot.inbox.tables import Conversation, ConversationEvent, Message
from bot.webhooks.rules import Kind, instant_text
from bot.webhooks.service import announce, kinds_wanted
from responses.values import Priority

KINDS: Mapping[str, Kind] = {
    EventKind.OPENED: Kind.CONVERSATION_CREATED,
    EventKind.CLAIMED: Kind.CONVERSATION_ASSIGNED,
    EventKind.HANDED_OVER: Kind.CONVERSATION_ASSIGNED,
    EventKind.CLOCK_WARNED: Kind.CONVERSATION_WARNED,
    EventKind.CLOCK_BREACHED: Kind.CONVERSATION_BREACHED,
    EventKind.ANSWERED: Kind.CONVERSATION_ANSWERED,
    EventKind.RESOLVED: Kind.CONVERSATION_RESOLVED,
}


def reaction(base_url: str) -> Reaction:
    """
    Tell webhooks of events.

    Args:
        base_url: where people reach our pages, for links.
    """
    act = partial(tell_webhooks, base_url=base_url)
    return Reaction(name="webhooks", kinds=frozenset(KINDS), act=act, listens=_kinds_asked_for)


async def _kinds_asked_for(work: UnitOfWork) -> list[str]:
    asked = await kinds_wanted(work)
    return [event for event, kind in KINDS.items() if kind in asked]


async def tell_webhooks(
    work: UnitOfWork, event: ConversationEvent, conversation: Conversation, *, base_url: str
) -> None:
    """
    Announce one event.
    """
    identity = await work.session.get(Identity, conversation.identity_id)
    newest = conversation.newest_message_id
    message = await work.session.get(Message, newest) if newest else None
    await announce(
        work,
        KINDS[event.kind],
        event_id=event.id,
        at=event.at,
        subject_id=conversation.id,
        data={
            "conversation": conversation_data(conversation, base_url),
            "contact": {"id": conversation.contact_id, "handle": identity.handle if identity else ""},
            **_event_data(event),
        },
        text={"subject": conversation.subject, "text": message.text if message else ""},
    )


def conversation_data(conversation: Conversation, base_url: str) -> dict[str, Any]:
    """
    Say what a conversation is like now, without what was written in it.
    """
    c = conversation
    return {
        "id": c.id,
        "url": f"{base_url}/conversations/{c.id}",
        "account_id": c.account_id,
        "channel": c.channel,
        "state": str(c.state),
        "priority": Priority(c.priority).name.lower(),
        "language": c.language,
        "intent": str(c.intent),
        "mood": str(c.mood),
        "agent": {"id": c.agent_id, "name": c.agent_name} if c.agent_id else None,
        "opened_at": instant_text(c.opened_at),
        "due_at": instant_text(c.due_at) if c.due_at else None,
        "resolved_at": instant_text(c.resolved_at) if c.resolved_at else None,
    }


def _event_data(event: ConversationEvent) -> dict[str, Any]:
    detail = event.detail
    match event.kind:
        case EventKind.OPENED:
            return {}
        case EventKind.CLOCK_WARNED:
            return {"clock": {name: detail.get(name) for name in ("clock", "due_at", "share")}}
        case EventKind.CLOCK_BREACHED:
            return {"clock": {name: detail.get(name) for name in ("clock", "due_at")}}
        case EventKind.ANSWERED:
            by = {"id": detail.get("by_id"), "name": detail.get("by")}
            return {"by": by, "automatic": bool(detail.get("automatic")), "answered_at": detail.get("at")}
        case _:
            return {"by": {"id": event.actor_id, "name": event.actor_name}}
