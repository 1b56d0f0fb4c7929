"""
How the pages look and feel, in a real Chromium: no violation of the content security policy, no serious finding of
axe-core, keys, countdowns, drafts, live updates. Set HUBBUB_SCREENSHOTS to a folder to get pictures.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from datetime import timedelta

import pytest
import pytest_asyncio
from aiohttp.test_utils import TestServer
from playwright.async_api import Browser, Page, expect

from bot.inbox.rules import SNOOZE_CHOICES
from bot.web.shell import Banner
from tests.browser.chromium import (
    DESK,
    PHONE,
    findings,
    launched,
    opened,
    picture,
    scrolls_sideways,
    small_targets,
)
from tests.browser.gallery import Gallery
from tests.browser.site import Site, tell

# one browser and one loop for the whole file: starting Chromium is most of the time
pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="module")]

PAGES = {
    "queue": "/queue",
    "conversation": "/conversations/c3",
    "parts": "/parts",
    "error": "/broken/404",
    "sign-in": "/sign-in?wrong",
}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def browser() -> AsyncIterator[Browser]:
    async with launched() as started:
        yield started


@pytest.fixture
def gallery() -> Gallery:
    return Gallery()


@pytest_asyncio.fixture(loop_scope="module")
async def site(gallery: Gallery) -> AsyncIterator[TestServer]:
    server = TestServer(Site(gallery).app())
    await server.start_server()
    yield server
    gallery.stream_up = False
    await server.close()


def at(site: TestServer, path: str) -> str:
    return str(site.make_url(path))


async def has_focus(page: Page, selector: str) -> bool:
    return bool(await page.evaluate("selector => document.activeElement?.matches(selector)", selector))


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", ["desk", "phone"])
@pytest.mark.parametrize("name", list(PAGES))
async def test_pages_are_sound_for_everybody(browser, site, name, size, scheme):
    viewport = DESK if size == "desk" else PHONE
    options = {"viewport": viewport, "color_scheme": scheme, "has_touch": size == "phone"}
    async with opened(browser, at(site, PAGES[name]), expected=("404",), **options) as page:
        await picture(page, f"{name}-{size}-{scheme}")
        assert not await scrolls_sideways(page)
        assert await findings(page) == []


@pytest.mark.parametrize("name", list(PAGES))
async def test_fingers_hit_what_they_aim_at(browser, site, name):
    async with opened(browser, at(site, PAGES[name]), expected=("404",), viewport=PHONE, has_touch=True) as page:
        assert await small_targets(page, 43.5) == []


async def test_the_empty_queue_and_banners(browser, site, gallery):
    gallery.empty = True
    gallery.banners = [
        Banner(
            level="error", text="@lumen@example.social is signed out.", url="/accounts", action="Sign in again"
        ),
        Banner(level="warning", text="The outbox is held."),
    ]
    gallery.messages = [{"level": "success", "text": "Resolved."}]
    async with opened(browser, at(site, "/queue")) as page:
        await expect(page.get_by_text("All quiet")).to_be_visible()
        await expect(page.get_by_role("link", name="Sign in again")).to_be_visible()
        await expect(page.get_by_text("The crowd is simulated")).to_be_visible()
        await picture(page, "empty-desk-light")


async def test_a_page_reads_and_works_without_scripts(browser, site, gallery):
    gallery.claimed = False
    async with opened(browser, at(site, "/conversations/c3"), java_script_enabled=False) as page:
        await expect(page.get_by_text("came without the").first).to_be_visible()
        await page.get_by_role("button", name="Claim").click()
        await expect(page.get_by_text("Done: claim.")).to_be_visible()
        await page.fill("#reply-text", "We send the lamp today.")
        await page.get_by_role("button", name="Send reply").click()
        await expect(page.locator(".is-outbound .text", has_text="We send the lamp today.")).to_be_visible()
    assert [name for name, _ in gallery.verbs] == ["claim", "reply"]
    assert gallery.verbs[1][1]["seen"] == "m11"
    assert gallery.verbs[1][1]["csrf"] == "token"


async def test_text_of_strangers_is_text(browser, site):
    async with opened(browser, at(site, "/conversations/c3")) as page:
        await expect(page.locator("#entry-m11 .text")).to_have_text("<script>alert('x')</script> <b>bold?</b>")
        assert await page.locator("#entry-m11 b:not(.entry-author)").count() == 0


async def test_long_messages_and_earlier_mail_are_folded(browser, site):
    async with opened(browser, at(site, "/conversations/c3")) as page:
        long = page.locator("#entry-m1")
        await expect(long.locator(".text")).to_be_hidden()
        await long.get_by_text("Show all 10,010 characters").click()
        await expect(long.locator(".text")).to_be_visible()
        await expect(page.get_by_text("We have packed everything")).to_be_hidden()
        await page.get_by_text("Earlier in this mail").click()
        await expect(page.get_by_text("We have packed everything")).to_be_visible()


async def test_a_countdown_goes_calm_warning_late_and_says_so_once(browser, site, gallery):
    gallery.due_in = timedelta(minutes=5, seconds=6)
    async with opened(browser, at(site, "/conversations/c3")) as page:
        clock = page.locator("#talk-head .countdown")
        announcer = page.locator("#announcer")
        await expect(clock).to_have_class("countdown is-calm is-large")
        assert await announcer.text_content() == ""
        await expect(clock).to_have_class("countdown is-large is-warning")
        await expect(clock).to_have_text(re.compile(r"in 4:5\d"))
        await expect(announcer).to_contain_text("This conversation: less than five minutes left.")
        row = page.locator("#row-c1 .countdown")
        assert "is-late" in (await row.get_attribute("class") or "")
        assert (await row.text_content() or "").endswith(" late")


async def test_countdowns_follow_the_server_not_the_browsers_clock(browser, site):
    context = await browser.new_context()
    page = await context.new_page()
    await page.add_init_script("const real = Date.now; Date.now = () => real() + 3600e3;")
    await page.goto(str(site.make_url("/conversations/c3")))
    await expect(page.locator("#talk-head .countdown")).to_contain_text("in 11:")
    await context.close()


async def test_the_queue_goes_by_keyboard(browser, site):
    async with opened(browser, at(site, "/queue")) as page:
        await page.keyboard.press("j")
        assert await has_focus(page, "#row-c1")
        await page.keyboard.press("j")
        await page.keyboard.press("j")
        await page.keyboard.press("k")
        assert await has_focus(page, "#row-c2")
        await page.keyboard.press("/")
        assert await has_focus(page, "#queue-search")
        await page.keyboard.type("jk?")
        await expect(page.locator("#queue-search")).to_have_value("jk?")
        await page.keyboard.press("Escape")
        await page.keyboard.press("?")
        await expect(page.get_by_role("dialog", name="Keys")).to_be_visible()
        await picture(page, "keys-desk-light")
        await page.keyboard.press("Escape")
        await expect(page.get_by_role("dialog", name="Keys")).to_be_hidden()
        await page.keyboard.press("j")
        await page.keyboard.press("j")
        await page.keyboard.press("j")
        await page.keyboard.press("Enter")
        await page.wait_for_url("**/conversations/c*")
        await page.keyboard.press("g")
        await page.keyboard.press("q")
        await page.wait_for_url("**/queue")


async def test_a_conversation_goes_by_keyboard(browser, site, gallery):
    gallery.claimed = False
    async with opened(browser, at(site, "/conversations/c3?tab=all")) as page:
        assert await page.locator("[data-row][aria-current]").get_attribute("id") == "row-c3"
        await page.keyboard.press("c")
        await expect(page.get_by_text("Done: claim.")).to_be_visible()
        await page.keyboard.press("n")
        assert await has_focus(page, "#note-text")
        await picture(page, "note-desk-light")
        await page.keyboard.press("Escape")
        await page.keyboard.press("r")
        assert await has_focus(page, "#reply-text")
        await page.keyboard.type("It is on its way.")
        await page.keyboard.press("Control+Enter")
        await expect(page.locator(".is-outbound .text", has_text="It is on its way.")).to_be_visible()
        await expect(page.locator("#reply-text")).to_have_value("")
        await page.keyboard.press("Escape")
        await page.keyboard.press("h")
        await picture(page, "hand-over-desk-light")
        await page.keyboard.press("Enter")
        await expect(page.get_by_text("Done: hand-over.")).to_be_visible()
        await page.keyboard.press("s")
        await page.keyboard.press("Enter")
        await expect(page.get_by_text("Done: snooze.")).to_be_visible()
        await page.keyboard.press("e")
        await expect(page.get_by_text("Done: resolve.")).to_be_visible()
    assert [name for name, _ in gallery.verbs] == ["claim", "reply", "hand-over", "snooze", "resolve"]
    assert gallery.verbs[2][1]["agent_id"] == "s2"
    assert gallery.verbs[3][1]["until"] == SNOOZE_CHOICES[0].value


async def test_the_theme_is_chosen_and_kept(browser, site):
    async with opened(browser, at(site, "/queue"), color_scheme="light") as page:
        ground = "getComputedStyle(document.body).backgroundColor"
        light = await page.evaluate(ground)
        await page.locator(".rail-person summary").click()
        for _ in range(2):
            await page.locator("[data-theme-switch]").click()
        dark = await page.evaluate(ground)
        assert dark != light
        await page.reload()
        assert await page.evaluate(ground) == dark


async def test_the_skip_link_is_first_and_leads_to_main(browser, site):
    async with opened(browser, at(site, "/queue")) as page:
        await page.keyboard.press("Tab")
        assert await has_focus(page, ".skip-link")
        await page.keyboard.press("Enter")
        assert await has_focus(page, "main")


async def test_a_draft_outlives_the_page_and_goes_when_the_reply_is_there(browser, site, gallery):
    async with opened(browser, at(site, "/conversations/c3"), expected=("409", "htmx:responseError")) as page:
        await page.fill("#reply-text", "Half a sen")
        await page.reload()
        await expect(page.locator("#reply-text")).to_have_value("Half a sen")
        await expect(page.locator("#reply-counter")).to_have_text("490")
        gallery.refuse = 409
        gallery.heard.append("Wait, one more thing")
        await page.get_by_role("button", name="Send reply").click()
        await expect(page.get_by_text("A newer message came in. Read it, then send.")).to_be_visible()
        await expect(page.locator("#entry-m12")).to_contain_text("Wait, one more thing")
        assert await page.locator("[name=seen]").input_value() == "m12"
        await expect(page.locator("#reply-text")).to_have_value("Half a sen")
        gallery.refuse = 0
        await page.get_by_role("button", name="Send reply").click()
        await expect(page.locator(".is-outbound .text", has_text="Half a sen")).to_be_visible()
        await expect(page.locator("#reply-text")).to_have_value("")
        await page.reload()
        await expect(page.locator("#reply-text")).to_have_value("")


async def test_a_refused_verb_says_why_and_leaves_the_page(browser, site, gallery):
    gallery.refuse, gallery.claimed = 409, False
    async with opened(browser, at(site, "/conversations/c3"), expected=("409", "htmx:responseError")) as page:
        await page.fill("#note-text", "Half a no")
        await page.get_by_role("button", name="Claim").click()
        await expect(page.get_by_text("Ben Okafor has claimed it since.")).to_be_visible()
        await expect(page.locator("#note-text")).to_have_value("Half a no")


async def test_a_reply_may_resolve(browser, site, gallery):
    async with opened(browser, at(site, "/conversations/c3")) as page:
        await page.fill("#reply-text", "Done, have a good day.")
        await page.get_by_role("button", name="Send and resolve").click()
        await expect(page.locator(".is-outbound .text", has_text="Done, have a good day.")).to_be_visible()
    assert gallery.verbs[0][1]["then"] == "resolved"


async def test_the_list_beside_a_conversation_is_the_one_it_came_from(browser, site):
    async with opened(browser, at(site, "/queue?tab=mine&q=anna")) as page:
        await page.locator("#row-c3").click()
        await page.wait_for_url("**/conversations/c3?tab=mine&q=anna")
        await expect(page.locator(".tabs [aria-current]")).to_contain_text("Mine")


async def test_the_counter_warns(browser, site):
    async with opened(browser, at(site, "/conversations/c3")) as page:
        await page.fill("#reply-text", "😀" * 485)
        await expect(page.locator("#reply-counter")).to_have_text("15")
        await expect(page.locator("#reply-counter")).to_have_class("counter is-near")
        await page.fill("#reply-text", "x" * 507)
        await expect(page.locator("#reply-counter")).to_have_text("-7")
        await expect(page.locator("#reply-counter")).to_have_class("counter is-over")
        await picture(page, "too-long-desk-light")


async def test_live_updates_disturb_nobody(browser, site, gallery):
    async with opened(browser, at(site, "/conversations/c3")) as page:
        await until_streaming(gallery)
        await page.get_by_text("Show all 10,010 characters").click()
        await page.fill("#reply-text", "I am writ")
        await page.locator("#timeline").evaluate("box => { box.scrollTop = 40 }")
        gallery.heard.append("One more thing: the box was wet.")
        gallery.newcomers = 1
        await tell(gallery, "conversation:c3", 1)
        await tell(gallery, "queue", 2)
        await expect(page.locator("#entry-m12")).to_contain_text("One more thing")
        await expect(page.locator("#row-c9")).to_have_class("row is-normal is-open is-new")
        assert await has_focus(page, "#reply-text")
        await expect(page.locator("#reply-text")).to_have_value("I am writ")
        assert await page.locator("#timeline").evaluate("box => box.scrollTop") == 40
        await expect(page.locator("#entry-m1 .fold")).to_have_attribute("open", "")
        assert await page.locator("[data-row][aria-current]").get_attribute("id") == "row-c3"
        # the reply still says what its writer had read, until they say that they read on
        assert await page.locator("[name=seen]").input_value() == "m11"
        await page.get_by_role("button", name="I have read it").click()
        assert await page.locator("[name=seen]").input_value() == "m12"


async def test_what_happens_while_a_verb_is_on_its_way_is_shown(browser, site, gallery):
    async def customer_writes() -> None:
        gallery.heard.append("Are you there?")
        await tell(gallery, "conversation:c3", 1)
        await asyncio.sleep(0.3)

    async with opened(browser, at(site, "/conversations/c3")) as page:
        await until_streaming(gallery)
        gallery.meanwhile = customer_writes
        await page.fill("#reply-text", "We look into it.")
        await page.get_by_role("button", name="Send reply").click()
        await expect(page.get_by_text("Done: reply.")).to_be_visible()
        await expect(page.locator("#entry-m12")).to_contain_text("Are you there?")


async def test_a_resized_field_does_not_offend_the_policy(browser, site):
    async with opened(browser, at(site, "/conversations/c3")) as page:
        # what a browser does when somebody drags the corner
        await page.locator("#reply-text").evaluate("field => { field.style.height = '200px' }")
        await page.fill("#reply-text", "We look into it.")
        await page.get_by_role("button", name="Send reply").click()
        await expect(page.locator(".is-outbound .text", has_text="We look into it.")).to_be_visible()


async def test_an_unwritten_reply_has_seen_what_is_shown(browser, site, gallery):
    async with opened(browser, at(site, "/conversations/c3")) as page:
        await until_streaming(gallery)
        gallery.heard.append("Hello?")
        await tell(gallery, "conversation:c3", 1)
        await expect(page.locator("#entry-m12")).to_be_in_viewport()
        assert await page.locator("[name=seen]").input_value() == "m12"


async def test_a_lost_stream_is_said_and_what_was_missed_comes(browser, site, gallery):
    async with opened(browser, at(site, "/queue"), expected=("503", "ERR_", "[object Event]")) as page:
        await until_streaming(gallery)
        gallery.stream_up = False
        await expect(page.get_by_text("Connection lost")).to_be_visible()
        await picture(page, "connection-lost-desk-light")
        gallery.newcomers = 1
        gallery.stream_up = True
        await expect(page.locator("#row-c9")).to_be_visible(timeout=15_000)
        await expect(page.locator("#connection")).to_be_hidden()


async def test_a_form_answered_by_another_page_goes_there(browser, site, gallery):
    async with opened(browser, at(site, "/conversations/c3")) as page:
        gallery.answer_at = "/conversations/c5"
        await page.fill("#reply-text", "Hello")
        await page.get_by_role("button", name="Send reply").click()
        await page.wait_for_url("**/conversations/c5")
        await expect(page.get_by_text("Done: reply.")).to_be_visible()


async def until_streaming(gallery: Gallery) -> None:
    async with asyncio.timeout(5):
        while not gallery.streams:
            await asyncio.sleep(0.02)
