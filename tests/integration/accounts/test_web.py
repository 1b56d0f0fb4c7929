"""
The pages and the API of accounts and the heard ledger, over real HTTP.
"""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

import bot.accounts.api
import bot.accounts.pages
from bot.accounts.connect import CONNECTORS, Connectors
from bot.accounts.ears import EARS
from bot.accounts.service import account_banners, get_account, mark_unauthorized
from bot.accounts.tables import Account
from bot.core.database import Database
from connectors.base import BrokenItem, HeardKind
from tests.fakes.channel import TOKEN, FakeServer
from tests.fakes.clock import START
from tests.fakes.web_app import WebClient, make_client
from tests.integration.accounts.conftest import OPTIONS, Inbox
from tests.integration.accounts.test_hearing import hear, page_of, rows_of

SCRIPT = "<script>alert('你')</script>"
FORM = {"channel": "fake", "name": "shop", "option-server": OPTIONS["server"], "option-token": TOKEN}


@pytest.fixture
async def client(database: Database, connectors: Connectors, inbox: Inbox) -> AsyncIterator[WebClient]:
    async with make_client(
        database,
        pages=[bot.accounts.pages],
        apis=[bot.accounts.api],
        banners=[account_banners],
        extra={CONNECTORS: connectors, EARS: (inbox.hear,)},
    ) as opened:
        yield opened


async def body(client: WebClient, url: str, status: int = 200) -> str:
    answer = await client.get(url)
    text = await answer.text()
    assert answer.status == status, text
    return text


async def test_an_account_is_added_by_a_form_made_from_its_channels_options(
    client: WebClient, database: Database, server: FakeServer
) -> None:
    await client.sign_in("admin")
    assert "No account yet" in await body(client, "/accounts")
    assert "/accounts/new?channel=fake" in await body(client, "/accounts/new")
    form = await body(client, "/accounts/new?channel=fake")
    assert 'name="option-token" type="password"' in form
    assert "Where the server is" in form
    answer = await client.post_form("/accounts/new", {**FORM, "boxes": "option-loud"})
    assert answer.status == 303
    page = await body(client, answer.headers["Location"])
    assert "Be kind" in page
    assert "Not marked as automated." in page
    assert TOKEN not in page
    async with database.read() as work:
        assert (await get_account(work, "shop")).options["loud"] is False


async def test_a_wrong_token_is_said_beside_the_form_and_what_was_typed_is_kept_but_the_token(
    client: WebClient,
) -> None:
    await client.sign_in("admin")
    answer = await client.post_form(
        "/accounts/new", {**FORM, "option-token": "wrong-token-2718", "name": "my-shop"}
    )
    text = await answer.text()
    assert answer.status == 422
    assert "invalid token" in text
    assert 'value="my-shop"' in text
    assert "wrong-token-2718" not in text


async def test_a_wrong_field_is_named_beside_it(client: WebClient) -> None:
    await client.sign_in("admin")
    answer = await client.post_form("/accounts/new", {**FORM, "name": SCRIPT, "option-hear_since": "yesterday"})
    text = await answer.text()
    assert answer.status == 422
    assert 'id="error-name"' in text
    assert SCRIPT not in text
    assert (await client.post_form("/accounts/new", {"channel": "pigeon"})).status == 422


@pytest.mark.parametrize(("role", "status"), [("agent", 403), ("marketer", 403), ("lead", 403), ("admin", 303)])
async def test_only_admins_change_accounts(client: WebClient, account: Account, role: str, status: int) -> None:
    await client.sign_in(role)
    assert (await client.get(f"/accounts/{account.id}")).status == 200
    assert (await client.post_form(f"/accounts/{account.id}/stop")).status == status
    assert (await client.get("/accounts/new")).status == (200 if status == 303 else 403)


async def test_stop_start_check_and_the_banner_for_everybody(
    client: WebClient, database: Database, account: Account, server: FakeServer
) -> None:
    await client.sign_in("admin")
    await client.post_form(f"/accounts/{account.id}/stop", {"reason": SCRIPT})
    page = await body(client, "/accounts")
    assert "stopped" in page
    assert SCRIPT not in page
    await client.post_form(f"/accounts/{account.id}/start")
    answer = await client.post_form(f"/accounts/{account.id}/check")
    assert "The server knows us as @shop." in await body(client, answer.headers["Location"])
    async with database.write() as work:
        await mark_unauthorized(work, account.id, "revoked")
    await client.sign_in("agent")
    page = await body(client, "/accounts")
    assert "@shop: the server refuses our access token" in page
    await client.sign_in("admin")
    server.token = "new-token-1618"
    answer = await client.post_form(
        f"/accounts/{account.id}/options", {"option-server": "x", "option-token": "bad"}
    )
    assert (answer.status, "invalid token" in await answer.text()) == (422, True)
    fields = {"option-server": "https://example.social", "option-token": "new-token-1618"}
    assert (await client.post_form(f"/accounts/{account.id}/options", fields)).status == 303
    assert "refuses our access token" not in await body(client, "/accounts")
    server.token = "another"
    answer = await client.post_form(f"/accounts/{account.id}/check")
    assert "invalid token" in await body(client, answer.headers["Location"])


