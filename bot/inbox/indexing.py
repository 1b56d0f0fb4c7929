"""
Keeps the search index: whatever is said is in it by the transaction that says it.

It listens to the mapper instead of being called by whoever writes: a message, a note or a subject that no search
finds would be noticed by nobody. Contacts enter with their first conversation, and again when they change. What is
written past the mapper (bulk statements) has to be put in by `entry_of` itself.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlmodel import col

from bot.contacts.tables import Contact, Identity
from bot.core.tokens import indexed
from bot.inbox.tables import Conversation, Message, Note
from bot.inbox.view_tables import SearchEntry

E = SearchEntry


def entry_of(kind: str, ref_id: str, at: datetime, text: str) -> dict[str, Any]:
    """
    Make the row of the index for a text.
    """
    return {"kind": kind, "ref_id": ref_id, "at": at, "tokens": indexed(text)}


def listen() -> None:
    """
    Follow everything that can be found. Called once, when the inbox is imported.
    """
    for table, kind in ((Message, "message"), (Note, "note")):
        _follow(table, kind)
    sa.event.listen(Conversation, "after_insert", _conversation_added)
    sa.event.listen(Contact, "after_update", _contact_changed)
    sa.event.listen(Identity, "after_update", _contact_changed)


def _follow(table: type[Any], kind: str) -> None:
    def added(_mapper: object, connection: sa.Connection, row: Any) -> None:
        connection.execute(sa.insert(E), entry_of(kind, row.id, row.at, row.text))

    def changed(_mapper: object, connection: sa.Connection, row: Any) -> None:
        if _has_changed(row, "text"):
            same = sa.and_(col(E.kind) == kind, col(E.ref_id) == row.id)
            connection.execute(sa.update(E).where(same).values(tokens=indexed(row.text)))

    def removed(_mapper: object, connection: sa.Connection, row: Any) -> None:
        connection.execute(sa.delete(E).where(col(E.kind) == kind, col(E.ref_id) == row.id))

    sa.event.listen(table, "after_insert", added)
    sa.event.listen(table, "after_update", changed)
    sa.event.listen(table, "after_delete", removed)


def _has_changed(row: Any, *names: str) -> bool:
    attributes = sa.inspect(row).attrs
    return any(attributes[name].history.has_changes() for name in names)


def _conversation_added(_mapper: object, connection: sa.Connection, row: Conversation) -> None:
    if row.subject:
        connection.execute(sa.insert(E), entry_of("subject", row.id, row.opened_at, row.subject))
    _take_in_contact(connection, row.contact_id)


def _contact_changed(_mapper: object, connection: sa.Connection, row: Contact | Identity) -> None:
    if isinstance(row, Identity) and _has_changed(row, "name", "handle", "contact_id"):
        _take_in_contact(connection, row.contact_id)
    elif isinstance(row, Contact) and _has_changed(row, "name"):
        _take_in_contact(connection, row.id)


def _take_in_contact(connection: sa.Connection, contact_id: str) -> None:
    query = sa.select(col(Contact.name), col(Contact.created_at), col(Identity.handle), col(Identity.name))
    query = query.join(Identity, col(Identity.contact_id) == col(Contact.id)).where(col(Contact.id) == contact_id)
    rows = connection.execute(query.order_by(col(Identity.id))).all()
    if not rows:
        return
    words = [rows[0][0], *(part for row in rows for part in row[2:])]
    entry = entry_of("contact", contact_id, rows[0][1], " ".join(filter(None, dict.fromkeys(words))))
    same = sa.and_(col(E.kind) == "contact", col(E.ref_id) == contact_id)
    if not connection.execute(sa.update(E).where(same).values(tokens=entry["tokens"])).rowcount:
        connection.execute(sa.insert(E), entry)
