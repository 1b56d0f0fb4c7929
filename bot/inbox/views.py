"""
What the inbox's templates show: values made from rows. Pure but for the rows they are made from.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from bot.accounts.tables import Account
from bot.contacts.tables import Contact, Identity
from bot.core.actor import Actor
from bot.inbox.looking import Onlooker
from bot.inbox.narrowing import Narrowing, narrowing_in
from bot.inbox.rules import SNOOZE_CHOICES, SnoozeChoice, State
from bot.inbox.store import Listed
from bot.inbox.tables import Conversation, Message
from bot.inbox.timeline import NOT_JUDGED, Entry
from bot.web.translations import gettext as _
from bot.web.translations import mark, word
from responses import Priority


@dataclass(frozen=True, slots=True, kw_only=True)
class TabView:
    key: str
    label: str
    count: str | None
    url: str
    current: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    id: str
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Colleague:
    """
    Somebody to hand a conversation over to: whether they are here, and how much they have of what they take.
    """

    id: str
    name: str
    presence: str
    waiting: int
    capacity: int


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class QueueRow:
    """
    A row of a list. Equal only to itself: it is what the shell remembers its HTML by.
    """

    id: str
    url: str
    contact_name: str
    handle: str
    channel: str
    account_name: str
    subject: str
    snippet: str
    language: str
    sentiment: str
    intent: str
    priority: str
    due_at: datetime | None
    breached: bool
    state: str
    agent_name: str | None
    mine: bool
    last_message_at: datetime
    waiting_messages: int
    current: bool
    tags: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class QueuePage:
    tabs: Sequence[TabView]
    rows: Sequence[QueueRow]
    older_url: str | None
    newer_url: str | None
    search: str
    total: str
    accounts: Sequence[Choice]
    account_id: str
    address: str  # of this list, behind the question mark
    views: Sequence[TabView] = ()
    view_id: str = ""  # the view that is shown; empty: a tab

    @property
    def narrowing(self) -> Narrowing:
        """
        Give what narrows the list.
        """
        return narrowing_in(self.address)


@dataclass(frozen=True, slots=True, kw_only=True)
class ContactView:
    id: str
    name: str
    url: str
    identities: Sequence[Identity]


@dataclass(frozen=True, slots=True, kw_only=True)
class HistoryRow:
    url: str
    subject: str
    state: str
    channel: str
    at: datetime
    snippet: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ConversationPage:
    id: str
    url: str
    subject: str
    state: str
    channel: str
    account_name: str
    account_handle: str
    account_id: str
    priority: str
    due_at: datetime | None
    breached: bool
    first_answered_at: datetime | None
    agent_id: str | None
    agent_name: str | None
    mine: bool
    claimable: bool
    snoozed_until: datetime | None
    newest_message_id: str | None
    entries: Sequence[Entry]
    draft: str
    reply_limit: int | None
    visibility: str
    visibility_note: str
    may_reply: bool
    cannot_reply_reason: str
    agents: Sequence[Colleague]
    contact: ContactView
    history: Sequence[HistoryRow]
    snooze_choices: Sequence[SnoozeChoice]
    tags: Sequence[str] = ()
    may_answer: bool = True
    merged_into: str | None = None
    spam: bool = False
    undoable: tuple[str, str] | None = None  # id and kind of the last merge or split that stands
    draft_version: int = 0
    kept_draft: str = ""
    note_draft: str = ""
    note_version: int = 0
    newest_answer_id: str = ""
    onlookers: Sequence[Onlooker] = ()


def queue_row(listed: Listed, account_name: str, person: Actor, now: datetime, current: str) -> QueueRow:
    """
    Show a conversation as a row of the queue.
    """
    c = listed.conversation
    return QueueRow(
        id=c.id,
        url=f"/conversations/{c.id}",
        contact_name=listed.contact_name,
        handle=listed.handle,
        channel=c.channel,
        account_name=account_name,
        subject=c.subject,
        snippet=c.snippet,
        language=c.language or NOT_JUDGED,
        sentiment=c.mood,
        intent=c.intent,
        priority=Priority(c.priority).name.lower(),
        due_at=c.due_at,
        breached=c.due_at is not None and c.due_at < now,
        state=c.state,
        agent_name=c.agent_name,
        mine=c.agent_id == person.id,
        last_message_at=c.last_message_at,
        waiting_messages=c.waiting_messages,
        tags=listed.tags,
        current=c.id == current,
    )


def contact_view(contact: Contact, identities: Sequence[Identity]) -> ContactView:
    """
    Show whom the conversation is with.
    """
    name = contact.name or (identities[0].handle if identities else "")
    return ContactView(id=contact.id, name=name, url=f"/contacts/{contact.id}", identities=identities)


def history_row(c: Conversation) -> HistoryRow:
    """
    Show another conversation of the same contact.
    """
    return HistoryRow(
        url=f"/conversations/{c.id}",
        subject=c.subject,
        state=c.state,
        channel=c.channel,
        at=c.last_message_at,
        snippet=c.snippet,
    )


VISIBILITY_NOTES = {
    "public": mark("Everybody can read this answer."),
    "unlisted": mark("Everybody can read this answer, but it is not listed."),
    "followers": mark("Followers and the people mentioned can read this answer."),
    "direct": mark("Only the people mentioned can read this answer."),
}


def visibility_note(channel: str, visibility: str) -> str:
    """
    Say who will be able to read an answer.
    """
    return _("Goes to the sender only.") if channel == "email" else word(VISIBILITY_NOTES.get(visibility, ""))


def why_no_reply(
    c: Conversation, newest: Message | None, account: Account, person: Actor, *, may_take: bool
) -> str:
    """
    Say why this person cannot answer here now; empty when they can.
    """
    if c.merged_into is not None:
        return mark("This went into another conversation; answer there.")
    if newest is None or newest.reply_to is None:
        return _("There is nothing here that can be answered on its channel.")
    if c.agent_id not in (None, person.id) and not may_take:
        return _("%(name)s has claimed this conversation.", name=c.agent_name)
    if account.state != "active":
        return _(
            "The account %(name)s is %(state)s; answers wait until it is active again.",
            name=account.name,
            state=word(account.state),
        )
    return ""


def conversation_page(
    *,
    listed: Listed,
    account: Account,
    person: Actor,
    now: datetime,
    newest: Message | None,
    entries: Sequence[Entry],
    agents: Sequence[Colleague],
    contact: ContactView,
    history: Sequence[HistoryRow],
    may_answer: bool,
    may_take: bool,
    draft: str,
    **more: Any,
) -> ConversationPage:
    """
    Show one conversation.

    Args:
        more: the page's fields that have a default, by name.
    """
    c = listed.conversation
    reason = _("Your role may read conversations, not answer them.") if not may_answer else ""
    reason = reason or why_no_reply(c, newest, account, person, may_take=may_take)
    limit = account.facts.get("text_limit")
    visibility = newest.visibility if newest else "public"
    return ConversationPage(
        id=c.id,
        url=f"/conversations/{c.id}",
        subject=c.subject,
        state=c.state,
        channel=c.channel,
        account_name=account.name,
        account_handle=account.handle,
        account_id=account.id,
        priority=Priority(c.priority).name.lower(),
        due_at=c.due_at,
        breached=c.due_at is not None and c.due_at < now,
        first_answered_at=c.first_answered_at,
        agent_id=c.agent_id,
        agent_name=c.agent_name,
        mine=c.agent_id == person.id,
        claimable=may_answer and c.agent_id is None and c.state != State.RESOLVED,
        snoozed_until=c.snoozed_until,
        newest_message_id=c.newest_message_id,
        entries=entries,
        draft=draft,
        reply_limit=limit if isinstance(limit, int) else None,
        visibility=visibility,
        visibility_note=visibility_note(c.channel, visibility),
        may_reply=not reason,
        cannot_reply_reason=reason,
        agents=agents,
        contact=contact,
        history=history,
        snooze_choices=SNOOZE_CHOICES,
        may_answer=may_answer,
        **more,
    )
