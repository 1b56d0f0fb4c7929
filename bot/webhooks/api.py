"""
Webhooks over the API: the same verbs as the pages.
"""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from bot.core.errors import NotFound
from bot.core.outward import LONGEST_URL
from bot.staff.rules import Permission, may
from bot.web.operations import Body, Call, Listing, PageQuery, operation
from bot.webhooks import service, store
from bot.webhooks.keys import DESK
from bot.webhooks.rules import LONGEST_NAME, EndpointState, Kind, State, shown_url
from bot.webhooks.service import Wish
from bot.webhooks.tables import WebhookDelivery, WebhookEndpoint

READ, CHANGE = Permission.WEBHOOKS_READ, Permission.WEBHOOKS_CHANGE
TAG = "webhooks"


class WebhookOut(BaseModel):
    """
    An endpoint that is told of what happens, without its secret.
    """

    id: str
    name: str
    url: str = Field(description="without its path for those who may not change it")
    kinds: list[str]
    with_text: bool
    state: EndpointState
    state_reason: str
    failing_since: datetime | None = Field(description="of the first failure after the last success")
    waits_until: datetime | None = Field(description="the receiver asked for a pause")
    old_secret_until: datetime | None = Field(description="until then the secret before this one signs too")
    created_at: datetime
    created_by_name: str


class NewWebhookOut(WebhookOut):
    """
    An endpoint with a secret that was just made.
    """

    secret: str = Field(description="signs what is sent; shown this once")


class WebhookIn(Body):
    """
    What an endpoint should get, and where.
    """

    name: str = Field(max_length=LONGEST_NAME)
    url: str = Field(max_length=LONGEST_URL, description="https://, without a name or password in it")
    kinds: list[Kind] = Field(max_length=20)
    with_text: bool = Field(default=False, description="true: what customers wrote is sent too")


class AttemptOut(BaseModel):
    """
    How one attempt went.
    """

    model_config = ConfigDict(from_attributes=True)

    at: datetime
    status: int | None = Field(description="of the answer; null when there was none")
    reason: str
    answer: str = Field(description="the first kilobyte of the answer")
    duration_ms: int


class DeliveryOut(BaseModel):
    """
    One event on its way to one endpoint.
    """

    id: str
    webhook_id: str = Field(description="the header webhook-id, the same over all attempts")
    kind: str
    subject_id: str
    state: State
    reason: str
    attempts: int
    created_at: datetime
    due_at: datetime = Field(description="next attempt, not before")
    settled_at: datetime | None
    payload: Any
    log: list[AttemptOut]


class DeliveryQuery(PageQuery):
    """
    Which part of the log.
    """

    state: State | None = None


def webhook_out(endpoint: WebhookEndpoint, *, whole: bool) -> dict[str, Any]:
    """
    Show an endpoint.

    Args:
        whole: with the path of its address, which may hold a secret.
    """
    fields = endpoint.model_dump(include=set(WebhookOut.model_fields))
    return fields if whole else {**fields, "url": shown_url(endpoint.url)}


def _out(call: Call, endpoint: WebhookEndpoint) -> WebhookOut:
    return WebhookOut(**webhook_out(endpoint, whole=may(call.actor.role, CHANGE)))


def _delivery_out(delivery: WebhookDelivery, attempts: list[Any]) -> DeliveryOut:
    same = delivery.model_dump(include=set(DeliveryOut.model_fields))
    log = [AttemptOut.model_validate(one) for one in attempts]
    return DeliveryOut(**same, webhook_id=delivery.event_id, payload=json.loads(delivery.body), log=log)


@operation("GET", "/webhooks", permission=READ, tag=TAG)
async def list_webhooks(call: Call) -> Listing[WebhookOut]:
    """
    List all webhooks by name.
    """
    return Listing(items=[_out(call, one) for one in await store.list_endpoints(call.work)])


@operation("POST", "/webhooks", permission=CHANGE, tag=TAG, status=201, shown_once=True)
async def add_webhook(call: Call, body: WebhookIn) -> NewWebhookOut:
    """
    Add a webhook; its secret is in this answer and never again.
    """
    desk, wish = call.request.app[DESK], Wish(**body.model_dump())
    endpoint, secret = await service.add_endpoint(call.work, call.actor, desk.box, desk.outward, wish)
    return NewWebhookOut(**webhook_out(endpoint, whole=True), secret=secret)


