"""
The playground as one thing to start and stop: an HTTP server on loopback around a world.
"""

from __future__ import annotations

import asyncio
import contextlib
import secrets
import socket
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from datetime import datetime
from types import TracebackType
from typing import Any, Self

from aiohttp import web
from aiohttp.typedefs import Handler

from connectors.playground import api, api_statuses, control, pages, streaming
from connectors.playground.asking import NOT_FOUND, PAGING, SPENT, ApiError, bearer, charge
from connectors.playground.crowd import Crowd, live
from connectors.playground.entities import FILE_LIMIT_BYTES, Entities
from connectors.playground.facts import facts
from connectors.playground.faults import FAULTS, Faults, misbehave
from connectors.playground.founding import found
from connectors.playground.meter import nearest
from connectors.playground.rules import Rules
from connectors.playground.shelf import NotThere
from connectors.playground.site import SITE, Site
from connectors.playground.streaming import HUB, Streams
from connectors.playground.values import Person, Post, Token
from connectors.playground.world import World

HOST = "127.0.0.1"
SHUTDOWN_SECONDS = 1.0

SCOPES = frozenset({"read", "write", "follow"})
"""What the tokens of brands may do, unless others are asked for."""


@web.middleware
async def explain(request: web.Request, handler: Handler) -> web.StreamResponse:
    """
    Turn refusals into the JSON of a real server, and add the headers of the nearest rate limit.
    """
    try:
        answer = await handler(request)
    except ApiError as error:
        answer = web.json_response({"error": error.message}, status=error.status)
    except NotThere:
        answer = web.json_response({"error": NOT_FOUND}, status=404)
    except web.HTTPException as error:
        if error.status < 400 or not request.path.startswith(("/api/", "/playground/")):
            raise
        answer = web.json_response({"error": error.reason}, status=error.status)
    spent = nearest(request.get(SPENT, ()))
    if spent is not None and not answer.prepared:
        answer.headers.update(spent.headers)
    return answer


@web.middleware
async def limit(request: web.Request, handler: Handler) -> web.StreamResponse:
    """
    Count API calls against the limits that hold for all of them.
    """
    if request.path.startswith("/api/"):
        limits = request.app[SITE].world.rules.limits
        if bearer(request):
            charge(request, "calls", limits.calls)
        else:
            charge(request, "strangers", limits.strangers)
        if any(name in request.query for name in PAGING):
            charge(request, "paged", limits.paged)
    return await handler(request)


def make_app(site: Site, faults: Faults, crowd: Crowd, control_token: str) -> web.Application:
    """
    Put the server together around a world.
    """
    app = web.Application(middlewares=[misbehave, explain, limit], client_max_size=2 * FILE_LIMIT_BYTES)
    app[SITE], app[FAULTS], app[HUB] = site, faults, Streams(site)
    app[control.CONTROL] = control.ControlToken(control_token)
    app[control.CROWD] = crowd
    for part in (api, api_statuses, streaming, control, pages):
        app.add_routes(part.ROUTES)
    return app


class Playground:
    """
    The running server, an async context manager. Everything is in memory and gone when it ends.

    Args:
        now: gives the present instant, aware UTC.
        port: 0 takes any free one.
        people: how many simulated people there are from the beginning.
        rate: how many deeds a minute they do unasked; 0: they only react to the brands.
        pace: factor on the time they take to react.
        brands: names of accounts that get a token each; the first one's is also `token`.
        first_notification: number notifications from here instead of by time.
        sleep: how the crowd waits, in seconds.
    """

    def __init__(
        self,
        *,
        now: Callable[[], datetime],
        seed: int = 1,
        port: int = 0,
        people: int = 0,
        rate: float = 0.0,
        pace: float = 1.0,
        day_curve: bool = False,
        brands: tuple[str, ...] = ("tidepool", "lumentea", "brightpixel"),
        rules: Rules | None = None,
        first_notification: int | None = None,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self.now = now
        self.faults = Faults(seed)
        self.brands = brands
        self.tokens = {brand: secrets.token_urlsafe(24) for brand in brands}
        self.control_token = secrets.token_urlsafe(24)
        self._seed, self._port, self._people, self._rate, self._pace = seed, port, people, rate, pace
        self._day_curve = day_curve
        self._rules = rules or Rules()
        self._first_notification = first_notification
        self._sleep = sleep
        self._open = AsyncExitStack()

    world: World
    """What is so in the network; tests may read it and use its verbs. There from the moment of entering."""
    crowd: Crowd
    site: Site
    url: str
    """Scheme and authority, without a slash at the end."""

    @property
    def token(self) -> str:
        return self.tokens[self.brands[0]]

    async def __aenter__(self) -> Self:
        listening = socket.create_server((HOST, self._port))
        self.url = f"http://{HOST}:{listening.getsockname()[1]}"
        self._found(self.url.removeprefix("http://"))
        app = make_app(self.site, self.faults, self.crowd, self.control_token)
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=SHUTDOWN_SECONDS)
        await runner.setup()
        self._open.push_async_callback(runner.cleanup)
        self._open.callback(app[HUB].drop_all)
        self._open.callback(self.site.closing.set)
        await web.SockSite(runner, listening).start()
        living = asyncio.create_task(live(self.crowd, now=self.now, sleep=self._sleep))
        self._open.push_async_callback(_ended, living)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._open.aclose()

    def say(self, acct: str, text: str, *, to: str = "", **more: Any) -> Post:
        """
        Write as somebody; `more` are the further arguments of `World.write`.
        """
        who = control.somebody(self.world, acct, now=self.now())
        return control.say_as(self.world, who, text, to=to, now=self.now(), **more)

    def person(self, acct: str, **about: Any) -> Person:
        """
        Give an account by name; makes it, with these fields of `Person`, when there is none.
        """
        return control.somebody(self.world, acct, now=self.now(), **about)

    def facts(self) -> dict[str, Any]:
        """
        Tell the truth, as GET /playground/facts does.
        """
        return facts(self.world)

    def _found(self, domain: str) -> None:
        now = self.now()
        self.world = World(domain=domain, rules=self._rules, first_notification=self._first_notification)
        found(self.world, seed=self._seed, brands=self.brands, people=self._people, now=now)
        for brand, token in self.tokens.items():
            owner = self.world.find_person(brand)
            if owner is not None:
                self.world.tokens[token] = Token(owner=owner.id, scopes=SCOPES)
        self.crowd = Crowd(
            self.world, seed=self._seed, rate=self._rate, now=now, pace=self._pace, day_curve=self._day_curve
        )
        self.site = Site(world=self.world, entities=Entities(self.world, self.url), now=self.now)


async def _ended(task: asyncio.Task[None]) -> None:
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task
