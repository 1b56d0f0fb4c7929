"""
What webhooks are told when a rule ran: `rule.ran`, once for each run, to whoever asked for it, and signed.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

import pytest

from bot.webhooks.rules import Kind
from tests.integration.automation.conftest import RuledHouse
from tests.integration.inbox.house import REED
from tests.integration.webhooks.conftest import House
from tests.integration.webhooks.documented import example, shape


@dataclass
class Shop:
    """
    A house with rules whose words reach the receiver.
    """

    ruled: RuledHouse
    house: House

    async def told(self) -> list[dict[str, Any]]:
        """
        Let the rules run and what they say be sent; gives what has arrived.
        """
        await self.ruled.run()
        await self.house.work()
        return [json.loads(got.body) for got in self.house.receiver.got]


@pytest.fixture
async def shop(house: House) -> Shop:
    ruled = RuledHouse(house.database)
    await ruled.build()
    return Shop(ruled, house)


async def test_a_rule_tells_which_it_was_and_what_it_was_about(shop: Shop):
    await shop.house.add(kinds=[Kind.RULE_RAN])
    rule_id = await shop.ruled.rule("refunds", "message_in", ("webhook", "open a ticket"), words=["money back"])
    await shop.ruled.asked("Does it ship to Norway?")
    asked = await shop.ruled.asked("I want my money back 谢谢", REED, subject="order 7")
    (said,) = await shop.told()
    assert said["type"] == "rule.ran"
    assert said["data"]["rule"] == {"id": rule_id, "name": "refunds"}
    assert (said["data"]["word"], said["data"]["event"]) == ("open a ticket", "message_in")
    assert said["data"]["conversation"]["id"] == asked
    assert said["data"]["conversation"]["url"] == f"https://hubbub.example/conversations/{asked}"
    own = {name: value for name, value in said["data"].items() if name != "conversation"}
    assert shape(own) == shape(example("rule.ran")), "as the reference shows it"


async def test_one_run_is_told_once_however_often_it_is_looked_at(shop: Shop):
    await shop.house.add(kinds=[Kind.RULE_RAN])
    await shop.ruled.rule("all", "message_in", ("webhook", ""))
    await shop.ruled.asked("One?")
    assert len(await shop.told()) == 1
    assert len(await shop.told()) == 1, "nothing new happened"
    await shop.ruled.asked("Two?")
    assert len(await shop.told()) == 2
    assert len({got.webhook_id for got in shop.house.receiver.got}) == 2, "each has an id of its own"


async def test_it_is_signed_as_standard_webhooks_are(shop: Shop):
    _, secret = await shop.house.add(kinds=[Kind.RULE_RAN])
    await shop.ruled.rule("all", "opened", ("webhook", "look"))
    await shop.ruled.asked()
    await shop.told()
    (got,) = shop.house.receiver.got
    assert got.verify(secret)["data"]["word"] == "look"


async def test_texts_leave_only_for_whoever_asked_for_texts(shop: Shop):
    await shop.house.add("plain", kinds=[Kind.RULE_RAN])
    await shop.ruled.rule("all", "opened", ("webhook", ""))
    await shop.ruled.asked("my number is 555-0199", subject="my secret")
    await shop.told()
    (got,) = shop.house.receiver.got
    assert b"555-0199" not in got.body
    assert b"my secret" not in got.body
    await shop.house.add("full", kinds=[Kind.RULE_RAN], with_text=True)
    await shop.ruled.asked("my number is 555-0199", REED, subject="my secret")
    await shop.told()
    data = [json.loads(one.body)["data"] for one in shop.house.receiver.got[1:]]
    assert [(one.get("subject"), one.get("text")) for one in data if "text" in one] == [
        ("my secret", "my number is 555-0199")
    ]
    assert len(data) == 2


async def test_who_asks_for_other_kinds_hears_nothing_of_rules(shop: Shop):
    endpoint, _ = await shop.house.add(kinds=[Kind.CONVERSATION_CREATED])
    await shop.ruled.rule("all", "opened", ("webhook", "look"))
    await shop.ruled.asked()
    assert await shop.told() == []
    assert await shop.house.log(endpoint.id) == []
