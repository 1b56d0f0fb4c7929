"""
Every door of the whole daemon, as `bot.app` puts it together, tried by every role; a table by hand says who may.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest

import bot.web.live
from bot.accounts.connect import CONNECTORS, Connectors
from bot.accounts.ears import EARS
from bot.app import HOURS_USED_BY, desk_of, ears_of, outward_rules, promise_of, receipts_of, registry
from bot.contacts.keys import PANELS
from bot.core.database import Database
from bot.core.outward import Outward
from bot.core.scheduler import Scheduler
from bot.core.secretbox import open_secret_box
from bot.feedback.keys import BASE_URL
from bot.hours.jobs import FEEDS, Feeds
from bot.hours.keys import HOURS_USERS
from bot.inbox.history_pages import history_panel
from bot.inbox.keys import PROMISE
from bot.inbox.team import skill_choices
from bot.outbox.keys import RECEIPTS
from bot.replies.suggestions import MEMORY, Memory
from bot.reports.foretelling import Seer
from bot.reports.keys import SEER
from bot.served import APIS, PAGES
from bot.settings import Settings
from bot.staff.presence_pages import PRESENCE, SKILL_CHOICES
from bot.staff.rules import Role
from bot.surveys.keys import BOX
from bot.web.keys import OUTWARD
from bot.web.operations import operations
from bot.web.pages import page_routes
from bot.webhooks.keys import DESK
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
    ("POST", "/language", NO_SIGN_IN),
    ("GET|POST", "/s/.*", NO_SIGN_IN),  # customers answer a survey
    ("GET", "/(live|queue.*|me|set-up|api|api/v1/me)", EVERYBODY),
    ("GET|POST", "/notifications(/.*)?", EVERYBODY),
    ("POST", "/(sign-out|me/password)", EVERYBODY),
    ("POST", "/queue/next", ANSWERS),
    ("POST", "/queue/views/.*", EVERYBODY),
    ("GET|POST|PATCH|DELETE", "/api/v1/(views(/.*)?|queue/counts)", EVERYBODY),
    ("GET", "(/api/v1)?/(search|tags.*|colleagues/options|moments|spam)", EVERYBODY),
    ("GET", "/bulk/new", ANSWERS),
    ("GET", "(/api/v1)?/(bulk|alike)(/.*)?", EVERYBODY),
    ("POST", "(/api/v1)?/(bulk|alike|rearrangements)(/.*)?", ANSWERS),
    ("POST|DELETE", "(/api/v1)?/conversations/{id}/here", EVERYBODY),  # who looks on is shown, whoever it is
    ("GET", "(/api/v1)?/(drafts|conversations/{id}/drafts)", ANSWERS),
    ("GET", "(/api/v1)?/conversations/{id}/(helps|merge|split|suggestions|saved-replies.*|macros/.*)", ANSWERS),
    ("GET", "(/api/v1)?/(conversations|contacts|outbox)(/.*)?", EVERYBODY),
    ("POST|PUT|DELETE", "(/api/v1)?/(conversations|contacts)/.*", ANSWERS),
    ("POST", "(/api/v1)?/outbox/.*", LEADS),
    ("POST", "(/api/v1)?/saved-replies/library", LEADS),
    ("GET|POST|PUT|DELETE", "(/api/v1)?/(saved-replies|macros)(/.*)?", ANSWERS),
    ("GET|POST|PUT", "(/api/v1/accounts/{id}/acknowledgement|/acknowledgements.*)", LEADS),
    ("POST", "(/presence(/beat)?|/api/v1/me/presence)", ANSWERS),
    ("GET", "/api/v1/agents", ANSWERS),
    ("POST", "(/staff/{staff_id}|/api/v1/agents/{id})/skills", LEADS),
    ("GET", "(/api/v1)?/team(/list)?", LEADS),
    ("GET", "/(policies|hours|rules)/new", LEADS),
    ("GET", "/(policies/{id}|rules/{rule_id})", LEADS),
    ("GET", "(/api/v1)?/policies.*", ANSWERS),
    ("GET", "(/api/v1)?/(hours|rules)(/.*)?", EVERYBODY),
    ("POST|PUT|DELETE", "(/api/v1)?/(policies|hours|rules)(/.*)?", LEADS),
    ("GET|POST|PUT|DELETE", "(/api/v1)?/feedback(/.*)?", NOT_AGENTS),
    ("POST|PUT", "(/api/v1)?/surveys/options/.*", LEADS),
    ("GET", "(/api/v1)?/surveys(/.*)?", NOT_AGENTS),
    ("GET", "(/api/v1)?/reports.*", LEADS),
    ("GET", "/webhooks/new", ADMINS),
    ("GET", "(/api/v1)?/webhooks(/.*)?", LEADS),
    ("POST|PUT|DELETE", "(/api/v1)?/webhooks(/.*)?", ADMINS),
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
    box = open_secret_box(None, tmp_path / "secret.key")
    async with (
        aiohttp.ClientSession() as session,
        Outward(outward_rules(settings)) as outward,
        Scheduler(database.clock) as scheduler,
    ):
        extra: dict[Any, object] = {
            CONNECTORS: Connectors(registry(), box, session),
            EARS: ears_of(settings),
            RECEIPTS: receipts_of(settings),
            MEMORY: Memory(),
            PROMISE: promise_of(settings),
            PANELS: (history_panel,),
            PRESENCE: settings.presence,
            SKILL_CHOICES: skill_choices,
            OUTWARD: outward,
            FEEDS: Feeds(database, outward, scheduler),
            DESK: desk_of(settings, box),
            HOURS_USERS: HOURS_USED_BY,
            BOX: box,
            BASE_URL: "http://127.0.0.1",
            SEER: Seer(database, settings.queue.first_response),
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
            assert answer.status in (200, 404, 422) or answer.headers["Location"] == "/", (method, url)
        elif method == "GET":
            assert (answer.status, answer.headers["Location"][:14]) == (303, "/sign-in?next="), url
        else:
            assert answer.status in (401, 403), (method, url)
    for method, url in API_DOORS:
        answer = await client.api(method, filled(url).removeprefix("/api/v1"), None)
        assert answer.status == 401, (method, url)
