"""
What a person does at a desk: sign in, open a conversation, claim it, answer it. Everything through the page.
"""

from __future__ import annotations

import re
from typing import Any

from playwright.async_api import Locator, Page, expect

# Milliseconds; the daemon polls every second here, and the machine may be busy.
ARRIVES = 20_000


async def sign_in(page: Page, login: str, password: str) -> None:
    """
    Sign in on the page that asks for it; ends on the queue.
    """
    await page.get_by_label("Name you sign in with").fill(login)
    await page.get_by_label("Password").fill(password)
    await page.get_by_role("button", name="Sign in").click()
    await page.wait_for_url("**/queue")


def row(page: Page, words: str) -> Locator:
    """
    Find the row of the queue that says these words.
    """
    return page.locator("[data-row]", has_text=words)


def said(page: Page, kind: str, words: str) -> Locator:
    """
    Find an entry of the timeline; kind: inbound, outbound, note.
    """
    return page.locator(f".entry.is-{kind}", has_text=words)


async def opened_row(page: Page, words: str) -> None:
    """
    Open the conversation whose row says these words.
    """
    await row(page, words).click()
    await page.wait_for_url("**/conversations/**")
    await expect(said(page, "inbound", words)).to_be_visible()


async def claim(page: Page) -> None:
    """
    Claim the open conversation.
    """
    await page.get_by_role("button", name="Claim").click()
    await expect(page.locator("#talk-head .talk-agent.is-mine")).to_be_visible()


async def answer(page: Page, text: str) -> None:
    """
    Answer, and wait until the page says that it was delivered.
    """
    await page.fill("#reply-text", text)
    await page.get_by_role("button", name="Send reply").click()
    await delivered(page, text)


async def delivered(page: Page, text: str) -> None:
    """
    Wait until our words stand in the timeline once, delivered, and no clock runs.
    """
    entry = said(page, "outbound", text)
    await expect(entry.get_by_text("Delivered")).to_be_visible(timeout=ARRIVES)
    assert await entry.count() == 1
    await expect(page.locator("#talk-head .countdown")).to_have_count(0)
    await expect(page.locator("#talk-head").get_by_text("answered")).to_be_visible()


async def seconds_left(clock: Locator) -> int:
    """
    Read a running countdown, in seconds.
    """
    found = re.fullmatch(r"in (\d+):(\d\d)", await clock.inner_text())
    assert found, await clock.inner_text()
    return int(found[1]) * 60 + int(found[2])


async def mark(page: Page) -> None:
    """
    Leave a mark that a reload would wipe out.
    """
    await page.evaluate("window.mark = 'not reloaded'")


async def is_marked(page: Page) -> bool:
    """
    Tell whether it is still the page that was marked.
    """
    found: Any = await page.evaluate("window.mark")
    return bool(found == "not reloaded")
