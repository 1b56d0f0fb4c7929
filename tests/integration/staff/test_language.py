"""
In which language pages are shown: what the browser asks for, what was chosen in it, what the person chose.
"""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest_asyncio

import bot.staff.api
import bot.staff.entrance_pages
import bot.staff.pages
from bot.core.database import Database
from bot.web.keys import LANGUAGE_COOKIE
from tests.fakes.web_app import WebClient, make_client

CHINESE = {"Accept-Language": "zh-CN,zh;q=0.9"}
EVIL = "//elsewhere.example/"


@pytest_asyncio.fixture
async def client(database: Database) -> AsyncIterator[WebClient]:
    async with make_client(
        database, pages=[bot.staff.entrance_pages, bot.staff.pages], apis=[bot.staff.api]
    ) as made:
        yield made


async def spoken(client: WebClient, url: str = "/sign-in", **more: object) -> str:
    text = await (await client.get(url, **more)).text()
    return text.partition('<html lang="')[2].partition('"')[0]


async def test_who_is_not_signed_in_reads_what_the_browser_asks_for(client: WebClient) -> None:
    assert await spoken(client) == "en"
    assert await spoken(client, headers=CHINESE) == "zh-CN"
    assert "登录" in await (await client.get("/sign-in", headers=CHINESE)).text()


async def test_what_is_chosen_before_signing_in_counts_more_than_the_browser(client: WebClient) -> None:
    answer = await client.post_form("/language", {"language": "en", "next": "/sign-in"}, headers=CHINESE)
    assert (answer.status, answer.headers["Location"]) == (303, "/sign-in")
    assert client.cookie(LANGUAGE_COOKIE) == "en"
    assert await spoken(client, headers=CHINESE) == "en"
    await client.post_form("/language", {"language": "", "next": "/sign-in"})
    assert await spoken(client, headers=CHINESE) == "zh-CN"


async def test_the_choice_of_a_person_goes_with_them_and_counts_most(client: WebClient) -> None:
    await client.sign_in("agent")
    assert await spoken(client, "/me") == "en"
    await client.post_form("/language", {"language": "zh", "next": "/me"})
    client.http.session.cookie_jar.clear(lambda cookie: cookie.key == LANGUAGE_COOKIE)
    assert await spoken(client, "/me") == "zh-CN"
    client.set_cookie(LANGUAGE_COOKIE, "en")
    assert await spoken(client, "/me") == "zh-CN"
    # refused inside the page: the person is known by then
    assert await spoken(client, "/staff") == "zh-CN"
    await client.sign_in("agent", "Somebody else")
    assert await spoken(client, "/me") == "en"


async def test_a_language_that_does_not_exist_is_refused(client: WebClient) -> None:
    await client.sign_in("agent")
    assert (await client.post_form("/language", {"language": "tlh"})).status == 422
    client.set_cookie(LANGUAGE_COOKIE, "tlh")
    assert await spoken(client, "/me") == "en"


async def test_choosing_a_language_leads_nowhere_else(client: WebClient) -> None:
    answer = await client.post_form("/language", {"language": "zh", "next": EVIL})
    assert answer.headers["Location"] == "/"
    assert (await client.post_form("/language", {"language": "zh"}, csrf="wrong")).status == 403


async def test_programs_are_spoken_to_in_english(client: WebClient) -> None:
    client.set_cookie(LANGUAGE_COOKIE, "zh")
    answer = await client.api("GET", "/staff", "agent", headers=CHINESE)
    assert (await answer.json())["title"] == "Your role does not allow that."
