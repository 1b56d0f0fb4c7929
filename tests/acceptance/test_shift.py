"""
A whole shift in Chromium on the real daemon, with hands that never leave the keyboard, on SQLite and PostgreSQL.

Each step is looked at twice: on the page, and in the rows of the database.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import pytest_asyncio
import sqlalchemy as sa
from playwright.async_api import Browser, Keyboard, Locator, Page, expect
from sqlmodel import col

from bot.core.clock import SystemClock
from bot.core.database import Database, open_database
from bot.inbox.order_tables import ConversationTag
from bot.inbox.tables import Conversation, ConversationClock, Message
from bot.outbox.tables import OutboxEntry
from connectors.playground.values import Reach
from tests.acceptance.desk import ARRIVES, said, sign_in
from tests.acceptance.lived_in import LivedIn, until
from tests.acceptance.visitor import PASSWORD
from tests.browser.chromium import findings, launched, opened, picture

# one house on each database, one browser and one loop for the whole file: starting them is most of the time
pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(300)]

NO_POINTER = """for (const kind of ["pointerdown", "mousedown", "touchstart"])
    addEventListener(kind, (event) => console.error(`a ${event.type}: the hands left the keyboard`), true);"""
"""An error on the console fails the test."""

SLEEPER, LEAK = "雨衣", "it leaks!"
MOVING = "can you still change where my parcel goes?"
IN_PUBLIC, IN_PRIVATE = "the blue lamp flickers", "my order is 4711, for the flickering lamp"
PAYING = "paying by card fails with error 500 since this morning, please help"
OUTAGE = "Hi {{ contact.name }}, paying works again. Sorry!"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def browser() -> AsyncIterator[Browser]:
    async with launched() as started:
        yield started


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def books(house: LivedIn) -> AsyncIterator[Database]:
    database = open_database(house.daemon.stored_at, SystemClock())
    yield database
    await database.close()


@dataclass(frozen=True, slots=True, kw_only=True)
class Shift:
    """
    A desk with nothing but a keyboard, and a look into the books.
    """

    house: LivedIn
    books: Database
    page: Page

    @property
    def keys(self) -> Keyboard:
        return self.page.keyboard

    @property
    def head(self) -> Locator:
        return self.page.locator("#talk-head")

    async def press(self, *keys: str) -> None:
        for key in keys:
            await self.keys.press(key)

    async def next(self, words: str) -> str:
        """
        Take the next one, which asks this; gives its id.
        """
        await self.press("a")
        await expect(said(self.page, "inbound", words)).to_be_visible()
        await expect(self.head.locator(".talk-agent.is-mine")).to_be_visible()
        conversation_id = self.page.url.rpartition("/")[2]
        assert (await self.conversation(conversation_id)).agent_name == "Ann"
        return conversation_id

    async def conversation(self, conversation_id: str) -> Conversation:
        async with self.books.read() as work:
            found = await work.session.get(Conversation, conversation_id)
        assert found is not None
        return found

    async def rows(self, table: Any, conversation_id: str) -> Sequence[Any]:
        async with self.books.read() as work:
            found = await work.session.scalars(sa.select(table).filter_by(conversation_id=conversation_id))
        return found.all()

    async def answers(self, conversation_id: str) -> list[str]:
        """
        List what left the house from a conversation, as it stands in the outbox.
        """
        mine = (col(OutboxEntry.subject_id) == conversation_id, col(OutboxEntry.state) == "confirmed")
        async with self.books.read() as work:
            found = await work.session.scalars(sa.select(OutboxEntry).where(*mine))
        return [str(entry.draft["text"]) for entry in found]

    async def is_answered(self, conversation_id: str, text: str) -> None:
        """
        See one answer out, and its own clock stopped in time.
        """

        async def so() -> bool:
            return (await self.conversation(conversation_id)).first_answered_at is not None

        await until(so, f"an answer to {conversation_id}")
        (answer,) = await self.answers(conversation_id)
        assert text in answer
        clocks = await self.rows(ConversationClock, conversation_id)
        assert [(one.kind, one.outcome) for one in clocks if one.outcome != "dropped"] == [
            ("first_response", "kept")
        ]
        assert all(one.stopped_at for one in clocks)

    async def is_resolved(self, conversation_id: str) -> None:
        async def so() -> bool:
            return (await self.conversation(conversation_id)).state == "resolved"

        await until(so, f"{conversation_id} being resolved")
        await expect(self.head.locator(".badge-state.is-resolved")).to_be_visible()


async def furnish(house: LivedIn) -> None:
    """
    Let people ask, in this order, and make a saved reply and a macro.
    """
    reply = {"shortcut": "address", "title": "Change the address", "texts": {"": "Hi {{ contact.name }}, done."}}
    steps = [
        {"kind": "reply", "value": "Sorry, {{ contact.name }}! A new one leaves today."},
        {"kind": "tag", "value": "defect"},
        {"kind": "resolve"},
    ]
    made = (("/saved-replies", reply), ("/macros", {"name": "Replace it", "actions": steps}))
    for path, body in made:
        status, answer = await house.ask("POST", path, json=body)
        assert status == 201, answer
    asked = [("mara", MOVING, Reach.PUBLIC), ("lone", IN_PUBLIC, Reach.PUBLIC), ("lone", IN_PRIVATE, Reach.DIRECT)]
    asked += [(name, PAYING, Reach.PUBLIC) for name in ("ida", "jon", "kim")]
    for name, words, reach in asked:
        handle = f"{name}@far.example"
        house.playground.person(handle, name=name.title())
        house.playground.say(handle, f"@{house.brand} {words}", reach=reach)
        await asyncio.sleep(0.01)  # one deadline after the other
    for _, words, _ in asked:
        await house.heard(words)

    async def gathered() -> bool:
        _, groups = await house.ask("GET", "/alike")
        return [one["waiting"] for one in groups["items"]] == [3]

    await until(gathered, "three alike requests in one group")


async def test_a_full_shift_by_keyboard_alone(house: LivedIn, books: Database, browser: Browser) -> None:
    await furnish(house)
    async with opened(browser, house.daemon.url) as page:
        await sign_in(page, "ann", PASSWORD)
        await page.context.add_init_script(NO_POINTER)
        await page.reload()
        shift = Shift(house=house, books=books, page=page)
        await _snooze_in_words(shift)
        await _answer_by_macro(shift)
        await _answer_by_saved_reply(shift)
        await _merge(shift)
        await _answer_a_group(shift)
        await _nothing_is_left(shift)


async def _snooze_in_words(shift: Shift) -> None:
    page, conversation_id = shift.page, await shift.next(SLEEPER)
    await shift.press("z")
    await expect(page.locator("#snooze-words")).to_be_focused()
    await shift.keys.type("in 2 hours")
    await expect(page.locator("#moment-said")).not_to_be_empty()
    await picture(page, "shift-snooze")
    await shift.press("Enter")
    await expect(page.locator("#toasts")).to_contain_text("Snoozed until")
    await expect(shift.head).to_contain_text("snoozed until")
    row = await shift.conversation(conversation_id)
    assert row.state == "snoozed"
    assert row.snoozed_until is not None
    assert abs(row.snoozed_until - datetime.now(UTC) - timedelta(hours=2)) < timedelta(minutes=2)


async def _answer_by_macro(shift: Shift) -> None:
    page, conversation_id = shift.page, await shift.next(LEAK)
    await expect(page.locator("[data-key=m]")).to_be_visible()
    await shift.press("m", "Enter")
    await expect(page.get_by_label("Your reply")).to_be_focused()
    await expect(page.get_by_label("Your reply")).to_have_value("Sorry, Reed! A new one leaves today.")
    await picture(page, "shift-macro")
    await shift.press("Control+Enter")
    await expect(said(page, "outbound", "A new one leaves today.")).to_be_visible()
    await shift.is_answered(conversation_id, "Sorry, Reed!")
    await shift.is_resolved(conversation_id)
    await expect(shift.head.locator(".tag > span")).to_have_text("defect")
    assert [one.tag for one in await shift.rows(ConversationTag, conversation_id)] == ["defect"]


async def _answer_by_saved_reply(shift: Shift) -> None:
    page, conversation_id = shift.page, await shift.next(MOVING)
    await expect(page.locator("[data-saved-replies]")).to_be_visible()
    await shift.press("r")
    await shift.keys.type("/addr")
    await expect(page.locator("#saved-replies-list").get_by_role("option", selected=True)).to_contain_text(
        "/address"
    )
    await picture(page, "shift-saved-reply")
    await shift.press("Enter")
    await expect(page.locator("#reply-text")).to_have_value("Hi Mara, done.")
    await shift.press("Control+Enter")
    await _see_it_out(shift, conversation_id, "Hi Mara, done.")


async def _see_it_out(shift: Shift, conversation_id: str, text: str) -> None:
    """
    See the open conversation's answer delivered, and resolve it.
    """
    entry = said(shift.page, "outbound", text)
    await expect(entry.get_by_text("Delivered")).to_be_visible(timeout=ARRIVES)
    await expect(shift.head.get_by_text("answered")).to_be_visible()
    await shift.is_answered(conversation_id, text)
    await shift.press("e")
    await shift.is_resolved(conversation_id)


async def _merge(shift: Shift) -> None:
    page, public = shift.page, await shift.next(IN_PUBLIC)
    await shift.press("Shift+M")
    await expect(page.get_by_role("radio").first).to_be_focused()
    await picture(page, "shift-merge")
    await shift.press("Enter")
    await expect(said(page, "inbound", IN_PRIVATE)).to_be_visible()
    await expect(said(page, "inbound", IN_PUBLIC)).to_be_visible()
    private = page.url.rpartition("/")[2]
    assert private != public
    assert (await shift.conversation(public)).merged_into == private
    moved = [one.origin_id for one in await shift.rows(Message, private)]
    assert sorted(moved, key=str) == sorted([None, public], key=str)
    await shift.press("r")
    await shift.keys.type("A new bulb is on its way.")
    await shift.press("Control+Enter")
    await _see_it_out(shift, private, "A new bulb is on its way.")


async def _answer_a_group(shift: Shift) -> None:
    page, first = shift.page, await shift.next(PAYING)
    await expect(page.locator("[data-key=l]")).to_contain_text("2 alike wait")
    await shift.press("l")
    await expect(page.get_by_role("heading", name="Answer together")).to_be_visible()
    await expect(page.get_by_role("checkbox", checked=True)).to_have_count(3)
    await shift.press("r")
    await expect(page.get_by_label("One text")).to_be_focused()
    await shift.keys.type(OUTAGE)
    await picture(page, "shift-group")
    await shift.press("Tab")
    await expect(page.get_by_role("button", name="Send and resolve")).to_be_focused()
    await shift.press("Enter")
    await expect(page.get_by_role("heading", name="Being answered")).to_be_visible()
    links = page.locator(".steps a")
    await expect(links).to_have_text(["Ida", "Jon", "Kim"])
    members = [str(await one.get_attribute("href")).rpartition("/")[2] for one in await links.all()]
    assert first in members
    await picture(page, "shift-group-answered")
    for name, conversation_id in zip(("Ida", "Jon", "Kim"), members, strict=True):
        await shift.is_answered(conversation_id, f"Hi {name}, paying works again.")
        assert (await shift.conversation(conversation_id)).state == "resolved"


async def _nothing_is_left(shift: Shift) -> None:
    page = shift.page
    await shift.press("g", "q")
    await page.wait_for_url("**/queue")
    await shift.press("a")
    await expect(page.locator("#toasts")).to_contain_text("Nothing waits that nobody has and that you take.")
    await expect(page.locator("[data-row] [data-countdown]")).to_have_count(0)
    async with shift.books.read() as work:
        running = await work.session.scalars(
            sa.select(ConversationClock).where(col(ConversationClock.stopped_at).is_(None))
        )
    assert len(running.all()) == 1, "of the one that sleeps"
    assert await findings(page) == []
    await picture(page, "shift-end")
