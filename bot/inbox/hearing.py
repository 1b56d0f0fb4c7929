"""
What comes from outside: heard items open or continue conversations, receipts stop clocks, time wakes the snoozed.

`hear` is the inbox's ear, `sent` its receipt; both run inside the unit of work of whoever calls them.
"""

from __future__ import annotations

from typing import Any

import responses
from bot.accounts.ears import Heard, Ignored, Routed
from bot.contacts.blocking import How, how_blocked
from bot.contacts.service import meet
from bot.contacts.tables import Identity
from bot.core.actor import HUBBUB
from bot.core.database import UnitOfWork
from bot.core.links import web_link
from bot.inbox import clocks, store
from bot.inbox.changes import note_event, tell
from bot.inbox.dispatch import settle_agent
from bot.inbox.policies import terms_for
from bot.inbox.rules import (
    SAME_SUBJECT_WITHIN,
    ClockKind,
    EventKind,
    Promise,
    State,
    clock_start,
    kind_of_clock,
    plain_subject,
    snippet,
)
from bot.inbox.states import open_now, resolve_now, wait_now
from bot.inbox.tables import Conversation, Message
from bot.outbox.tables import OutboxEntry
from connectors.base import Attachment, HeardItem, HeardKind, Visibility

ASKS = {HeardKind.MENTION, HeardKind.MESSAGE}
OURS = ("own account", "own address")


async def hear(work: UnitOfWork, heard: Heard, promise: Promise) -> Routed | Ignored | None:
    """
    Take what was heard into a conversation: the inbox's ear.
    """
    item = heard.item
    if item.kind is HeardKind.BOUNCE:
        return await _hear_bounce(work, heard)
    if item.kind not in ASKS:
        return None
    if item.author is None:
        return Ignored(reason="nobody is named as its author")
    if item.automatic in OURS:
        return Ignored(reason="our own message")
    identity = await meet(work, heard.account.channel, item.author)
    how = await how_blocked(work, identity)
    if how is How.BLOCKED:
        return Ignored(reason="blocked")
    conversation = await _find_conversation(work, heard, identity)
    if item.automatic and conversation is None:
        return Ignored(reason=f"written by a machine ({item.automatic})")
    if conversation is None:
        conversation = _open(work, heard, identity)
        await work.session.flush()
    message = _add_inbound(work, heard, identity, conversation)
    if item.automatic is None and how is How.SPAM:
        _take_as_spam(work, conversation, message)
    elif item.automatic is None:
        await _wait_for_answer(work, conversation, message, promise)
    tell(work, conversation.id)
    return Routed(to=f"conversation:{conversation.id}")


async def _find_conversation(work: UnitOfWork, heard: Heard, identity: Identity) -> Conversation | None:
    item, account = heard.item, heard.account
    place = await store.find_thread(work, account.id, item.in_reply_to, identity.contact_id)
    if place is not None:
        return await _follow(work, place)
    for candidate in await store.unresolved_of(work, account.id, identity.contact_id):
        if await _continues(work, candidate, item):
            return await _follow(work, candidate.id)
    return None


async def _follow(work: UnitOfWork, conversation_id: str) -> Conversation:
    """
    Lock a conversation, or the one that it went into between our look and the lock.
    """
    conversation = await store.get_conversation(work, conversation_id, lock=True)
    while conversation.merged_into is not None:
        conversation = await store.get_conversation(work, conversation.merged_into, lock=True)
    return conversation


async def _continues(work: UnitOfWork, conversation: Conversation, item: HeardItem) -> bool:
    """
    Say whether a message that names no thread belongs to an unresolved conversation of the same person.
    """
    if item.kind is HeardKind.MESSAGE:
        young = work.now - conversation.last_message_at <= SAME_SUBJECT_WITHIN
        subject = plain_subject(item.subject)
        return young and bool(subject) and subject == plain_subject(conversation.subject)
    if conversation.newest_message_id is None:
        return False
    # What was said in private is not continued in public, nor the other way round.
    newest = await store.get_message(work, conversation.newest_message_id)
    return (newest.visibility == Visibility.DIRECT) == (item.visibility is Visibility.DIRECT)


