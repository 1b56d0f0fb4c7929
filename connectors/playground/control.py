"""
The control paths under /playground/: faults, rules, the truth, and acting as somebody of the crowd.

They ask for a token of their own, made at start, and never misbehave.
"""

from __future__ import annotations

import hmac
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from aiohttp import web

from connectors.limits import parse_instant
from connectors.playground.asking import BAD_TOKEN, ApiError, bearer, clean, read_object
from connectors.playground.crowd import Crowd
from connectors.playground.entities import reaches
from connectors.playground.facts import facts
from connectors.playground.faults import FAULTS, BadFault, fault_from
from connectors.playground.rules import BadRule, changed
from connectors.playground.site import SITE
from connectors.playground.streaming import HUB
from connectors.playground.values import Person, Post, PostId
from connectors.playground.world import World

FASTEST_CROWD = 10_000
AGE_OF_STRANGERS = timedelta(days=400)
"""How old an account is that a test makes up by speaking as it: not new to any policy."""


@dataclass(frozen=True, slots=True)
class ControlToken:
    """
    The credential of the control paths.
    """

    text: str = field(repr=False)


CONTROL = web.AppKey("control", ControlToken)
CROWD = web.AppKey("crowd", Crowd)


async def list_faults(request: web.Request) -> web.Response:
    """
    Say what is switched on and how often it struck.
    """
    _check(request)
    return web.json_response(request.app[FAULTS].listing())


async def arm_faults(request: web.Request) -> web.Response:
    """
    Switch on one fault, or several given as `faults`.
    """
    _check(request)
    body = await read_object(request)
    several = body.get("faults", [body])
    try:
        new = [fault_from(each) for each in several]
    except (BadFault, TypeError) as error:
        raise ApiError(422, str(error)) from error
    for each in new:
        request.app[FAULTS].add(each)
    return web.json_response(request.app[FAULTS].listing())


async def clear_faults(request: web.Request) -> web.Response:
    """
    Switch all faults off.
    """
    _check(request)
    request.app[FAULTS].clear()
    return web.json_response([])


async def change_rules(request: web.Request) -> web.Response:
    """
    Change rules of the server, as `connectors.playground.rules.changed` reads them.
    """
    _check(request)
    world = request.app[SITE].world
    try:
        world.rules = changed(world.rules, await read_object(request))
    except BadRule as error:
        raise ApiError(422, str(error)) from error
    return web.json_response({})


async def change_crowd(request: web.Request) -> web.Response:
    """
    Set how many deeds a minute the crowd does unasked: `rate`.
    """
    _check(request)
    rate = (await read_object(request)).get("rate")
    if isinstance(rate, bool) or not isinstance(rate, int | float) or not 0 <= rate <= FASTEST_CROWD:
        raise ApiError(422, f"rate: expected deeds a minute, from 0 to {FASTEST_CROWD}")
    request.app[CROWD].set_rate(float(rate), now=request.app[SITE].now())
    return web.json_response({"rate": rate, "done": request.app[CROWD].done})


async def show_facts(request: web.Request) -> web.Response:
    """
    Tell the truth.
    """
    _check(request)
    return web.json_response(facts(request.app[SITE].world))


async def say(request: web.Request) -> web.Response:
    """
    Write as somebody: `as`, `text`, and if wanted `to` (a mention is put in front when missing), `in_reply_to`,
    `visibility`, `spoiler_text`, `language`, `written_at`, `html`.
    """
    _check(request)
    site, body = request.app[SITE], await read_object(request)
    reach = reaches(_text(body, "visibility") or "public")
    if reach is None:
        raise ApiError(422, "visibility: no such value")
    written_at = parse_instant(_text(body, "written_at"))
    post = say_as(
        site.world,
        somebody(site.world, _text(body, "as"), now=site.now()),
        _text(body, "text"),
        to=_text(body, "to"),
        now=site.now(),
        parent=PostId(_number(body, "in_reply_to")) if body.get("in_reply_to") else None,
        reach=reach,
        spoiler_text=_text(body, "spoiler_text"),
        sensitive=bool(_text(body, "spoiler_text")),
        language=_text(body, "language") or None,
        html=_text(body, "html") or None,
        **({"written_at": written_at} if written_at else {}),
    )
    return web.json_response({"id": str(post.id), "status": site.entities.post(post, post.author)})


