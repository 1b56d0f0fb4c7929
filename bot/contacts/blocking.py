"""
Whose words stay away from the queue: blocked (heard and ignored), or spam (kept, out of the queue).

What is blocked is a contact with all identities, or one identity of theirs.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum

import sqlalchemy as sa
from sqlmodel import col

from bot.contacts import store
from bot.contacts.tables import ContactBlock, Identity
from bot.core.actor import Actor
from bot.core.database import UnitOfWork
from bot.core.errors import Invalid
from bot.staff.service import audit

B = ContactBlock


class How(StrEnum):
    """
    What becomes of what they write.
    """

    BLOCKED = "blocked"
    SPAM = "spam"


async def block(
    work: UnitOfWork, actor: Actor, contact_id: str, *, how: How = How.BLOCKED, identity_id: str | None = None
) -> None:
    """
    Keep a contact, or one of their identities, away from the queue; the last word on how counts.

    Raises:
        Invalid: the identity is not theirs.
    """
    contact = await store.get_contact(work, contact_id)
    await _check(work, contact.id, identity_id)
    subject = identity_id or contact.id
    values = {"contact_id": contact.id, "how": how, "by_id": actor.id, "by_name": actor.name, "at": work.now}
    statement = work.insert(B).values(subject_id=subject, **values)
    await work.session.execute(statement.on_conflict_do_update(index_elements=["subject_id"], set_=values))
    await audit(work, actor, "contact.block", "contact", contact.id, how=how, identity=identity_id)
    work.publish(f"contact:{contact.id}")


async def unblock(work: UnitOfWork, actor: Actor, contact_id: str, *, identity_id: str | None = None) -> bool:
    """
    Let their words into the queue again; False when nothing kept them away.
    """
    contact = await store.get_contact(work, contact_id)
    same = (col(B.subject_id) == (identity_id or contact.id), col(B.contact_id) == contact.id)
    gone = (await work.session.execute(sa.delete(B).where(*same).returning(col(B.how)))).first()
    if gone is not None:
        await audit(work, actor, "contact.unblock", "contact", contact.id, how=gone[0], identity=identity_id)
        work.publish(f"contact:{contact.id}")
    return gone is not None


async def _check(work: UnitOfWork, contact_id: str, identity_id: str | None) -> None:
    if identity_id is None:
        return
    identity = await work.session.get(Identity, identity_id)
    if identity is None or identity.contact_id != contact_id:
        raise Invalid(fields={"identity_id": "no identity of this contact"})


async def blocks_of(work: UnitOfWork, contact_id: str) -> Sequence[ContactBlock]:
    """
    Give what keeps a contact and their identities away.
    """
    query = sa.select(B).where(col(B.contact_id) == contact_id).order_by(col(B.at))
    return (await work.session.scalars(query)).all()


async def how_blocked(work: UnitOfWork, identity: Identity) -> How | None:
    """
    Say what becomes of what somebody writes now; blocked weighs more than spam.
    """
    query = sa.select(col(B.how)).where(col(B.subject_id).in_([identity.id, identity.contact_id]))
    found = set((await work.session.scalars(query)).all())
    return next((how for how in How if how in found), None)
