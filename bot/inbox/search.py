"""
Full-text search over messages, notes, subjects and contacts, newest first.

SQLite answers from FTS5, PostgreSQL from a tsvector with a GIN index; both hold the tokens that `bot.core.tokens`
makes, so that both find the same. Nothing here decides or commits.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import TSQUERY
from sqlmodel import col

from bot.accounts.tables import Account
from bot.contacts.tables import Contact, Identity
from bot.core.columns import lexeme
from bot.core.database import UnitOfWork
from bot.core.errors import Invalid
from bot.core.labels import clean_label
from bot.core.paging import Slice, decode_mark, slice_of
from bot.inbox.order_tables import ConversationTag
from bot.inbox.query import Phrase, Query
from bot.inbox.snippets import Piece, snippet_of
from bot.inbox.tables import Conversation, Message, Note
from bot.inbox.view_tables import SearchEntry

E, C, M, N = SearchEntry, Conversation, Message, Note
KIND_OF = {"messages": "message", "notes": "note", "subjects": "subject", "contacts": "contact"}
FULL_TEXT = sa.table("search_text", sa.column("rowid"))
"""Only on SQLite; on PostgreSQL the tokens of an entry are themselves indexed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Hit:
    """
    One text that was found, in its surroundings.

    Args:
        kind: message, note, subject or contact.
        ref_id: of that row.
        conversation: None for a contact.
        pieces: the text around what was found, cut where it begins and ends.
    """

    kind: str
    ref_id: str
    at: datetime
    author: str
    direction: str
    conversation: Conversation | None
    contact_id: str
    contact_name: str
    pieces: Sequence[Piece]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Place:
    id: int
    kind: str
    ref_id: str
    at: datetime


async def find(work: UnitOfWork, query: Query, *, limit: int, after: str | None) -> Slice[Hit]:
    """
    Find what a query means, what came last first.

    Raises:
        Invalid: it names an account that there is none of.
    """
    statement = _places(work.dialect, query, await _accounts(work, query.accounts))
    if after is not None:
        (last,) = decode_mark(after, parts=1)
        statement = statement.where(col(E.id) < (last if isinstance(last, int) else 0))
    rows = await work.session.execute(statement.order_by(col(E.id).desc()).limit(limit + 1))
    places = slice_of([_Place(**row._mapping) for row in rows], limit, lambda place: (place.id,))
    hits = await _hits(work, places.items, query.wanted)
    return Slice(items=hits, after=places.after)


async def _accounts(work: UnitOfWork, names: Sequence[str]) -> list[str]:
    if not names:
        return []
    wanted = {name.lower() for name in names}
    query = sa.select(col(Account.id), col(Account.name))
    known = {name.lower(): account_id for account_id, name in await work.session.execute(query)}
    strange = sorted(wanted - known.keys())
    if strange:
        there = ", ".join(sorted(known)[:10]) or "none yet"
        raise Invalid(fields={"q": f"there is no account {strange[0]!r}; there are: {there}"})
    return [known[name] for name in wanted]


def _places(dialect: str, query: Query, accounts: Sequence[str]) -> Any:
    """
    Say in SQL which entries a query means.
    """
    statement = (
        sa.select(col(E.id), col(E.kind), col(E.ref_id), col(E.at))
        .select_from(E)
        .outerjoin(M, sa.and_(col(E.kind) == "message", col(M.id) == col(E.ref_id)))
        .outerjoin(N, sa.and_(col(E.kind) == "note", col(N.id) == col(E.ref_id)))
        .outerjoin(C, col(C.id) == _conversation_id())
    )
    if dialect == "sqlite" and query.wanted:
        statement = statement.join(FULL_TEXT, FULL_TEXT.c.rowid == col(E.id))
        statement = statement.where(_fts5(query.wanted, query.unwanted))
    elif dialect == "sqlite" and query.unwanted:
        bad = sa.select(FULL_TEXT.c.rowid).where(_fts5_any(query.unwanted))
        statement = statement.where(col(E.id).not_in(bad))
    elif query.wanted or query.unwanted:
        statement = statement.where(_tsquery(query.wanted, query.unwanted))
    return statement.where(*_conditions(query, accounts))


def _conversation_id() -> sa.ColumnElement[Any]:
    subject = sa.case((col(E.kind) == "subject", col(E.ref_id)))
    return sa.func.coalesce(col(M.conversation_id), col(N.conversation_id), subject)


def _conditions(query: Query, accounts: Sequence[str]) -> list[sa.ColumnElement[bool]]:
    found: list[sa.ColumnElement[bool]] = []
    if query.places:
        found.append(col(E.kind).in_([KIND_OF[place] for place in query.places]))
    if query.before is not None:
        found.append(col(E.at) < query.before)
    if query.after is not None:
        found.append(col(E.at) >= query.after)
    if query.senders:
        names = (col(M.author_name), col(M.author_handle), col(N.author_name))
        said = [name.icontains(sender, autoescape=True) for sender in query.senders for name in names]
        found.append(sa.or_(*said))
    if accounts:
        found.append(col(C.account_id).in_(accounts))
    if query.states:
        found.append(col(C.state).in_(query.states))
    if query.tags:
        tags = [clean_label(tag) for tag in query.tags]
        tagged = sa.select(col(ConversationTag.conversation_id)).where(col(ConversationTag.tag).in_(tags))
        found.append(col(C.id).in_(tagged))
    if query.things:
        found.append(sa.or_(*(_THINGS[thing] for thing in query.things)))
    return found


