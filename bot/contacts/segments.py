"""
Segments: which groups of people a contact belongs to, such as `vip` or `press`. Set by hand or over the API.
"""

from __future__ import annotations

from collections.abc import Sequence

import sqlalchemy as sa
from sqlmodel import col

from bot.contacts import store
from bot.contacts.tables import ContactSegment
from bot.core.actor import Actor
from bot.core.database import UnitOfWork
from bot.core.errors import Invalid
from bot.core.labelled import OFFERED, checked_label, known_labels
from bot.core.labels import clean_label
from bot.staff.service import audit

S = ContactSegment
MOST_SEGMENTS = 50


_SEGMENTS = (
    sa.select(col(S.contact_id), col(S.segment))
    .where(col(S.contact_id).in_(sa.bindparam("contacts", expanding=True)))
    .order_by(col(S.segment))
)


async def segments_of(work: UnitOfWork, contact_ids: Sequence[str]) -> dict[str, tuple[str, ...]]:
    """
    Give the segments of contacts, in order; one without segments is left out.
    """
    found: dict[str, tuple[str, ...]] = {}
    for contact_id, segment in await work.session.execute(_SEGMENTS, {"contacts": list(contact_ids)}):
        found[contact_id] = (*found.get(contact_id, ()), segment)
    return found


async def add_segments(work: UnitOfWork, actor: Actor, contact_id: str, segments: Sequence[str]) -> list[str]:
    """
    Put a contact into segments; those they are in are left alone. Gives what was added.

    Raises:
        Invalid: one cannot be a segment, or there would be too many.
    """
    contact = await store.get_contact(work, contact_id)
    wanted = [checked_label(segment, "segment") for segment in segments]
    if not wanted:
        raise Invalid(fields={"segment": "write a segment first"})
    added = [segment for segment in dict.fromkeys(wanted) if await _insert(work, contact.id, segment)]
    if len((await segments_of(work, [contact.id])).get(contact.id, ())) > MOST_SEGMENTS:
        raise Invalid(fields={"segment": f"a contact can be in {MOST_SEGMENTS} segments; leave one first"})
    for segment in added:
        await audit(work, actor, "contact.add-segment", "contact", contact.id, segment=segment)
    work.publish(f"contact:{contact.id}")
    return added


async def remove_segment(work: UnitOfWork, actor: Actor, contact_id: str, segment: str) -> bool:
    """
    Take a contact out of a segment; False when they are not in it.
    """
    contact = await store.get_contact(work, contact_id)
    same = sa.and_(col(S.contact_id) == contact.id, col(S.segment) == clean_label(segment))
    gone = (await work.session.execute(sa.delete(S).where(same).returning(col(S.segment)))).first()
    if gone is not None:
        await audit(work, actor, "contact.remove-segment", "contact", contact.id, segment=gone[0])
        work.publish(f"contact:{contact.id}")
    return gone is not None


async def known_segments(work: UnitOfWork, typed: str = "", *, limit: int = OFFERED) -> list[str]:
    """
    Give segments in use that begin with what was typed, in order.
    """
    return await known_labels(work, col(S.segment), typed, limit=limit)


async def _insert(work: UnitOfWork, contact_id: str, segment: str) -> bool:
    row = {"contact_id": contact_id, "segment": segment, "at": work.now}
    statement = work.insert(S).values(**row).on_conflict_do_nothing().returning(col(S.segment))
    return (await work.session.execute(statement)).first() is not None
