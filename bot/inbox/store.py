"""
Every query of the inbox. Lists are keyset pages; nothing here decides or commits.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, TypeVar

import sqlalchemy as sa
from sqlmodel import col

from bot.contacts.tables import Contact, Identity
from bot.core.database import UnitOfWork
from bot.core.errors import NotFound
from bot.core.paging import Slice, decode_mark, slice_of
from bot.inbox.order_tables import ConversationTag
from bot.inbox.rules import QUIET_EVENTS, Outcome, State
from bot.inbox.tables import Conversation, ConversationClock, ConversationEvent, Message, Note
from bot.outbox.tables import OutboxEntry

C = Conversation
Query = TypeVar("Query", bound=sa.Select[Any])
Entry = TypeVar("Entry", Message, Note, ConversationEvent)
UNRESOLVED = (State.OPEN, State.PENDING, State.SNOOZED)
QUEUE = "conversation_queue"
"""The index of what waits, by deadline."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Listed:
    """
    A conversation with whom it is with, as lists show it.

    Args:
        tags: in lists (`bot.inbox.listing`); elsewhere nobody has asked for them.
        shown: what pages have made of it; remembered as long as it is.
    """

    conversation: Conversation
    contact_name: str
    handle: str
    tags: tuple[str, ...] = ()
    shown: dict[Any, Any] = field(default_factory=dict, compare=False, repr=False)


# Built once: building takes a quarter of the time of a statement.
_ONE = sa.select(C).where(col(C.id) == sa.bindparam("conversation"))
# What a unit read before the lock may be out of date by then.
_ONE_TO_CHANGE = _ONE.with_for_update().execution_options(populate_existing=True)
_ONE_IF_FREE = _ONE.with_for_update(skip_locked=True).execution_options(populate_existing=True)


async def get_conversation(work: UnitOfWork, conversation_id: str, *, lock: bool = False) -> Conversation:
    """
    Give a conversation; with `lock` no other unit changes it until this one ends.

    Raises:
        NotFound: there is none.
    """
    query = _ONE_TO_CHANGE if lock else _ONE
    found = (await work.session.scalars(query, {"conversation": conversation_id})).first()
    if found is None:
        raise NotFound(f"no conversation {conversation_id[:60]!r}")
    return found


async def get_listed(work: UnitOfWork, conversation_id: str) -> Listed:
    """
    Give a conversation with whom it is with; raises NotFound.
    """
    row = (await work.session.execute(listed().where(col(C.id) == conversation_id))).first()
    if row is None:
        raise NotFound(f"no conversation {conversation_id[:60]!r}")
    return to_listed(row)


async def listed_of(work: UnitOfWork, conversation_ids: Sequence[str]) -> list[Listed]:
    """
    Give conversations with whom they are with, in the order of their ids here.
    """
    rows = await work.session.execute(listed().where(col(C.id).in_(conversation_ids)))
    found = {one.conversation.id: one for one in map(to_listed, rows)}
    return [found[one] for one in conversation_ids if one in found]


def listed() -> Any:
    """
    Begin a query of conversations with whom they are with.
    """
    return (
        sa.select(C, col(Contact.name), col(Identity.handle))
        .join(Contact, col(C.contact_id) == col(Contact.id))
        .join(Identity, col(C.identity_id) == col(Identity.id))
    )


def along(query: Query, index: str) -> Query:
    """
    Let SQLite walk this index of conversations.

    Without statistics it holds `state = 'open'` for a rare thing, and would read a million of them to sort a few.
    It refuses the query when the index does not serve. PostgreSQL has statistics, and finds the index.
    """
    return query.with_hint(C, f"INDEXED BY {index}", "sqlite")


def to_listed(row: Any) -> Listed:
    """
    Make a value of a row of such a query.
    """
    conversation, name, handle = row
    return Listed(conversation=conversation, contact_name=name or handle, handle=handle)


