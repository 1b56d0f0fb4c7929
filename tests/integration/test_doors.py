"""
Every door of the whole daemon, as `bot.app` puts it together, tried by every role; a table by hand says who may.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path
from typing import Any

import aiohttp
import pytest

import bot.web.live
from bot.accounts.connect import CONNECTORS, Connectors
from bot.accounts.ears import EARS
from bot.app import promise_of, receipts_of, registry
from bot.core.database import Database
from bot.core.secretbox import open_secret_box
from bot.inbox import hearing
from bot.inbox.keys import PROMISE
from bot.outbox.keys import RECEIPTS
from bot.served import APIS, PAGES
from bot.settings import Settings
from bot.staff.rules import Role
from bot.web.operations import operations
from bot.web.pages import page_routes
from tests.fakes.web_app import WebClient, make_client

EVERYBODY, ANSWERS, LEADS, ADMINS = (
    set(Role),
    {Role.AGENT, Role.LEAD, Role.ADMIN},
    {Role.LEAD, Role.ADMIN},
    {Role.ADMIN},
)
NOT_AGENTS = {Role.LEAD, Role.MARKETER, Role.ADMIN}
NO_SIGN_IN = None

TABLE = (
    ("GET|POST", "/sign-in.*", NO_SIGN_IN),
    ("GET", "/(live|queue.*|me|api|api/v1/me)", EVERYBODY),
    ("POST", "/(sign-out|me/password)", EVERYBODY),
    ("GET", "(/api/v1)?/(conversations|contacts|outbox)(/.*)?", EVERYBODY),
    ("POST", "(/api/v1)?/conversations/.*", ANSWERS),
    ("POST", "(/api/v1)?/outbox/.*", LEADS),
    ("GET", "/accounts/new", ADMINS),
    ("GET", "(/api/v1)?/(accounts|channels)(/.*)?", EVERYBODY),
    ("POST|PUT", "(/api/v1)?/accounts(/.*)?", ADMINS),
    ("GET", "(/api/v1)?/heard(/.*)?", NOT_AGENTS),
    ("POST", "(/api/v1)?/heard/.*", LEADS),
    ("GET", "(/api/v1)?/(staff(/.*)?|audit)", LEADS),
    ("POST", "(/api/v1)?/staff(/.*)?", ADMINS),
    ("GET|POST", "(/api/v1)?/tokens(/.*)?", ADMINS),
)
"""Method, address, and for whom it is; the first that fits counts."""

PAGE_DOORS = [(route.method, route.url) for module in (bot.web.live, *PAGES) for route in page_routes(module)]
API_DOORS = [(op.method, op.url) for module in APIS for op in operations(module)]


def for_whom(method: str, url: str) -> set[Role] | None:
    for methods, address, roles in TABLE:
        if re.fullmatch(methods, method) and re.fullmatch(address, url):
            return roles
    raise AssertionError(f"nobody has said for whom {method} {url} is")


def filled(url: str) -> str:
    return re.sub("{.*?}", "nothing", url)


@pytest.fixture
async def client(database: Database, tmp_path: Path) -> AsyncIterator[WebClient]:
    settings = Settings(data_dir=tmp_path)
    promise = promise_of(settings)
    async with aiohttp.ClientSession() as session:
        extra: dict[Any, object] = {
            CONNECTORS: Connectors(registry(), open_secret_box(None, tmp_path / "secret.key"), session),
            EARS: (partial(hearing.hear, promise=promise),),
            RECEIPTS: receipts_of(settings),
            PROMISE: promise,
        }
        async with make_client(database, pages=PAGES, apis=APIS, extra=extra) as made:
            yield made


def test_every_line_of_the_table_is_needed() -> None:
    for method, url in (*PAGE_DOORS, *API_DOORS):
        for_whom(method, url)
    for methods, address, _ in TABLE:
        assert any(
            re.fullmatch(methods, method) and re.fullmatch(address, url)
            for method, url in (*PAGE_DOORS, *API_DOORS)
        ), address


@pytest.mark.parametrize("role", list(Role))
async def test_a_role_passes_its_own_doors_only(client: WebClient, role: Role) -> None:
    await client.sign_in(role)
    # signing out comes last, it ends the walk
    for method, url in sorted(PAGE_DOORS, key=lambda door: door[1] == "/sign-out"):
        allowed = for_whom(method, url)
        if allowed is NO_SIGN_IN:
            continue
        answer = await (client.get(filled(url)) if method == "GET" else client.post_form(filled(url)))
        where = f"{role} {method} {url}: {answer.status}"
        assert answer.status < 500, where
        assert (answer.status == 403) == (role not in allowed), where
        assert not answer.headers.get("Location", "").startswith("/sign-in?"), where
    for method, url in API_DOORS:
        path = filled(url).removeprefix("/api/v1")
        answer = await client.api(method, path, role, json=None if method == "GET" else {})
        where = f"{role} {method} {url}: {answer.status}"
        assert answer.status < 500, where
        assert answer.status != 401, where
        assert (answer.status == 403) == (role not in (for_whom(method, url) or set())), where


async def test_nobody_passes_without_signing_in(client: WebClient) -> None:
    for method, url in PAGE_DOORS:
        answer = await (client.get(filled(url)) if method == "GET" else client.post_form(filled(url)))
        if for_whom(method, url) is NO_SIGN_IN:
            assert answer.status in (200, 404, 422), (method, url)
        elif method == "GET":
            assert (answer.status, answer.headers["Location"][:14]) == (303, "/sign-in?next="), url
        else:
            assert answer.status in (401, 403), (method, url)
    for method, url in API_DOORS:
        answer = await client.api(method, filled(url).removeprefix("/api/v1"), None)
        assert answer.status == 401, (method, url)
