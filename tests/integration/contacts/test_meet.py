"""
Meeting people: one contact however often and however many at once.
"""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest
import sqlalchemy as sa

from bot.contacts.service import get_contact, identities_of, list_contacts, meet
from bot.contacts.tables import Contact, Identity
from bot.core.database import Database
from bot.core.errors import NotFound
from connectors.base import Author
from tests.fakes.clock import FakeClock

KITE = Author(key="https://far.example/users/kite", handle="kite@far.example", name="Kite", followers=12)


async def _meet(database: Database, author: Author = KITE, channel: str = "mastodon") -> Identity:
    async with database.write() as work:
        return await meet(work, channel, author)


async def _count(database: Database, table: type[Contact] | type[Identity]) -> int:
    async with database.read() as work:
        return int(await work.session.scalar(sa.select(sa.func.count()).select_from(table)) or 0)


async def test_a_stranger_becomes_a_contact(database: Database, clock: FakeClock) -> None:
    identity = await _meet(database)
    async with database.read() as work:
        contact = await get_contact(work, identity.contact_id)
        assert [one.handle for one in await identities_of(work, contact.id)] == ["kite@far.example"]
    assert (contact.name, contact.created_at, identity.followers) == ("Kite", clock.now(), 12)


async def test_a_hundred_messages_at_once_make_one_contact(database: Database) -> None:
    met = await asyncio.gather(*(_meet(database) for _ in range(100)))
    assert len({one.contact_id for one in met}) == 1
    assert await _count(database, Contact) == await _count(database, Identity) == 1


async def test_the_same_key_on_two_channels_is_two_people_until_somebody_merges_them(database: Database) -> None:
    one, two = await _meet(database), await _meet(database, channel="email")
    assert one.contact_id != two.contact_id


async def test_a_changed_profile_is_learnt(database: Database, clock: FakeClock) -> None:
    before = await _meet(database)
    await clock.advance(timedelta(hours=1))
    renamed = replace(
        KITE, handle="red@far.example", name="红色风筝", url="https://far.example/@red", followers=13
    )
    after = await _meet(database, renamed)
    async with database.read() as work:
        contact = await get_contact(work, before.contact_id)
    assert (after.id, after.handle, after.followers, after.url) == (before.id, "red@far.example", 13, renamed.url)
    assert (contact.name, contact.seen_at, after.seen_at) == ("红色风筝", clock.now(), clock.now())


async def test_a_name_that_we_gave_is_not_overwritten(database: Database) -> None:
    identity = await _meet(database)
    async with database.write() as work:
        (await get_contact(work, identity.contact_id)).name = "Our best customer"
    await _meet(database, replace(KITE, name="Kite II"))
    async with database.read() as work:
        assert (await get_contact(work, identity.contact_id)).name == "Our best customer"


async def test_followers_that_are_not_told_are_not_forgotten(database: Database) -> None:
    await _meet(database)
    assert (await _meet(database, replace(KITE, followers=None))).followers == 12


async def test_contacts_are_found_by_name_and_handle_and_paged(database: Database) -> None:
    for number in range(7):
        await _meet(
            database, Author(key=f"k{number}", handle=f"reed{number}@far.example", name="" if number else "百合")
        )
    async with database.read() as work:
        first = await list_contacts(work, search="REED", limit=5)
        rest = await list_contacts(work, search="REED", limit=5, after=first.after)
        lily = await list_contacts(work, search="百合")
        nothing = await list_contacts(work, search="100%' OR 1=1 --_")
    handles = [identities[0].handle for _, identities in [*first.items, *rest.items]]
    assert handles == [f"reed{number}@far.example" for number in reversed(range(7))]
    assert (len(first.items), rest.after, len(lily.items), len(nothing.items)) == (5, None, 1, 0)


async def test_an_unknown_contact_is_not_found(database: Database) -> None:
    async with database.read() as work:
        with pytest.raises(NotFound):
            await get_contact(work, "no-such-id")