def listed_plainly() -> Any:
    """
    Begin the same query for what only shows: columns, since making entities takes most of the time of a list.
    """
    return (
        sa.select(*sa.inspect(C).columns, col(Contact.name).label("contact_name"), col(Identity.handle))
        .join(Contact, col(C.contact_id) == col(Contact.id))
        .join(Identity, col(C.identity_id) == col(Identity.id))
    )


def plainly_listed(row: Any) -> Listed:
    """
    Make a value of a row of such a query. Its conversation is that row: the same columns, and nobody changes it.
    """
    return Listed(conversation=row, contact_name=row.contact_name or row.handle, handle=row.handle)


_TABLE = C.__table__  # type: ignore[attr-defined]
_TAKEN = (
    sa.update(_TABLE)
    .where(
        _TABLE.c.id == sa.bindparam("conversation"), _TABLE.c.agent_id.is_(None), _TABLE.c.merged_into.is_(None)
    )
    .values(
        agent_id=sa.bindparam("agent"),
        agent_name=sa.bindparam("name"),
        claimed_at=sa.bindparam("now"),
        touched_at=sa.bindparam("now"),
    )
    .returning(_TABLE)
)
_CLAIM = sa.select(C).from_statement(_TAKEN).execution_options(populate_existing=True)
"""Built once: building it took as long as a quarter of the claim."""


async def claim(work: UnitOfWork, conversation_id: str, *, agent_id: str, agent_name: str) -> Conversation | None:
    """
    Take a conversation that nobody has, and give it; None when somebody has it, when it has gone into another one,
    or when there is none. One statement decides.
    """
    who = {"conversation": conversation_id, "agent": agent_id, "name": agent_name, "now": work.now}
    return (await work.session.scalars(_CLAIM, who)).first()


async def find_thread(work: UnitOfWork, account_id: str, remote_ids: Sequence[str], contact_id: str) -> str | None:
    """
    Find the conversation of this contact that holds one of the messages named, nearest first; one that was merged
    into another's is found there.

    Whose conversation it is decides, not who claims to answer it: a forged reference leads nowhere (I7).
    """
    if not remote_ids:
        return None
    rows = await work.session.execute(
        sa.select(col(Message.remote_id), col(Message.conversation_id))
        .join(C, sa.or_(col(Message.conversation_id) == col(C.id), col(Message.origin_id) == col(C.id)))
        .where(
            col(Message.account_id) == account_id,
            col(Message.remote_id).in_(remote_ids),
            col(C.contact_id) == contact_id,
        )
    )
    places = {remote_id: conversation_id for remote_id, conversation_id in rows}
    return next((places[remote_id] for remote_id in remote_ids if remote_id in places), None)


async def unresolved_of(work: UnitOfWork, account_id: str, contact_id: str) -> list[Conversation]:
    """
    Give a contact's unresolved conversations on an account, newest word first; those into which one of theirs was
    merged are theirs too.
    """
    own = sa.select(col(C.id)).where(col(C.contact_id) == contact_id)
    merged = sa.select(col(C.merged_into)).where(col(C.contact_id) == contact_id, col(C.merged_into).is_not(None))
    # A union, not an OR: both halves go along the index of the contact.
    query = along(sa.select(C), "sqlite_autoindex_conversation_1").where(
        col(C.id).in_(sa.union(own, merged)), col(C.account_id) == account_id, col(C.state).in_(UNRESOLVED)
    )
    return list((await work.session.scalars(query.order_by(col(C.last_message_at).desc()).limit(20))).all())


async def message_with_remote_id(work: UnitOfWork, account_id: str, remote_ids: Sequence[str]) -> Message | None:
    """
    Find one of our messages by the channel's ids of it.
    """
    query = sa.select(Message).where(
        col(Message.account_id) == account_id,
        col(Message.remote_id).in_(remote_ids),
        col(Message.direction) == "outbound",
    )
    return (await work.session.scalars(query)).first()


async def get_message(work: UnitOfWork, message_id: str) -> Message:
    """
    Give a message; raises NotFound.
    """
    found = await work.session.get(Message, message_id)
    if found is None:
        raise NotFound(f"no message {message_id[:60]!r}")
    return found


