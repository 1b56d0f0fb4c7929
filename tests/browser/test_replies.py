"""
The composer with saved replies, macros and alike requests in Chromium: by keyboard alone, and on a phone.
"""

from __future__ import annotations

import asyncio
import re
import shutil
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from playwright.async_api import Browser, Page, expect

import bot.inbox.pages
import bot.inbox.writing_pages
import bot.replies.acknowledgement_pages
import bot.replies.alike_pages
import bot.replies.macro_pages
import bot.replies.pages
from bot.core.database import open_database
from bot.inbox.keys import PROMISE as PROMISE_KEY
from bot.inbox.reactions import Reaction, Reactions
from bot.replies import service
from bot.replies.gathering import GATHERED_KINDS, gather
from bot.replies.macros import create_macro
from bot.replies.rules import Action, ActionKind, MacroWish
from bot.replies.suggestions import MEMORY, Memory
from bot.web.keys import SESSION_COOKIE
from connectors.base import Author
from tests.browser.chromium import PHONE, findings, launched, opened, picture, scrolls_sideways
from tests.fakes.clock import FakeClock
from tests.fakes.web_app import WebClient, make_client
from tests.integration.inbox.house import PROMISE, House

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]
PAGES = (
    bot.inbox.pages,
    bot.inbox.writing_pages,
    bot.replies.pages,
    bot.replies.macro_pages,
    bot.replies.alike_pages,
    bot.replies.acknowledgement_pages,
)
MARA = Author(key="https://far.example/users/mara", handle="mara@far.example", name="Mara Lindt")
TEXT = "Please cancel my order 48110, I ordered the wrong size"
STRAY = ("/live", "404", "ERR_")
"""Addresses of other features, which are not served here."""


@dataclass
class Desk:
    """
    A served house, a browser, and the conversations that wait.
    """

    client: WebClient
    browser: Browser
    asked: list[str]

    def url(self, path: str) -> str:
        return str(self.client.http.make_url(path))

    async def sign_in(self, page: Page) -> None:
        value = self.client.cookie(SESSION_COOKIE)
        await page.context.add_cookies([{"name": SESSION_COOKIE, "value": value, "url": self.url("/")}])


@pytest.fixture
async def desk(sqlite_template: Path, tmp_path: Path) -> AsyncIterator[Desk]:
    shutil.copy(sqlite_template, tmp_path / "hubbub.db")
    database = open_database(f"sqlite+aiosqlite:///{tmp_path / 'hubbub.db'}", FakeClock())
    house = await House(database).build()
    async with database.write() as work:
        lea = house.people["lea"]
        await service.import_library(work, lea)
        actions = (Action(kind=ActionKind.REPLY, value="Hi {{ contact.name }}, cancelled."),)
        await create_macro(work, lea, MacroWish(name="Cancel and close", actions=actions))
    asked = [await house.asked(TEXT, MARA)]
    for number in range(2):
        author = Author(
            key=f"https://far.example/users/{number}", handle=f"k{number}@far.example", name=f"Kit {number}"
        )
        asked.append(await house.asked(TEXT.replace("48110", f"5{number}222"), author))
    reaction = Reaction(name="alike", kinds=GATHERED_KINDS, act=gather)
    await Reactions(database, None, [reaction]).round()  # type: ignore[arg-type]
    extra: dict[web.AppKey[Any], object] = {PROMISE_KEY: PROMISE, MEMORY: Memory()}
    async with launched() as browser, make_client(database, pages=PAGES, extra=extra) as client:
        await client.sign_in("lead", "Lea Voss")
        yield Desk(client, browser, asked)
    await database.close()