def _open(work: UnitOfWork, heard: Heard, identity: Identity) -> Conversation:
    conversation = Conversation(
        id=work.new_id(),
        account_id=heard.account.id,
        contact_id=identity.contact_id,
        identity_id=identity.id,
        channel=heard.account.channel,
        subject=heard.item.subject[:500],
        opened_at=work.now,
        last_message_at=work.now,
    )
    work.session.add(conversation)
    note_event(work, conversation, "opened", HUBBUB)
    return conversation


def _add_inbound(work: UnitOfWork, heard: Heard, identity: Identity, conversation: Conversation) -> Message:
    item = heard.item
    reading = responses.read(item.text, stated_language=item.language, followers=identity.followers)
    message = Message(
        id=work.new_id(),
        conversation_id=conversation.id,
        account_id=heard.account.id,
        direction="inbound",
        remote_id=item.message_id,
        heard_id=heard.heard_id,
        identity_id=identity.id,
        author_name=identity.name or identity.handle,
        author_handle=identity.handle,
        text=item.text,
        html=item.html,
        quoted=item.quoted,
        visibility=item.visibility,
        url=web_link(item.url),
        attachments=[_attachment(one) for one in item.attachments],
        automatic=item.automatic,
        language=reading.language.code,
        mood=reading.sentiment.mood,
        words=[{"text": word.text, "weight": word.weight} for word in reading.sentiment.words],
        intent=reading.intent.intent,
        post_id=item.in_reply_to[-1] if item.in_reply_to and item.kind is HeardKind.MENTION else None,
        reply_to=dict(item.reply_to) if item.reply_to is not None else None,
        at=clock_start(item.occurred_at, work.now),
    )
    work.session.add(message)
    note_event(
        work,
        conversation,
        EventKind.MESSAGE_IN,
        HUBBUB,
        message_id=message.id,
        automatic=item.automatic is not None,
    )
    if item.automatic is None:
        is_first = conversation.newest_message_id is None
        conversation.priority = int(reading.priority if is_first else min(reading.priority, conversation.priority))
        conversation.language = reading.language.code or conversation.language
        conversation.mood, conversation.intent = reading.sentiment.mood, reading.intent.intent
    return message


def _attachment(one: Attachment) -> dict[str, Any]:
    names = ("kind", "name", "url", "content_type", "size", "description")
    return {**{name: getattr(one, name) for name in names}, "url": web_link(one.url)}


def _take_as_spam(work: UnitOfWork, conversation: Conversation, message: Message) -> None:
    """
    Keep a message of somebody whose words are spam where spam is; what they asked before goes on as it was.
    """
    _show_newest(conversation, message)
    if conversation.spam_at is None and conversation.opened_at == work.now:
        conversation.state, conversation.spam_at = State.RESOLVED, work.now
        conversation.resolved_at = work.now
        note_event(work, conversation, EventKind.SPAM, HUBBUB)


def _show_newest(conversation: Conversation, message: Message) -> None:
    conversation.newest_message_id = message.id
    conversation.identity_id = message.identity_id or conversation.identity_id
    conversation.last_message_at = max(conversation.last_message_at, message.at)
    conversation.snippet = snippet(message.text) or snippet(conversation.subject)


async def _wait_for_answer(
    work: UnitOfWork, conversation: Conversation, message: Message, promise: Promise
) -> None:
    """
    Note that a person waits: the conversation opens again if it must, and a clock runs.
    """
    was = State(conversation.state)
    if was is not State.OPEN:
        await open_now(work, conversation, message.at)
        note_event(work, conversation, EventKind.REOPENED, HUBBUB, was=was)
        await settle_agent(work, conversation)
    elif conversation.waiting_messages == 0 and conversation.agent_id is not None:
        conversation.touched_at = work.now  # nobody waited until now: the lease runs again
    conversation.spam_at = None
    _show_newest(conversation, message)
    conversation.waiting_messages += 1
    await work.session.flush()
    kind = kind_of_clock(
        answered_before=conversation.first_answered_at is not None, reopened=was is State.RESOLVED
    )
    terms = await terms_for(work, conversation, promise)
    await clocks.start(work, conversation, terms, (kind, ClockKind.RESOLUTION), message.at)


