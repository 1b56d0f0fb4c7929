"""
The queries behind every list of conversations: what a selection means in SQL, its rows and its number.

With the board (`bot.inbox.board`) the number and the first rows come from memory and only the rows shown are read;
without it, or for what the board does not hold (resolved ones, words, one contact), the database does both, and
counts to a thousand at the most.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlmodel import col

from bot.contacts.tables import ContactSegment
from bot.core.columns import Instant
from bot.core.database import UnitOfWork
from bot.core.paging import Slice, decode_mark, encode_mark, slice_of
from bot.core.tokens import to_find
from bot.inbox.board import CONTACT_TOPIC, COUNTED, TOPIC, Board
from bot.inbox.index import Found, micros
from bot.inbox.matching import NO_LANGUAGE, Conditions
from bot.inbox.order_tables import ConversationTag
from bot.inbox.query import Phrase
from bot.inbox.recall import Snapshot
from bot.inbox.rules import State
from bot.inbox.search import conversations_with
from bot.inbox.selection import NOBODY, UNRESOLVED, Order, Selection
from bot.inbox.store import QUEUE, Listed, along, listed, listed_plainly, plainly_listed, tags_of, to_listed
from bot.inbox.tables import Conversation
from responses import Priority

C = Conversation
MOST_WORDS = 8
ROW = "row"
"""Under which rows of lists are remembered."""
NUMBER_OF = {one.name.lower(): int(one) for one in Priority}


@dataclass(frozen=True, slots=True, kw_only=True)
class Count:
    """
    How many conversations a selection means; as text it is what people see.

    Args:
        more: there are at least so many; nobody counted further.
    """

    number: int
    more: bool = False

    def __str__(self) -> str:
        return f"{self.number - 1}+" if self.more else str(self.number)


async def count(work: UnitOfWork, selection: Selection, *, actor_id: str, board: Board | None = None) -> Count:
    """
    Count what a selection means: exactly by the board, up to `COUNTED` by the database.
    """
    selection = selection.seen_by(actor_id)
    if board is not None and board.knows(selection):
        return Count(number=board.count(selection, work.now))
    some = sa.select(sa.literal(1)).select_from(C)
    some = some.where(*conditions_of(selection, work.now, work.dialect)).limit(COUNTED)
    number = int(await work.session.scalar(sa.select(sa.func.count()).select_from(some.subquery())) or 0)
    return Count(number=number, more=number >= COUNTED)


async def list_selected(
    work: UnitOfWork,
    selection: Selection,
    *,
    actor_id: str = "",
    order: Order = Order.DEADLINE,
    limit: int,
    after: str | None,
    board: Board | None = None,
    snapshot: Snapshot | None = None,
) -> Slice[Listed]:
    """
    List conversations with their tags: by deadline (those without one last), or newest word first.

    Args:
        snapshot: what the page may remember of lists that others have read.
    """
    selection = selection.seen_by(actor_id)
    if board is not None and board.knows(selection):
        found = board.first(selection, work.now, order=order, limit=limit, after=_number_mark(after))
        if found is not None:
            return await _rows_of(work, selection, found, order, snapshot)
    if order is Order.DEADLINE:
        rows = await _by_deadline(work, selection, limit + 1, after)
    else:
        rows = await _by_newest(work, selection, limit + 1, after)
    page = slice_of(rows, limit, lambda row: _key(row, order))
    return replace(page, items=await _tagged(work, page.items))


async def _tagged(work: UnitOfWork, rows: Sequence[Listed]) -> list[Listed]:
    tags = await tags_of(work, [one.conversation.id for one in rows])
    return [replace(one, tags=tags.get(one.conversation.id, ())) for one in rows]


def _key(row: Listed, order: Order) -> tuple[datetime | None, str]:
    c = row.conversation
    return (c.due_at if order is Order.DEADLINE else c.last_message_at, c.id)


def _number_mark(after: str | None) -> tuple[int, str] | None:
    if after is None:
        return None
    at, last = decode_mark(after, parts=2)
    return (micros(at) if isinstance(at, datetime) or at is None else 0, str(last))


async def _rows_of(
    work: UnitOfWork, selection: Selection, found: Found, order: Order, snapshot: Snapshot | None
) -> Slice[Listed]:
    """
    Read the rows that the board named, as far as they are not remembered.
    """
    known = {one: snapshot.get((ROW, one)) for one in found.ids} if snapshot else {}
    rows: dict[str, Listed] = {one: row for one, row in known.items() if row is not None}
    missing = [one for one in found.ids if one not in rows]
    for row in await _read_rows(work, selection, missing):
        rows[row.conversation.id] = row
        if snapshot is not None:
            topics = (f"{TOPIC}{row.conversation.id}", f"{CONTACT_TOPIC}{row.conversation.contact_id}")
            snapshot.keep((ROW, row.conversation.id), row, *topics)
    items = [rows[one] for one in found.ids if one in rows]
    mark = encode_mark(_key(items[-1], order)) if found.more and items else None
    return Slice(items=items, after=mark)


async def _read_rows(work: UnitOfWork, selection: Selection, ids: Sequence[str]) -> list[Listed]:
    """
    Read rows by their ids. One that has just changed and is no longer what is meant is left out.
    """
    if not ids:
        return []
    # What is meant is asked as a column: as a condition it would tempt a planner away from the ids, into an index
    # with a million entries.
    meant = sa.and_(*conditions_of(selection, work.now, work.dialect)).label("meant")
    query = listed_plainly().add_columns(meant).where(col(C.id).in_(ids))
    return await _tagged(work, [plainly_listed(row) for row in await work.session.execute(query) if row.meant])


async def _by_deadline(work: UnitOfWork, selection: Selection, limit: int, after: str | None) -> list[Listed]:
    # Two walks of the index (due_at, id) instead of one sort: with a deadline, then without.
    at, last = decode_mark(after, parts=2) if after is not None else (None, "")
    meant = listed().where(*conditions_of(selection, work.now, work.dialect))
    few = selection.text or selection.contact_id or set(selection.agents) - {NOBODY}
    if tuple(selection.states) == (State.OPEN,) and not few:
        meant = along(meant, QUEUE)
    rows: list[Listed] = []
    if after is None or at is not None:
        query = meant.where(col(C.due_at).is_not(None))
        if at is not None:
            query = query.where(sa.tuple_(col(C.due_at), col(C.id)) > sa.tuple_(_instant(at), last))
        query = query.order_by(col(C.due_at), col(C.id)).limit(limit)
        rows = [to_listed(row) for row in await work.session.execute(query)]
        last = ""
    if len(rows) < limit:
        query = meant.where(col(C.due_at).is_(None), col(C.id) > last)
        query = query.order_by(col(C.id)).limit(limit - len(rows))
        rows += [to_listed(row) for row in await work.session.execute(query)]
    return rows


async def _by_newest(work: UnitOfWork, selection: Selection, limit: int, after: str | None) -> list[Listed]:
    # A walk of the index (state, last_message_at, id) for each state, and the newest of them.
    rows: list[Listed] = []
    for state in selection.states or UNRESOLVED:
        query = listed().where(col(C.state) == state, *conditions_of(selection, work.now, work.dialect))
        if after is not None:
            at, last = decode_mark(after, parts=2)
            query = query.where(sa.tuple_(col(C.last_message_at), col(C.id)) < sa.tuple_(_instant(at), last))
        query = query.order_by(col(C.last_message_at).desc(), col(C.id).desc()).limit(limit)
        rows += [to_listed(row) for row in await work.session.execute(query)]
    rows.sort(key=lambda row: (row.conversation.last_message_at, row.conversation.id), reverse=True)
    return rows[:limit]


def _instant(at: Any) -> Any:
    return sa.bindparam(None, at, type_=Instant())


def conditions_of(selection: Selection, now: datetime, dialect: str) -> list[sa.ColumnElement[bool]]:
    """
    Say in SQL what a selection means; `me` is already somebody.
    """
    conditions = [_of_states(selection.states)]
    if selection.agents:
        conditions.append(_any_agent(selection.agents))
    if selection.breached:
        conditions.append(col(C.due_at) < now)
    if selection.waiting:
        conditions.append(col(C.waiting_messages) > 0)
    if selection.contact_id:
        conditions.append(col(C.contact_id) == selection.contact_id)
    conditions += _of_conditions(selection.conditions)
    conditions += _of_words(selection.text, dialect)
    return conditions


def _of_states(states: Sequence[State]) -> sa.ColumnElement[bool]:
    # `state = 'open'` is written out so that the partial index of the queue is used.
    if tuple(states) == (State.OPEN,):
        return col(C.state) == sa.literal_column("'open'")
    return col(C.state).in_([str(state) for state in states or UNRESOLVED])


def _any_agent(agents: Sequence[str]) -> sa.ColumnElement[bool]:
    people = [agent for agent in agents if agent != NOBODY]
    nobody = [col(C.agent_id).is_(None)] if NOBODY in agents else []
    return sa.or_(*nobody, *([col(C.agent_id).in_(people)] if people else []))


def _of_conditions(conditions: Conditions) -> list[sa.ColumnElement[bool]]:
    single: tuple[tuple[Any, Iterable[Any]], ...] = (
        (C.account_id, conditions.account_ids),
        (C.channel, conditions.channels),
        (C.intent, conditions.intents),
        (C.priority, [NUMBER_OF[name] for name in conditions.priorities if name in NUMBER_OF]),
        (C.mood, conditions.moods),
    )
    found: list[sa.ColumnElement[bool]] = [col(column).in_(list(values)) for column, values in single if values]
    if conditions.languages:
        said = col(C.language).in_(conditions.languages)
        unsaid = NO_LANGUAGE in conditions.languages
        found.append(sa.or_(said, col(C.language).is_(None)) if unsaid else said)
    if conditions.tags:
        tagged = sa.select(col(ConversationTag.conversation_id)).where(
            col(ConversationTag.tag).in_(conditions.tags)
        )
        found.append(col(C.id).in_(tagged))
    if conditions.segments:
        people = sa.select(col(ContactSegment.contact_id)).where(
            col(ContactSegment.segment).in_(conditions.segments)
        )
        found.append(col(C.contact_id).in_(people))
    return found


def _of_words(text: str, dialect: str) -> list[sa.ColumnElement[bool]]:
    """
    Every word anywhere in a conversation, by the search index; signs that it does not hold where lists show them.
    """
    conditions: list[sa.ColumnElement[bool]] = []
    for word in text.split()[:MOST_WORDS]:
        tokens, _ = to_find(word)
        if tokens:
            conditions.append(conversations_with(dialect, Phrase(tokens=tuple(tokens), begins=True)))
        else:
            shown = (col(C.subject), col(C.snippet))
            conditions.append(sa.or_(*(column.icontains(word, autoescape=True) for column in shown)))
    return conditions
