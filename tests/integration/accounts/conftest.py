"""
An account on a fake server, and ears that remember.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass, field

import pytest
from aiohttp import ClientSession

from bot.accounts.connect import Connectors
from bot.accounts.ears import Heard, Ignored, Routed
from bot.accounts.service import add_account
from bot.accounts.tables import Account
from bot.contacts.service import meet
from bot.core.actor import Actor
from bot.core.database import Database, UnitOfWork
from bot.core.secretbox import GivenKeys, SecretBox, new_key
from connectors.registry import Registry
from tests.fakes.channel import TOKEN, FakeServer

ADMIN = Actor(id="s-1", name="Ada", role="admin", kind="staff")
OPTIONS = {"server": "https://example.social", "token": TOKEN}


@dataclass(slots=True)
class Inbox:
    """
    An ear that routes to a contact of the real table, so that what it does can be undone.
    """

    heard: list[str] = field(default_factory=list)
    breaks_on: str | None = None

    async def hear(self, work: UnitOfWork, heard: Heard) -> Routed | Ignored | None:
        item = heard.item
        if item.author is None:
            return None
        identity = await meet(work, heard.account.channel, item.author)
        work.publish("queue", {"text": item.text})
        work.after_commit(lambda: self.heard.append(item.text))
        if self.breaks_on is not None and self.breaks_on in item.text:
            raise RuntimeError(f"cannot understand {item.text!r}")
        if "spam" in item.text:
            return Ignored(reason="spam")
        return Routed(to=f"contact:{identity.contact_id}")


@pytest.fixture
def inbox() -> Inbox:
    return Inbox()


@pytest.fixture
def server() -> FakeServer:
    return FakeServer()


@pytest.fixture
def box() -> SecretBox:
    return SecretBox(GivenKeys(new_key()))


@pytest.fixture
async def connectors(server: FakeServer, box: SecretBox) -> AsyncIterator[Connectors]:
    async with ClientSession() as session:
        yield Connectors(Registry((server.channel(),)), box, session)


@pytest.fixture
async def account(database: Database, connectors: Connectors) -> Account:
    async with database.write() as work:
        return await add_account(work, ADMIN, connectors, "fake", "shop", OPTIONS)
