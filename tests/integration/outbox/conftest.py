"""
An account on a server that remembers what it delivered, and a worker that goes when a test says so.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import timedelta

import pytest
from aiohttp import ClientSession

from bot.accounts.connect import Connectors
from bot.accounts.tables import Account
from bot.core.actor import Actor
from bot.core.database import Database, UnitOfWork
from bot.core.live import LiveEvents
from bot.core.secretbox import GivenKeys, SecretBox, new_key
from bot.outbox.jobs import OutboxWorker
from bot.outbox.rules import State
from bot.outbox.service import get_entry, prepare_reply
from bot.outbox.tables import OutboxEntry
from bot.settings import OutboxSettings
from connectors.base import Draft
from connectors.registry import Registry
from tests.fakes.clock import FakeClock
from tests.fakes.sending import SendingServer

AGENT = Actor(id="s-1", name="Mei Lin", role="agent", kind="staff")
LEAD = Actor(id="s-2", name="Jo Lead", role="lead", kind="staff")
SETTINGS = OutboxSettings(attempts=3)
GRACE = timedelta(hours=24)


@dataclass(slots=True)
class Told:
    """
    A receipt that remembers, once the unit is committed.

    Args:
        breaks: how many times more it fails.
    """

    states: list[tuple[str, str]] = field(default_factory=list)
    breaks: int = 0

    async def receipt(self, work: UnitOfWork, entry: OutboxEntry) -> None:
        told = (entry.draft["text"], str(entry.state))
        work.after_commit(lambda: self.states.append(told))
        if self.breaks:
            self.breaks -= 1
            raise RuntimeError("the receipt is broken")

    def of(self, text: str) -> list[str]:
        return [state for said, state in self.states if said == text]


@dataclass(slots=True)
class House:
    """
    What a test of the outbox works with.
    """

    database: Database
    clock: FakeClock
    server: SendingServer
    connectors: Connectors
    account: Account
    told: Told
    settings: OutboxSettings = SETTINGS

    def worker(self, holder: str = "node-1", live: LiveEvents | None = None) -> OutboxWorker:
        live = live or LiveEvents(self.database)
        return OutboxWorker(self.database, live, self.connectors, (self.told.receipt,), self.settings, holder)

    async def prepare(self, text: str = "Hello", *, subject: str = "c-1", **more: object) -> str:
        """
        Put a reply into the outbox; gives its id.
        """
        async with self.database.write() as work:
            entry = await prepare_reply(
                work,
                AGENT,
                account_id=str(more.get("account_id", self.account.id)),
                subject_kind="conversation",
                subject_id=subject,
                reply_to={"id": "q-1"},
                draft=Draft(text=text, language="en"),
                grace=more.get("grace", GRACE),  # type: ignore[arg-type]
            )
        return entry.id

    async def work(self, worker: OutboxWorker | None = None) -> None:
        """
        Let a worker do everything that is due at this instant.
        """
        worker = worker or self.worker()
        await worker.round()
        await worker.finish()

    async def pass_time(self, by: timedelta | float, worker: OutboxWorker | None = None) -> None:
        """
        Move the clock on, then let a worker do what is due.
        """
        await self.clock.advance(by)
        await self.work(worker)

    async def entry(self, entry_id: str) -> OutboxEntry:
        async with self.database.read() as work:
            return await get_entry(work, entry_id)

    async def state(self, entry_id: str) -> State:
        return State((await self.entry(entry_id)).state)


async def add_account(database: Database, name: str, channel: str = "pigeon") -> Account:
    """
    Put an account of the pigeon post into the table.
    """
    async with database.write() as work:
        account = Account(id=work.new_id(), channel=channel, name=name, created_at=work.now)
        work.session.add(account)
    return account


@pytest.fixture
def server() -> SendingServer:
    return SendingServer()


@pytest.fixture
async def connectors(server: SendingServer) -> AsyncIterator[Connectors]:
    async with ClientSession() as session:
        yield Connectors(Registry((server.channel(),)), SecretBox(GivenKeys(new_key())), session)


@pytest.fixture
async def house(database: Database, clock: FakeClock, server: SendingServer, connectors: Connectors) -> House:
    return House(database, clock, server, connectors, await add_account(database, "shop"), Told())
