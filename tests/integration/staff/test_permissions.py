"""
Who may do what, walked through page by page and operation by operation, for every feature there is.
"""

from __future__ import annotations

from collections.abc import Iterator
from importlib import import_module
from pkgutil import iter_modules
from types import ModuleType

import pytest

import bot.web.api_docs
import bot.web.live
import bot.web.set_up
from bot.core.database import Database
from bot.staff.rules import Permission, Role, may
from bot.web.operations import Operation, operations
from bot.web.pages import PageRoute, page_routes
from tests.fakes.web_app import WebClient, make_client

FEATURES = (
    "staff",
    "accounts",
    "contacts",
    "outbox",
    "hours",
    "automation",
    "inbox",
    "replies",
    "webhooks",
    "surveys",
    "reports",
    "feedback",
)

A, L, M, ADMIN = Role.AGENT, Role.LEAD, Role.MARKETER, Role.ADMIN
EVERYBODY = {A, L, M, ADMIN}
STAFF_TABLE = {
    ("POST", "/sign-out"): EVERYBODY,
    ("GET", "/me"): EVERYBODY,
    ("POST", "/me/password"): EVERYBODY,
    ("GET", "/staff"): {L, ADMIN},
    ("POST", "/staff"): {ADMIN},
    ("GET", "/staff/{staff_id}"): {L, ADMIN},
    ("POST", "/staff/{staff_id}/role"): {ADMIN},
    ("GET", "/team"): {L, ADMIN},
    ("GET", "/team/list"): {L, ADMIN},
    ("POST", "/presence"): {A, L, ADMIN},
    ("POST", "/presence/beat"): {A, L, ADMIN},
    ("POST", "/staff/{staff_id}/skills"): {L, ADMIN},
    ("POST", "/staff/{staff_id}/disable"): {ADMIN},
    ("POST", "/staff/{staff_id}/enable"): {ADMIN},
    ("POST", "/staff/{staff_id}/password"): {ADMIN},
    ("POST", "/staff/{staff_id}/link"): {ADMIN},
    ("GET", "/tokens"): {ADMIN},
    ("POST", "/tokens"): {ADMIN},
    ("POST", "/tokens/{token_id}/revoke"): {ADMIN},
    ("GET", "/audit"): {L, ADMIN},
    ("GET", "/api/v1/me"): EVERYBODY,
    ("POST", "/api/v1/me/presence"): {A, L, ADMIN},
    ("GET", "/api/v1/agents"): {A, L, ADMIN},
    ("POST", "/api/v1/agents/{id}/skills"): {L, ADMIN},
    ("GET", "/api/v1/staff"): {L, ADMIN},
    ("POST", "/api/v1/staff"): {ADMIN},
    ("GET", "/api/v1/staff/{staff_id}"): {L, ADMIN},
    ("POST", "/api/v1/staff/{staff_id}/role"): {ADMIN},
    ("POST", "/api/v1/staff/{staff_id}/link"): {ADMIN},
    ("GET", "/api/v1/staff/{staff_id}/notifications"): {L, ADMIN},
    ("POST", "/api/v1/staff/{staff_id}/notifications/read"): {ADMIN},
    ("GET", "/api/v1/team"): {L, ADMIN},
    ("POST", "/api/v1/staff/{staff_id}/disable"): {ADMIN},
    ("POST", "/api/v1/staff/{staff_id}/enable"): {ADMIN},
    ("GET", "/api/v1/tokens"): {ADMIN},
    ("POST", "/api/v1/tokens"): {ADMIN},
    ("POST", "/api/v1/tokens/{token_id}/revoke"): {ADMIN},
    ("GET", "/api/v1/audit"): {L, ADMIN},
}
"""Written by hand, so that a route with the wrong permission is noticed."""

OPEN_TO_ALL = {
    ("GET", "/sign-in"),
    ("POST", "/sign-in"),
    ("GET", "/sign-in/{link}"),
    ("POST", "/sign-in/{link}"),
    ("POST", "/language"),
    ("GET", "/s/{token}"),
    ("POST", "/s/{token}"),
}


def _modules(room: str) -> Iterator[ModuleType]:
    """
    Give the modules of a room, also those of its concepts (`pages.py`, `tag_pages.py`).
    """
    for feature in FEATURES:
        folder = import_module(f"bot.{feature}").__path__
        for found in iter_modules(folder):
            if found.name == room or found.name.endswith(f"_{room}"):
                yield import_module(f"bot.{feature}.{found.name}")


