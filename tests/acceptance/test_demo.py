"""
`hubbub demo` as a newcomer meets it; every page of it in Chromium, sound for everybody and honest about the crowd.

Set HUBBUB_SCREENSHOTS to a folder to get the pictures of the documentation.
"""

from __future__ import annotations

import os
import re
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urljoin

import pytest
import pytest_asyncio
from playwright.async_api import Browser, BrowserContext, Page, expect

from tests.acceptance.demo_process import DemoProcess
from tests.acceptance.desk import answer, claim, said
from tests.browser.chromium import COLOURS, DESK, PHONE, findings, launched, opened, picture, scrolls_sideways

# one demo, one browser and one loop for the whole file: starting them is most of the time
pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(300)]

LEAVES_WITHIN = 5.0
LEFT_BEHIND = ("ERR_", "[object Event]")
"""What the console of an open page says when the demo has gone."""
ANSWERS = (
    "Yes, you can! Until the parcel leaves we change everything for you: just tell us here.",
    "Sorry about that. A new one leaves our warehouse today, and you keep the old one.",
    "Good question: yes, and you can change your mind until it has left the warehouse.",
)
NOTE = "Third question about this today. I asked the warehouse, they answer before noon."
PLACES = (
    *("/queue", "/queue?tab=mine", "/queue?q=nothing-like-it", "/contacts", "/outbox", "/outbox?state=confirmed"),
    *("/accounts", "/accounts/new", "/accounts/new?channel=mastodon", "/accounts/new?channel=email", "/heard"),
    *("/staff", "/tokens", "/audit", "/me", "/api", "/nothing-lives-here"),
)
FIRST_OF = {
    "/contacts": "tbody a",
    "/outbox?state=confirmed": "tbody a",
    "/accounts": "tbody a",
    "/heard": "tbody td:nth-child(5) a",
    "/staff": "tbody a",
}
"""Lists from which the first page behind them is looked at, too."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Worked:
    """
    Who is signed in, and the conversations that they worked on.
    """

    cookies: Any
    urls: list[str]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def browser() -> AsyncIterator[Browser]:
    async with launched() as started:
        yield started


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def demo(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[DemoProcess]:
    async with DemoProcess(tmp_path_factory.mktemp("demo"), rate=120) as running:
        yield running


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def worked(browser: Browser, demo: DemoProcess) -> Worked:
    """
    Somebody who has used the link and worked for a while.
    """
    async with opened(browser, demo.link) as page:
        await page.get_by_role("button", name="Sign in").click()
        await page.wait_for_url("**/queue")
        urls = await _work(page)
        return Worked(cookies=await page.context.storage_state(), urls=urls)


async def _work(page: Page) -> list[str]:
    """
    Answer three, the first with a note, the last resolved; snooze, hand over and claim others. Gives their pages.
    """
    english = page.locator("[data-row]", has=page.locator(".badge-language.is-en"))
    await expect(english.nth(5)).to_be_attached(timeout=60_000)
    urls = [await english.nth(number).get_attribute("href") or "" for number in range(6)]
    for url, text in zip(urls, ANSWERS, strict=False):
        await _open(page, url)
        await claim(page)
        await answer(page, text)
    await page.get_by_role("button", name="Resolve", exact=True).click()
    await expect(page.get_by_text("Resolved.")).to_be_visible()
    for url, menu, choice in ((urls[3], "Snooze", "1 hour"), (urls[4], "Hand over", "Mei Lin")):
        await _open(page, url)
        await page.locator("#talk-head summary", has_text=menu).click()
        # a colleague's name is followed by whether they are here, and what they have
        await page.get_by_role("button", name=choice, exact=menu == "Snooze").click()
        await expect(page.locator("#toasts .flash").first).to_be_visible()
    await _open(page, urls[0])
    await page.keyboard.press("n")
    await page.fill("#note-text", NOTE)
    await page.keyboard.press("Control+Enter")
    await expect(said(page, "note", NOTE)).to_be_visible()
    await _open(page, urls[5])
    await claim(page)
    return urls


async def _open(page: Page, path: str) -> None:
    await page.goto(urljoin(page.url, path))


@asynccontextmanager
async def _looking(
    browser: Browser, demo: DemoProcess, worked: Worked, *, phone: bool, scheme: str = "light"
) -> AsyncIterator[Page]:
    size = {"viewport": PHONE if phone else DESK, "has_touch": phone}
    look = {"color_scheme": scheme, "storage_state": worked.cookies}
    # the page that does not exist is in PLACES on purpose
    async with opened(browser, f"{demo.url}/queue", expected=("404",), **size, **look) as page:
        yield page


async def _places(page: Page, worked: Worked) -> AsyncIterator[str]:
    """
    Go from page to page through all of the demo.
    """
    for path in (*PLACES, *worked.urls):
        await _open(page, path)
        yield path
        if path in FIRST_OF:
            await page.locator(FIRST_OF[path]).first.click()
            await page.wait_for_url(re.compile(r"[0-9a-f]{12}$"))
            yield f"behind {path}"


async def test_a_newcomer_is_led_in_once_and_leaves_nothing_behind(tmp_path: Path, browser: Browser) -> None:
    began = time.monotonic()
    async with DemoProcess(tmp_path) as demo, opened(browser, demo.link, expected=LEFT_BEHIND) as page:
        await page.get_by_role("button", name="Sign in").click()
        await page.wait_for_url("**/queue")
        await expect(page.locator("[data-row]").first).to_be_visible(timeout=30_000)
        seen_after = time.monotonic() - began
        await demo.wait_for(re.compile(r"Ready: .* first conversation [\d.]+ s"))
        context: BrowserContext = await browser.new_context()
        again = await context.new_page()
        await again.goto(demo.link)
        await again.get_by_role("button", name="Sign in").click()
        await expect(again.get_by_role("alert")).to_be_visible()
        await again.goto(f"{demo.url}/queue")
        await expect(again.get_by_label("Password")).to_be_visible()
        await context.close()
        await demo.leave()
    print(
        f"address printed after {demo.ready_after:.1f} s, first conversation seen after {seen_after:.1f} s, ",
        end="",
    )
    print(f"left after {demo.left_after:.1f} s")
    assert demo.code == 0, demo.said
    assert demo.left_after < LEAVES_WITHIN
    assert "Traceback" not in demo.said
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", ["desk", "phone"])
async def test_every_page_is_sound_and_says_that_the_crowd_is_simulated(
    browser: Browser, demo: DemoProcess, worked: Worked, size: str, scheme: str
) -> None:
    wrong: dict[str, Any] = {}
    async with _looking(browser, demo, worked, phone=size == "phone", scheme=scheme) as page:
        async for place in _places(page, worked):
            await expect(page.get_by_text("The crowd is simulated")).to_be_visible()
            # light and dark are the same page in other colours
            if found := await findings(page, *(COLOURS if scheme == "dark" else ())):
                wrong[place] = found
            if await scrolls_sideways(page):
                wrong[f"{place} scrolls sideways"] = await page.evaluate("document.documentElement.scrollWidth")
    assert wrong == {}


async def test_every_place_of_the_rail_leads_somewhere(
    browser: Browser, demo: DemoProcess, worked: Worked
) -> None:
    async with _looking(browser, demo, worked, phone=False) as page:
        rail = page.locator(".rail-list a")
        for number in range(await rail.count()):
            name = (await rail.nth(number).inner_text()).split()[0]
            await rail.nth(number).click()
            await expect(page.locator(".rail-list [aria-current]")).to_contain_text(name)
            await expect(page.locator("h1")).to_be_visible()
            await expect(page.get_by_text("The crowd is simulated")).to_be_visible()


@pytest.mark.parametrize("phone", [False, True], ids=["desk", "phone"])
@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_the_work_of_a_day_is_on_the_pages(
    browser: Browser, demo: DemoProcess, worked: Worked, phone: bool, scheme: str
) -> None:
    size = "phone" if phone else "desk"
    async with _looking(browser, demo, worked, phone=phone, scheme=scheme) as page:
        await expect(page.locator("[data-row]").nth(4)).to_be_visible()
        await picture(page, f"queue-{size}-{scheme}")
        await _open(page, worked.urls[0])
        await expect(said(page, "note", NOTE)).to_be_visible()
        await expect(said(page, "outbound", ANSWERS[0]).get_by_text("Delivered")).to_be_visible()
        await picture(page, f"conversation-{size}-{scheme}")
        for path, words in (
            ("/outbox?state=confirmed", ANSWERS[1]),
            ("/accounts", "calls left"),
            ("/heard", "routed"),
            ("/audit", "conversation.resolved"),
        ):
            await page.goto(demo.url + path)
            await expect(page.get_by_text(words).first).to_be_visible()
            await picture(page, f"{path[1:].partition('?')[0]}-{size}-{scheme}")
