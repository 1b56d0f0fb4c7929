"""
Tags of conversations and segments of contacts, by verb, page and API.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
import sqlalchemy as sa
from sqlmodel import col

import bot.contacts.api
import bot.contacts.pages
import bot.inbox.api
import bot.inbox.pages
import bot.inbox.tag_api
import bot.inbox.tag_pages
from bot.contacts.segments import segments_of
from bot.core.database import Database
from bot.core.errors import Invalid
from bot.inbox import store, tagging
from bot.inbox.keys import PROMISE as PROMISE_KEY
from bot.inbox.tables import ConversationEvent
from tests.fakes.web_app import WebClient, make_client
from tests.integration.inbox.house import PROMISE, House

PAGES = [bot.inbox.pages, bot.inbox.tag_pages, bot.contacts.pages]
APIS = [bot.inbox.api, bot.inbox.tag_api, bot.contacts.api]


@pytest.fixture
async def house(database: Database) -> House:
    return await House(database).build()


@pytest.fixture
async def web(house: House) -> AsyncIterator[WebClient]:
    async with make_client(house.database, pages=PAGES, apis=APIS, extra={PROMISE_KEY: PROMISE}) as client:
        yield client


async def _tag(house: House, conversation_id: str, *tags: str) -> list[str]:
    async with house.database.write() as work:
        return await tagging.add_tags(work, house.people["ann"], conversation_id, tags)


async def _tags(house: House, conversation_id: str) -> tuple[str, ...]:
    async with house.database.read() as work:
        return (await store.tags_of(work, [conversation_id])).get(conversation_id, ())


async def _events(house: House, conversation_id: str) -> list[tuple[str, object]]:
    async with house.database.read() as work:
        query = sa.select(ConversationEvent).where(col(ConversationEvent.conversation_id) == conversation_id)
        rows = (await work.session.scalars(query.order_by(col(ConversationEvent.id)))).all()
        return [(row.kind, row.detail.get("tag")) for row in rows if row.kind in ("tagged", "untagged")]


async def test_tags_are_kept_once_in_one_form_and_logged(house: House) -> None:
    opened = await house.asked()
    assert await _tag(house, opened, "Refund Wanted", "退款") == ["refund-wanted", "退款"]
    assert await _tag(house, opened, "refund-wanted") == [], "it has it"
    async with house.database.write() as work:
        assert await tagging.remove_tag(work, house.people["ben"], opened, "#退款")
        assert not await tagging.remove_tag(work, house.people["ben"], opened, "退款")
    assert await _tags(house, opened) == ("refund-wanted",)
    assert await _events(house, opened) == [("tagged", "refund-wanted"), ("tagged", "退款"), ("untagged", "退款")]


async def test_the_same_tag_by_many_at_once_is_one_tag_and_one_event(house: House) -> None:
    opened = await house.asked()
    added = await asyncio.gather(*(_tag(house, opened, "late") for _ in range(8)))
    assert sorted(added, key=len) == [[]] * 7 + [["late"]]
    assert await _events(house, opened) == [("tagged", "late")]


async def test_a_conversation_has_so_many_tags_and_no_more(house: House) -> None:
    opened = await house.asked()
    await _tag(house, opened, *(f"t{number}" for number in range(tagging.MOST_TAGS)))
    with pytest.raises(Invalid, match="take one off"):
        await _tag(house, opened, "one-more")
    assert len(await _tags(house, opened)) == tagging.MOST_TAGS


async def test_known_tags_are_offered_by_how_they_begin(house: House) -> None:
    first, second = await house.asked(), await house.asked("And?", subject="x")
    await _tag(house, first, "refund", "re-order", "vip", "退款", "退货")
    await _tag(house, second, "refund")
    async with house.database.read() as work:
        assert await tagging.known_tags(work, "Re") == ["re-order", "refund"]
        assert await tagging.known_tags(work, "退") == ["退款", "退货"]
        assert len(await tagging.known_tags(work, limit=2)) == 2


async def test_tagging_by_page(web: WebClient, house: House) -> None:
    opened = await house.asked()
    await web.sign_in("agent")
    done = await web.post_form(f"/conversations/{opened}/tags", {"tag": "Refund, <b>"})
    assert done.status == 303
    page = await (await web.get(f"/conversations/{opened}")).text()
    assert "Take the tag refund off" in page
    assert "<b>" not in page.split('class="tags"')[1].split("</ul>")[0]
    assert "refund" in await (await web.get("/queue")).text()
    assert '"refund"' in await (await web.get("/tags/options?tag=vip, ref")).text()
    assert (await web.post_form(f"/conversations/{opened}/untag", {"tag": "refund"})).status == 303
    assert await _tags(house, opened) == ("<b>",)
    for wrong in ("", " , ", "x" * 60):
        assert (await web.post_form(f"/conversations/{opened}/tags", {"tag": wrong})).status == 422


async def test_tagging_by_api(web: WebClient, house: House) -> None:
    opened = await house.asked()
    done = await web.api("POST", f"/conversations/{opened}/tags", "agent", json={"tags": ["A/B", "退款"]})
    assert await done.json() == {"tags": ["a/b", "退款"]}
    shown = await web.api("GET", f"/conversations/{opened}", "agent")
    assert (await shown.json())["tags"] == ["a/b", "退款"]
    gone = await web.api("DELETE", f"/conversations/{opened}/tags/a%2Fb", "agent")
    assert await gone.json() == {"tags": ["退款"]}
    known = await web.api("GET", "/tags?starts_with=退", "agent")
    assert await known.json() == {"tags": ["退款"]}
    assert (await web.api("POST", "/conversations/no/tags", "agent", json={"tags": ["x"]})).status == 404
    assert (await web.api("POST", f"/conversations/{opened}/tags", "marketer", json={"tags": ["x"]})).status == 403


async def test_segments_by_page_and_api(web: WebClient, house: House) -> None:
    contact = (await house.see(await house.asked())).contact_id
    await web.sign_in("agent")
    assert (await web.post_form(f"/contacts/{contact}/segments", {"segment": "VIP，press"})).status == 303
    assert "Take them out of the segment vip" in await (await web.get(f"/contacts/{contact}")).text()
    assert (await web.post_form(f"/contacts/{contact}/leave-segment", {"segment": "vip"})).status == 303
    added = await web.api("POST", f"/contacts/{contact}/segments", "agent", json={"segments": ["Gold"]})
    assert (await added.json())["segments"] == ["gold", "press"]
    gone = await web.api("DELETE", f"/contacts/{contact}/segments/press", "agent")
    assert (await gone.json())["segments"] == ["gold"]
    listed = await (await web.api("GET", "/contacts", "agent")).json()
    assert listed["items"][0]["segments"] == ["gold"]
    async with house.database.read() as work:
        assert await segments_of(work, [contact, "nobody"]) == {contact: ("gold",)}
    assert (await web.post_form(f"/contacts/{contact}/segments", {"segment": ","})).status == 422