async def repost(request: web.Request) -> web.Response:
    """
    Pass the status `id` on as `as`.
    """
    _check(request)
    site, body = request.app[SITE], await read_object(request)
    who = somebody(site.world, _text(body, "as"), now=site.now())
    wrapper = site.world.repost(who.id, PostId(_number(body, "id")), now=site.now())
    return web.json_response({"id": str(wrapper.id)})


async def favourite(request: web.Request) -> web.Response:
    """
    Favour the status `id` as `as`.
    """
    _check(request)
    site, body = request.app[SITE], await read_object(request)
    who = somebody(site.world, _text(body, "as"), now=site.now())
    site.world.like(who.id, PostId(_number(body, "id")), now=site.now())
    return web.json_response({})


async def follow(request: web.Request) -> web.Response:
    """
    Follow the account `whom` as `as`.
    """
    _check(request)
    site, body = request.app[SITE], await read_object(request)
    whom = site.world.find_person(_text(body, "whom"))
    if whom is None:
        raise ApiError(404, "whom: nobody of that name")
    who = somebody(site.world, _text(body, "as"), now=site.now())
    site.world.follow(who.id, whom.id, now=site.now())
    return web.json_response({})


async def delete(request: web.Request) -> web.Response:
    """
    Delete the status `id`, whoever wrote it.
    """
    _check(request)
    world, body = request.app[SITE].world, await read_object(request)
    world.delete(world.get_post(PostId(_number(body, "id"))).id)
    return web.json_response({})


async def drop_streams(request: web.Request) -> web.Response:
    """
    End every streaming connection.
    """
    _check(request)
    return web.json_response({"dropped": request.app[HUB].drop_all()})


def somebody(world: World, acct: str, *, now: datetime, **about: Any) -> Person:
    """
    Give the account of that name; makes it when there is none.
    """
    name = acct.strip().lstrip("@")
    if not name:
        raise ApiError(422, "as: expected the name of an account")
    about.setdefault("created_at", now - AGE_OF_STRANGERS)
    about.setdefault("name", name.partition("@")[0])
    return world.find_person(name) or world.join(name, now=now, **about)


def say_as(world: World, who: Person, text: str, *, to: str, **more: Any) -> Post:
    """
    Write as somebody, with a mention of `to` in front unless the text has one.
    """
    if to and f"@{to.lower()}" not in text.lower():
        text = f"@{to} {text}"
    return world.write(who.id, text, **more)


def _check(request: web.Request) -> None:
    if not hmac.compare_digest(bearer(request).encode(), request.app[CONTROL].text.encode()):
        raise ApiError(401, BAD_TOKEN)


def _text(body: dict[str, Any], name: str) -> str:
    value = body.get(name, "")
    if not isinstance(value, str):
        raise ApiError(422, f"{name}: expected text")
    return clean(value)


def _number(body: dict[str, Any], name: str) -> int:
    value = str(body.get(name, ""))
    if not (value.isascii() and value.isdigit() and len(value) <= 19):
        raise ApiError(422, f"{name}: expected an id")
    return int(value)


ROUTES = (
    web.get("/playground/faults", list_faults),
    web.post("/playground/faults", arm_faults),
    web.delete("/playground/faults", clear_faults),
    web.post("/playground/rules", change_rules),
    web.post("/playground/crowd", change_crowd),
    web.get("/playground/facts", show_facts),
    web.post("/playground/say", say),
    web.post("/playground/repost", repost),
    web.post("/playground/favourite", favourite),
    web.post("/playground/follow", follow),
    web.post("/playground/delete", delete),
    web.post("/playground/streams/drop", drop_streams),
)
