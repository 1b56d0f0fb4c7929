"""
From what customers write to the board: topics that grow, are merged, renamed, hidden, and sent out.
"""

from __future__ import annotations

import asyncio
import json
import re
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta
from html import unescape
from typing import Any

import pytest
import sqlalchemy as sa
from sqlmodel import col

import bot.feedback.api
import bot.feedback.pages
from bot.core.actor import HUBBUB
from bot.core.database import Database
from bot.core.errors import Invalid, NotFound
from bot.core.live import LiveEvents
from bot.core.outward import OutwardRules
from bot.core.secretbox import GivenKeys, SecretBox, new_key
from bot.feedback import service, store
from bot.feedback.keys import BASE_URL
from bot.feedback.rules import GROWS_WITHIN, WEEK, Aspect, Order, Tally
from bot.feedback.store import Wanted
from bot.feedback.tables import FeedbackMention, FeedbackPhrase, FeedbackTopic
from bot.inbox.reactions import Reactions
from bot.inbox.tagging import add_tags
from bot.webhooks import service as webhooks
from bot.webhooks.rules import Kind
from bot.webhooks.service import Wish
from bot.webhooks.tables import WebhookDelivery
from connectors.base import Author
from tests.fakes.clock import FakeClock
from tests.fakes.web_app import WebClient, make_client
from tests.integration.inbox.house import House
from tests.integration.webhooks.documented import example, shape

URL = "https://hubbub.example.com"
NASTY = "zipper<script>alert(1)</script>"
BAD = "The battery life is terrible. I am very disappointed!"
GOOD = "I love the battery life, it is wonderful!"
BAD_ZH = "电池续航太差了"


@dataclass
class Shop:
    """
    An inbox whose messages reach the board.
    """

    house: House
    clock: FakeClock
    people: int = 0

    async def hear(self, *texts: str) -> list[str]:
        """
        Let as many customers write; gives the conversations.
        """
        found = []
        for text in texts:
            self.people += 1
            author = Author(key=f"k{self.people}", handle=f"k{self.people}@far.example", name="K")
            found.append(await self.house.asked(text, author))
        await self.react()
        return found

    async def react(self) -> None:
        async with LiveEvents(self.house.database) as live:
            reactions = Reactions(self.house.database, live, [service.reaction()])
            while await reactions.round():
                pass

    async def board(self, order: Order = Order.COUNT, **wanted: Any) -> list[Tally]:
        async with self.house.database.read() as work:
            return list((await store.board(work, Wanted(**wanted), order, limit=200, after=None)).items)

    async def counts(self, **wanted: Any) -> dict[str, int]:
        return {one.name: one.this_week for one in await self.board(**wanted)}

    async def topic(self, name: str) -> str:
        return next(one.topic_id for one in await self.board() if one.name == name)

    async def merge(self, name: str, into: str) -> None:
        one, other = await self.topic(name), await self.topic(into)
        async with self.house.database.write() as work:
            await service.merge(work, HUBBUB, one, other)


@pytest.fixture
async def shop(database: Database, clock: FakeClock) -> Shop:
    return Shop(await House(database).build(), clock)


@pytest.fixture
async def web(shop: Shop) -> AsyncIterator[WebClient]:
    async with make_client(
        shop.house.database, pages=[bot.feedback.pages], apis=[bot.feedback.api], extra={BASE_URL: URL}
    ) as client:
        yield client


async def test_a_topic_grows_when_three_speak_of_it_and_those_three_count(shop: Shop):
    await shop.hear(BAD, BAD)
    assert await shop.board() == []
    await shop.hear(GOOD)
    counts = await shop.counts()
    assert counts["battery life"] == 3
    assert "life" not in counts
    await shop.hear(BAD)
    assert (await shop.counts())["battery life"] == 4
    assert (await shop.counts(aspect=Aspect.PRAISED))["battery life"] == 1
    assert (await shop.counts(aspect=Aspect.BROKEN))["battery life"] == 3