_THINGS: Mapping[str, sa.ColumnElement[bool]] = {
    "attachment": sa.cast(col(M.attachments), sa.Text) != "[]",
    "link": col(M.text).icontains("://"),
}


# ---- the two databases ----


def _fts5(wanted: Sequence[Phrase], unwanted: Sequence[Phrase]) -> sa.ColumnElement[bool]:
    asked = " AND ".join(map(_fts5_phrase, wanted)) + "".join(f" NOT {_fts5_phrase(one)}" for one in unwanted)
    return sa.literal_column("search_text").op("MATCH")(asked)


def _fts5_any(phrases: Sequence[Phrase]) -> sa.ColumnElement[bool]:
    return sa.literal_column("search_text").op("MATCH")(" OR ".join(map(_fts5_phrase, phrases)))


def _fts5_phrase(phrase: Phrase) -> str:
    # No token holds a quote, nor anything else that FTS5 reads as its own language.
    return '"' + " ".join(phrase.tokens) + '"' + (" *" if phrase.begins else "")


def _tsquery(wanted: Sequence[Phrase], unwanted: Sequence[Phrase]) -> sa.ColumnElement[bool]:
    asked = " & ".join([*map(_ts_phrase, wanted), *(f"!{_ts_phrase(one)}" for one in unwanted)])
    return col(E.tokens).op("@@")(sa.cast(sa.literal(asked, sa.Text), TSQUERY))


def _ts_phrase(phrase: Phrase) -> str:
    tokens = " <-> ".join(map(lexeme, phrase.tokens))
    return f"({tokens}{':*' if phrase.begins else ''})"


def conversations_with(dialect: str, phrase: Phrase) -> sa.ColumnElement[bool]:
    """
    Say in SQL: a conversation that holds this in a message, a note, its subject or the name of whom it is with.
    """
    if dialect == "sqlite":
        where: sa.ColumnElement[bool] = col(E.id).in_(sa.select(FULL_TEXT.c.rowid).where(_fts5([phrase], [])))
    else:
        where = _tsquery([phrase], [])

    def found(kind: str) -> Any:
        return sa.select(col(E.ref_id)).where(where, col(E.kind) == kind)

    return sa.or_(
        col(C.id).in_(sa.select(col(M.conversation_id)).where(col(M.id).in_(found("message")))),
        col(C.id).in_(sa.select(col(N.conversation_id)).where(col(N.id).in_(found("note")))),
        col(C.id).in_(found("subject")),
        col(C.contact_id).in_(found("contact")),
    )


# ---- what is shown ----


async def _hits(work: UnitOfWork, places: Sequence[_Place], wanted: Sequence[Phrase]) -> list[Hit]:
    messages = await _by_id(work, M, [place.ref_id for place in places if place.kind == "message"])
    notes = await _by_id(work, N, [place.ref_id for place in places if place.kind == "note"])
    subjects = [place.ref_id for place in places if place.kind == "subject"]
    holders = [*messages.values(), *notes.values()]
    conversations = await _by_id(work, C, [*subjects, *(row.conversation_id for row in holders)])
    contact_ids = [place.ref_id for place in places if place.kind == "contact"]
    contacts = await _by_id(work, Contact, [*contact_ids, *(row.contact_id for row in conversations.values())])
    identities = await _names(work, contact_ids)
    tables = {"message": messages, "note": notes, "subject": conversations, "contact": contacts}
    found = []
    for place in places:
        row = tables[place.kind].get(place.ref_id)
        if row is None:
            continue  # gone meanwhile
        conversation = conversations.get(getattr(row, "conversation_id", place.ref_id))
        contact = contacts.get(conversation.contact_id if conversation else place.ref_id)
        text = identities.get(place.ref_id, "") if place.kind == "contact" else _text_of(row)
        found.append(_hit(place, row, conversation, contact, snippet_of(text, wanted)))
    return found


def _hit(
    place: _Place,
    row: Any,
    conversation: Conversation | None,
    contact: Contact | None,
    pieces: Sequence[Piece],
) -> Hit:
    return Hit(
        kind=place.kind,
        ref_id=place.ref_id,
        at=place.at,
        author=getattr(row, "author_name", ""),
        direction=getattr(row, "direction", ""),
        conversation=conversation,
        contact_id=contact.id if contact else "",
        contact_name=contact.name if contact else "",
        pieces=pieces,
    )


def _text_of(row: Message | Note | Conversation) -> str:
    return row.subject if isinstance(row, Conversation) else row.text


async def _by_id(work: UnitOfWork, table: type[Any], ids: Sequence[str]) -> dict[str, Any]:
    if not ids:
        return {}
    rows = await work.session.scalars(sa.select(table).where(col(table.id).in_(set(ids))))
    return {row.id: row for row in rows}


async def _names(work: UnitOfWork, contact_ids: Sequence[str]) -> dict[str, str]:
    if not contact_ids:
        return {}
    query = sa.select(col(Identity.contact_id), col(Identity.name), col(Identity.handle))
    found: dict[str, str] = {}
    query = query.where(col(Identity.contact_id).in_(contact_ids)).order_by(col(Identity.id))
    for contact_id, name, handle in await work.session.execute(query):
        said = " ".join(filter(None, dict.fromkeys((name, handle))))
        found[contact_id] = f"{found[contact_id]} · {said}" if contact_id in found else said
    return found