PAGES = [*_modules("pages")]
APIS = [*_modules("api")]
SHELL_PAGES = [bot.web.api_docs, bot.web.set_up]
ROUTES: list[PageRoute] = [
    route for module in [bot.web.live, *SHELL_PAGES, *PAGES] for route in page_routes(module)
]
OPERATIONS: list[Operation] = [op for module in APIS for op in operations(module)]


def _filled(url: str) -> str:
    return "/".join("nothing" if part.startswith("{") else part for part in url.split("/"))


async def _ask(client: WebClient, route: PageRoute) -> tuple[int, str]:
    url = _filled(route.url)
    answer = await (client.get(url) if route.method == "GET" else client.post_form(url))
    answer.close()
    return answer.status, answer.headers.get("Location", "")


def test_every_route_asks_for_a_permission_that_exists() -> None:
    asked = [(route.method, route.url, route.permission) for route in ROUTES]
    asked += [(op.method, op.url, op.permission) for op in OPERATIONS]
    assert {(method, url) for method, url, permission in asked if permission is None} == OPEN_TO_ALL
    assert {permission for _, _, permission in asked if permission is not None} <= set(Permission)


def test_staff_routes_are_for_whom_they_should_be() -> None:
    asked = [(route.method, route.url, route.permission) for route in ROUTES]
    asked += [(op.method, op.url, op.permission) for op in OPERATIONS]
    found = {
        (method, url): {role for role in Role if may(role, permission)}
        for method, url, permission in asked
        if (method, url) in STAFF_TABLE and permission is not None
    }
    assert found == STAFF_TABLE


@pytest.mark.parametrize("role", list(Role))
async def test_pages_are_open_to_those_who_may_and_to_nobody_else(database: Database, role: Role) -> None:
    async with make_client(database, pages=[*SHELL_PAGES, *PAGES]) as client:
        await client.sign_in(role)
        # signing out comes last, it ends the walk
        for route in sorted(ROUTES, key=lambda route: route.url == "/sign-out"):
            if route.permission is None:
                continue
            status, location = await _ask(client, route)
            where = f"{role} {route.method} {route.url}: {status}"
            assert (status == 403) == (not may(role, route.permission)), where
            assert status != 401, where
            assert not location.startswith("/sign-in?"), where


async def test_nobody_sees_a_page_without_signing_in(database: Database) -> None:
    async with make_client(database, pages=[*SHELL_PAGES, *PAGES]) as client:
        for route in ROUTES:
            if route.permission is None:
                continue
            status, location = await _ask(client, route)
            if route.method == "GET":
                assert status == 303, route.url
                assert location.startswith("/sign-in?next=%2F"), route.url
            else:
                assert status == 401, route.url


@pytest.mark.parametrize("role", list(Role))
async def test_operations_are_open_to_those_who_may_and_to_nobody_else(database: Database, role: Role) -> None:
    async with make_client(database, apis=APIS) as client:
        for op in OPERATIONS:
            path = _filled(op.url).removeprefix("/api/v1")
            answer = await client.api(op.method, path, role)
            where = f"{role} {op.method} {op.url}: {answer.status}"
            assert (answer.status == 403) == (not may(role, op.permission)), where
            assert answer.status != 401, where


async def test_operations_need_a_token(database: Database) -> None:
    async with make_client(database, apis=APIS) as client:
        for op in OPERATIONS:
            path = _filled(op.url).removeprefix("/api/v1")
            answer = await client.api(op.method, path, None)
            assert answer.status == 401, op.url
            assert answer.headers["WWW-Authenticate"].startswith("Bearer"), op.url


async def test_a_session_is_no_key_to_the_api(database: Database) -> None:
    async with make_client(database, apis=APIS) as client:
        await client.sign_in("admin")
        assert (await client.api("GET", "/staff", None)).status == 401


@pytest.mark.parametrize("csrf", ["", "wrong", "é\x00"])
async def test_every_form_needs_its_csrf_token(database: Database, csrf: str) -> None:
    async with make_client(database, pages=[*SHELL_PAGES, *PAGES]) as client:
        for signed_in in (False, True):
            if signed_in:
                await client.sign_in("admin")
            for route in ROUTES:
                if route.method != "GET":
                    answer = await client.post_form(_filled(route.url), csrf=csrf)
                    assert answer.status == 403, route.url


async def test_the_csrf_token_of_somebody_else_does_not_help(database: Database) -> None:
    async with make_client(database, pages=PAGES) as client:
        await client.sign_in("admin")
        foreign = client.csrf
        await client.sign_in("admin")
        assert (await client.post_form("/tokens", {"name": "x", "role": "agent"}, csrf=foreign)).status == 403
        assert (await client.post_form("/tokens", {"name": "x", "role": "agent"})).status == 200