async def test_a_reply_is_found_by_slash_and_sent_by_keyboard_and_the_rest_together(desk: Desk) -> None:
    async with opened(desk.browser, desk.url("/sign-in"), expected=STRAY) as page:
        await desk.sign_in(page)
        await page.goto(desk.url(f"/conversations/{desk.asked[0]}"))
        await expect(page.locator("[data-saved-replies]")).to_be_visible()
        await page.keyboard.press("r")
        await page.keyboard.type("/can")
        search = page.get_by_role("combobox", name="Search saved replies")
        await expect(search).to_be_focused()
        await expect(page.locator("#saved-replies-list").get_by_role("option", selected=True)).to_contain_text(
            "/cancel"
        )
        active = await search.get_attribute("aria-activedescendant")
        assert active == await page.locator("#saved-replies-list").get_by_role(
            "option", selected=True
        ).get_attribute("id")
        assert await findings(page) == []
        await picture(page, "replies-slash")
        await page.keyboard.press("Enter")
        field = page.locator("#reply-text")
        await expect(field).to_be_focused()
        await expect(field).to_have_value(re.compile(r"^Hi Mara, you can cancel [^\n]*\n\nLea$"))
        await page.keyboard.press("Control+Enter")
        await expect(page.locator(".entry.is-outbound")).to_contain_text("Hi Mara, you can cancel")
        await page.goto(desk.url("/alike"))
        await page.get_by_role("link", name="Please cancel my order").click()
        await picture(page, "alike-group")
        assert await findings(page) == []
        await page.get_by_label("One text").fill('Hi {{ contact.first_name | "there" }}, done.')
        await page.get_by_role("button", name="Send and resolve").click()
        await expect(page.get_by_role("heading", name="Being answered")).to_be_visible()
        await picture(page, "alike-answered")


async def test_escape_leaves_the_slash_and_the_focus_where_they_were(desk: Desk) -> None:
    async with opened(desk.browser, desk.url("/sign-in"), expected=STRAY) as page:
        await desk.sign_in(page)
        await page.goto(desk.url(f"/conversations/{desk.asked[0]}"))
        await expect(page.locator("[data-saved-replies]")).to_be_visible()
        field = page.locator("#reply-text")
        await field.click()
        await page.keyboard.type("either/or\n/")
        await expect(page.locator("#saved-replies-search")).to_be_focused()
        await page.keyboard.press("Escape")
        await expect(field).to_be_focused()
        await expect(field).to_have_value("either/or\n/")
        await page.locator("body").click(position={"x": 700, "y": 5})
        await page.keyboard.press("m")
        await page.keyboard.press("Enter")
        await expect(page.get_by_label("Your reply")).to_have_value("Hi Mara Lindt, cancelled.")
        assert await findings(page) == []
        await picture(page, "macro-run")


async def test_pages_fit_a_phone_and_work_without_scripts(desk: Desk) -> None:
    async with opened(
        desk.browser, desk.url("/sign-in"), expected=STRAY, viewport=PHONE, java_script_enabled=False
    ) as page:
        await desk.sign_in(page)
        await page.goto(desk.url(f"/conversations/{desk.asked[0]}"))
        await page.get_by_role("link", name="Saved replies, macros, suggestions").click()
        await page.get_by_role("button", name="Use it").first.click()
        await page.get_by_role("button", name="Send reply").click()
        assert page.url.endswith(desk.asked[0])
    async with opened(
        desk.browser, desk.url("/sign-in"), expected=STRAY, viewport=PHONE, color_scheme="dark"
    ) as page:
        await desk.sign_in(page)
        paths = ("/saved-replies", "/saved-replies/new", "/macros", "/macros/new", "/alike", "/acknowledgements")
        for path in (*paths, f"/conversations/{desk.asked[1]}"):
            await page.goto(desk.url(path))
            await asyncio.sleep(0.2)
            assert not await scrolls_sideways(page), path
            assert await findings(page) == [], path
            await picture(page, "phone-" + path.strip("/").replace("/", "-")[:30])
        await page.locator("[data-key=m]").click()
        await expect(page.get_by_role("link", name="Cancel and close")).to_be_focused()
        menu = await page.locator(".menu-up .menu-body").bounding_box()
        assert menu
        assert menu["x"] >= 0
        assert menu["x"] + menu["width"] <= PHONE["width"]
        await picture(page, "phone-macros")
