"""
Rows of conversations, messages, notes, clocks and the conversation's event log.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlmodel import Field, SQLModel

from bot.core.columns import JSON, instant, json_column, maybe_instant, text_column

_WAITING = sa.text("state = 'open'")
_ASLEEP = sa.text("state = 'snoozed'")
_CLAIMED = sa.text("state = 'open' AND agent_id IS NOT NULL")
_RUNNING = sa.text("stopped_at IS NULL")
_ALARMED = sa.text("alarm_at IS NOT NULL")
_UNHANDLED = sa.text("pending")
POLICY_NAME_TAKEN = "policy_name_key"


class Conversation(SQLModel, table=True):
    """
    What one contact and one account say to each other about one thing.
    """

    __tablename__ = "conversation"
    __table_args__ = (
        # the queue: waiting conversations by deadline, those without one last
        sa.Index("conversation_queue", "due_at", "id", postgresql_where=_WAITING, sqlite_where=_WAITING),
        # every list by state, newest word first
        sa.Index("conversation_state", "state", "last_message_at", "id"),
        # what an agent has
        sa.Index("conversation_agent", "agent_id", "state"),
        # claims that run out
        sa.Index("conversation_claimed", "touched_at", postgresql_where=_CLAIMED, sqlite_where=_CLAIMED),
        # history of a contact over all channels
        sa.Index("conversation_contact", "contact_id", "last_message_at"),
        # waking the snoozed
        sa.Index("conversation_snoozed", "snoozed_until", postgresql_where=_ASLEEP, sqlite_where=_ASLEEP),
        sa.CheckConstraint("state IN ('open', 'pending', 'snoozed', 'resolved')", name="conversation_state_known"),
    )

    id: str = Field(primary_key=True)
    account_id: str = Field(foreign_key="account.id")
    contact_id: str = Field(foreign_key="contact.id")
    identity_id: str = Field(foreign_key="identity.id")  # whom we answer
    channel: str
    subject: str = text_column()
    state: str = "open"
    agent_id: str | None = None  # who has claimed it: a staff member or a token
    agent_name: str | None = None
    claimed_at: datetime | None = maybe_instant()
    touched_at: datetime | None = maybe_instant()  # by its agent; the lease of the claim runs from then
    snoozed_until: datetime | None = maybe_instant()
    priority: int = 2  # responses.Priority
    language: str | None = None
    mood: str = "not judged"
    intent: str = "other"
    snippet: str = text_column()  # of the newest inbound message
    opened_at: datetime = instant()
    last_message_at: datetime = instant()
    newest_message_id: str | None = None  # newest inbound: a reply must have seen it
    replied_to_id: str | None = None  # newest inbound that a person's answer, maybe still on its way, has seen
    waiting_messages: int = 0  # inbound since our last word
    due_at: datetime | None = maybe_instant()  # of the running first-response clock
    first_answered_at: datetime | None = maybe_instant()
    resolved_at: datetime | None = maybe_instant()
    spam_at: datetime | None = maybe_instant()  # since when it counts as spam; such a one is resolved
    merged_into: str | None = None  # where its messages went (bot.inbox.merging); such a one is resolved


class Message(SQLModel, table=True):
    """
    One word of a customer, or one of ours.
    """

    __tablename__ = "message"
    __table_args__ = (
        # one heard item is one message, whatever happens
        sa.UniqueConstraint("heard_id", name="message_heard_key"),
        sa.UniqueConstraint("outbox_id", name="message_outbox_key"),
        # the timeline
        sa.Index("message_conversation", "conversation_id", "id"),
        # finding the thread an answer belongs to
        sa.Index("message_remote", "account_id", "remote_id"),
    )

    id: str = Field(primary_key=True)
    conversation_id: str = Field(foreign_key="conversation.id")
    account_id: str = Field(foreign_key="account.id")
    direction: str  # inbound, outbound
    remote_id: str | None = text_column(None)
    heard_id: str | None = None
    outbox_id: str | None = None
    identity_id: str | None = None
    author_name: str = text_column()
    author_handle: str = text_column()
    text: str = text_column()
    html: str | None = text_column(None)  # as received; sanitised when shown
    quoted: str = text_column()
    visibility: str = "public"
    url: str | None = text_column(None)
    attachments: list[Any] = Field(default_factory=list, sa_type=JSON)
    automatic: str | None = None  # why a machine wrote it; None for a person
    language: str | None = None
    mood: str = "not judged"
    words: list[Any] = Field(default_factory=list, sa_type=JSON)
    intent: str = "other"
    post_id: str | None = text_column(None)  # the channel's id of what it was written under, in public
    reply_to: dict[str, Any] | None = Field(default=None, sa_type=JSON)  # what the connector needs to answer it
    then: str = ""  # outbound: what becomes of the conversation once this is sent (pending, resolved)
    at: datetime = instant()  # inbound: when it was written; outbound: when it was prepared, then sent
    origin_id: str | None = None  # the conversation it was written in, once it was moved to another


class Note(SQLModel, table=True):
    """
    What our people tell each other about a conversation; never leaves the house.
    """

    __tablename__ = "note"
    __table_args__ = (sa.Index("note_conversation", "conversation_id", "id"),)  # the timeline

    id: str = Field(primary_key=True)
    conversation_id: str = Field(foreign_key="conversation.id")
    author_id: str
    author_name: str
    text: str = text_column()
    at: datetime = instant()
    origin_id: str | None = None  # the conversation it was written in, once it was moved to another


class ConversationClock(SQLModel, table=True):
    """
    One running promise, and how it ended.
    """

    __tablename__ = "conversation_clock"
    __table_args__ = (
        # at most one running clock of a kind
        sa.Index(
            "conversation_clock_running",
            "conversation_id",
            "kind",
            unique=True,
            postgresql_where=_RUNNING,
            sqlite_where=_RUNNING,
        ),
        # the watch: what is to be warned of or recorded next
        sa.Index("conversation_clock_alarm", "alarm_at", postgresql_where=_ALARMED, sqlite_where=_ALARMED),
        # a policy that changed and holds for running clocks too
        sa.Index("conversation_clock_policy", "policy_id", postgresql_where=_RUNNING, sqlite_where=_RUNNING),
    )

    id: str = Field(primary_key=True)
    conversation_id: str = Field(foreign_key="conversation.id")
    kind: str  # first_response, next_response, resolution
    policy_id: str | None = None  # None: the settings' own
    policy_name: str = ""
    policy_version: int = 0  # of the policy whose promise this is
    hours_id: str | None = None  # None: calendar time
    seconds: float = 0.0  # what was promised, in time of the hours
    warn_shares: list[float] = Field(default_factory=list, sa_type=JSON)  # of `seconds`, ascending
    warned: int = 0  # how many of the shares have been warned of
    started_at: datetime = instant()
    due_at: datetime = instant()
    alarm_at: datetime | None = maybe_instant()  # next warning, or the deadline; None: paused, breached, stopped
    paused_at: datetime | None = maybe_instant()  # while we wait for the customer
    left_seconds: float | None = None  # what a paused clock still had, in time of the hours; may be negative
    breached_at: datetime | None = maybe_instant()  # the true time, whenever it was noticed
    stopped_at: datetime | None = maybe_instant()
    outcome: str = "running"  # running, kept, breached, dropped (resolved without an answer)


class ConversationEvent(SQLModel, table=True):
    """
    What happened to a conversation: the log from which every figure can be computed again.
    """

    __tablename__ = "conversation_event"
    __table_args__ = (
        # the timeline
        sa.Index("conversation_event_conversation", "conversation_id", "id"),
        # what reactions have not seen yet
        sa.Index("conversation_event_pending", "id", postgresql_where=_UNHANDLED, sqlite_where=_UNHANDLED),
    )

    id: str = Field(primary_key=True)
    conversation_id: str = Field(foreign_key="conversation.id")
    at: datetime = instant()
    kind: str  # bot.inbox.rules.EventKind
    actor_id: str
    actor_name: str
    detail: dict[str, Any] = json_column()
    pending: bool = True  # until every reaction has seen it
    problem: str = text_column()  # what a reaction could not do


class Policy(SQLModel, table=True):
    """
    What is promised to which customers, and what happens when the promise is in danger.
    """

    __tablename__ = "policy"
    __table_args__ = (sa.UniqueConstraint("name", name=POLICY_NAME_TAKEN),)

    id: str = Field(primary_key=True)
    name: str
    position: int  # the first that matches holds
    enabled: bool = True
    conditions: dict[str, Any] = json_column()  # bot.inbox.matching.Conditions
    hours_id: str | None = None  # None: calendar time
    first_response: float | None = None  # seconds; None: nothing is promised
    next_response: float | None = None
    resolution: float | None = None
    warn_shares: list[float] = Field(default_factory=list, sa_type=JSON)
    escalations: list[Any] = Field(default_factory=list, sa_type=JSON)  # bot.inbox.escalation.Escalation
    version: int = 1
    holds_from_version: int = 1  # running clocks of an older version get this one's promise
    created_at: datetime = instant()
    changed_at: datetime = instant()
