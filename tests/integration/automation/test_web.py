"""
The pages and operations of rules, macros in rules, and trying a rule on last week.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta

import pytest

import bot.automation.api
import bot.automation.pages
from bot.core.actor import HUBBUB
from bot.core.errors import Invalid
from bot.inbox import tagging
from bot.replies.macros import change_macro, create_macro
from bot.replies.rules import Action, ActionKind, MacroWish
from tests.fakes.clock import FakeClock
from tests.fakes.web_app import WebClient, make_client
from tests.integration.automation.conftest import RuledHouse
from tests.integration.inbox.house import REED

FORM = {
    "name": "Refunds",
    "enabled": "yes",
    "when-message_in": "on",
    "c-intents-complaint": "on",
    "words": "money back, 退款",
    "do-0": "add_tag",
    "text-0": "Refund",
    "do-1": "set_priority",
    "choice-1": "high",
    "do-2": "",
}
BODY = {"name": "All", "when": ["message_in"], "then": [{"do": "add_tag", "value": "seen"}]}


@pytest.fixture
async def client(house: RuledHouse) -> AsyncIterator[WebClient]:
    async with make_client(
        house.database, pages=[bot.automation.pages], apis=[bot.automation.api], packages=["bot.inbox"]
    ) as made:
        yield made


async def text_of(client: WebClient, url: str) -> str:
    answer = await client.get(url)
    assert answer.status == 200
    return await answer.text()


async def test_a_rule_is_written_shown_switched_and_deleted(client: WebClient):
    await client.sign_in("agent")
    assert "No rule yet" in await text_of(client, "/rules")
    assert (await client.get("/rules/new")).status == 403
    await client.sign_in("lead")
    assert "the customer writes" in await text_of(client, "/rules/new")
    assert (await client.post_form("/rules", FORM)).status == 303
    text = await text_of(client, "/rules")
    for part in (
        "Refunds",
        "the customer writes",
        "money back, 退款",
        "add the tag “refund”",
        "set the priority to high",
    ):
        assert part in text
    url = text.split('href="/rules/')[2].split('"')[0]
    text = await text_of(client, f"/rules/{url}")
    assert 'value="refund"' in text
    assert (await client.post_form(f"/rules/{url}", {**FORM, "name": "退款"})).status == 303
    assert (await client.post_form(f"/rules/{url}/switch")).status == 303
    text = await text_of(client, "/rules")
    assert "退款" in text
    assert "Switch on" in text
    assert (await client.post_form(f"/rules/{url}/delete")).status == 303
    assert "No rule yet" in await text_of(client, "/rules")


async def test_rules_that_loop_are_said_at_the_actions_and_nothing_typed_is_lost(client: WebClient):
    await client.sign_in("lead")
    looping = {**FORM, "when-tagged": "on", "name": "Round and round"}
    answer = await client.post_form("/rules", looping)
    text = await answer.text()
    assert answer.status == 422
    assert "Round and round” adds the tag “refund”, which sets off “Round and round”" in text
    assert 'value="money back, 退款"' in text
    answer = await client.post_form("/rules", {"name": "", "do-0": "dance"})
    text = await answer.text()
    assert "choose at least one event" in text
    assert "there is nothing called" in text


async def test_a_trial_shows_what_would_be_done_and_changes_nothing(
    client: WebClient, house: RuledHouse, clock: FakeClock
):
    old = await house.asked("I want my money back!")
    clock.set(clock.now() + timedelta(days=8))
    asked = await house.asked("Money back, please! This was a mistake.", REED)
    await house.asked("I want to know more", REED)
    await client.sign_in("lead")
    form = {name: value for name, value in FORM.items() if not name.startswith("c-")}
    text = await (await client.post_form("/rules", {**form, "try": "yes"})).text()
    assert "It would have run on 1 conversation, 1 time. 2 events were looked at." in text
    assert f"/conversations/{asked}" in text
    assert f"/conversations/{old}" not in text
    assert "add the tag “refund”: 1×" in text
    assert await house.tags(asked) == []
    assert "No rule yet" in await text_of(client, "/rules")


async def test_the_api_writes_orders_tries_and_deletes(client: WebClient, house: RuledHouse):
    first = await (await client.api("POST", "/rules", "lead", json=BODY)).json()
    second = await (await client.api("POST", "/rules", "lead", json={**BODY, "name": "Second"})).json()
    assert (first["position"], second["position"]) == (1, 2)
    moved = await client.api("POST", f"/rules/{second['id']}/place", "lead", json={"before_id": first["id"]})
    assert (await moved.json())["position"] == 1
    asked = await house.asked("Hello")
    trial = await (await client.api("POST", "/rules/try", "lead", json={**BODY, "name": "Third"})).json()
    assert (trial["runs"], trial["conversations"], trial["more"]) == (1, 1, False)
    assert trial["actions"] == [{"do": "add_tag", "value": "seen", "count": 1}]
    assert [one["conversation_id"] for one in trial["examples"]] == [asked]
    off = await client.api("POST", f"/rules/{first['id']}/switch", "lead", json={"enabled": False})
    assert not (await off.json())["enabled"]
    changed = await client.api("PUT", f"/rules/{first['id']}", "lead", json={**BODY, "words": ["hello"]})
    assert (await changed.json())["words"] == ["hello"]
    assert (await client.api("DELETE", f"/rules/{first['id']}", "lead")).status == 204
    assert (await client.api("GET", f"/rules/{first['id']}", "agent")).status == 404
    listed = await (await client.api("GET", "/rules", "agent")).json()
    assert [one["name"] for one in listed["items"]] == ["Second"]


async def test_the_api_says_what_is_wrong_by_field(client: WebClient):
    wrong = {
        **BODY,
        "when": ["never"],
        "conditions": {"weather": ["rain"]},
        "then": [{"do": "assign", "value": "x"}],
    }
    answer = await client.api("POST", "/rules", "lead", json=wrong)
    text = str(await answer.json())
    assert answer.status == 422
    for said in ("there is no event", "weather", "nobody here has this id"):
        assert said in text
    taken = await client.api("POST", "/rules", "lead", json=BODY)
    assert taken.status == 201
    assert "another rule has this name" in str(
        await (await client.api("POST", "/rules", "lead", json=BODY)).json()
    )


# macros in rules


async def macro(house: RuledHouse, *steps: tuple[str, str], name: str = "Close") -> str:
    actions = [Action(kind=ActionKind(kind), value=value) for kind, value in steps]
    async with house.database.write() as work:
        return (await create_macro(work, HUBBUB, MacroWish(name=name, actions=actions))).id


async def test_a_macro_in_a_rule_does_all_that_it_says(house: RuledHouse):
    macro_id = await macro(house, ("tag", "closed"), ("priority", "low"), ("resolve", ""))
    await house.rule("closing", "opened", ("macro", macro_id))
    asked = await house.asked()
    await house.run()
    seen = await house.see(asked)
    assert (seen.state, seen.priority, await house.tags(asked)) == ("resolved", 3, ["closed"])


async def test_a_macro_that_answers_the_customer_is_not_for_rules(house: RuledHouse):
    answering = await macro(house, ("reply", "Thank you!"), name="Thanks")
    with pytest.raises(Invalid) as refused:
        await house.rule("thanks", "opened", ("macro", answering))
    assert "answers the customer, and rules do not" in refused.value.fields["then"]
    later = await macro(house, ("tag", "x"))
    rule_id = await house.rule("later", "opened", ("macro", later), ("add_tag", "y"))
    async with house.database.write() as work:
        reply = MacroWish(name="Close", actions=[Action(kind=ActionKind.REPLY, value="Thank you!")])
        await change_macro(work, HUBBUB, later, reply)
    asked = await house.asked()
    await house.run()
    assert await house.tags(asked) == ["y"]
    assert "answers the customer" in (await house.see_rule(rule_id)).problem
    assert [message.direction for message in await house.messages(asked)] == ["inbound"]


async def test_a_loop_through_a_macro_is_found(house: RuledHouse):
    macro_id = await macro(house, ("tag", "vip"))
    with pytest.raises(Invalid) as refused:
        await house.rule("vip", "tagged", ("macro", macro_id))
    assert "set each other off for ever" in refused.value.fields["then"]
    await house.rule("vip", "tagged", ("macro", macro_id), tags=["late"])
    asked = await house.asked()
    async with house.database.write() as work:
        await tagging.add_tags(work, house.people["ann"], asked, ["late"])
    await house.run()
    assert await house.tags(asked) == ["late", "vip"]
