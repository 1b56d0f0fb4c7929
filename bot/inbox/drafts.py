"""
What people are writing and have not sent: kept as typed, so that no browser, tab or power cut loses it.

A draft counts its versions. Whoever saves says which version they started from; if another tab was faster, nothing
is overwritten: both texts stay, and a person decides.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

import sqlalchemy as sa
from sqlmodel import col

from bot.contacts.tables import Contact
from bot.core.actor import Actor
from bot.core.columns import Instant
from bot.core.database import UnitOfWork
from bot.core.errors import Conflict, Invalid
from bot.core.paging import Slice, decode_mark, slice_of
from bot.inbox import store
from bot.inbox.order_tables import Draft
from bot.inbox.rules import LONGEST_TEXT
from bot.inbox.tables import Conversation, Message, Note

D = Draft
JUST = timedelta(minutes=1)
"""So long a draft may be on its way; a page gives its own up after ten seconds."""


class DraftKind(StrEnum):
    """
    What a draft is going to be.
    """

    REPLY = "reply"
    NOTE = "note"


class DraftChanged(Conflict):
    """
    Another tab has changed this draft; both texts are kept.

    Args:
        version, text: what is kept now.
    """

    code = "draft-changed"

    def __init__(self, version: int, text: str) -> None:
        super().__init__("another tab has changed this draft; look at both and keep one")
        self.version = version
        self.text = text


@dataclass(frozen=True, slots=True, kw_only=True)
class ListedDraft:
    """
    A draft with the conversation it belongs to, for "my drafts".
    """

    conversation_id: str
    contact_name: str
    subject: str
    kind: str
    text: str
    version: int
    updated_at: datetime


async def save_draft(
    work: UnitOfWork, actor: Actor, conversation_id: str, kind: DraftKind, text: str, *, version: int
) -> int:
    """
    Keep what is being written; nothing written forgets the draft. Gives the version to save from next time.

    Args:
        version: that the writer started from; 0 for a new one.

    Raises:
        DraftChanged: another tab has saved another text meanwhile.
        Invalid: the text is too long.
    """
    if len(text) > LONGEST_TEXT:
        raise Invalid(fields={"text": f"at most {LONGEST_TEXT:,} characters; this has {len(text):,}"})
    await store.get_conversation(work, conversation_id)
    kept = await _find(work, actor.id, conversation_id, kind)
    known = kept.version if kept else 0
    if kept is not None and kept.text == text:
        return known
    if kept is None and (not text.strip() or await _was_just_sent(work, actor, conversation_id, kind, text)):
        return 0
    if version != known and not (kept is None and version > 0):
        raise DraftChanged(known, kept.text if kept else "")
    if not text.strip():
        await drop_draft(work, actor, conversation_id, kind)
        return 0
    if not await _write(work, actor.id, conversation_id, kind, text, known):
        other = await _find(work, actor.id, conversation_id, kind)
        raise DraftChanged(other.version if other else 0, other.text if other else "")
    return known + 1


async def _was_just_sent(work: UnitOfWork, actor: Actor, conversation_id: str, kind: DraftKind, text: str) -> bool:
    """
    Say whether a draft is what its writer has sent, or its beginning: a request that was on its way for long.
    """
    if kind is DraftKind.REPLY:
        own = (col(Message.direction) == "outbound", col(Message.author_name) == actor.name)
        query = sa.select(col(Message.text)).where(
            col(Message.conversation_id) == conversation_id, *own, col(Message.at) > work.now - JUST
        )
    else:
        query = sa.select(col(Note.text)).where(
            col(Note.conversation_id) == conversation_id,
            col(Note.author_id) == actor.id,
            col(Note.at) > work.now - JUST,
        )
    sent = (await work.session.scalars(query)).all()
    return any(one.strip().startswith(text.strip()) for one in sent)


async def _find(work: UnitOfWork, staff_id: str, conversation_id: str, kind: DraftKind) -> Draft | None:
    same = (col(D.staff_id) == staff_id, col(D.conversation_id) == conversation_id, col(D.kind) == kind)
    query = sa.select(D).where(*same).execution_options(populate_existing=True)
    return await work.session.scalar(query)


async def _write(
    work: UnitOfWork, staff_id: str, conversation_id: str, kind: DraftKind, text: str, known: int
) -> bool:
    # One statement decides between two tabs that save at once.
    key = {"staff_id": staff_id, "conversation_id": conversation_id, "kind": kind}
    values = {"text": text, "version": known + 1, "updated_at": work.now}
    statement = work.insert(D).values(**key, **values)
    statement = statement.on_conflict_do_update(
        index_elements=list(key), set_=values, where=col(D.version) == known
    ).returning(col(D.version))
    return (await work.session.execute(statement)).first() is not None


async def drop_draft(work: UnitOfWork, actor: Actor, conversation_id: str, kind: DraftKind) -> None:
    """
    Forget a draft: it was sent, or its writer threw it away.
    """
    same = (col(D.staff_id) == actor.id, col(D.conversation_id) == conversation_id, col(D.kind) == kind)
    await work.session.execute(sa.delete(D).where(*same).execution_options(synchronize_session=False))


async def drafts_in(work: UnitOfWork, actor: Actor, conversation_id: str) -> dict[DraftKind, Draft]:
    """
    Give what somebody is writing in a conversation.
    """
    query = sa.select(D).where(col(D.staff_id) == actor.id, col(D.conversation_id) == conversation_id)
    return {DraftKind(row.kind): row for row in (await work.session.scalars(query)).all()}


async def list_drafts(work: UnitOfWork, actor: Actor, *, limit: int, after: str | None) -> Slice[ListedDraft]:
    """
    List what somebody is writing anywhere, the last touched first.
    """
    query = (
        sa.select(D, col(Conversation.subject), col(Contact.name))
        .join(Conversation, col(D.conversation_id) == col(Conversation.id))
        .join(Contact, col(Conversation.contact_id) == col(Contact.id))
        .where(col(D.staff_id) == actor.id)
    )
    order = (col(D.updated_at), col(D.conversation_id), col(D.kind))
    if after is not None:
        at, conversation_id, kind = decode_mark(after, parts=3)
        mark = sa.tuple_(sa.bindparam(None, at, type_=Instant()), conversation_id, kind)
        query = query.where(sa.tuple_(*order) < mark)
    query = query.order_by(*(one.desc() for one in order)).limit(limit + 1)
    rows = [_listed(*row) for row in await work.session.execute(query)]
    return slice_of(rows, limit, lambda row: (row.updated_at, row.conversation_id, row.kind))


def _listed(row: Draft, subject: str, contact_name: str) -> ListedDraft:
    return ListedDraft(
        conversation_id=row.conversation_id,
        contact_name=contact_name,
        subject=subject,
        kind=row.kind,
        text=row.text,
        version=row.version,
        updated_at=row.updated_at,
    )
