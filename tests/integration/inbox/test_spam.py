"""
Spam, blocked contacts, and the pages that keep order, on both databases.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
from aiohttp import web as web_server

import bot.contacts.api
import bot.contacts.pages
import bot.inbox.api
import bot.inbox.order_api
import bot.inbox.order_pages
import bot.inbox.pages
from bot.accounts.ears import Ignored, Routed
from bot.contacts.blocking import How, block, blocks_of, unblock
from bot.contacts.keys import PANELS
from bot.core.database import Database
from bot.core.errors import Conflict, Invalid
from bot.inbox import service, spam, store, tagging
from bot.inbox.history_pages import history_panel
from bot.inbox.keys import PROMISE as PROMISE_KEY
from bot.staff.service import list_audit
from connectors.base import Visibility
from tests.fakes.web_app import WebClient, make_client
from tests.integration.inbox.house import KITE, PROMISE, REED, House

PAGES = [bot.inbox.pages, bot.inbox.order_pages, bot.contacts.pages]
APIS = [bot.inbox.api, bot.inbox.order_api, bot.contacts.api]


@pytest.fixture
async def house(database: Database) -> House:
    return await House(database).build()


@pytest.fixture
async def web(house: House) -> AsyncIterator[WebClient]:
    extra: dict[web_server.AppKey[Any], object] = {PROMISE_KEY: PROMISE, PANELS: (history_panel,)}
    async with make_client(house.database, pages=PAGES, apis=APIS, extra=extra) as client:
        yield client


async def _mark(house: House, conversation_id: str, *, later: bool = False) -> None:
    async with house.database.write() as work:
        await spam.mark_spam(work, house.people["ann"], conversation_id, from_now_on=later)


async def test_spam_is_out_of_the_queue_and_breaks_no_promise(house: House) -> None:
    opened = await house.asked("Buy followers now")
    await _mark(house, opened)
    c = await house.see(opened)
    assert (c.state, c.due_at, c.waiting_messages) == ("resolved", None, 0)
    assert c.spam_at is not None
    async with house.database.read() as work:
        assert await store.running_clocks(work, opened) == []
        assert [one.conversation.id for one in (await spam.list_spam(work, limit=9, after=None)).items] == [opened]


async def test_spam_that_was_none_comes_back_with_a_new_promise(house: House) -> None:
    opened = await house.asked("Buy followers now")
    await _mark(house, opened, later=True)
    async with house.database.write() as work:
        back = await spam.unmark_spam(work, house.people["ben"], opened, PROMISE)
        assert (back.state, back.spam_at, back.waiting_messages) == ("open", None, 1)
        assert back.due_at == work.now + PROMISE.first_response, "not days old"
        assert await blocks_of(work, back.contact_id) == []
        with pytest.raises(Conflict, match="not marked"):
            await spam.unmark_spam(work, house.people["ben"], opened, PROMISE)


async def test_what_they_write_later_is_spam_by_choice(house: House) -> None:
    once = await house.asked("Buy followers now", KITE)
    await _mark(house, once)
    assert (await house.see(await house.asked("Sorry, wrong window", KITE))).state == "open"
    ever = await house.asked("Buy likes now", REED)
    await _mark(house, ever, later=True)
    later = await house.see(await house.asked("And again!", REED))
    assert (later.state, later.due_at, later.waiting_messages) == ("resolved", None, 0)
    assert later.spam_at is not None
    assert (await house.messages(later.id))[0].text == "And again!", "it is kept"


async def test_what_somebody_blocked_writes_is_heard_and_ignored(house: House) -> None:
    opened = await house.asked("You are all ...", KITE)
    c, ann = await house.see(opened), house.people["ann"]
    async with house.database.write() as work:
        await block(work, ann, c.contact_id)
    assert await house.hear(house.item("More of it", KITE)) == Ignored(reason="blocked")
    assert await house.hear(house.item("And in private", KITE, visibility=Visibility.DIRECT)) == Ignored(
        reason="blocked"
    )
    assert len(await house.messages(opened)) == 1
    assert isinstance(await house.hear(house.item("Hello", REED)), Routed)
    async with house.database.write() as work:
        assert await unblock(work, ann, c.contact_id)
        assert not await unblock(work, ann, c.contact_id)
        trail = [one.action for one in (await list_audit(work, subject_id=c.contact_id)).items]
    assert trail == ["contact.unblock", "contact.block"]
    assert isinstance(await house.hear(house.item("I am sorry", KITE)), Routed)


async def test_one_identity_is_blocked_and_the_heavier_word_counts(house: House) -> None:
    c = await house.see(await house.asked("spam", KITE))
    other = await house.see(await house.asked("hello", REED))
    async with house.database.write() as work:
        await block(work, house.people["ann"], c.contact_id, how=How.SPAM)
        await block(work, house.people["ann"], c.contact_id, identity_id=c.identity_id)
        with pytest.raises(Invalid, match="no identity"):
            await block(work, house.people["ann"], c.contact_id, identity_id=other.identity_id)
    assert await house.hear(house.item("More", KITE)) == Ignored(reason="blocked")
    async with house.database.write() as work:
        await unblock(work, house.people["ann"], c.contact_id, identity_id=c.identity_id)
    assert isinstance(await house.hear(house.item("More", KITE)), Routed)


async def test_order_by_pages(web: WebClient, house: House) -> None:
    public = await house.asked("Where is order 7?")
    private = await house.asked("My address <b>", visibility=Visibility.DIRECT)
    await web.sign_in("agent")
    chosen = await (await web.get(f"/conversations/{public}/merge")).text()
    assert f'value="{private}"' in chosen
    assert "My address &lt;b&gt;" in chosen
    assert (await web.post_form(f"/conversations/{public}/merge", {"into": ""})).status == 422
    itself = await web.post_form(f"/conversations/{public}/merge", {"into": public})
    assert itself.status == 422
    assert "into itself" in await itself.text()
    address = f"https://hubbub.example/conversations/{private}?tab=mine"
    merged = await web.post_form(f"/conversations/{public}/merge", {"other": address})
    assert merged.headers["Location"] == f"/conversations/{private}"
    gone = await (await web.get(f"/conversations/{public}")).text()
    assert "This went into another conversation" in gone
    assert f'href="/conversations/{private}"' in gone
    page = await (await web.get(f"/conversations/{private}")).text()
    undo = page.split('action="/rearrangements/')[1].split("/undo")[0]
    assert (await web.post_form(f"/rearrangements/{undo}/undo")).status == 303
    assert (await web.post_form(f"/rearrangements/{undo}/undo")).status == 409
    await house.asked("And do you sell red ones?")
    last = (await house.messages(public))[-1]
    assert "And do you sell red ones?" in await (await web.get(f"/conversations/{public}/split")).text()
    parted = await web.post_form(f"/conversations/{public}/split", {"message_id": last.id})
    assert parted.status == 303
    assert parted.headers["Location"] != f"/conversations/{public}"
    assert (await web.post_form(f"/conversations/{public}/spam", {"from_now_on": "yes"})).status == 303
    assert "Where is order 7?" in await (await web.get("/spam")).text()
    assert (await web.post_form(f"/conversations/{public}/not-spam")).status == 303


async def test_snoozing_in_words_by_page(web: WebClient, house: House) -> None:
    opened = await house.asked()
    await web.sign_in("agent")
    web.set_cookie("hubbub_zone", "Asia/Shanghai")
    said = await (await web.get("/moments?words=明天上午9点")).text()
    assert "T01:00:00+00:00" in said, "nine in Shanghai"
    assert "no moment I understand" in await (await web.get("/moments?words=soonish")).text()
    assert "has passed" in await (await web.get("/moments?words=2020-01-01")).text()
    wrong = await web.post_form(f"/conversations/{opened}/snooze", {"words": "soonish", "until": ""})
    assert wrong.status == 422
    done = await web.post_form(f"/conversations/{opened}/snooze", {"words": "tomorrow 9", "until": ""})
    assert done.status == 303
    until = (await house.see(opened)).snoozed_until
    assert until is not None
    assert until.hour == 1
    assert (await web.post_form(f"/conversations/{opened}/snooze", {"words": "", "until": "1800"})).status == 303


async def test_the_page_of_a_contact_shows_history_and_block(web: WebClient, house: House) -> None:
    ann, ids = house.people["ann"], []
    for number in range(25):
        opened = await house.asked(f"Question number {number}.")
        ids.append(opened)
        async with house.database.write() as work:
            await service.add_note(work, ann, opened, f"Note number {number}. <b>")
            await tagging.add_tags(work, ann, opened, [f"tag-{number}"])
            await service.resolve(work, ann, opened)
    contact = (await house.see(ids[0])).contact_id
    await web.sign_in("agent")
    page = await (await web.get(f"/contacts/{contact}")).text()
    assert "Question number 24." in page
    assert "Note number 24. &lt;b&gt;" in page
    assert "tag-24" in page
    assert "Question number 3." not in page
    older = page.split('rel="next"')[0].rsplit('href="', 1)[1].split('"')[0]
    assert "Question number 3." in await (await web.get(older)).text()
    assert (await web.post_form(f"/contacts/{contact}/block", {"how": "nonsense"})).status == 422
    assert (await web.post_form(f"/contacts/{contact}/block", {"how": "blocked"})).status == 303
    assert "Unblock" in await (await web.get(f"/contacts/{contact}")).text()
    assert (await web.post_form(f"/contacts/{contact}/unblock")).status == 303


async def test_order_by_api(web: WebClient, house: House) -> None:
    public = await house.asked("Where is order 7?")
    private = await house.asked("My address", visibility=Visibility.DIRECT)
    contact = (await house.see(public)).contact_id
    merged = await web.api("POST", f"/conversations/{public}/merge", "agent", json={"into": private})
    assert (await merged.json())["id"] == private
    row = await (await web.api("GET", f"/conversations/{private}/rearrangement", "agent")).json()
    assert (row["kind"], row["from_id"]) == ("merge", public)
    undone = await web.api("POST", f"/rearrangements/{row['id']}/undo", "agent")
    assert (await undone.json())["id"] == public
    assert (await web.api("GET", f"/conversations/{private}/rearrangement", "agent")).status == 204
    again = await web.api("POST", f"/conversations/{public}/merge", "agent", json={"into": public})
    assert again.status == 422
    spammed = await web.api("POST", f"/conversations/{public}/spam", "agent", json={"from_now_on": True})
    assert (await spammed.json())["state"] == "resolved"
    blocks = await (await web.api("GET", f"/contacts/{contact}/blocks", "agent")).json()
    assert [one["how"] for one in blocks["blocks"]] == ["spam"]
    assert (await web.api("POST", f"/conversations/{public}/not-spam", "agent")).status == 200
    blocked = await web.api("POST", f"/contacts/{contact}/block", "agent", json={})
    assert [one["how"] for one in (await blocked.json())["blocks"]] == ["blocked"]
    freed = await web.api("POST", f"/contacts/{contact}/unblock", "agent", json={})
    assert (await freed.json())["blocks"] == []
    assert (await web.api("POST", f"/contacts/{contact}/block", "marketer", json={})).status == 403
