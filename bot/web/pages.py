"""
HTML handlers: `@page` marks one, `Visit` is what it gets.

A visit is one unit of work: GET reads, everything else writes and is committed before the answer goes out. The
form is read before the unit opens, so that a slow browser holds no transaction.
"""

from __future__ import annotations

import base64
import hmac
import json
import secrets
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from types import ModuleType
from typing import Any, Literal
from urllib.parse import quote

from aiohttp import web

from bot.core.actor import Actor
from bot.core.database import Database, UnitOfWork
from bot.core.errors import Invalid, NotAllowed, NotSignedIn
from bot.core.live import latest_id
from bot.web.gate import SignedIn
from bot.web.keys import CSRF_COOKIE, DATABASE, FLASH_COOKIE, GATE, LANGUAGE_COOKIE, SESSION_COOKIE, SHELL
from bot.web.shell import Banner, Shell
from bot.web.translations import speak

Unit = Literal["auto", "none"]
LANGUAGE_KEPT = 31_536_000
"""Seconds: a year. All other cookies go with the browser."""


@dataclass(slots=True, kw_only=True)
class Visit:
    """
    One request for a page.

    Args:
        path: the named parts of the URL.
        query, form: first value of each field, as text.
        database: for the rare handler that opens its own units (`unit="none"`).
    """

    request: web.Request
    database: Database
    shell: Shell
    signed_in: SignedIn | None
    csrf: str
    live_since: int
    path: Mapping[str, str]
    query: Mapping[str, str]
    form: Mapping[str, str]
    _work: UnitOfWork | None = None
    cookies: dict[str, str | None] = field(default_factory=dict)

    @property
    def work(self) -> UnitOfWork:
        assert self._work is not None, 'a page with unit="none" opens its own units'
        return self._work

    @property
    def person(self) -> Actor:
        """
        Who is asking.

        Raises:
            NotSignedIn: nobody.
        """
        if self.signed_in is None:
            raise NotSignedIn
        return self.signed_in.actor

    async def render(self, template: str, /, status: int = 200, **context: Any) -> web.Response:
        """
        Answer with a page. What every template gets is written in `bot/web/templates/web/layout.html`.
        """
        actor = self.signed_in.actor if self.signed_in else None
        now, banners, unread = self.database.clock.now(), [], 0
        if self._work is not None:
            now = self._work.now
        if self._work is not None and actor and ("/_" not in template or template == BELL):
            banners = await self._banners(actor)
            unread = await self.shell.unread(self._work, actor)
        frame = {
            "person": actor,
            "csrf": self.csrf,
            "presence": self.signed_in.presence if self.signed_in else "",
            "nav": self.shell.nav_for(actor, self.request.path),
            "banners": banners,
            "unread": unread,
            "simulated": self.shell.simulated,
            "now": now,
            "live_since": self.live_since,
            "messages": _read_flash(self.request),
            "may": lambda permission: bool(actor and self.shell.gate.may(actor.role, permission)),
            "path": self.request.path,
            # where a form that changes nothing of the page leads back to; what a POST has shown has no address
            "here": self.request.path_qs if self.request.method == "GET" else "/",
            "status": status,
        }
        # A fragment that a live page fetches in between must not take the word from the page it was meant for.
        if self.request.cookies.get(FLASH_COOKIE) and "/_" not in template:
            self.cookies[FLASH_COOKIE] = None
        text = self.shell.render(template, {**frame, **context})
        return web.Response(text=text, content_type="text/html", status=status)

    async def _banners(self, actor: Actor) -> list[Banner]:
        found = await self.shell.banners(self.work)
        may = self.shell.gate.may
        return [banner for banner in found if not banner.permission or may(actor.role, banner.permission)]

    def go(self, url: str, said: str = "", level: str = "info") -> web.Response:
        """
        Answer a form: go to a page, with a word about what was done.
        """
        if said:
            packed = json.dumps([{"level": level, "text": said[:300]}]).encode()
            self.cookies[FLASH_COOKIE] = base64.urlsafe_b64encode(packed).decode()
        return web.Response(status=303, headers={"Location": _local(url)})

    def set_cookies(self, response: web.StreamResponse) -> None:
        for name, value in self.cookies.items():
            if value is None:
                response.del_cookie(name, path="/")
                continue
            response.set_cookie(
                name,
                value,
                httponly=True,
                samesite="Lax",
                path="/",
                secure=self.shell.secure_cookies,
                max_age=LANGUAGE_KEPT if name == LANGUAGE_COOKIE else None,
            )


BELL = "web/_bell_alone.html"
"""The one fragment that shows something of the frame; no other has one."""
PageHandler = Callable[[Visit], Awaitable[web.StreamResponse]]