@operation("GET", "/webhooks/{id}", permission=READ, tag=TAG)
async def read_webhook(call: Call, id: str) -> WebhookOut:
    """
    Read one webhook.
    """
    return _out(call, await store.get_endpoint(call.work, id))


@operation("PUT", "/webhooks/{id}", permission=CHANGE, tag=TAG)
async def change_webhook(call: Call, id: str, body: WebhookIn) -> WebhookOut:
    """
    Change where a webhook is and what it gets; its secret stays.
    """
    desk, wish = call.request.app[DESK], Wish(**body.model_dump())
    return _out(call, await service.change_endpoint(call.work, call.actor, desk.outward, id, wish))


@operation("DELETE", "/webhooks/{id}", permission=CHANGE, tag=TAG)
async def remove_webhook(call: Call, id: str) -> None:
    """
    Remove a webhook with its log.
    """
    await service.remove_endpoint(call.work, call.actor, id)


@operation("POST", "/webhooks/{id}/stop", permission=CHANGE, tag=TAG)
async def stop_webhook(call: Call, id: str) -> WebhookOut:
    """
    Send nothing more; what happens meanwhile is not sent later.
    """
    return _out(call, await service.stop_endpoint(call.work, call.actor, id))


@operation("POST", "/webhooks/{id}/start", permission=CHANGE, tag=TAG)
async def start_webhook(call: Call, id: str) -> WebhookOut:
    """
    Send again, what still waits first.
    """
    return _out(call, await service.start_endpoint(call.work, call.actor, id))


@operation("POST", "/webhooks/{id}/rotate", permission=CHANGE, tag=TAG, shown_once=True)
async def rotate_webhook_secret(call: Call, id: str) -> NewWebhookOut:
    """
    Make a new secret; for a while what is sent is signed with the one before too.
    """
    desk = call.request.app[DESK]
    endpoint, secret = await service.rotate_secret(call.work, call.actor, desk.box, id, both_for=desk.both_secrets)
    return NewWebhookOut(**webhook_out(endpoint, whole=True), secret=secret)


@operation("POST", "/webhooks/{id}/ping", permission=CHANGE, tag=TAG, status=202)
async def ping_webhook(call: Call, id: str) -> WebhookOut:
    """
    Send something that means nothing, to see that it arrives; how it went is in the log.
    """
    await service.ping(call.work, call.actor, id)
    return _out(call, await store.get_endpoint(call.work, id))


@operation("GET", "/webhooks/{id}/deliveries", permission=READ, tag=TAG)
async def list_webhook_deliveries(call: Call, id: str, query: DeliveryQuery) -> Listing[DeliveryOut]:
    """
    List the log of a webhook, newest first.
    """
    endpoint = await store.get_endpoint(call.work, id)
    found = await store.list_deliveries(
        call.work, endpoint.id, state=query.state, limit=query.limit, after=query.after
    )
    attempts = await store.attempts_of(call.work, [one.id for one in found.items])
    return Listing(items=[_delivery_out(one, attempts[one.id]) for one in found.items], after=found.after)


@operation("GET", "/webhooks/{id}/deliveries/{delivery_id}", permission=READ, tag=TAG)
async def read_webhook_delivery(call: Call, id: str, delivery_id: str) -> DeliveryOut:
    """
    Read one delivery with its attempts.
    """
    delivery = await store.get_delivery(call.work, delivery_id)
    if delivery.endpoint_id != id:
        raise NotFound("this delivery belongs to another webhook")
    return _delivery_out(delivery, (await store.attempts_of(call.work, [delivery.id]))[delivery.id])


@operation("POST", "/webhooks/{id}/deliveries/{delivery_id}/send-again", permission=CHANGE, tag=TAG)
async def send_webhook_delivery_again(call: Call, id: str, delivery_id: str) -> DeliveryOut:
    """
    Send a settled delivery once more, under the same webhook-id.
    """
    delivery = await service.send_again(call.work, call.actor, id, delivery_id)
    return _delivery_out(delivery, (await store.attempts_of(call.work, [delivery.id]))[delivery.id])