async def _hear_bounce(work: UnitOfWork, heard: Heard) -> Routed | Ignored:
    """
    Show a delivery report where the answer that it is about stands; a report about nothing of ours is dropped.
    """
    about = await store.message_with_remote_id(work, heard.account.id, heard.item.in_reply_to)
    if about is None:
        return Ignored(reason="a delivery report about nothing of ours")
    conversation = await store.get_conversation(work, about.conversation_id, lock=True)
    work.session.add(
        Message(
            id=work.new_id(),
            conversation_id=conversation.id,
            account_id=heard.account.id,
            direction="inbound",
            remote_id=heard.item.message_id,
            heard_id=heard.heard_id,
            author_name="Mail system",
            text=heard.item.text,
            automatic=heard.item.automatic or "bounce",
            at=clock_start(heard.item.occurred_at, work.now),
        )
    )
    if conversation.state != State.OPEN:
        await open_now(work, conversation, work.now)
    conversation.snippet, conversation.replied_to_id = snippet(heard.item.text), None
    note_event(work, conversation, "bounced", HUBBUB)
    tell(work, conversation.id)
    return Routed(to=f"conversation:{conversation.id}")


async def sent(work: UnitOfWork, entry: OutboxEntry, promise: Promise) -> None:
    """
    Take note of what became of an answer: the inbox's receipt, in the unit that settles the outbox entry.
    """
    message = await store.message_of_entry(work, entry.id) if entry.subject_kind == "conversation" else None
    if message is None:
        return
    conversation = await store.get_conversation(work, message.conversation_id, lock=True)
    if entry.state == "confirmed":
        await _arrived(work, conversation, message, entry, promise)
    elif entry.state in ("refused", "unknown"):
        if entry.state == "refused" and message.automatic is None:
            conversation.replied_to_id = None  # the customer waits for us again
        note_event(work, conversation, f"answer_{entry.state}", HUBBUB, reason=entry.reason[:300])
    tell(work, conversation.id)


async def _arrived(
    work: UnitOfWork, conversation: Conversation, message: Message, entry: OutboxEntry, promise: Promise
) -> None:
    message.remote_id, message.url = entry.sent_id, web_link(entry.sent_url)
    # The channel's own time, as far as it can be true: not before we prepared it, not in the future.
    message.at = min(max(entry.sent_at or work.now, entry.prepared_at), work.now)
    conversation.last_message_at = max(conversation.last_message_at, message.at)
    note_event(
        work,
        conversation,
        EventKind.ANSWERED,
        HUBBUB,
        by=entry.created_by_name,
        by_id=entry.created_by,
        message_id=message.id,
        automatic=message.automatic is not None,
        at=message.at.isoformat(),
    )
    if message.automatic is not None:
        return  # S5: a machine's answer is no response
    conversation.first_answered_at = conversation.first_answered_at or message.at
    await clocks.answer(work, conversation, message.at)
    later = await store.first_unanswered(work, conversation.id, message.id)
    if later is not None:
        terms = await terms_for(work, conversation, promise)
        await clocks.start(work, conversation, terms, (ClockKind.NEXT_RESPONSE,), later.at)
        return
    conversation.waiting_messages = 0
    if conversation.state == State.OPEN and message.then == State.RESOLVED:
        await resolve_now(work, conversation)
        note_event(work, conversation, EventKind.RESOLVED, HUBBUB)
    elif conversation.state == State.OPEN and message.then == State.PENDING:
        await wait_now(work, conversation)
        note_event(work, conversation, EventKind.PENDING, HUBBUB)


async def wake_snoozed(work: UnitOfWork) -> int:
    """
    Bring back what was put aside until now. Gives how many came back.
    """
    due = await store.due_to_wake(work)
    for conversation in due:
        conversation.state, conversation.snoozed_until = State.OPEN, None
        note_event(work, conversation, "woke", HUBBUB)
        tell(work, conversation.id)
    return len(due)
