"""
Pages of webhooks: who is told of what, and the log of what was sent.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urlencode

from aiohttp import web

from bot.core.errors import Invalid, NotFound
from bot.staff.rules import Permission
from bot.web.pages import Visit, page
from bot.web.translations import gettext as _
from bot.web.translations import word
from bot.webhooks import service, store
from bot.webhooks.keys import DESK
from bot.webhooks.rules import CHOICES, MEANINGS, EndpointState, State, shown_url
from bot.webhooks.service import Wish
from bot.webhooks.tables import WebhookDelivery, WebhookEndpoint

ROWS = 50
READ, CHANGE = Permission.WEBHOOKS_READ, Permission.WEBHOOKS_CHANGE
NO_ERRORS: Mapping[str, str] = {}


@page("GET", "/webhooks", permission=READ)
async def show_webhooks(visit: Visit) -> web.StreamResponse:
    """
    List the endpoints and how they do.
    """
    endpoints, waiting = await store.list_endpoints(visit.work), await store.count_open(visit.work)
    return await visit.render("webhooks/list.html", endpoints=endpoints, waiting=waiting, shown_url=shown_url)


@page("GET", "/webhooks/new", permission=CHANGE)
async def show_new(visit: Visit) -> web.StreamResponse:
    """
    Ask what a new endpoint needs.
    """
    return await _new_form(visit, Wish(name="", url="https://", kinds=CHOICES))


@page("POST", "/webhooks", permission=CHANGE)
async def add(visit: Visit) -> web.StreamResponse:
    """
    Add an endpoint and show its secret once.
    """
    wish, desk = _wish(visit), visit.request.app[DESK]
    try:
        endpoint, secret = await service.add_endpoint(visit.work, visit.person, desk.box, desk.outward, wish)
    except Invalid as error:
        return await _new_form(visit, wish, error.fields)
    return await _show(visit, endpoint, secret=secret)


@page("GET", "/webhooks/{id}", permission=READ)
async def show_webhook(visit: Visit) -> web.StreamResponse:
    """
    Show an endpoint and its log.
    """
    return await _show(visit, await store.get_endpoint(visit.work, visit.path["id"]))


@page("GET", "/webhooks/{id}/log", permission=READ)
async def show_log(visit: Visit) -> web.StreamResponse:
    """
    Give the log alone, for live pages.
    """
    endpoint = await store.get_endpoint(visit.work, visit.path["id"])
    return await visit.render("webhooks/_log.html", endpoint=endpoint, **await _log(visit, endpoint.id))


@page("POST", "/webhooks/{id}/change", permission=CHANGE)
async def change(visit: Visit) -> web.StreamResponse:
    """
    Change where an endpoint is and what it gets.
    """
    wish, endpoint_id = _wish(visit), visit.path["id"]
    try:
        endpoint = await service.change_endpoint(
            visit.work, visit.person, visit.request.app[DESK].outward, endpoint_id, wish
        )
    except Invalid as error:
        endpoint = await store.get_endpoint(visit.work, endpoint_id)
        return await _show(visit, endpoint, wish=wish, errors=error.fields)
    return visit.go(f"/webhooks/{endpoint.id}", _("%(name)s is changed.", name=endpoint.name))


@page("POST", "/webhooks/{id}/stop", permission=CHANGE)
async def stop(visit: Visit) -> web.StreamResponse:
    """
    Send nothing more.
    """
    endpoint = await service.stop_endpoint(visit.work, visit.person, visit.path["id"])
    return visit.go(
        f"/webhooks/{endpoint.id}",
        _("%(name)s is stopped. What happens now is not sent later.", name=endpoint.name),
    )


@page("POST", "/webhooks/{id}/start", permission=CHANGE)
async def start(visit: Visit) -> web.StreamResponse:
    """
    Send again.
    """
    endpoint = await service.start_endpoint(visit.work, visit.person, visit.path["id"])
    return visit.go(f"/webhooks/{endpoint.id}", _("%(name)s is told again from now on.", name=endpoint.name))


@page("POST", "/webhooks/{id}/rotate", permission=CHANGE)
async def rotate(visit: Visit) -> web.StreamResponse:
    """
    Make a new secret and show it once.
    """
    desk = visit.request.app[DESK]
    endpoint, secret = await service.rotate_secret(
        visit.work, visit.person, desk.box, visit.path["id"], both_for=desk.both_secrets
    )
    return await _show(visit, endpoint, secret=secret)


@page("POST", "/webhooks/{id}/ping", permission=CHANGE)
async def ping(visit: Visit) -> web.StreamResponse:
    """
    Send something that means nothing.
    """
    await service.ping(visit.work, visit.person, visit.path["id"])
    return visit.go(f"/webhooks/{visit.path['id']}", _("A ping is on its way; see the log."))


@page("POST", "/webhooks/{id}/remove", permission=CHANGE)
async def remove(visit: Visit) -> web.StreamResponse:
    """
    Remove an endpoint with its log.
    """
    name = await service.remove_endpoint(visit.work, visit.person, visit.path["id"])
    return visit.go("/webhooks", _("%(name)s is removed, with its log.", name=name))


@page("GET", "/webhooks/{id}/deliveries/{delivery_id}", permission=READ)
async def show_delivery(visit: Visit) -> web.StreamResponse:
    """
    Show what was sent, and how each attempt went.
    """
    endpoint = await store.get_endpoint(visit.work, visit.path["id"])
    delivery = await store.get_delivery(visit.work, visit.path["delivery_id"])
    if delivery.endpoint_id != endpoint.id:
        raise NotFound("this delivery belongs to another webhook")
    attempts = (await store.attempts_of(visit.work, [delivery.id]))[delivery.id]
    body = json.dumps(json.loads(delivery.body), ensure_ascii=False, indent=2)
    return await visit.render(
        "webhooks/delivery.html", endpoint=endpoint, delivery=delivery, attempts=attempts, body=body
    )


@page("POST", "/webhooks/{id}/deliveries/{delivery_id}/send-again", permission=CHANGE)
async def send_again(visit: Visit) -> web.StreamResponse:
    """
    Send a settled delivery once more.
    """
    endpoint_id, delivery_id = visit.path["id"], visit.path["delivery_id"]
    await service.send_again(visit.work, visit.person, endpoint_id, delivery_id)
    return visit.go(f"/webhooks/{endpoint_id}/deliveries/{delivery_id}", _("It is being sent again."))


def _wish(visit: Visit) -> Wish:
    form = visit.form
    return Wish(
        name=form.get("name", ""),
        url=form.get("url", ""),
        kinds=[kind for kind in CHOICES if form.get(f"kind-{kind}")],
        with_text=bool(form.get("with_text")),
    )


async def _new_form(visit: Visit, wish: Wish, errors: Mapping[str, str] = NO_ERRORS) -> web.StreamResponse:
    return await visit.render(
        "webhooks/new.html", status=422 if errors else 200, wish=wish, errors=errors, kinds=_kinds()
    )


async def _show(
    visit: Visit,
    endpoint: WebhookEndpoint,
    *,
    secret: str = "",
    wish: Wish | None = None,
    errors: Mapping[str, str] = NO_ERRORS,
) -> web.StreamResponse:
    kept = Wish(name=endpoint.name, url=endpoint.url, kinds=endpoint.kinds, with_text=endpoint.with_text)
    return await visit.render(
        "webhooks/show.html",
        status=422 if errors else 200,
        endpoint=endpoint,
        server=shown_url(endpoint.url),
        wish=wish or kept,
        errors=errors,
        kinds=_kinds(),
        secret=secret,
        active=endpoint.state == EndpointState.ACTIVE,
        **await _log(visit, endpoint.id),
    )


async def _log(visit: Visit, endpoint_id: str) -> dict[str, Any]:
    asked, after = visit.query.get("state", ""), visit.query.get("after") or None
    state = State(asked) if asked in set(State) else None
    found = await store.list_deliveries(visit.work, endpoint_id, state=state, limit=ROWS, after=after)
    attempts = await store.attempts_of(visit.work, [one.id for one in found.items])
    base = f"/webhooks/{endpoint_id}"
    return {
        "log": [_row(one, attempts[one.id]) for one in found.items],
        "tabs": [_tab(base, one, state) for one in (None, *State)],
        "log_url": _url(f"{base}/log", state, after),
        "older": _url(base, state, found.after) if found.after else None,
        "newer": _url(base, state, None) if after else None,
    }


def _row(delivery: WebhookDelivery, attempts: Sequence[Any]) -> dict[str, Any]:
    return {"delivery": delivery, "last": attempts[-1] if attempts else None}


def _tab(base: str, one: State | None, current: State | None) -> dict[str, Any]:
    return {"label": word(one.value) if one else _("all"), "url": _url(base, one, None), "current": one is current}


def _url(base: str, state: State | None, after: str | None) -> str:
    asked = {name: value for name, value in (("state", state), ("after", after)) if value}
    return f"{base}?{urlencode(asked)}" if asked else base


def _kinds() -> list[tuple[str, str]]:
    return [(kind.value, MEANINGS[kind]) for kind in CHOICES]