async def test_chinese_topics_grow_without_their_pieces(shop: Shop):
    await shop.hear(BAD_ZH, BAD_ZH, BAD_ZH)
    counts = await shop.counts()
    assert counts["电池续航"] == 3
    assert not {"池续", "电池", "续航", "池续航"} & set(counts)


async def test_a_phrase_that_is_rare_is_no_topic_and_is_forgotten(shop: Shop):
    await shop.hear(BAD, BAD)
    await shop.clock.advance(GROWS_WITHIN + timedelta(days=1))
    await shop.hear(BAD)
    assert await shop.board() == []
    await shop.clock.advance(GROWS_WITHIN + timedelta(days=1))
    async with shop.house.database.write() as work:
        assert await store.forget_candidates(work, work.now - GROWS_WITHIN) > 0
        assert await work.session.scalar(sa.select(sa.func.count()).select_from(FeedbackPhrase)) == 0


async def test_machines_and_spam_say_nothing(shop: Shop):
    conversations = await shop.hear(BAD)
    for _ in range(5):
        author = Author(key="k1", handle="k1@far.example", name="K")
        await shop.house.hear(shop.house.item(BAD, author, automatic="out of office"))
    await shop.react()
    assert conversations
    assert await shop.board() == []


async def test_the_same_event_twice_counts_once(shop: Shop):
    await shop.hear(BAD, BAD, BAD)
    async with shop.house.database.write() as work:
        await work.session.execute(
            sa.text("UPDATE conversation_event SET pending = true WHERE kind = 'message_in'")
        )
    await shop.react()
    assert (await shop.counts())["battery life"] == 3


async def test_a_merged_topic_goes_on_collecting_for_both(shop: Shop):
    await shop.hear(BAD, BAD, BAD, BAD_ZH, BAD_ZH, BAD_ZH, f"{BAD} {BAD_ZH}")
    assert (await shop.counts()) | {"battery life": 4, "电池续航": 4} == await shop.counts()
    await shop.merge("电池续航", "battery life")
    assert (await shop.counts())["battery life"] == 7  # who said both is counted once
    await shop.hear(BAD_ZH)
    counts = await shop.counts()
    assert counts["battery life"] == 8
    assert "电池续航" not in counts


async def test_S12_two_merges_the_other_way_round_at_once_lose_nothing(shop: Shop):
    await shop.hear(BAD, BAD, BAD, BAD_ZH, BAD_ZH, BAD_ZH)
    one, other = await shop.topic("battery life"), await shop.topic("电池续航")

    async def merge(first: str, second: str) -> bool:
        try:
            async with shop.house.database.write() as work:
                await service.merge(work, HUBBUB, first, second)
        except NotFound:
            return False
        return True

    done = await asyncio.gather(merge(one, other), merge(other, one))
    assert sorted(done) == [False, True]
    counts = await shop.counts()
    assert sum(counts.get(name, 0) for name in ("battery life", "电池续航")) == 6
    async with shop.house.database.write() as work:
        with pytest.raises(Invalid, match="into itself"):
            await service.merge(work, HUBBUB, one, one)


async def test_renamed_and_hidden_topics_go_on_collecting(shop: Shop):
    await shop.hear(BAD, BAD, BAD)
    topic_id = await shop.topic("battery life")
    async with shop.house.database.write() as work:
        await service.rename(work, HUBBUB, topic_id, "Akku 电池")
        await service.hide(work, HUBBUB, topic_id, hidden=True)
    assert "Akku 电池" not in await shop.counts()
    await shop.hear(BAD)
    async with shop.house.database.write() as work:
        await service.hide(work, HUBBUB, topic_id, hidden=False)
    assert (await shop.counts())["Akku 电池"] == 4


async def test_a_tag_is_a_topic_at_once(shop: Shop):
    (conversation_id,) = await shop.hear(BAD)
    async with shop.house.database.write() as work:
        await add_tags(work, shop.house.people["ann"], conversation_id, ["akku"])
    await shop.react()
    assert await shop.counts() == {"akku": 1}