async def answered_after(work: UnitOfWork, conversation_id: str, message_id: str, *, besides: str) -> str | None:
    """
    Name who has answered after a message, machines and one person left out.
    """
    query = (
        sa.select(col(Message.author_name))
        .join(OutboxEntry, col(Message.outbox_id) == col(OutboxEntry.id))
        .where(
            col(Message.conversation_id) == conversation_id,
            col(Message.id) > message_id,
            col(Message.direction) == "outbound",
            col(Message.automatic).is_(None),
            col(OutboxEntry.created_by) != besides,
        )
    )
    return await work.session.scalar(query.order_by(col(Message.id).desc()).limit(1))


async def newest_answer(work: UnitOfWork, conversation_id: str) -> str:
    """
    Give the id of our newest answer: what a view that shows it has seen. Empty without any.
    """
    query = sa.select(sa.func.max(col(Message.id))).where(
        col(Message.conversation_id) == conversation_id, col(Message.direction) == "outbound"
    )
    return await work.session.scalar(query) or ""


async def message_of_entry(work: UnitOfWork, outbox_id: str) -> Message | None:
    """
    Find the message that an outbox entry carries.
    """
    return (await work.session.scalars(sa.select(Message).where(col(Message.outbox_id) == outbox_id))).first()


async def first_unanswered(work: UnitOfWork, conversation_id: str, after_id: str) -> Message | None:
    """
    Find the first message of a person that came after one of ours.
    """
    query = sa.select(Message).where(
        col(Message.conversation_id) == conversation_id,
        col(Message.direction) == "inbound",
        col(Message.automatic).is_(None),
        col(Message.id) > after_id,
    )
    return (await work.session.scalars(query.order_by(col(Message.id)).limit(1))).first()


_CLOCK = sa.select(ConversationClock)
_RUNNING = _CLOCK.where(
    col(ConversationClock.conversation_id) == sa.bindparam("conversation"),
    col(ConversationClock.stopped_at).is_(None),
).order_by(col(ConversationClock.id))
_ONE_CLOCK = _CLOCK.where(col(ConversationClock.id) == sa.bindparam("clock"))
_ONE_CLOCK = _ONE_CLOCK.execution_options(populate_existing=True)


async def running_clocks(work: UnitOfWork, conversation_id: str) -> Sequence[ConversationClock]:
    """
    Give the clocks of a conversation that have not stopped; a paused one is among them.
    """
    return (await work.session.scalars(_RUNNING, {"conversation": conversation_id})).all()


async def find_clock(work: UnitOfWork, clock_id: str) -> ConversationClock | None:
    """
    Find a clock as it is now, whatever this unit has read before.
    """
    return (await work.session.scalars(_ONE_CLOCK, {"clock": clock_id})).first()


def add_clock(work: UnitOfWork, **values: Any) -> ConversationClock:
    """
    Start a clock; the database allows one running clock of a kind.
    """
    clock = ConversationClock(id=work.new_id(), outcome=Outcome.RUNNING, **values)
    work.session.add(clock)
    return clock


async def lock_if_free(work: UnitOfWork, conversation_id: str) -> Conversation | None:
    """
    Give a conversation to change, or None when another unit has it at this moment.
    """
    return (await work.session.scalars(_ONE_IF_FREE, {"conversation": conversation_id})).first()


async def timeline(
    work: UnitOfWork, conversation_id: str, *, limit: int = 200
) -> list[Message | Note | ConversationEvent]:
    """
    Give the last words, notes and events of a conversation, oldest first.
    """
    found: list[Any] = []
    for table in (Message, Note, ConversationEvent):
        query = sa.select(table).where(col(table.conversation_id) == conversation_id)
        if table is ConversationEvent:
            query = query.where(col(ConversationEvent.kind).not_in(QUIET_EVENTS))
        found += (await work.session.scalars(query.order_by(col(table.id).desc()).limit(limit))).all()
    return sorted(found, key=lambda row: row.id)[-limit:]


