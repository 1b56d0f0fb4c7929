"""
The lines of a conversation's timeline, messages, notes and events, as the templates show them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from markupsafe import Markup

from bot.inbox.mail_html import safe_html
from bot.inbox.tables import ConversationEvent, Message, Note
from bot.outbox.tables import OutboxEntry
from bot.web.translations import mark, word

NOT_JUDGED = "not judged"


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """
    One line of the timeline: a message, a note or an event.
    """

    kind: str
    id: str
    at: datetime
    author_name: str
    author_handle: str = ""
    text: str = ""
    html: Markup | None = None
    quoted: str = ""
    attachments: Sequence[Mapping[str, Any]] = ()
    url: str | None = None
    language: str = NOT_JUDGED
    sentiment: str = NOT_JUDGED
    words: Sequence[Mapping[str, Any]] = ()
    intent: str = "other"
    automatic: str | None = None
    visibility: str = "public"
    delivery: str | None = None
    delivery_reason: str = ""
    outbox_url: str | None = None


def entry_of(
    row: Message | Note | ConversationEvent, deliveries: Mapping[str, OutboxEntry], *, channel: str
) -> Entry:
    """
    Show one row of the timeline. HTML is shown for mail only: a micro-blog's text says all that its HTML does.
    """
    if isinstance(row, Note):
        return Entry(kind="note", id=row.id, at=row.at, author_name=row.author_name, text=row.text)
    if isinstance(row, ConversationEvent):
        return Entry(kind="event", id=row.id, at=row.at, author_name=row.actor_name, text=event_text(row))
    sent = deliveries.get(row.outbox_id or "")
    return Entry(
        kind=row.direction,
        id=row.id,
        at=row.at,
        author_name=row.author_name,
        author_handle=row.author_handle,
        text=row.text,
        html=safe_html(row.html) if channel == "email" else None,
        quoted=row.quoted,
        attachments=row.attachments,
        url=row.url,
        language=row.language or NOT_JUDGED,
        sentiment=row.mood,
        words=row.words,
        intent=row.intent,
        automatic=row.automatic,
        visibility=row.visibility,
        delivery=sent.state if sent else None,
        delivery_reason=sent.reason if sent else "",
        outbox_url=f"/outbox/{sent.id}" if sent else None,
    )


EVENTS = {
    "opened": mark("Conversation opened"),
    "reopened": mark("Reopened"),
    "claimed": mark("{who} claimed it"),
    "claimed: next": mark("{who} took it as the most urgent"),
    "claimed: handed out": mark("{who} was given it"),
    "lease_ran_out": mark("Back in the queue: {agent} did not come to it in time"),
    "lease_ran_out: offline": mark("Back in the queue: {agent} went offline"),
    "lease_ran_out: not here": mark("To the queue: {agent} is not here"),
    "lease_ran_out: full": mark("To the queue: {agent} has as many as they take"),
    "released": mark("{who} gave it back to the queue"),
    "handed_over": mark("{who} handed it over to {to}"),
    "snoozed": mark("{who} snoozed it"),
    "woke": mark("Back from snooze"),
    "pending": mark("Waiting for the customer"),
    "resolved": mark("{who} resolved it"),
    "merged": mark("{who} merged it into another conversation"),
    "took_in": mark("{who} merged another conversation into this one ({messages} messages)"),
    "split": mark("{who} moved {messages} messages into a new conversation"),
    "rearrangement_undone": mark("{who} undid the {what}"),
    "spam": mark("{who} marked it as spam"),
    "not_spam": mark("{who} said it is no spam"),
    "tagged": mark("{who} tagged it {tag}"),
    "untagged": mark("{who} took the tag {tag} off"),
    "priority_set": mark("{who} set the priority to {to}"),
    "bounced": mark("The mail system reports a problem with our answer"),
    "answer_refused": mark("The answer was refused: {reason}"),
    "answer_unknown": mark("It is not known whether the answer arrived"),
    "clock_warned": mark("The promise is in danger: {share:.0%} of the time has passed"),
    "clock_breached": mark("The promise was broken"),
    "clock_moved": mark("The deadline was moved: {why}"),
    "escalated": mark("Escalated: {what}"),
}


def event_text(event: ConversationEvent) -> str:
    """
    Say in words what happened.
    """
    words = {
        "who": event.actor_name,
        "to": "",
        "reason": "",
        "tag": "",
        "why": "",
        "what": "",
        "agent": "",
        "share": 0.0,
        **event.detail,
    }
    special = EVENTS.get(f"{event.kind}: {event.detail.get('how') or event.detail.get('why')}")
    return word(special or EVENTS.get(event.kind, event.kind)).format(**words)
