"""
The verbs of webhooks: announce what happened, and look after the endpoints. Sending itself is `jobs`.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from bot.core.actor import Actor
from bot.core.database import UnitOfWork
from bot.core.errors import Conflict, Invalid
from bot.core.outward import OutwardRules, url_problem
from bot.core.secretbox import SecretBox
from bot.staff.service import audit
from bot.web.shell import Banner
from bot.webhooks import store
from bot.webhooks.rules import (
    MOST_ENDPOINTS,
    SECRET_BYTES,
    EndpointState,
    Kind,
    State,
    kinds_problem,
    name_problem,
    new_secret,
    payload,
    shown_url,
)
from bot.webhooks.tables import WebhookDelivery, WebhookEndpoint

TOPIC = "webhooks"
"""Of live events: wakes the workers and refreshes the pages."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """
    What a person wants of an endpoint.

    Args:
        with_text: what customers wrote is sent too; else only what it is about.
    """

    name: str
    url: str
    kinds: Sequence[str]
    with_text: bool = False


async def kinds_wanted(work: UnitOfWork) -> set[str]:
    """
    Give the kinds that any endpoint asks for, so that nobody gathers what is not wanted.
    """
    return {kind for endpoint in await store.active_endpoints(work) for kind in endpoint.kinds}


async def announce(
    work: UnitOfWork,
    kind: Kind,
    *,
    event_id: str,
    at: datetime,
    subject_id: str,
    data: Mapping[str, Any],
    text: Mapping[str, Any] | None = None,
) -> None:
    """
    Let every endpoint that asks for this kind be told, as soon as this unit is committed.

    Announcing an event again changes nothing.

    Args:
        event_id: becomes the header webhook-id; the same for the same event.
        data: what every endpoint gets: ids, states and instants, JSON as it is.
        text: what customers wrote, for those that ask for it.
    """
    endpoints = [one for one in await store.active_endpoints(work) if kind in one.kinds]
    await _deliver(work, endpoints, kind, event_id, at, subject_id, data, text or {})


async def _deliver(
    work: UnitOfWork,
    endpoints: Sequence[WebhookEndpoint],
    kind: Kind,
    event_id: str,
    at: datetime,
    subject_id: str,
    data: Mapping[str, Any],
    text: Mapping[str, Any],
) -> None:
    if not endpoints:
        return
    rows = [
        {
            "id": work.new_id(),
            "endpoint_id": endpoint.id,
            "event_id": event_id,
            "kind": kind,
            "subject_id": subject_id,
            "body": _body(kind, at, {**data, **text} if endpoint.with_text else data),
            "state": State.WAITING,
            "reason": "",
            "attempts": 0,
            "created_at": work.now,
            "tried_since": work.now,
            "due_at": work.now,
        }
        for endpoint in endpoints
    ]
    if await store.add_deliveries(work, rows):
        work.publish(TOPIC)


def _body(kind: Kind, at: datetime, data: Mapping[str, Any]) -> str:
    return json.dumps(payload(kind, at, data), ensure_ascii=False, separators=(",", ":"))


async def add_endpoint(
    work: UnitOfWork, actor: Actor, box: SecretBox, outward: OutwardRules, wish: Wish
) -> tuple[WebhookEndpoint, str]:
    """
    Add an endpoint. Gives it with its signing secret, which is shown this once.

    Raises:
        Invalid: by field.
        Conflict: there are enough.
    """
    _check(wish, outward)
    if len(await store.list_endpoints(work)) >= MOST_ENDPOINTS:
        raise Conflict(f"there are {MOST_ENDPOINTS} webhooks; remove one that nobody needs")
    secret = new_secret(secrets.token_bytes(SECRET_BYTES))
    endpoint_id = work.new_id()
    values = {
        "id": endpoint_id,
        **_values(wish),
        "state": EndpointState.ACTIVE,
        "state_reason": "",
        "sealed": box.seal({"secret": secret}),
        "created_at": work.now,
        "created_by_name": actor.name,
    }
    if not await store.add_endpoint(work, values):
        raise _taken(wish.name)
    await _done(work, actor, "add", endpoint_id, **_told(wish))
    return await store.get_endpoint(work, endpoint_id), secret


async def change_endpoint(
    work: UnitOfWork, actor: Actor, outward: OutwardRules, endpoint_id: str, wish: Wish
) -> WebhookEndpoint:
    """
    Change where an endpoint is and what it gets; its secret stays.

    Raises:
        Invalid: by field.
    """
    _check(wish, outward)
    await store.get_endpoint(work, endpoint_id, lock=True)
    if await store.name_is_taken(work, wish.name.strip(), besides=endpoint_id):
        raise _taken(wish.name)
    await store.change_endpoint(work, endpoint_id, _values(wish))
    await _done(work, actor, "change", endpoint_id, **_told(wish))
    return await store.get_endpoint(work, endpoint_id, lock=True)


def _check(wish: Wish, outward: OutwardRules) -> None:
    found = {
        "name": name_problem(wish.name),
        "url": url_problem(wish.url.strip(), outward),
        "kinds": kinds_problem(wish.kinds),
    }
    if problems := {name: problem for name, problem in found.items() if problem}:
        raise Invalid(fields=problems)


def _values(wish: Wish) -> dict[str, Any]:
    kinds = list(dict.fromkeys(map(str, wish.kinds)))
    return {"name": wish.name.strip(), "url": wish.url.strip(), "kinds": kinds, "with_text": wish.with_text}


def _told(wish: Wish) -> dict[str, Any]:
    # Paths of webhooks often hold a secret of the receiver's.
    return {"name": wish.name.strip(), "server": shown_url(wish.url), "kinds": list(wish.kinds)}


def _taken(name: str) -> Invalid:
    return Invalid(fields={"name": f"there is another webhook called {name.strip()!r}"})


async def stop_endpoint(work: UnitOfWork, actor: Actor, endpoint_id: str) -> WebhookEndpoint:
    """
    Send nothing more; what waits is kept, what happens meanwhile is not sent later.
    """
    values = {"state": EndpointState.STOPPED, "state_reason": f"stopped by {actor.name}"}
    return await _turn(work, actor, endpoint_id, "stop", values)


async def start_endpoint(work: UnitOfWork, actor: Actor, endpoint_id: str) -> WebhookEndpoint:
    """
    Send again, what still waits first.
    """
    values = {"state": EndpointState.ACTIVE, "state_reason": "", "failing_since": None, "waits_until": None}
    return await _turn(work, actor, endpoint_id, "start", values)


async def _turn(
    work: UnitOfWork, actor: Actor, endpoint_id: str, verb: str, values: Mapping[str, Any]
) -> WebhookEndpoint:
    endpoint = await store.get_endpoint(work, endpoint_id, lock=True)
    await store.change_endpoint(work, endpoint_id, values)
    await _done(work, actor, verb, endpoint_id, name=endpoint.name)
    return await store.get_endpoint(work, endpoint_id, lock=True)


async def rotate_secret(
    work: UnitOfWork, actor: Actor, box: SecretBox, endpoint_id: str, *, both_for: timedelta
) -> tuple[WebhookEndpoint, str]:
    """
    Give an endpoint a new signing secret, which is shown this once.

    Args:
        both_for: how long deliveries are signed with the one before too.
    """
    endpoint = await store.get_endpoint(work, endpoint_id, lock=True)
    secret = new_secret(secrets.token_bytes(SECRET_BYTES))
    sealed = box.seal({"secret": secret, "old": box.open(endpoint.sealed)["secret"]})
    await store.change_endpoint(work, endpoint_id, {"sealed": sealed, "old_secret_until": work.now + both_for})
    await _done(work, actor, "rotate", endpoint_id, name=endpoint.name)
    return await store.get_endpoint(work, endpoint_id, lock=True), secret


async def remove_endpoint(work: UnitOfWork, actor: Actor, endpoint_id: str) -> str:
    """
    Remove an endpoint with its log. Gives its name.
    """
    endpoint = await store.get_endpoint(work, endpoint_id, lock=True)
    await store.remove_endpoint(work, endpoint_id)
    await _done(work, actor, "remove", endpoint_id, name=endpoint.name)
    return endpoint.name


async def ping(work: UnitOfWork, actor: Actor, endpoint_id: str) -> None:
    """
    Send an endpoint something that means nothing, to see that it gets there.

    Raises:
        Conflict: it is stopped.
    """
    endpoint = await store.get_endpoint(work, endpoint_id)
    if endpoint.state != EndpointState.ACTIVE:
        raise Conflict("this webhook is stopped; start it first")
    event_id, data = work.new_id(), {"webhook": {"id": endpoint.id, "name": endpoint.name}, "asked_by": actor.name}
    await _deliver(work, [endpoint], Kind.PING, event_id, work.now, endpoint.id, data, {})
    await audit(work, actor, "webhook.ping", "webhook", endpoint_id)


async def send_again(work: UnitOfWork, actor: Actor, endpoint_id: str, delivery_id: str) -> WebhookDelivery:
    """
    Send a settled delivery once more under the same webhook-id.

    Raises:
        Conflict: it is on its way anyway.
    """
    delivery = await store.get_delivery(work, delivery_id)
    if delivery.endpoint_id != endpoint_id or not await store.begin_anew(work, delivery_id):
        raise Conflict("this delivery is on its way; it is tried again by itself")
    await audit(work, actor, "webhook.send-again", "webhook", endpoint_id, delivery=delivery_id)
    work.publish(TOPIC)
    return await store.get_delivery(work, delivery_id)


async def reseal_all(work: UnitOfWork, box: SecretBox) -> int:
    """
    Seal every secret with the first key that is not; gives how many were not.
    """
    count = 0
    for endpoint in await store.list_endpoints(work):
        sealed = box.rotated(endpoint.sealed)
        if sealed != endpoint.sealed:
            count += await store.reseal(work, endpoint.id, was=endpoint.sealed, sealed=sealed)
    return count


async def webhook_banners(work: UnitOfWork) -> list[Banner]:
    """
    Say on every page which endpoints we had to stop.
    """
    return [
        Banner(
            level="warning",
            text=f"The webhook {endpoint.name} gets nothing more: {endpoint.state_reason}",
            url=f"/webhooks/{endpoint.id}",
            action="Look",
        )
        for endpoint in await store.broken_endpoints(work)
    ]


async def _done(work: UnitOfWork, actor: Actor, verb: str, endpoint_id: str, **detail: Any) -> None:
    await audit(work, actor, f"webhook.{verb}", "webhook", endpoint_id, **detail)
    work.publish(TOPIC)
