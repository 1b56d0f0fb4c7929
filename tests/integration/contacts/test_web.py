"""
The pages and the API of contacts, over real HTTP.
"""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

import bot.contacts.api
import bot.contacts.pages
from bot.contacts.service import meet
from bot.core.database import Database
from connectors.base import Author
from tests.fakes.web_app import WebClient, make_client

SCRIPT = "<script>alert(1)</script>"


@pytest.fixture
async def client(database: Database) -> AsyncIterator[WebClient]:
    async with make_client(database, pages=[bot.contacts.pages], apis=[bot.contacts.api]) as opened:
        yield opened


async def test_contacts_are_listed_searched_and_shown(client: WebClient, database: Database) -> None:
    await client.sign_in("agent")
    assert "Nobody yet" in await (await client.get("/contacts")).text()
    async with database.write() as work:
        lily = Author(
            key="k1", handle="lily@far.example", name="百合" + SCRIPT, url="javascript:alert(1)", followers=7
        )
        contact_id = (await meet(work, "mastodon", lily)).contact_id
        for number in range(60):
            await meet(work, "email", Author(key=f"m{number}", handle=f"reed{number}@far.example"))
    page = await (await client.get("/contacts")).text()
    assert page.count('data-label="Handles"') == 50
    assert 'rel="next"' in page
    page = await (await client.get("/contacts?search=LILY")).text()
    assert page.count('data-label="Handles"') == 1
    assert SCRIPT not in page
    assert "Nobody of that name" in await (await client.get("/contacts?search=%25%27--")).text()
    page = await (await client.get(f"/contacts/{contact_id}")).text()
    assert f"/queue?contact={contact_id}" in page
    assert "javascript:" not in page
    assert (await client.get("/contacts/none")).status == 404


async def test_the_api_lists_and_reads_contacts(client: WebClient, database: Database) -> None:
    async with database.write() as work:
        for number in range(5):
            await meet(work, "mastodon", Author(key=f"k{number}", handle=f"reed{number}@far.example"))
    first = await (await client.api("GET", "/contacts?search=reed&limit=3", "agent")).json()
    rest = await (await client.api("GET", f"/contacts?search=reed&limit=3&after={first['after']}", "agent")).json()
    handles = [one["identities"][0]["handle"] for one in first["items"] + rest["items"]]
    assert handles == [f"reed{number}@far.example" for number in range(4, -1, -1)]
    one = await (await client.api("GET", f"/contacts/{first['items'][0]['id']}", "agent")).json()
    assert one["name"] == "reed4@far.example"
    assert (await client.api("GET", "/contacts/none", "agent")).status == 404
    assert (await client.api("GET", "/contacts?limit=0", "agent")).status == 422
