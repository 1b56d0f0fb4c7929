"""
Every query of contacts and identities.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import sqlalchemy as sa
from sqlmodel import col

from bot.contacts.tables import Contact, Identity
from bot.core.database import UnitOfWork
from bot.core.errors import NotFound
from bot.core.paging import Slice, decode_mark, slice_of


async def get_contact(work: UnitOfWork, contact_id: str) -> Contact:
    """
    Read a contact.

    Raises:
        NotFound: there is none.
    """
    found = await work.session.get(Contact, contact_id)
    if found is None:
        raise NotFound("there is no contact of that id")
    return found


async def find_identity(work: UnitOfWork, channel: str, key: str) -> Identity | None:
    """
    Read an identity by what the channel calls it, or None.
    """
    query = sa.select(Identity).where(col(Identity.channel) == channel, col(Identity.key) == key)
    return (await work.session.execute(query)).scalar_one_or_none()


async def add_identity(work: UnitOfWork, values: Mapping[str, Any]) -> bool:
    """
    Add an identity unless its channel and key are known; say whether it was added. One statement.
    """
    statement = (
        work.insert(Identity)
        .values(**values)
        .on_conflict_do_nothing(index_elements=["channel", "key"])
        .returning(col(Identity.id))
    )
    return (await work.session.execute(statement)).first() is not None


async def add_contact(work: UnitOfWork, contact_id: str, name: str) -> None:
    """
    Add a contact, first seen now.
    """
    row = {"id": contact_id, "name": name, "created_at": work.now, "seen_at": work.now}
    await work.session.execute(sa.insert(Contact).values(**row))


async def drop_contact(work: UnitOfWork, contact_id: str) -> None:
    """
    Remove a contact that was added in this unit and turned out to be known.
    """
    await work.session.execute(sa.delete(Contact).where(col(Contact.id) == contact_id))


async def identities_of(work: UnitOfWork, contact_id: str) -> Sequence[Identity]:
    """
    List the identities of a contact, the one seen last first.
    """
    query = (
        sa.select(Identity)
        .where(col(Identity.contact_id) == contact_id)
        .order_by(col(Identity.seen_at).desc(), col(Identity.id))
        .limit(200)
    )
    return (await work.session.execute(query)).scalars().all()


async def identities_of_many(work: UnitOfWork, contact_ids: Sequence[str]) -> Sequence[Identity]:
    """
    List the identities of several contacts, for a page of them.
    """
    query = sa.select(Identity).where(col(Identity.contact_id).in_(contact_ids)).order_by(col(Identity.id))
    return (await work.session.execute(query)).scalars().all()


async def list_contacts(work: UnitOfWork, *, search: str, limit: int, after: str | None) -> Slice[Contact]:
    """
    List contacts, the newest first; `search` is looked for in names and handles, letters' case aside.
    """
    query = sa.select(Contact).order_by(col(Contact.id).desc()).limit(limit + 1)
    if after is not None:
        query = query.where(col(Contact.id) < str(decode_mark(after, parts=1)[0]))
    if search:
        found = sa.func.lower(col(Contact.name)).contains(search.lower(), autoescape=True)
        handles = sa.select(col(Identity.contact_id)).where(
            sa.or_(
                sa.func.lower(col(Identity.handle)).contains(search.lower(), autoescape=True),
                sa.func.lower(col(Identity.name)).contains(search.lower(), autoescape=True),
            )
        )
        query = query.where(sa.or_(found, col(Contact.id).in_(handles)))
    rows = (await work.session.execute(query)).scalars().all()
    return slice_of(rows, limit, lambda contact: [contact.id])