async def test_products_and_accounts_tell_mentions_apart(shop: Shop):
    async with shop.house.database.write() as work:
        await service.put_product(work, HUBBUB, "Aero", ("aero", "飞翼"))
    await shop.hear(*(f"{BAD} aero" for _ in range(3)), BAD)
    async with shop.house.database.read() as work:
        (product,) = await store.list_products(work)
    assert (await shop.counts(product_id=product.id))["battery life"] == 3
    assert (await shop.counts(account_id=shop.house.account.id))["battery life"] == 4
    assert await shop.counts(account_id="another") == {}
    async with shop.house.database.write() as work:
        await service.put_product(work, HUBBUB, "Aero", ("aero 2",))
        assert [one.words for one in await store.list_products(work)] == [("aero 2",)]
        await service.remove_product(work, HUBBUB, product.id)
    assert await shop.counts(product_id=product.id) == {}
    assert (await shop.counts())["battery life"] == 4


async def test_trend_and_mood_compare_this_week_with_the_last(shop: Shop):
    await shop.hear(BAD, BAD, BAD, BAD)
    await shop.clock.advance(WEEK + timedelta(hours=1))
    await shop.hear(BAD, GOOD)
    (one,) = [one for one in await shop.board() if one.name == "battery life"]
    assert (one.this_week, one.last_week, one.rise, one.positive) == (2, 4, -2, 1)
    assert one.positive_share == 0.5


async def test_topics_go_out_to_those_who_ask_as_documented(shop: Shop):
    await shop.hear(BAD, BAD, BAD)
    topic_id = await shop.topic("battery life")
    box, outward = SecretBox(GivenKeys(new_key())), OutwardRules()
    async with shop.house.database.write() as work:
        with pytest.raises(Exception, match="no webhook asks"):
            await service.send_out(work, HUBBUB, topic_id, base_url=URL)
        for name, with_text in (("tracker", False), ("words", True)):
            wish = Wish(name=name, url="https://x.example/", kinds=[Kind.FEEDBACK_TOPIC], with_text=with_text)
            await webhooks.add_endpoint(work, HUBBUB, box, outward, wish)
        await service.send_out(work, HUBBUB, topic_id, base_url=URL)
    async with shop.house.database.read() as work:
        bodies = [json.loads(row) for row in await work.session.scalars(sa.select(col(WebhookDelivery.body)))]
    plain, worded = sorted((body["data"] for body in bodies), key=len)
    assert "quotes" not in plain
    assert [one["text"] for one in worded["quotes"]] == [BAD] * 3
    assert plain["topic"]["this_week"] == 3
    assert shape(plain) == shape(example("feedback.topic"))


# page and API


async def test_a_marketer_reads_the_board_and_tidies_it_up(shop: Shop, web: WebClient):
    await web.sign_in("marketer")
    assert "No topic yet" in await (await web.get("/feedback")).text()
    await shop.hear(*[f"My {NASTY} is broken"] * 3, BAD, BAD, BAD)
    text = await (await web.get("/feedback?aspect=broken&order=rising")).text()
    assert "battery life" in text
    assert "<script>alert" not in text
    topic_id = await shop.topic("battery life")
    here = f"/feedback/{topic_id}"
    text = await (await web.get(f"{here}?find=zipper")).text()
    assert BAD in unescape(text)
    into = re.search(r'name="into_id" value="([^"]+)"', text)
    assert into is not None
    assert (await web.post_form(f"{here}/rename", {"name": ""})).status == 422
    assert (await web.post_form(f"{here}/rename", {"name": "续航"})).status == 303
    assert (await web.post_form(f"{here}/send-out")).status == 409
    assert (await web.post_form(f"{here}/hide", {"hidden": "yes"})).status == 303
    assert "off the board" in await (await web.get(here)).text()
    assert (await web.post_form(f"{here}/hide", {"hidden": "no"})).status == 303
    assert (await web.post_form(f"{here}/merge", {"into_id": topic_id})).status == 422
    assert (await web.post_form(f"{here}/merge", {"into_id": into[1]})).status == 303
    assert (await web.get(here)).status == 404
    assert (await web.post_form("/feedback/products", {"name": "Aero", "words": "aero，飞翼"})).status == 303
    assert (await web.post_form("/feedback/products", {"name": "", "words": ""})).status == 422
    assert "飞翼" in await (await web.get("/feedback")).text()
    table = await (await web.get("/feedback/topics.csv")).text()
    assert table.startswith("topic,this_week,last_week")
    await web.sign_in("agent")
    assert (await web.get("/feedback")).status == 403


