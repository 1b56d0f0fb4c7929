"""
The worker of webhooks: takes what is due, sends it, and writes down what came of it.

A delivery is taken in one unit of work and written down in another, with the network between them. A worker that
dies in between leaves a lease that runs out; then another sends it again under the same webhook-id. So a delivery
arrives at least once, and a receiver that remembers webhook-ids takes it once.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Sequence
from datetime import timedelta
from functools import partial

import structlog

from bot.core.database import Database, UnitOfWork
from bot.core.live import LiveEvents
from bot.core.outward import Outward
from bot.core.rounds import Rounds
from bot.core.scheduler import Scheduler
from bot.core.secretbox import SecretBox
from bot.settings import WebhookSettings
from bot.webhooks import store
from bot.webhooks.rules import EndpointState, Next, State, after_attempt
from bot.webhooks.sending import Result, attempt, secrets_of
from bot.webhooks.service import TOPIC
from bot.webhooks.tables import WebhookAttempt, WebhookDelivery, WebhookEndpoint

log = structlog.get_logger(__name__)

AT_ONCE = 8
"""Deliveries that are on their way to one endpoint at a time; a slow one delays nobody but itself."""
LEASE_MARGIN = timedelta(seconds=30)
PRUNE_EVERY = timedelta(minutes=10)


class WebhookWorker:
    """
    Sends for one process. Used as an async context manager around the life of the daemon.

    Args:
        holder: names this process in leases.
    """

    def __init__(
        self,
        database: Database,
        live: LiveEvents,
        outward: Outward,
        box: SecretBox,
        settings: WebhookSettings,
        holder: str,
    ) -> None:
        self._database = database
        self._outward = outward
        self._box = box
        self._settings = settings
        self._lease = settings.timeout + LEASE_MARGIN
        self._holder = holder
        self._busy: dict[str, asyncio.Task[None]] = {}
        self._rounds = Rounds("webhooks", database, live, frozenset({TOPIC}), self.round, action="webhooks.failed")

    async def __aenter__(self) -> WebhookWorker:
        await self._rounds.__aenter__()
        return self

    async def __aexit__(self, *_: object) -> None:
        """
        Take nothing new; let what is being sent come to its end.
        """
        await self._rounds.__aexit__()
        await self.finish()

    async def finish(self) -> None:
        """
        Wait for what is being sent; an attempt ends before its lease does.
        """
        if self._busy:
            await asyncio.wait(self._busy.values(), timeout=self._lease.total_seconds())

    async def round(self) -> None:
        """
        Start on every endpoint that has something due; each is worked on by itself.
        """
        async with self._database.read() as work:
            found = await store.endpoints_with_work(work)
        for endpoint_id in found:
            if endpoint_id not in self._busy:
                task = asyncio.create_task(self._drain(endpoint_id), name=f"webhook-{endpoint_id}")
                self._busy[endpoint_id] = task
                task.add_done_callback(partial(self._done, endpoint_id))

    def _done(self, endpoint_id: str, _: asyncio.Task[None]) -> None:
        self._busy.pop(endpoint_id, None)

    async def _drain(self, endpoint_id: str) -> None:
        try:
            while not self._rounds.stopping and await self._send_some(endpoint_id):
                pass
        except Exception:
            log.exception("a webhook stopped; it goes on later", action="webhooks.endpoint", id=endpoint_id)

    async def _send_some(self, endpoint_id: str) -> bool:
        """
        Send the endpoint's next deliveries side by side; False when there are none.
        """
        async with self._database.write(patient=True) as work:
            taken = await store.take_due(work, endpoint_id, holder=self._holder, lease=self._lease, limit=AT_ONCE)
            if not taken:
                return False
            endpoint = await store.get_endpoint(work, endpoint_id)
            secrets = secrets_of(endpoint, self._box, work.now)
        results = await asyncio.gather(*(self._attempt(endpoint.url, secrets, one) for one in taken))
        async with self._database.write(patient=True) as work:
            endpoint = await store.get_endpoint(work, endpoint_id, lock=True)
            for delivery, result in zip(taken, results, strict=True):
                await self._note(work, endpoint, delivery, result)
            work.publish(TOPIC)
        return True

    async def _attempt(self, url: str, secrets: Sequence[str], delivery: WebhookDelivery) -> Result:
        seconds = self._settings.timeout.total_seconds()
        return await attempt(self._outward, url, secrets, delivery, clock=self._database.clock, seconds=seconds)

    async def _note(
        self, work: UnitOfWork, endpoint: WebhookEndpoint, delivery: WebhookDelivery, result: Result
    ) -> None:
        """
        Write down what came of an attempt, and what it says about the endpoint.
        """
        then = after_attempt(
            result.said,
            now=work.now,
            first_at=delivery.tried_since,
            attempts=delivery.attempts,
            give_up_after=self._settings.give_up_after,
            chance=random.random(),
        )
        values = {
            "reason": then.reason,
            "due_at": then.due_at,
            "settled_at": None if then.state is State.WAITING else work.now,
        }
        await store.settle(work, delivery.id, then.state, values, holder=self._holder)
        work.session.add(_attempt_row(work, delivery, result, then))
        _judge(work, endpoint, then, self._settings.give_up_after)


def _attempt_row(work: UnitOfWork, delivery: WebhookDelivery, result: Result, then: Next) -> WebhookAttempt:
    return WebhookAttempt(
        id=work.new_id(),
        delivery_id=delivery.id,
        at=result.at,
        status=result.said.status,
        reason=then.reason,
        answer=result.answer,
        duration_ms=int(result.duration / timedelta(milliseconds=1)),
    )


def _judge(work: UnitOfWork, endpoint: WebhookEndpoint, then: Next, give_up_after: timedelta) -> None:
    """
    Note how the endpoint does: failing since when, asked for a pause, or not to be sent to any more.
    """
    if then.state is State.DELIVERED:
        endpoint.failing_since = endpoint.waits_until = None
        return
    endpoint.failing_since = endpoint.failing_since or work.now
    if then.endpoint_waits_until is not None:
        endpoint.waits_until = then.endpoint_waits_until
    if endpoint.state != EndpointState.ACTIVE:
        return
    if then.gone or work.now - endpoint.failing_since >= give_up_after:
        days = give_up_after / timedelta(days=1)
        reason = "it answered 410 Gone" if then.gone else f"nothing arrived for {days:g} days; {then.reason}"
        endpoint.state, endpoint.state_reason = EndpointState.BROKEN, reason
        log.warning("webhook stopped", action="webhooks.broken", id=endpoint.id, reason=reason)


def schedule(scheduler: Scheduler, database: Database, settings: WebhookSettings) -> None:
    """
    Forget old rows of the log, a few at a time.
    """

    async def prune() -> None:
        gone = store.PRUNED_AT_ONCE
        while gone >= store.PRUNED_AT_ONCE:
            async with database.write(patient=True) as work:
                gone = await store.prune(work, work.now - settings.keep)

    scheduler.every("webhooks.prune", PRUNE_EVERY, prune)