async def test_the_ledger_shows_numbers_that_add_up_and_payloads_as_text(
    client: WebClient, database: Database, account: Account, server: FakeServer, inbox: Inbox
) -> None:
    inbox.breaks_on = "BOOM"
    server.say(f"BOOM {SCRIPT}", at=START)
    server.say("fine", at=START)
    server.items.append(
        BrokenItem(kind=HeardKind.MESSAGE, remote_id="b", occurred_at=START, raw=SCRIPT, error="no charset")
    )
    await hear(database, account, page_of(server, "3"), [inbox.hear])
    await client.sign_in("lead")
    page = await body(client, "/heard")
    assert "3 heard = 1 routed + 0 ignored + 2 quarantined + 0 duplicate" in page
    assert SCRIPT not in page
    broken, _, unreadable = await rows_of(database)
    only = await body(client, f"/heard?account={account.id}&state=quarantined&kind=mention")
    assert f"/heard/{broken.id}" in only
    assert unreadable.id not in only
    page = await body(client, f"/heard/{broken.id}")
    assert "&lt;script&gt;" in page
    assert "RuntimeError" in page
    inbox.breaks_on = None
    answer = await client.post_form(f"/heard/{broken.id}/retry")
    assert "The item is routed now." in await body(client, answer.headers["Location"])
    answer = await client.post_form(f"/heard/{unreadable.id}/retry")
    assert "could not be read" in await body(client, answer.headers["Location"])
    assert "nothing to retry" in await body(client, f"/heard/{unreadable.id}")


async def test_a_long_ledger_is_paged(
    client: WebClient, database: Database, account: Account, server: FakeServer, inbox: Inbox
) -> None:
    for number in range(120):
        server.say(f"message {number}", at=START)
    await hear(database, account, page_of(server, "120"), [inbox.hear])
    await client.sign_in("lead")
    url, seen = "/heard?state=routed", 0
    for _ in range(3):
        page = await body(client, url)
        seen += page.count('data-label="Kind"')
        if 'rel="next"' in page:
            url = page.split('rel="next"')[0].rsplit('href="', 1)[1].split('"')[0].replace("&amp;", "&")
    assert seen == 120


@pytest.mark.parametrize(
    "url",
    ["/heard?state=nonsense", "/heard?kind=nonsense", "/heard?after=nonsense", "/heard/none", "/accounts/none"],
)
async def test_nonsense_gets_a_clear_answer(client: WebClient, url: str) -> None:
    await client.sign_in("admin")
    assert (await client.get(url)).status in (404, 422)


async def test_the_api_adds_lists_changes_and_stops_accounts(client: WebClient, database: Database) -> None:
    made = await client.api(
        "POST", "/accounts", "admin", json={"channel": "fake", "name": "shop", "options": OPTIONS}
    )
    text = await made.text()
    assert made.status == 201, text
    assert TOKEN not in text
    added = await made.json()
    assert (added["state"], added["checked_at"]) == ("active", None)
    listed = await (await client.api("GET", "/accounts", "agent")).json()
    assert [one["name"] for one in listed["items"]] == ["shop"]
    body = {"options": {"server": "https://other.example"}}
    changed = await (await client.api("PUT", "/accounts/shop/options", "admin", json=body)).json()
    assert changed["options"]["server"] == "https://other.example"
    assert changed["options"]["hear_since"] == added["options"]["hear_since"]
    stopped = await client.api("POST", "/accounts/shop/stop", "admin", json={"reason": "holidays"})
    assert (await stopped.json())["state_reason"] == "holidays"
    assert (await (await client.api("POST", "/accounts/shop/start", "admin")).json())["state"] == "active"
    assert (await client.api("POST", "/accounts/shop/check", "admin")).status == 202
    coverage = await (await client.api("GET", "/accounts/shop/coverage", "agent")).json()
    assert coverage["items"][0]["spans"] == []
    channels = await (await client.api("GET", "/channels", "agent")).json()
    assert [option["kind"] for option in channels["items"][0]["options"]][:2] == ["text", "password"]


@pytest.mark.parametrize(
    "given",
    [
        {"channel": "pigeon", "name": "shop", "options": {}},
        {"channel": "fake", "name": "shop", "options": {"server": 7, "token": {"a": 1}}},
        {"channel": "fake", "name": "shop", "options": [1]},
        {"channel": "fake", "name": "SHOP", "options": OPTIONS},
        {"channel": "fake", "name": "shop", "options": {**OPTIONS, "hear_since": "0001-01-01T00:00:00+14:00"}},
        {"channel": "fake", "name": "shop"},
    ],
)
async def test_the_api_names_what_is_wrong(client: WebClient, given: dict[str, object]) -> None:
    answer = await client.api("POST", "/accounts", "admin", json=given)
    assert answer.status == 422
    assert TOKEN not in await answer.text()


async def test_the_api_reads_and_retries_the_ledger(
    client: WebClient, database: Database, account: Account, server: FakeServer, inbox: Inbox
) -> None:
    inbox.breaks_on = "BOOM"
    server.say("BOOM", at=START)
    await hear(database, account, page_of(server, "1"), [inbox.hear])
    listed = await (await client.api("GET", "/heard?account=shop&state=quarantined", "lead")).json()
    (row,) = listed["items"]
    detail = await (await client.api("GET", f"/heard/{row['id']}", "lead")).json()
    assert detail["raw"] == '{"text": "BOOM"}'
    inbox.breaks_on = None
    assert (await client.api("POST", f"/heard/{row['id']}/retry", "agent")).status == 403
    done = await (await client.api("POST", f"/heard/{row['id']}/retry", "lead")).json()
    assert (done["state"], done["raw"]) == ("routed", None)
    assert (await client.api("POST", f"/heard/{row['id']}/retry", "lead")).status == 409
    counts = await (await client.api("GET", "/heard/counts?account=shop", "lead")).json()
    assert counts == {
        "heard": 1, "routed": 1, "ignored": 0, "quarantined": 0, "duplicate": 0, "adds_up": True,
    }  # fmt: skip
    assert (await client.api("GET", "/heard/counts?account=nobody", "lead")).status == 404