async def test_the_api_does_what_the_board_does(shop: Shop, web: WebClient):
    await shop.hear(BAD, BAD, BAD, BAD_ZH, BAD_ZH, BAD_ZH)
    ids = {one.name: one.topic_id for one in await shop.board()}
    seen, after = [], None
    while True:
        mark = f"&after={after}" if after else ""
        found = await (await web.api("GET", f"/feedback/topics?limit=1{mark}", "lead")).json()
        seen += [one["id"] for one in found["items"]]
        after = found["after"]
        if after is None:
            break
    assert sorted(seen) == sorted(ids.values())
    here = f"/feedback/topics/{ids['battery life']}"
    quotes = await (await web.api("GET", f"{here}/quotes?limit=2", "lead")).json()
    more = await (await web.api("GET", f"{here}/quotes?limit=2&after={quotes['after']}", "lead")).json()
    assert [one["text"] for one in [*quotes["items"], *more["items"]]] == [BAD] * 3
    renamed = await (await web.api("POST", f"{here}/rename", "lead", json={"name": "Akku"})).json()
    assert (renamed["name"], renamed["phrases"]) == ("Akku", ["battery life"])
    merged = await web.api("POST", f"{here}/merge", "lead", json={"into_id": ids["电池续航"]})
    assert (await merged.json())["this_week"] == 6
    assert (await web.api("GET", here, "lead")).status == 404
    other = f"/feedback/topics/{ids['电池续航']}"
    assert (await (await web.api("POST", f"{other}/hide", "lead", json={"hidden": True})).json())["hidden"] is True
    assert (await web.api("POST", f"{other}/send-out", "lead")).status == 409
    put = await web.api("PUT", "/feedback/products", "lead", json={"name": "Aero", "words": ["aero"]})
    (product,) = (await put.json())["items"]
    assert (await web.api("DELETE", f"/feedback/products/{product['id']}", "lead")).status == 204
    assert (await web.api("DELETE", f"/feedback/products/{product['id']}", "lead")).status == 404
    assert (await web.api("GET", "/feedback/topics", "agent")).status == 403


async def test_ten_thousand_mentions_stay_fast(shop: Shop):
    await shop.hear(BAD, BAD, BAD)
    async with shop.house.database.write() as work:
        (message_id, *_rest) = (await work.session.scalars(sa.select(col(FeedbackMention.message_id)))).all()
        same = {"hidden": False, "created_at": work.now}
        topics = [{"id": f"t{n:05d}", "name": f"n{n}", **same} for n in range(10_000)]
        await work.session.execute(sa.insert(FeedbackTopic), topics)
        rows = [
            {
                "topic_id": one["id"],
                "message_id": message_id,
                "account_id": shop.house.account.id,
                "product_id": "",
                "aspect": "broken",
                "mood": "negative",
                "at": work.now - timedelta(minutes=number),
            }
            for number, one in enumerate(topics)
        ]
        await work.session.execute(sa.insert(FeedbackMention), rows)
    began = time.perf_counter()
    async with shop.house.database.read() as work:
        first = await store.board(work, Wanted(), Order.COUNT, limit=50, after=None)
        await store.board(work, Wanted(aspect=Aspect.BROKEN), Order.RISING, limit=50, after=first.after)
    assert time.perf_counter() - began < 2
    assert first.items[0].name == "battery life"