async def list_messages(
    work: UnitOfWork, conversation_id: str, *, limit: int, after: str | None
) -> Slice[Message]:
    """
    List the messages of a conversation, oldest first.
    """
    return await list_of(work, Message, conversation_id, limit=limit, after=after)


async def list_of(
    work: UnitOfWork, table: type[Entry], conversation_id: str, *, limit: int, after: str | None
) -> Slice[Entry]:
    """
    List messages, notes or events of a conversation, oldest first.
    """
    query = sa.select(table).where(col(table.conversation_id) == conversation_id)
    if after is not None:
        query = query.where(col(table.id) > str(decode_mark(after, parts=1)[0]))
    rows = (await work.session.scalars(query.order_by(col(table.id)).limit(limit + 1))).all()
    return slice_of(rows, limit, lambda row: (row.id,))


async def history_of(work: UnitOfWork, contact_id: str, *, besides: str, limit: int = 10) -> list[Conversation]:
    """
    Give a contact's other conversations over all channels, newest word first.
    """
    query = sa.select(C).where(col(C.contact_id) == contact_id, col(C.id) != besides)
    return list((await work.session.scalars(query.order_by(col(C.last_message_at).desc()).limit(limit))).all())


async def due_to_wake(work: UnitOfWork, *, limit: int = 200) -> list[Conversation]:
    """
    Give snoozed conversations whose time has come; rows that another process works on are left to it.
    """
    # `state = 'snoozed'` is written out so that the partial index of the snoozed is used.
    query = sa.select(C).where(col(C.snoozed_until) <= work.now, col(C.state) == sa.literal_column("'snoozed'"))
    query = along(query, "conversation_snoozed")
    query = query.order_by(col(C.snoozed_until)).limit(limit).with_for_update(skip_locked=True)
    return list((await work.session.scalars(query)).all())


_TAGS = (
    sa.select(col(ConversationTag.conversation_id), col(ConversationTag.tag))
    .where(col(ConversationTag.conversation_id).in_(sa.bindparam("conversations", expanding=True)))
    .order_by(col(ConversationTag.tag))
)


async def tags_of(work: UnitOfWork, conversation_ids: Sequence[str]) -> dict[str, tuple[str, ...]]:
    """
    Give the tags of conversations, in order; one without tags is left out.
    """
    if not conversation_ids:
        return {}
    found: dict[str, tuple[str, ...]] = {}
    rows = await work.session.execute(_TAGS, {"conversations": list(conversation_ids)})
    for conversation_id, tag in rows:
        found[conversation_id] = (*found.get(conversation_id, ()), tag)
    return found


async def automatic_times(work: UnitOfWork, contact_id: str, since: datetime) -> list[datetime]:
    """
    Give when we answered a contact automatically since an instant.
    """
    query = (
        sa.select(col(Message.at))
        .join(C, col(Message.conversation_id) == col(C.id))
        .where(
            col(C.contact_id) == contact_id,
            col(Message.direction) == "outbound",
            col(Message.automatic).is_not(None),
            col(Message.at) > since,
        )
    )
    return list((await work.session.scalars(query)).all())


async def message_times(work: UnitOfWork, conversation_id: str, since: datetime) -> list[datetime]:
    """
    Give when the messages of a conversation were written, since an instant.
    """
    query = sa.select(col(Message.at)).where(
        col(Message.conversation_id) == conversation_id, col(Message.at) > since
    )
    return list((await work.session.scalars(query)).all())


async def waiting_figures(work: UnitOfWork) -> tuple[int, int, datetime | None]:
    """
    Give how many conversations wait, how many of them are late, and the earliest deadline.
    """
    late = sa.func.count().filter(col(C.due_at) < work.now)
    query = sa.select(sa.func.count(), late, sa.func.min(col(C.due_at))).where(
        col(C.state) == sa.literal_column("'open'")
    )
    waiting, breached, earliest = (await work.session.execute(query)).one()
    return int(waiting), int(breached), earliest