@dataclass(frozen=True, slots=True, kw_only=True)
class PageRoute:
    """
    A page, its URL and who may see it (None: everybody, signed in or not).
    """

    method: str
    url: str
    handler: PageHandler
    permission: str | None
    unit: Unit


def page(
    method: str, url: str, *, permission: str | None, unit: Unit = "auto"
) -> Callable[[PageHandler], PageHandler]:
    """
    Mark a coroutine as the handler of a page.

    Args:
        permission: who may; None means everybody.
        unit: `"none"` for the rare handler that opens its own units of work.
    """

    def mark(handler: PageHandler) -> PageHandler:
        route = PageRoute(method=method, url=url, handler=handler, permission=permission, unit=unit)
        vars(handler).setdefault("page_routes", []).append(route)
        return handler

    return mark


def page_routes(module: ModuleType) -> list[PageRoute]:
    """
    List the pages that a module defines, in the order of their definition.
    """
    own = [thing for thing in vars(module).values() if getattr(thing, "__module__", "") == module.__name__]
    return [route for thing in own for route in getattr(thing, "page_routes", ())]


def serve(route: PageRoute) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
    """
    Wrap a page handler with all that is the same for every page.
    """

    async def handle(request: web.Request) -> web.StreamResponse:
        form = await _read_form(request) if request.method != "GET" else {}
        database = request.app[DATABASE]
        opening = database.read() if request.method == "GET" or route.unit == "none" else database.write()
        async with opening as work:
            # Read first: what is committed while the page is made is told to it afterwards.
            live_since = await latest_id(work) if request.method == "GET" else 0
            visit = await _visit(request, work, form, live_since)
            _admit(route, visit)
            if route.unit == "auto":
                visit._work = work
                response = await route.handler(visit)
        if route.unit == "none":
            response = await route.handler(visit)
        if not response.prepared:
            visit.set_cookies(response)
        return response

    return handle


async def _visit(request: web.Request, work: UnitOfWork, form: Mapping[str, str], live_since: int) -> Visit:
    cookie = request.cookies.get(SESSION_COOKIE, "")
    signed_in = await request.app[GATE].session(work, cookie) if cookie else None
    csrf = signed_in.csrf if signed_in else request.cookies.get(CSRF_COOKIE, "")
    if signed_in and signed_in.language:
        speak(signed_in.language)
    visit = Visit(
        request=request,
        database=request.app[DATABASE],
        shell=request.app[SHELL],
        signed_in=signed_in,
        csrf=csrf or secrets.token_urlsafe(24),
        live_since=live_since,
        path=request.match_info,
        query=request.query,
        form=form,
    )
    if not signed_in and not csrf:
        visit.cookies[CSRF_COOKIE] = visit.csrf
    return visit


def _admit(route: PageRoute, visit: Visit) -> None:
    if visit.request.method != "GET":
        said = visit.form.get("csrf") or visit.request.headers.get("X-CSRF-Token") or ""
        if not hmac.compare_digest(said.encode(errors="replace"), visit.csrf.encode(errors="replace")):
            raise NotAllowed("this form is out of date; load the page again and repeat what you did")
    if route.permission is None:
        return
    if not visit.shell.gate.may(visit.person.role, route.permission):
        raise NotAllowed(f"this needs the permission {route.permission!r}; ask an admin")


async def _read_form(request: web.Request) -> dict[str, str]:
    """
    Read a form's fields as text; the last of a repeated name wins, files are refused.
    """
    if request.content_type not in ("application/x-www-form-urlencoded", "multipart/form-data"):
        await request.read()
        return {}
    try:
        fields = await request.post()
    except (ValueError, LookupError) as error:  # broken bytes or boundary, or an unknown charset
        raise Invalid("the form could not be read as UTF-8 text") from error
    if not all(isinstance(value, str) for value in fields.values()):
        raise Invalid("this form takes no files")
    return {name: str(value).replace("\r\n", "\n").replace("\x00", "") for name, value in fields.items()}


def _read_flash(request: web.Request) -> list[dict[str, str]]:
    try:
        said = json.loads(base64.urlsafe_b64decode(request.cookies.get(FLASH_COOKIE, "")) or b"[]")
        return [{"level": str(one["level"]), "text": str(one["text"])} for one in said]
    except (ValueError, KeyError, TypeError, RecursionError):  # the browser sends what it likes
        return []


def _local(url: str) -> str:
    # Never off this site: `//elsewhere` and `https://elsewhere` become the start page.
    return quote(url, safe="/?&=%#:;,+@") if url.startswith("/") and not url.startswith(("//", "/\\")) else "/"
