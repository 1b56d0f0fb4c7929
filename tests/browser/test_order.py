"""
Order in the house in Chromium, on the real pages over a real database: by keyboard, on a phone, two at once.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import pytest
import pytest_asyncio
from aiohttp import web as web_server
from playwright.async_api import Browser, Page, expect

from bot.contacts.keys import PANELS
from bot.core.database import Database
from bot.inbox.history_pages import history_panel
from bot.inbox.keys import PROMISE as PROMISE_KEY
from bot.replies.suggestions import MEMORY, Memory
from bot.served import APIS, PAGES, TEMPLATE_PACKAGES
from bot.settings import PresenceSettings
from bot.staff.presence_pages import PRESENCE
from bot.web.keys import SESSION_COOKIE
from connectors.base import Visibility
from tests.browser.chromium import PHONE, findings, launched, opened, picture, scrolls_sideways
from tests.fakes.clock import FakeClock
from tests.fakes.web_app import WebClient, make_client
from tests.integration.inbox.house import PROMISE, House

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="function"), pytest.mark.timeout(300)]


@pytest_asyncio.fixture(loop_scope="function")
async def browser() -> AsyncIterator[Browser]:
    async with launched() as started:
        yield started


@pytest_asyncio.fixture(loop_scope="function")
async def house(database: Database) -> House:
    return await House(database).build()


@pytest_asyncio.fixture(loop_scope="function")
async def web(house: House) -> AsyncIterator[WebClient]:
    extra: dict[web_server.AppKey[Any], object] = {
        PROMISE_KEY: PROMISE,
        PANELS: (history_panel,),
        PRESENCE: PresenceSettings(),
        MEMORY: Memory(),
    }
    async with make_client(
        house.database, pages=PAGES, apis=APIS, packages=TEMPLATE_PACKAGES, extra=extra
    ) as client:
        yield client


@asynccontextmanager
async def seen_by(
    browser: Browser, web: WebClient, path: str, name: str, role: str = "agent", **options: Any
) -> AsyncIterator[Page]:
    """
    Open a page as somebody new.
    """
    await web.sign_in(role, name)
    cookie = web.cookie(SESSION_COOKIE)
    async with opened(browser, str(web.http.make_url("/sign-in")), **options) as page:
        await page.context.add_cookies(
            [{"name": SESSION_COOKIE, "value": cookie, "url": str(web.http.make_url("/"))}]
        )
        await page.goto(str(web.http.make_url(path)))
        yield page


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_tag_snooze_and_merge_by_keyboard(browser: Browser, web: WebClient, house: House) -> None:
    public = await house.asked("Where is order 7?")
    private = await house.asked("My address is Elm Street 1", visibility=Visibility.DIRECT)
    async with seen_by(browser, web, f"/conversations/{public}", "Ana Souza", timezone_id="Asia/Shanghai") as page:
        await page.keyboard.press("t")
        await page.keyboard.type("late, 退款")
        await page.keyboard.press("Enter")
        await expect(page.locator(".talk-title .tag > span")).to_have_text(["late", "退款"])
        await page.keyboard.press("t")
        await page.keyboard.type("la")
        await expect(page.locator("#tag-options option")).to_have_count(1)
        await expect(page.locator("#tag-options option")).to_have_attribute("value", "late")
        await page.keyboard.press("Escape")
        await page.keyboard.press("Escape")
        await page.keyboard.press("z")
        await expect(page.locator("#snooze-words")).to_be_focused()
        await page.keyboard.type("tomorrow 9")
        await expect(page.locator("#moment-said")).to_contain_text("09:00")
        await picture(page, "order-snooze")
        await page.keyboard.press("Enter")
        await expect(page.locator("#toasts")).to_contain_text("09:00 Asia/Shanghai")
        await picture(page, "order-conversation")
        await page.keyboard.press("Shift+M")
        await expect(page.get_by_role("heading", name="Merge into another conversation")).to_be_visible()
        assert await findings(page) == []
        await picture(page, "order-merge")
        await page.get_by_role("button", name="Merge", exact=True).click()
        await page.wait_for_url(f"**/conversations/{private}")
        await expect(page.locator(".timeline")).to_contain_text("Where is order 7?")
        await expect(page.locator(".timeline")).to_contain_text("Elm Street")
        assert await findings(page) == []
    assert (await house.see(public)).merged_into == private


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_S11_two_people_see_each_other_and_neither_loses_a_word(
    browser: Browser, web: WebClient, house: House, clock: FakeClock
) -> None:
    one = await house.asked("Does it ship to Norway?")
    refused = ("409", "htmx:responseError")
    async with AsyncExitStack() as stack:
        here = f"/conversations/{one}"
        ana = await stack.enter_async_context(seen_by(browser, web, here, "Ana Souza", "lead", expected=refused))
        hui = await stack.enter_async_context(seen_by(browser, web, here, "周慧", "lead", expected=refused))
        await expect(ana.locator("#onlookers")).to_contain_text("周慧 is looking")
        await clock.advance(4)  # one person is news every three seconds at most
        await hui.fill("#reply-text", "Yes, in three days")
        await expect(ana.locator("#onlookers")).to_contain_text("周慧 is typing")
        await ana.fill("#reply-text", "No, we do not")
        await expect(ana.locator("#reply-form [data-draft-state]")).to_have_text("Draft saved")
        await picture(ana, "order-two")
        await hui.get_by_role("button", name="Send reply").click()
        await expect(ana.locator("#reply-news")).to_be_visible()
        await ana.get_by_role("button", name="Send reply").click()
        await expect(ana.locator("#toasts .is-error").last).to_contain_text("周慧 has answered meanwhile")
        await expect(ana.locator("#reply-text")).to_have_value("No, we do not")
        await ana.reload()
        await expect(ana.locator("#reply-text")).to_have_value("No, we do not")
    answers = [message.text for message in await house.messages(one) if message.direction == "outbound"]
    assert answers == ["Yes, in three days"]


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_drafts_of_two_tabs_and_of_no_network(browser: Browser, web: WebClient, house: House) -> None:
    one = await house.asked("Does it ship to Norway?")
    lost = ("409", "ERR_", "[object Event]")
    async with seen_by(browser, web, f"/conversations/{one}", "Ana Souza", expected=lost) as page:
        state = page.locator("#reply-form [data-draft-state]")
        await page.fill("#reply-text", "Dear Kite")
        await expect(state).to_have_text("Draft saved")
        await page.context.set_offline(True)
        await page.fill("#reply-text", "Dear Kite, yes")
        await expect(state).to_contain_text("Kept in this browser")
        await page.context.set_offline(False)
        await expect(state).to_have_text("Draft saved")
        # Another machine of hers, which shares no storage with this one.
        url = f"/conversations/{one}/draft"
        there = await web.post_form(url, {"kind": "reply", "text": "from the phone", "version": "2"})
        assert there.status == 200
        await page.fill("#reply-text", "Dear Kite, yes we do")
        other = page.locator("#reply-form [data-draft-other]")
        await expect(other).to_contain_text("from the phone")
        await expect(page.locator("#reply-text")).to_have_value("Dear Kite, yes we do")
        await picture(page, "order-two-drafts")
        await page.get_by_role("button", name="Keep mine").click()
        await expect(state).to_have_text("Draft saved")
        await page.goto(str(web.http.make_url("/drafts")))
        await expect(page.locator("table")).to_contain_text("Dear Kite, yes we do")
        assert await findings(page) == []
        await picture(page, "order-drafts")


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_a_mention_by_keyboard_rings_a_bell(browser: Browser, web: WebClient, house: House) -> None:
    one = await house.asked("Does it ship to Norway?")
    async with AsyncExitStack() as stack:
        hui = await stack.enter_async_context(seen_by(browser, web, "/queue", "周慧"))
        async with seen_by(browser, web, f"/conversations/{one}", "Ana Souza") as ana:
            await ana.keyboard.press("n")
            await ana.keyboard.type("Please look @周")
            await expect(ana.locator("#mention-options [role=option]")).to_have_count(1)
            await picture(ana, "order-mention")
            await ana.keyboard.press("Enter")
            await expect(ana.locator("#note-text")).to_have_value("Please look @周慧 ")
            await ana.keyboard.press("Control+Enter")
            await expect(ana.locator(".is-note")).to_contain_text("Please look @周慧")
        await expect(hui.locator("#bell .count")).to_contain_text("1")
        await hui.keyboard.press("g")
        await hui.keyboard.press("n")
        await expect(hui.locator(".notices")).to_contain_text("Ana Souza mentioned you in a note")
        assert await findings(hui) == []
        await picture(hui, "order-notifications")


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_pages_of_order_fit_a_phone_and_need_no_script(
    browser: Browser, web: WebClient, house: House
) -> None:
    one = await house.asked("Does it ship to Norway? " * 20)
    contact = (await house.see(one)).contact_id
    await house.asked("And Sweden?", visibility=Visibility.DIRECT)
    for script in (True, False):
        async with seen_by(
            browser, web, "/drafts", "Ana Souza", viewport=PHONE, java_script_enabled=script
        ) as page:
            paths = ("/drafts", "/notifications", "/spam", "/bulk", "/bulk/new?tab=waiting")
            paths += (f"/contacts/{contact}", f"/conversations/{one}/merge", f"/conversations/{one}/split")
            for path in paths:
                await page.goto(str(web.http.make_url(path)))
                if script:
                    assert not await scrolls_sideways(page), path
                    assert await findings(page) == [], path
                    await picture(page, f"order-phone-{path.split('?')[0].rsplit('/', 1)[-1][:12]}")
            if not script:
                await page.goto(str(web.http.make_url("/bulk/new?tab=waiting")))
                await page.locator("input[type=checkbox]").first.check()
                await page.get_by_role("button", name="Begin").click()
                await expect(page.locator(".bulk-state")).to_contain_text("running")
