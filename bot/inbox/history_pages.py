"""
The history on the page of a contact: all conversations over all channels, with their tags and notes.
"""

from __future__ import annotations

from collections.abc import Sequence
from urllib.parse import urlencode

import sqlalchemy as sa
from sqlmodel import col

from bot.contacts.keys import Panel
from bot.core.columns import Instant
from bot.core.database import UnitOfWork
from bot.core.paging import Slice, decode_mark, slice_of
from bot.inbox import store
from bot.inbox.tables import Conversation, Note
from bot.inbox.views import history_row
from bot.staff.rules import Permission
from bot.web.pages import Visit

C = Conversation
ROWS = 20
MOST_NOTES = 200
MARK = "history"
"""The part of the address that says where the history goes on."""


async def history_panel(visit: Visit, contact_id: str) -> Panel | None:
    """
    Show the history of a contact, newest word first.
    """
    if not visit.shell.gate.may(visit.person.role, Permission.CONVERSATIONS_READ):
        return None
    after, here = visit.query.get(MARK) or None, f"/contacts/{contact_id}"
    found = await conversations_of(visit.work, contact_id, limit=ROWS, after=after)
    ids = [one.id for one in found.items]
    tags, notes = await store.tags_of(visit.work, ids), await notes_of(visit.work, ids)
    rows = [
        (history_row(one), tags.get(one.id, ()), [note for note in notes if note.conversation_id == one.id])
        for one in found.items
    ]
    values = {
        "rows": rows,
        "older": f"{here}?{urlencode({MARK: found.after})}" if found.after else None,
        "newest": here if after else None,
    }
    return Panel(template="inbox/_contact_history.html", values=values)


async def conversations_of(
    work: UnitOfWork, contact_id: str, *, limit: int, after: str | None
) -> Slice[Conversation]:
    """
    List all conversations of a contact, newest word first.
    """
    query = sa.select(C).where(col(C.contact_id) == contact_id)
    if after is not None:
        at, last = decode_mark(after, parts=2)
        mark = sa.tuple_(sa.bindparam(None, at, type_=Instant()), last)
        query = query.where(sa.tuple_(col(C.last_message_at), col(C.id)) < mark)
    query = query.order_by(col(C.last_message_at).desc(), col(C.id).desc()).limit(limit + 1)
    rows = (await work.session.scalars(query)).all()
    return slice_of(rows, limit, lambda row: (row.last_message_at, row.id))


async def notes_of(work: UnitOfWork, conversation_ids: Sequence[str]) -> Sequence[Note]:
    """
    Give the notes of several conversations, newest first.
    """
    query = sa.select(Note).where(col(Note.conversation_id).in_(conversation_ids))
    return (await work.session.scalars(query.order_by(col(Note.id).desc()).limit(MOST_NOTES))).all()
