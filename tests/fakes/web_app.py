"""
The pages and operations of some features over real HTTP, with the real shell and the real gate:

    async with make_client(database, pages=[bot.inbox.pages], apis=[bot.inbox.api]) as client:
        await client.sign_in("agent")                        # a person with a session, without hashing
        page = await client.get("/queue")                    # an aiohttp response; redirects are not followed
        await client.post_form("/conversations/1/claim", {"note": "hello"})     # the csrf field is added
        answer = await client.api("POST", "/contacts", "lead", json={"name": "周慧"})   # with a token of that role
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

from aiohttp import ClientResponse, CookieJar, web
from aiohttp.test_utils import TestClient, TestServer
from multidict import CIMultiDict

from bot.core.actor import HUBBUB, Actor
from bot.core.database import Database
from bot.core.live import LiveEvents
from bot.settings import SessionSettings, SignInSettings
from bot.staff.gate import StaffGate
from bot.staff.notices import unread_count
from bot.staff.service import add_staff, create_token
from bot.staff.sign_in import ENTRANCE, Entrance, make_sign_in_link
from bot.web.application import NOTHING, build_application
from bot.web.assets import AssetMissing, Assets
from bot.web.keys import CSRF_COOKIE, SESSION_COOKIE
from bot.web.shell import BannerSource, NavEntry, Shell

MAX_BODY = 2_000_000


class PatientAssets(Assets):
    """
    The real static files; one that was not built yet has an address that answers 404.
    """

    def url(self, name: str) -> str:
        try:
            return super().url(name)
        except AssetMissing:
            return f"/static/{name}"


@dataclass(eq=False)
class WebClient:
    """
    A browser and an API client in one.
    """

    http: TestClient[web.Request, web.Application]
    database: Database
    live: LiveEvents
    gate: StaffGate
    entrance: Entrance
    shell: Shell
    person: Actor | None = None
    csrf: str = ""
    _tokens: dict[str, str] = field(default_factory=dict)

    async def sign_in(self, role: str, name: str = "") -> Actor:
        """
        Become somebody of this role, new every time.
        """
        async with self.database.write() as work:
            count = work.new_id()[-8:]
            staff = await add_staff(
                work, HUBBUB, login=f"{role}-{count}", name=name or f"{role.title()} {count}", role=role
            )
            link = await make_sign_in_link(work, HUBBUB, staff.id)
        session = await self.entrance.sign_in_by_link(link)
        self.set_cookie(SESSION_COOKIE, session.cookie)
        self.person, self.csrf = staff.actor(), session.csrf
        return self.person

    def sign_out(self) -> None:
        """
        Forget all cookies; the session on the server lives on.
        """
        self.http.session.cookie_jar.clear()
        self.person, self.csrf = None, ""

    def set_cookie(self, name: str, value: str) -> None:
        self.http.session.cookie_jar.update_cookies({name: value}, self.http.make_url("/"))

    def cookie(self, name: str) -> str:
        """
        Read a cookie of this browser; empty when it has none.
        """
        found = self.http.session.cookie_jar.filter_cookies(self.http.make_url("/")).get(name)
        return found.value if found else ""

    async def token(self, role: str) -> str:
        """
        Give the secret of an API token of this role, the same for each role.
        """
        if role not in self._tokens:
            async with self.database.write() as work:
                _, self._tokens[role] = await create_token(work, HUBBUB, name=f"{role} token", role=role)
        return self._tokens[role]

    async def get(self, url: str, **more: Any) -> ClientResponse:
        return await self.http.get(url, allow_redirects=False, **more)

    async def post_form(
        self, url: str, fields: Mapping[str, str] | None = None, *, csrf: str | None = None, **more: Any
    ) -> ClientResponse:
        """
        Send a form as this browser, with its csrf token (or another, to see it refused).
        """
        if csrf is None:
            csrf = self.csrf or await self._anonymous_csrf()
        return await self.http.post(url, data={**(fields or {}), "csrf": csrf}, allow_redirects=False, **more)

    async def _anonymous_csrf(self) -> str:
        if not self.cookie(CSRF_COOKIE):
            self.set_cookie(CSRF_COOKIE, "csrf-of-nobody")
        return self.cookie(CSRF_COOKIE)

    async def api(self, method: str, path: str, role: str | None, *, key: str = "", **more: Any) -> ClientResponse:
        """
        Call the API below /api/v1 with a token of a role (None: without).

        Args:
            key: for the Idempotency-Key header.
        """
        headers = CIMultiDict(more.pop("headers", {}))
        if role is not None:
            headers["Authorization"] = f"Bearer {await self.token(role)}"
        if key:
            headers["Idempotency-Key"] = key
        return await self.http.request(method, f"/api/v1{path}", headers=headers, **more)


@asynccontextmanager
async def make_client(
    database: Database,
    *,
    pages: Sequence[ModuleType] = (),
    apis: Sequence[ModuleType] = (),
    packages: Sequence[str] = (),
    nav: Sequence[NavEntry] = (),
    banners: Sequence[BannerSource] = (),
    extra: Mapping[web.AppKey[Any], object] = NOTHING,
    max_body: int = MAX_BODY,
    sessions: SessionSettings | None = None,
    tries: SignInSettings | None = None,
) -> AsyncIterator[WebClient]:
    """
    Serve these modules on loopback and give a client of them; everything is closed at the end.

    Args:
        packages: more packages that hold a `templates` folder; those of the pages are found by themselves.
    """
    found = [_package(module) for module in pages]
    templates = dict.fromkeys(["bot.web", *packages, *(name for name in found if name)])
    async with LiveEvents(database) as live, StaffGate(database, sessions or SessionSettings()) as gate:
        entrance = Entrance(
            database=database, sessions=sessions or SessionSettings(), tries=tries or SignInSettings()
        )
        shell = Shell(
            assets=PatientAssets(),
            gate=gate,
            packages=list(templates),
            nav=nav,
            banner_sources=banners,
            bell=unread_count,
        )
        app = build_application(
            database, live, shell, gate, pages, apis, max_body=max_body, extra={ENTRANCE: entrance, **extra}
        )
        async with TestClient(TestServer(app, host="127.0.0.1"), cookie_jar=CookieJar(unsafe=True)) as http:
            yield WebClient(http, database, live, gate, entrance, shell)


def _package(module: ModuleType) -> str:
    # bot.inbox.pages -> bot.inbox, if it brings templates; a test's own module brings none
    name = module.__name__.rpartition(".")[0]
    if not name.startswith("bot."):
        return ""
    folders = [Path(location) / "templates" for location in import_module(name).__path__]
    return name if any(folder.is_dir() for folder in folders) else ""
