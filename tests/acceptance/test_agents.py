"""
Agents at work in Chromium on the real daemon: two at once, over a restart, offline, by keyboard alone, on a phone,
without scripts. A whole shift is in test_shift.py.
"""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

import pytest
import pytest_asyncio
import sqlalchemy as sa
from playwright.async_api import Browser, Page, expect
from sqlmodel import col

from bot.core.clock import SystemClock
from bot.core.database import open_database
from bot.outbox.tables import OutboxEntry
from connectors.playground.rules import GENEROUS, Rules
from connectors.playground.server import Playground
from tests.acceptance.cable import Cable
from tests.acceptance.daemon import DaemonProcess
from tests.acceptance.desk import (
    ARRIVES,
    answer,
    claim,
    delivered,
    is_marked,
    mark,
    opened_row,
    row,
    said,
    sign_in,
)
from tests.browser.chromium import PHONE, launched, opened, picture, scrolls_sideways, small_targets

# one daemon, one browser and one loop for the whole file: starting them is most of the time
pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(300)]

PASSWORD = "a kettle of fish"
AGENTS = {"mei": "Mei Lin", "sam": "Sam Ortiz"}
QUICK = {"ACCOUNTS__POLL_EVERY": "1s", "ACCOUNTS__POLL_JITTER": "0s", "ACCOUNTS__LEASE": "5s"}
LOST = ("ERR_", "[object Event]", "htmx:sendError", "htmx:afterRequest")
"""What the console says while the daemon is away."""
REFUSED = ("409", "htmx:responseError", "htmx:timeout")
BACK = 10_000
"""Milliseconds until a page that was offline shows what it missed."""

