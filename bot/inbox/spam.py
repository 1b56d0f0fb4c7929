"""
Spam: out of the queue without an answer and without a broken promise, and back again when it was none.
"""

from __future__ import annotations

import sqlalchemy as sa
from sqlmodel import col

from bot.contacts.blocking import How, block, how_blocked, unblock
from bot.contacts.tables import Identity
from bot.core.actor import Actor
from bot.core.columns import Instant
from bot.core.database import UnitOfWork
from bot.core.errors import Conflict
from bot.core.paging import Slice, decode_mark, slice_of
from bot.inbox import clocks, store
from bot.inbox.changes import note_event, tell
from bot.inbox.policies import terms_for
from bot.inbox.rules import ClockKind, EventKind, Promise, State, kind_of_clock
from bot.inbox.service import for_change
from bot.inbox.store import Listed
from bot.inbox.tables import Conversation
from bot.staff.service import audit

C = Conversation


async def mark_spam(
    work: UnitOfWork, actor: Actor, conversation_id: str, *, from_now_on: bool = False
) -> Conversation:
    """
    Call a conversation spam: it is resolved, and its clocks are dropped, for nobody waits.

    Args:
        from_now_on: what the contact writes later is spam too.
    """
    conversation = await for_change(work, actor, conversation_id)
    if from_now_on:
        await block(work, actor, conversation.contact_id, how=How.SPAM)
    if conversation.spam_at is None:
        await spam_now(work, conversation)
        await _done(work, conversation, EventKind.SPAM, actor)
    return conversation


async def unmark_spam(work: UnitOfWork, actor: Actor, conversation_id: str, promise: Promise) -> Conversation:
    """
    Say that it was no spam: it is open again, and whoever waits is promised an answer from now on.

    What the contact writes later reaches the queue again.
    """
    conversation = await for_change(work, actor, conversation_id)
    if conversation.spam_at is None:
        raise Conflict("this conversation is not marked as spam")
    conversation.spam_at = None
    conversation.state, conversation.resolved_at = State.OPEN, None
    identity = await work.session.get(Identity, conversation.identity_id)
    if identity is not None and await how_blocked(work, identity) is How.SPAM:
        await unblock(work, actor, conversation.contact_id)
    if conversation.newest_message_id is not None:
        conversation.waiting_messages = max(1, conversation.waiting_messages)
        kind = kind_of_clock(answered_before=conversation.first_answered_at is not None, reopened=True)
        terms = await terms_for(work, conversation, promise)
        await clocks.start(work, conversation, terms, (kind, ClockKind.RESOLUTION), work.now)
    await _done(work, conversation, EventKind.NOT_SPAM, actor)
    return conversation


async def spam_now(work: UnitOfWork, conversation: Conversation) -> None:
    """
    Put a conversation where spam is.
    """
    conversation.spam_at = conversation.resolved_at = work.now
    conversation.state, conversation.snoozed_until = State.RESOLVED, None
    conversation.waiting_messages = 0
    await clocks.drop(work, conversation)


async def list_spam(work: UnitOfWork, *, limit: int, after: str | None) -> Slice[Listed]:
    """
    List what is spam, newest word first.
    """
    query = store.listed().where(col(C.state) == State.RESOLVED, col(C.spam_at).is_not(None))
    if after is not None:
        at, last = decode_mark(after, parts=2)
        mark = sa.tuple_(sa.bindparam(None, at, type_=Instant()), last)
        query = query.where(sa.tuple_(col(C.last_message_at), col(C.id)) < mark)
    query = query.order_by(col(C.last_message_at).desc(), col(C.id).desc()).limit(limit + 1)
    rows = [store.to_listed(row) for row in await work.session.execute(query)]
    return slice_of(rows, limit, lambda row: (row.conversation.last_message_at, row.conversation.id))


async def _done(work: UnitOfWork, conversation: Conversation, kind: EventKind, actor: Actor) -> None:
    note_event(work, conversation, kind, actor)
    await audit(work, actor, f"conversation.{kind}", "conversation", conversation.id)
    tell(work, conversation.id)
