"""
Two conversations that are one, one that is two, and back again.

::

    merge A into B    the messages, notes and tags of A go to B; A is resolved and shows where it went
    split B at m      m and what came after it goes into a new conversation
    undo              both are as they were, as far as nobody has touched them since; nothing is lost

Messages and notes remember the conversation they were written in (`origin_id`); the event log of each stays its
own. One clock of a kind goes on: the one that is due earlier (S2). Both conversations are locked in the order of
their ids, so that A into B and B into A at once is a race that one of them wins, and no deadlock (S12).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import sqlalchemy as sa
from sqlmodel import col

from bot.core.actor import Actor
from bot.core.database import UnitOfWork
from bot.core.errors import Conflict, Invalid, NotFound
from bot.inbox import clock_joining, clocks, snapshots, store
from bot.inbox.changes import note_event, refuse_change, tell
from bot.inbox.order_tables import ConversationTag, Rearrangement
from bot.inbox.policies import terms_for
from bot.inbox.rules import ClockKind, EventKind, Promise, State, kind_of_clock, most_awake, snippet
from bot.inbox.tables import Conversation, Message, Note
from bot.staff.service import audit

R = Rearrangement


async def merge(
    work: UnitOfWork, actor: Actor, from_id: str, into_id: str, *, other_contact: bool = False
) -> Conversation:
    """
    Pour one conversation into another; gives the one that stays.

    Args:
        other_contact: yes, they are with different people, and that is meant.

    Raises:
        Invalid: it is the same conversation, or they cannot be answered together.
        Conflict: one has gone into another already, or somebody else has claimed it.
    """
    if from_id == into_id:
        raise Invalid(fields={"into": "a conversation cannot be merged into itself; choose another one"})
    source, into = await _both(work, from_id, into_id)
    for one in (source, into):
        refuse_change(one, actor)
    _refuse_strangers(source, into, other_contact=other_contact)
    before = {"from": snapshots.take(source), "into": snapshots.take(into)}
    moved = await _pour(work, source, into)
    moved["clocks"] = await clock_joining.join(work, source, into)
    _become_one(work, source, into)
    await clock_joining.follow_state(work, into, moved["clocks"])
    row = await _remember(work, actor, "merge", source, into, moved, before)
    count = len(moved["messages"])
    note_event(work, source, EventKind.MERGED, actor, into=into.id, merge_id=row.id)
    note_event(work, into, EventKind.TOOK_IN, actor, source=source.id, merge_id=row.id, messages=count)
    await _done(work, actor, "merge", source, into)
    return into


async def split(
    work: UnitOfWork, actor: Actor, conversation_id: str, message_id: str, promise: Promise
) -> Conversation:
    """
    Move a message and what came after it into a new conversation; gives the new one.

    Raises:
        Invalid: nothing would stay, or nobody would be there to answer.
    """
    source = await store.get_conversation(work, conversation_id, lock=True)
    refuse_change(source, actor)
    messages = await _messages(work, source.id)
    stays, goes = _cut(messages, message_id)
    new = _begin(work, source, goes)
    await work.session.flush()
    before = {"from": snapshots.take(source), "into": snapshots.take(new)}
    moved = await _pour(work, source, new, since=message_id)
    first_waiting = _waiting(messages)[:1]
    waits = new.waiting_messages = len(_waiting(goes))
    moved["clocks"] = []
    if waits and first_waiting and first_waiting[0] in goes:
        moved["clocks"] = await clock_joining.hand_over(work, source, new)
    _recount(source, stays)
    note_event(work, new, EventKind.OPENED, actor, split_from=source.id)
    if waits:
        await _promise(work, new, _waiting(goes)[0], promise)
    await clocks.refresh_due(work, source)
    row = await _remember(work, actor, "split", source, new, moved, before)
    note_event(work, source, EventKind.SPLIT, actor, into=new.id, split_id=row.id, messages=len(goes))
    await _done(work, actor, "split", source, new)
    return new


async def undo(work: UnitOfWork, actor: Actor, rearrangement_id: str) -> Conversation:
    """
    Take a merge or a split back; gives the conversation that it began with.

    Raises:
        Conflict: it is undone already, or something later has to be undone first.
    """
    row = await work.session.get(R, rearrangement_id)
    if row is None:
        raise NotFound(f"no merge or split {rearrangement_id[:60]!r}")
    source, into = await _both(work, row.from_id, row.into_id)
    await work.session.refresh(row)
    await _refuse_undo(work, actor, row, source, into)
    row.undone_at, row.undone_by = work.now, actor.name
    if row.kind == "merge":
        await _unpour(work, row, source, into)
        await clock_joining.part(work, row.moved["clocks"], source, into)
        snapshots.restore(source, row.before["from"])
        snapshots.give_back(into, row.before["into"], row.before["after_into"])
    else:
        untouched = snapshots.take(into) == row.before["after_into"]
        await _pour(work, into, source)
        await clock_joining.join(work, into, source)
        snapshots.give_back(source, row.before["from"], row.before["after_from"])
        if not untouched:
            _recount(source, await _messages(work, source.id))
        into.merged_into, into.state, into.resolved_at = source.id, State.RESOLVED, work.now
        into.waiting_messages, into.snoozed_until = 0, None
    for one in (source, into):
        await clocks.refresh_due(work, one)
        note_event(work, one, EventKind.REARRANGEMENT_UNDONE, actor, what=row.kind, undone_id=row.id)
    await _done(work, actor, f"undo-{row.kind}", source, into)
    return source


async def last_rearrangement(work: UnitOfWork, conversation_id: str) -> Rearrangement | None:
    """
    Find the last merge or split of a conversation that stands; it is the one that can be undone.
    """
    touches = sa.or_(col(R.from_id) == conversation_id, col(R.into_id) == conversation_id)
    query = sa.select(R).where(touches, col(R.undone_at).is_(None)).order_by(col(R.id).desc()).limit(1)
    return await work.session.scalar(query)


# ---- who may, and when ------------------------------------------------------------------------------------------


async def _both(work: UnitOfWork, one_id: str, other_id: str) -> tuple[Conversation, Conversation]:
    locked = {
        conversation_id: await store.get_conversation(work, conversation_id, lock=True)
        for conversation_id in sorted((one_id, other_id))
    }
    return locked[one_id], locked[other_id]


def _refuse_strangers(source: Conversation, into: Conversation, *, other_contact: bool) -> None:
    if source.account_id != into.account_id:
        raise Invalid(fields={"into": "they came to different accounts; one answer could not reach both"})
    if source.contact_id != into.contact_id and not other_contact:
        raise Invalid(fields={"into": "they are with different people; confirm that you mean it"})


async def _refuse_undo(
    work: UnitOfWork, actor: Actor, row: Rearrangement, source: Conversation, into: Conversation
) -> None:
    if row.undone_at is not None:
        raise Conflict(f"{row.undone_by} has undone this already")
    for one in (source, into):
        last = await last_rearrangement(work, one.id)
        if last is not None and last.id != row.id:
            raise Conflict("something was merged or split after it; undo that first")
    refuse_change(into, actor)


# ---- moving -----------------------------------------------------------------------------------------------------


async def _pour(work: UnitOfWork, source: Conversation, into: Conversation, *, since: str = "") -> dict[str, Any]:
    """
    Move messages and notes, and with all of them the tags. Gives the ids of what was moved.
    """
    moved: dict[str, Any] = {"messages": [], "notes": [], "tags": []}
    for name, table in (("messages", Message), ("notes", Note)):
        origin = sa.func.coalesce(col(table.origin_id), col(table.conversation_id))
        change = (
            sa.update(table)
            .where(col(table.conversation_id) == source.id, col(table.id) >= since)
            .values(conversation_id=into.id, origin_id=origin)
            .returning(col(table.id))
            .execution_options(synchronize_session=False)
        )
        moved[name] = sorted((await work.session.scalars(change)).all())
    if not since:
        moved["tags"] = await _copy_tags(work, source.id, into.id)
    return moved


async def _copy_tags(work: UnitOfWork, from_id: str, into_id: str) -> list[str]:
    tags = await store.tags_of(work, [from_id, into_id])
    added = [tag for tag in tags.get(from_id, ()) if tag not in tags.get(into_id, ())]
    for tag in added:
        work.session.add(ConversationTag(conversation_id=into_id, tag=tag, at=work.now))
    return added


async def _unpour(work: UnitOfWork, row: Rearrangement, source: Conversation, into: Conversation) -> None:
    for name, table in (("messages", Message), ("notes", Note)):
        own = sa.case((col(table.origin_id) == source.id, None), else_=col(table.origin_id))
        await work.session.execute(
            sa.update(table)
            .where(col(table.id).in_(row.moved[name]), col(table.conversation_id) == into.id)
            .values(conversation_id=source.id, origin_id=own)
            .execution_options(synchronize_session=False)
        )
    same = (col(ConversationTag.conversation_id) == into.id, col(ConversationTag.tag).in_(row.moved["tags"]))
    await work.session.execute(sa.delete(ConversationTag).where(*same))


def _become_one(work: UnitOfWork, source: Conversation, into: Conversation) -> None:
    """
    Let the one that stays be as awake, as urgent and as new as the two were.
    """
    if into.state == State.RESOLVED:
        into.agent_id, into.agent_name, into.claimed_at = source.agent_id, source.agent_name, source.claimed_at
    awake = most_awake(State(source.state), State(into.state))
    both_sleep = source.snoozed_until is not None and into.snoozed_until is not None
    if both_sleep and awake is State.SNOOZED:
        into.snoozed_until = min(filter(None, (source.snoozed_until, into.snoozed_until)))
    elif awake is not into.state:
        into.state, into.snoozed_until = awake, source.snoozed_until
        into.resolved_at = None if awake is not State.RESOLVED else into.resolved_at
    if into.agent_id is None:
        into.agent_id, into.agent_name, into.claimed_at = source.agent_id, source.agent_name, source.claimed_at
    if (source.newest_message_id or "") > (into.newest_message_id or ""):
        for name in ("newest_message_id", "identity_id", "snippet", "language", "mood", "intent"):
            setattr(into, name, getattr(source, name))
    into.priority = min(source.priority, into.priority)
    into.last_message_at = max(source.last_message_at, into.last_message_at)
    into.waiting_messages += source.waiting_messages
    answered = [at for at in (source.first_answered_at, into.first_answered_at) if at is not None]
    into.first_answered_at = min(answered, default=None)
    into.spam_at = into.spam_at if source.spam_at else None
    source.state, source.resolved_at, source.merged_into = State.RESOLVED, work.now, into.id
    source.snoozed_until, source.waiting_messages = None, 0


# ---- splitting --------------------------------------------------------------------------------------------------


async def _messages(work: UnitOfWork, conversation_id: str) -> Sequence[Message]:
    query = sa.select(Message).where(col(Message.conversation_id) == conversation_id).order_by(col(Message.id))
    return (await work.session.scalars(query.execution_options(populate_existing=True))).all()


def _cut(messages: Sequence[Message], message_id: str) -> tuple[Sequence[Message], Sequence[Message]]:
    at = next((place for place, one in enumerate(messages) if one.id == message_id), None)
    if at is None:
        raise Invalid(fields={"message_id": "no message of this conversation; choose where the new one begins"})
    if at == 0:
        raise Invalid(fields={"message_id": "nothing would stay here; choose a later message"})
    if not any(_is_asked(one) for one in messages[at:]):
        raise Invalid(fields={"message_id": "the customer says nothing from there on; choose an earlier message"})
    return messages[:at], messages[at:]


def _is_asked(message: Message) -> bool:
    return message.direction == "inbound" and message.automatic is None


def _waiting(messages: Sequence[Message]) -> Sequence[Message]:
    """
    Give the customer's messages that came after our last word.
    """
    answered = max((at for at, one in enumerate(messages) if _is_answer(one)), default=-1)
    return [one for one in messages[answered + 1 :] if _is_asked(one)]


def _is_answer(message: Message) -> bool:
    return message.direction == "outbound" and message.automatic is None


def _begin(work: UnitOfWork, source: Conversation, goes: Sequence[Message]) -> Conversation:
    first = next(one for one in goes if _is_asked(one))
    new = Conversation(
        id=work.new_id(),
        account_id=source.account_id,
        contact_id=source.contact_id,
        identity_id=first.identity_id or source.identity_id,
        channel=source.channel,
        subject=source.subject,
        state=State.OPEN if _waiting(goes) else source.state,
        agent_id=source.agent_id,
        agent_name=source.agent_name,
        claimed_at=source.claimed_at,
        priority=source.priority,
        opened_at=goes[0].at,
        last_message_at=goes[-1].at,
    )
    if new.state == State.SNOOZED:
        new.snoozed_until = source.snoozed_until
    new.resolved_at = source.resolved_at if new.state == State.RESOLVED else None
    _recount(new, goes)
    work.session.add(new)
    return new


def _recount(conversation: Conversation, messages: Sequence[Message]) -> None:
    """
    Let a conversation remember what stands in it.
    """
    asked = [one for one in messages if _is_asked(one)]
    conversation.newest_message_id = asked[-1].id if asked else None
    if asked:
        newest = asked[-1]
        conversation.snippet = snippet(newest.text) or snippet(conversation.subject)
        conversation.language = newest.language or conversation.language
        conversation.mood = newest.mood
        conversation.intent = newest.intent
    if messages:
        conversation.last_message_at = max(one.at for one in messages)
    answered: Iterable[Message] = (one for one in messages if _is_answer(one))
    conversation.first_answered_at = min((one.at for one in answered), default=None)
    if conversation.state != State.RESOLVED:
        conversation.waiting_messages = len(_waiting(messages))


async def _promise(work: UnitOfWork, new: Conversation, waiting: Message, promise: Promise) -> None:
    kind = kind_of_clock(answered_before=new.first_answered_at is not None, reopened=False)
    terms = await terms_for(work, new, promise)
    await clocks.start(work, new, terms, (kind, ClockKind.RESOLUTION), waiting.at)


# ---- what is remembered -----------------------------------------------------------------------------------------


async def _remember(
    work: UnitOfWork,
    actor: Actor,
    kind: str,
    source: Conversation,
    into: Conversation,
    moved: dict[str, Any],
    before: dict[str, Any],
) -> Rearrangement:
    await work.session.flush()
    after = {"after_from": snapshots.take(source), "after_into": snapshots.take(into)}
    row = R(
        id=work.new_id(),
        kind=kind,
        from_id=source.id,
        into_id=into.id,
        moved=moved,
        before={**before, **after},
        at=work.now,
        by_id=actor.id,
        by_name=actor.name,
    )
    work.session.add(row)
    await work.session.flush()
    return row


async def _done(work: UnitOfWork, actor: Actor, verb: str, source: Conversation, into: Conversation) -> None:
    await work.session.flush()
    await audit(work, actor, f"conversation.{verb}", "conversation", source.id, other=into.id)
    for one in (source, into):
        tell(work, one.id)
