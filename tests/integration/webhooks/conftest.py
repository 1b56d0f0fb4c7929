"""
A receiver, an endpoint for it, and a worker that goes when a test says so.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import timedelta
from ipaddress import ip_network
from typing import Any

import pytest

from bot.core.actor import Actor
from bot.core.database import Database
from bot.core.live import LiveEvents
from bot.core.outward import Outward, OutwardRules
from bot.core.secretbox import GivenKeys, SecretBox, new_key
from bot.settings import WebhookSettings
from bot.webhooks import service, store
from bot.webhooks.jobs import WebhookWorker
from bot.webhooks.rules import CHOICES, Kind
from bot.webhooks.service import Wish
from bot.webhooks.tables import WebhookAttempt, WebhookDelivery, WebhookEndpoint
from tests.fakes.clock import FakeClock
from tests.integration.webhooks.receiver import Receiver, receiving

ADMIN = Actor(id="s-1", name="Ada", role="admin", kind="staff")
HERE = OutwardRules(networks=(ip_network("127.0.0.1/32"),), http=True)


@dataclass(slots=True)
class House:
    """
    What a test of webhooks works with.
    """

    database: Database
    clock: FakeClock
    outward: Outward
    box: SecretBox
    receiver: Receiver
    settings: WebhookSettings = field(default_factory=WebhookSettings)

    def worker(self, holder: str = "node-1", outward: Outward | None = None) -> WebhookWorker:
        return WebhookWorker(
            self.database,
            LiveEvents(self.database),
            outward or self.outward,
            self.box,
            self.settings,
            holder,
        )

    async def add(self, name: str = "tracker", **more: Any) -> tuple[WebhookEndpoint, str]:
        """
        Add an endpoint that leads to the receiver.
        """
        wish = Wish(**{"name": name, "url": self.receiver.url, "kinds": CHOICES, **more})
        async with self.database.write() as work:
            return await service.add_endpoint(work, ADMIN, self.box, HERE, wish)

    async def announce(
        self, event_id: str = "e-1", kind: Kind = Kind.CONVERSATION_CREATED, text: str = ""
    ) -> None:
        async with self.database.write() as work:
            await service.announce(
                work,
                kind,
                event_id=event_id,
                at=work.now,
                subject_id="c-1",
                data={"id": "c-1"},
                text={"text": text},
            )

    async def work(self, worker: WebhookWorker | None = None) -> None:
        """
        Let a worker do everything that is due at this instant.
        """
        worker = worker or self.worker()
        await worker.round()
        await worker.finish()

    async def pass_time(self, by: timedelta) -> None:
        """
        Move the clock on, then let a worker do what is due.
        """
        await self.clock.advance(by)
        await self.work()

    async def endpoint(self, endpoint_id: str) -> WebhookEndpoint:
        async with self.database.read() as work:
            return await store.get_endpoint(work, endpoint_id)

    async def log(self, endpoint_id: str) -> list[WebhookDelivery]:
        """
        Give the deliveries of an endpoint, oldest first.
        """
        async with self.database.read() as work:
            found = await store.list_deliveries(work, endpoint_id, state=None, limit=200, after=None)
        return list(reversed(found.items))

    async def attempts(self, delivery_id: str) -> list[WebhookAttempt]:
        async with self.database.read() as work:
            return (await store.attempts_of(work, [delivery_id]))[delivery_id]


@pytest.fixture
async def house(database: Database, clock: FakeClock) -> AsyncIterator[House]:
    async with Outward(HERE) as outward, receiving() as receiver:
        yield House(database, clock, outward, SecretBox(GivenKeys(new_key())), receiver)
