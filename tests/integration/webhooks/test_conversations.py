"""
What webhooks are told of conversations: from the event log to the receiver, and as it is documented.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any

import pytest

from bot.core.actor import HUBBUB
from bot.core.live import LiveEvents
from bot.inbox import service as inbox
from bot.inbox import store as inbox_store
from bot.inbox.changes import note_event
from bot.inbox.reactions import Reactions
from bot.inbox.webhooks import KINDS, reaction
from bot.webhooks import service as webhooks
from bot.webhooks.rules import CHOICES, MEANINGS, Kind
from tests.integration.inbox.house import House as Inbox
from tests.integration.webhooks.conftest import ADMIN, House
from tests.integration.webhooks.documented import PAGE, example, shape

URL = "https://hubbub.example.com"
DUE = "2026-03-02T09:15:00+00:00"


@dataclass
class Shop:
    """
    An inbox whose events reach the receiver.
    """

    inbox: Inbox
    house: House

    async def told(self) -> list[dict[str, Any]]:
        """
        Let everything that happened be told, and give what arrived.
        """
        async with LiveEvents(self.house.database) as live:
            reactions = Reactions(self.house.database, live, [reaction(URL)])
            while await reactions.round():
                pass
        await self.house.work()
        return [json.loads(got.body) for got in self.house.receiver.got]

    async def clock_event(self, conversation_id: str, kind: str, **detail: object) -> None:
        async with self.house.database.write() as work:
            conversation = await inbox_store.get_conversation(work, conversation_id)
            note_event(
                work, conversation, kind, HUBBUB, clock_id="k", clock="first_response", due_at=DUE, **detail
            )


@pytest.fixture
async def shop(house: House) -> Shop:
    return Shop(await Inbox(house.database).build(), house)


async def test_a_conversation_is_told_from_its_beginning_to_its_end(shop: Shop):
    await shop.house.add(with_text=True)
    conversation_id = await shop.inbox.asked("Does it ship to Norway? 谢谢")
    entry = await shop.inbox.reply(conversation_id)
    await shop.inbox.becomes(entry, "confirmed")
    async with shop.house.database.write() as work:
        ben, lea = shop.inbox.people["ben"], shop.inbox.people["lea"]
        await inbox.hand_over(work, lea, conversation_id, ben.id)
        await inbox.resolve(work, ben, conversation_id)

    said = {one["type"]: one["data"] for one in await shop.told()}
    assert set(said) == set(Kind) - {
        Kind.FEEDBACK_TOPIC,
        Kind.PING,
        Kind.RULE_RAN,
        "conversation.warned",
        "conversation.breached",
    }
    assert said["conversation.created"]["text"] == "Does it ship to Norway? 谢谢"
    assert said["conversation.created"]["contact"]["handle"] == "kite@far.example"
    assert said["conversation.created"]["conversation"]["url"] == f"{URL}/conversations/{conversation_id}"
    assert said["conversation.answered"]["automatic"] is False
    assert said["conversation.answered"]["by"]["name"] == "Ann"
    assert said["conversation.resolved"]["by"]["name"] == "Ben"
    assert said["conversation.resolved"]["conversation"]["resolved_at"] == "2026-03-02T09:00:00Z"


async def test_a_deadline_is_told_with_its_true_time(shop: Shop):
    await shop.house.add(kinds=[Kind.CONVERSATION_WARNED, Kind.CONVERSATION_BREACHED])
    conversation_id = await shop.inbox.asked()
    await shop.clock_event(conversation_id, "clock_warned", share=0.5)
    await shop.clock_event(conversation_id, "clock_breached")
    said = {one["type"]: one["data"]["clock"] for one in await shop.told()}
    assert said == {
        "conversation.warned": {"clock": "first_response", "due_at": DUE, "share": 0.5},
        "conversation.breached": {"clock": "first_response", "due_at": DUE},
    }


async def test_without_asking_for_texts_nothing_that_a_customer_wrote_leaves(shop: Shop):
    await shop.house.add()
    await shop.inbox.asked("my number is 555-0199", subject="my secret")
    await shop.told()
    assert shop.house.receiver.got
    sent = b"".join(got.body for got in shop.house.receiver.got)
    assert b"555-0199" not in sent
    assert b"my secret" not in sent


async def test_when_nobody_asks_nothing_is_kept(shop: Shop):
    endpoint, _ = await shop.house.add(kinds=[Kind.FEEDBACK_TOPIC])
    await shop.inbox.asked()
    assert await shop.told() == []
    assert await shop.house.log(endpoint.id) == []


# the documentation


def test_every_kind_stands_in_the_table_with_its_meaning():
    rows = dict(re.findall(r"^\| `([a-z.]+)` \| (.+) \|$", PAGE, re.MULTILINE))
    assert {name: rows.get(name) for name in MEANINGS} == {kind: MEANINGS[kind] for kind in Kind}
    assert set(KINDS.values()) == {kind for kind in CHOICES if kind.startswith("conversation.")}


async def test_the_examples_of_the_reference_are_what_is_sent(shop: Shop):
    endpoint, _ = await shop.house.add()
    conversation_id = await shop.inbox.asked()
    (created,) = await shop.told()
    assert shape(created) == shape(example("conversation.created"))

    async with shop.house.database.write() as work:
        await webhooks.ping(work, ADMIN, endpoint.id)
    await shop.clock_event(conversation_id, "clock_warned", share=0.5)
    await shop.clock_event(conversation_id, "clock_breached")
    entry = await shop.inbox.reply(conversation_id)
    await shop.inbox.becomes(entry, "confirmed")
    async with shop.house.database.write() as work:
        await inbox.resolve(work, shop.inbox.people["ann"], conversation_id)
    said = {one["type"]: one["data"] for one in await shop.told()}
    always = {"conversation", "contact"}
    for kind in set(said) - {"conversation.created"}:
        own = {name: value for name, value in said[kind].items() if name not in always}
        shown = example(kind)
        if kind in ("conversation.assigned", "conversation.resolved", "conversation.answered"):
            assert {name: bool(value) or value is False for name, value in own.items()} == dict.fromkeys(own, True)
        assert {name: shape(value) for name, value in own.items()} == {n: shape(v) for n, v in shown.items()}, kind