_numbers = itertools.count(1)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def browser() -> AsyncIterator[Browser]:
    async with launched() as started:
        yield started


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def playground() -> AsyncIterator[Playground]:
    async with Playground(now=lambda: datetime.now(UTC), rules=Rules(limits=GENEROUS)) as network:
        yield network


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def daemon(playground: Playground, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[DaemonProcess]:
    made = DaemonProcess(tmp_path_factory.mktemp("agents"), settings=QUICK)
    for login, name in AGENTS.items():
        words = ("staff", "add", login, "--name", name, "--role", "agent", "--password-stdin")
        await asyncio.to_thread(made.command, *words, given=f"{PASSWORD}\n")
    server = ("--option", f"server={playground.url}")
    add = ("account", "add", "mastodon", "--name", "shop", "--secret-stdin", *server)
    # in a thread: the playground answers from this very loop
    await asyncio.to_thread(made.command, *add, given=f"{playground.token}\n")
    await made.start()
    yield made
    made.close()


def asks(playground: Playground) -> str:
    """
    Let a customer of their own ask something; gives the words.
    """
    number = next(_numbers)
    words = f"question {number}: where is my parcel?"
    playground.say(f"guest{number}@far.example", f"@{playground.brands[0]} {words}")
    return words


def answers_to(playground: Playground, words: str) -> list[str]:
    """
    List the answers that the customer who asked this has got.
    """
    asked = [one for one in playground.facts()["asked"] if words in one["text"]]
    assert asked
    return [answer["text"] for one in asked for answer in one["answers"]]


def asker(playground: Playground, words: str) -> str:
    (who,) = {one["by"] for one in playground.facts()["asked"] if words in one["text"]}
    return str(who)


async def test_of_two_agents_one_has_it_and_the_other_is_told(
    daemon: DaemonProcess, playground: Playground, browser: Browser
) -> None:
    words = asks(playground)
    async with AsyncExitStack() as stack:
        pages: list[Page] = []
        for login in AGENTS:
            page = await stack.enter_async_context(
                opened(browser, daemon.url, expected=("409", "htmx:responseError"))
            )
            await sign_in(page, login, PASSWORD)
            await expect(row(page, words)).to_be_visible(timeout=ARRIVES)
            await opened_row(page, words)
            await page.fill("#reply-text", f"I am {login}, and")
            await page.keyboard.press("Escape")
            pages.append(page)
        await asyncio.gather(*(page.keyboard.press("c") for page in pages))
        for page in pages:
            await expect(page.locator("#talk-head .talk-agent")).to_be_visible()
        have = [await page.locator("#talk-head .talk-agent.is-mine").count() for page in pages]
        assert sorted(have) == [0, 1]
        winner, loser = pages[have.index(1)], pages[have.index(0)]
        name = list(AGENTS.values())[have.index(1)]
        await expect(loser.locator("#talk-head")).to_contain_text(f"With {name}")
        await expect(loser.locator("#toasts")).to_contain_text(name)
        draft = f"I am {list(AGENTS)[have.index(0)]}, and"
        await expect(loser.locator("#reply-text")).to_have_value(draft)
        await answer(winner, "It is on its way.")
        await expect(said(loser, "outbound", "It is on its way.")).to_be_visible()
        await expect(loser.locator("#reply-text")).to_have_value(draft)
        await loser.get_by_role("button", name="Send reply").click()
        await expect(loser.locator("#toasts .is-error").last).to_be_visible()
        await expect(loser.locator("#unsent-text")).to_have_value(draft)
    assert len(answers_to(playground, words)) == 1


async def test_a_page_catches_up_after_the_daemon_was_killed(
    daemon: DaemonProcess, playground: Playground, browser: Browser
) -> None:
    before = asks(playground)
    async with opened(browser, daemon.url, expected=LOST) as page:
        await sign_in(page, "mei", PASSWORD)
        await expect(row(page, before)).to_be_visible(timeout=ARRIVES)
        await opened_row(page, before)
        await page.fill("#reply-text", "Half an answ")
        await mark(page)
        await asyncio.to_thread(daemon.kill)
        await expect(page.get_by_text("Connection lost")).to_be_visible()
        await page.get_by_role("button", name="Send reply").click()
        await expect(page.get_by_text("Hubbub could not be reached. What you typed is kept.")).to_be_visible()
        meanwhile = asks(playground)
        await daemon.start()
        await expect(row(page, meanwhile)).to_be_visible(timeout=ARRIVES)
        await expect(page.locator("#connection")).to_be_hidden()
        await expect(page.locator("#reply-text")).to_have_value("Half an answ")
        assert await is_marked(page)
        await answer(page, "A whole answer.")
        assert await is_marked(page)
    assert len(answers_to(playground, before)) == 1


async def test_S11_thirty_seconds_offline_in_a_real_browser(
    daemon: DaemonProcess, playground: Playground, browser: Browser
) -> None:
    async with Cable(daemon.port) as pulled, Cable(daemon.port) as silent:
        # both ways of being offline at once: half a minute is long
        await asyncio.gather(
            _is_offline(pulled, pulled.pull, daemon, playground, browser),
            _is_offline(silent, silent.fall_silent, daemon, playground, browser),
        )


async def _is_offline(
    cable: Cable,
    goes: Callable[[], Awaitable[None]],
    daemon: DaemonProcess,
    playground: Playground,
    browser: Browser,
) -> None:
    words = asks(playground)
    async with opened(browser, cable.url, expected=(*LOST, *REFUSED)) as page:
        await sign_in(page, "mei", PASSWORD)
        await expect(row(page, words)).to_be_visible(timeout=ARRIVES)
        await opened_row(page, words)
        await page.fill("#reply-text", "Half an answer")
        await expect(page.locator("#reply-form [data-draft-state]")).to_have_text("Draft saved")
        await mark(page)
        away = asyncio.create_task(asyncio.sleep(30))
        await goes()
        await asyncio.gather(
            _writes_without_a_line(page), _meanwhile(daemon, playground, browser, words, page.url)
        )
        await away
        assert await said(page, "inbound", "it is urgent").count() == 0
        await cable.plug()
        await _catches_up(page)
        assert answers_to(playground, words) == []
        await answer(page, "Half an answer, and the rest.")
        assert await is_marked(page)
    assert answers_to(playground, words) == [f"@{asker(playground, words)} Half an answer, and the rest."]
    assert await left_the_house(daemon, page.url) == 1


async def _writes_without_a_line(page: Page) -> None:
    """
    Type on and try to send; all of it is kept, and the page says how things are.
    """
    await page.locator("#reply-text").press_sequentially(", and")
    state = page.locator("#reply-form [data-draft-state]")
    await expect(state).to_contain_text("Kept in this browser")
    await page.get_by_role("button", name="Send reply").click()
    unreached = page.get_by_text("Hubbub could not be reached. What you typed is kept.")
    await expect(unreached).to_be_visible()
    await expect(page.locator("#connection")).to_contain_text("Connection lost")
    await expect(page.locator("#reply-text")).to_have_value("Half an answer, and")
    await page.locator("#reply-text").press_sequentially(" the rest")


async def _meanwhile(
    daemon: DaemonProcess, playground: Playground, browser: Browser, words: str, url: str
) -> None:
    """
    Let the customer write again, and a colleague write a note.
    """
    playground.say(asker(playground, words), f"@{playground.brands[0]} {words} it is urgent")
    async with opened(browser, daemon.url) as page:
        await sign_in(page, "sam", PASSWORD)
        await page.goto(f"{daemon.url}{urlsplit(url).path}")
        await expect(said(page, "inbound", "it is urgent")).to_be_visible(timeout=ARRIVES)
        await page.keyboard.press("n")
        await page.keyboard.type("I know this customer.")
        await page.keyboard.press("Control+Enter")
        await expect(said(page, "note", "I know this customer.")).to_be_visible()


async def _catches_up(page: Page) -> None:
    """
    See what was missed, the draft as it was, and a reply refused that has not seen it.
    """
    await expect(said(page, "inbound", "it is urgent")).to_be_visible(timeout=BACK)
    await expect(said(page, "note", "I know this customer.")).to_be_visible()
    await expect(page.locator("#connection")).to_be_hidden()
    await expect(page.locator("#reply-news")).to_be_visible()
    draft = page.locator("#reply-text")
    await expect(draft).to_have_value("Half an answer, and the rest")
    await page.get_by_role("button", name="Send reply").click()
    await expect(page.locator("#toasts .is-error").last).to_contain_text("newer")
    await expect(draft).to_have_value("Half an answer, and the rest")


async def left_the_house(daemon: DaemonProcess, url: str) -> int:
    """
    Count what a conversation has put into the outbox, in whatever state.
    """
    database = open_database(daemon.stored_at, SystemClock())
    mine = col(OutboxEntry.subject_id) == urlsplit(url).path.rpartition("/")[2]
    async with database.read() as work:
        found = await work.session.scalar(sa.select(sa.func.count()).select_from(OutboxEntry).where(mine))
    await database.close()
    return int(found or 0)


async def test_hands_never_leave_the_keyboard(
    daemon: DaemonProcess, playground: Playground, browser: Browser
) -> None:
    words = asks(playground)
    async with opened(browser, daemon.url) as page:
        await page.keyboard.type("mei")
        await page.keyboard.press("Tab")
        await page.keyboard.type(PASSWORD)
        await page.keyboard.press("Enter")
        await page.wait_for_url("**/queue")
        await expect(row(page, words)).to_be_visible(timeout=ARRIVES)
        for _ in range(await page.locator("[data-row]").count()):
            await page.keyboard.press("j")
            if await row(page, words).evaluate("row => row === document.activeElement"):
                break
        await page.keyboard.press("Enter")
        await page.wait_for_url("**/conversations/**")
        await page.keyboard.press("c")
        await expect(page.locator("#talk-head .talk-agent.is-mine")).to_be_visible()
        await page.keyboard.press("r")
        await page.keyboard.type("By tomorrow noon.")
        await page.keyboard.press("Control+Enter")
        await delivered(page, "By tomorrow noon.")
        await page.keyboard.press("Escape")
        await page.keyboard.press("e")
        await expect(page.locator("#talk-head .badge-state.is-resolved")).to_be_visible()
        await page.keyboard.press("g")
        await page.keyboard.press("q")
        await page.wait_for_url("**/queue")
        await expect(row(page, words)).to_have_count(0)
    assert len(answers_to(playground, words)) == 1


async def test_a_phone_is_enough_from_next_to_resolved(
    daemon: DaemonProcess, playground: Playground, browser: Browser
) -> None:
    words = asks(playground)
    options: dict[str, Any] = {"viewport": PHONE, "has_touch": True, "is_mobile": True}
    async with opened(browser, daemon.url, **options) as page:
        await sign_in(page, "mei", PASSWORD)
        await expect(row(page, words)).to_be_visible(timeout=ARRIVES)
        await _fits_a_finger(page, "phone-queue")
        await page.get_by_role("button", name="Next").first.tap()
        await page.wait_for_url("**/conversations/**")
        await expect(page.locator("#talk-head .talk-agent.is-mine")).to_be_visible()
        await expect(page.locator("#list-pane")).to_be_hidden()
        tops = await page.locator(".talk-verbs .button").evaluate_all(
            "all => all.filter((one) => one.checkVisibility()).map((one) => one.getBoundingClientRect().top)"
        )
        assert len(set(tops)) == 1, "all verbs of one's own conversation stand in one line"
        # whoever is the most urgent one by now
        words = (await page.locator(".entry.is-inbound .text").first.inner_text()).partition(" ")[2]
        await _fits_a_finger(page, "phone-conversation")
        await page.locator("#reply-text").tap()
        await page.locator("#reply-text").fill("At your door tomorrow.")
        await page.get_by_role("button", name="Send reply").tap()
        await delivered(page, "At your door tomorrow.")
        await page.get_by_role("button", name="Resolve", exact=True).tap()
        await expect(page.locator("#talk-head .badge-state.is-resolved")).to_be_visible()
        await _fits_a_finger(page, "phone-resolved")
        await page.get_by_role("link", name="Back to the queue").tap()
        await page.wait_for_url("**/queue")
        await expect(row(page, words)).to_have_count(0)
    assert answers_to(playground, words) == [f"@{asker(playground, words)} At your door tomorrow."]


async def _fits_a_finger(page: Page, name: str) -> None:
    assert not await scrolls_sideways(page), name
    assert await small_targets(page, 43.5) == [], name
    await picture(page, name)


async def test_without_scripts_one_reads_and_answers(
    daemon: DaemonProcess, playground: Playground, browser: Browser
) -> None:
    words = asks(playground)
    async with opened(browser, daemon.url, java_script_enabled=False) as page:
        await sign_in(page, "sam", PASSWORD)
        async with asyncio.timeout(ARRIVES / 1000):
            while not await row(page, words).count():
                await asyncio.sleep(0.3)
                await page.reload()
        await opened_row(page, words)
        await claim(page)
        await page.fill("#reply-text", "Even without scripts.")
        await page.get_by_role("button", name="Send reply").click()
        sent = said(page, "outbound", "Even without scripts.")
        async with asyncio.timeout(ARRIVES / 1000):
            while not await sent.get_by_text("Delivered").count():
                await asyncio.sleep(0.3)
                await page.reload()
        await page.get_by_role("button", name="Resolve", exact=True).click()
        await expect(page.get_by_text("Resolved.")).to_be_visible()
        await page.goto(f"{daemon.url}/queue?q={words[:10]}")
        await expect(page.get_by_role("button", name="Search")).to_be_visible()
    assert len(answers_to(playground, words)) == 1
