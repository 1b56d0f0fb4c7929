"""
Policies over real HTTP: pages and API, with bad input.
"""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

import bot.inbox.policy_api
import bot.inbox.policy_pages
from bot.core.database import Database
from bot.inbox import policy_store
from bot.inbox.keys import PROMISE as PROMISE_KEY
from bot.inbox.tables import Policy
from tests.fakes.web_app import WebClient, make_client
from tests.integration.inbox.house import PROMISE, House

FORM = {
    "name": "缺陷 and bugs",
    "enabled": "yes",
    "c-intents-bug": "on",
    "c-channels-mastodon": "on",
    "c-tags": "VIP， refund",
    "first_response": "5m",
    "resolution": "1d",
    "warn_shares": "0.5, 0.9",
    "step-0-on": "warned",
    "step-0-do": "raise_priority",
    "step-0-to": "urgent",
    "step-1-on": "breached",
    "step-1-do": "",
}


@pytest.fixture
async def house(database: Database) -> House:
    return await House(database).build()


@pytest.fixture
async def web(house: House) -> AsyncIterator[WebClient]:
    async with make_client(
        house.database,
        pages=[bot.inbox.policy_pages],
        apis=[bot.inbox.policy_api],
        extra={PROMISE_KEY: PROMISE},
    ) as client:
        yield client


async def _kept(house: House) -> list[Policy]:
    async with house.database.read() as work:
        return list(await policy_store.list_policies(work))


async def test_a_policy_is_written_read_changed_and_moved_by_forms_alone(web: WebClient, house: House) -> None:
    await web.sign_in("lead")
    assert (await web.post_form("/policies/new", FORM)).status == 303
    (policy,) = await _kept(house)
    assert policy.conditions == {"channels": ["mastodon"], "intents": ["bug"], "tags": ["vip", "refund"]}
    assert (policy.first_response, policy.next_response, policy.resolution) == (300, None, 86_400)
    assert policy.escalations == [{"on": "warned", "do": "raise_priority", "to": "urgent"}]
    page = await (await web.get("/policies")).text()
    assert "缺陷 and bugs" in page
    assert "vip, refund" in page
    form = await (await web.get(f"/policies/{policy.id}")).text()
    assert 'name="c-intents-bug" checked' in form
    assert 'value="0.5, 0.9"' in form
    changed = {**FORM, "first_response": "10m", "also_running": "yes"}
    assert (await web.post_form(f"/policies/{policy.id}", changed)).status == 303
    assert (await web.post_form("/policies/new", {**FORM, "name": "Second"})).status == 303
    first, second = await _kept(house)
    assert (first.first_response, first.version, first.holds_from_version) == (600, 2, 2)
    assert (await web.post_form(f"/policies/{second.id}/up", {"before_id": first.id})).status == 303
    assert [one.name for one in await _kept(house)] == ["Second", "缺陷 and bugs"]
    assert (await web.post_form(f"/policies/{second.id}/delete")).status == 303
    assert len(await _kept(house)) == 1


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"first_response": "soon"}, "must be a duration"),
        ({"warn_shares": "half"}, "numbers such as"),
        ({"first_response": "", "resolution": ""}, "promise something"),
        ({"hours_id": "gone"}, "no such business hours"),
        ({"c-intents-rant": "on"}, "unknown: rant"),
        ({"step-7-on": "warned", "step-7-do": "notify"}, "choose a colleague"),
    ],
)
async def test_bad_input_is_named_and_what_was_typed_stays(
    web: WebClient, house: House, change: dict[str, str], said: str
) -> None:
    await web.sign_in("lead")
    answer = await web.post_form("/policies/new", {**FORM, **change})
    page = await answer.text()
    assert answer.status == 422
    assert said in page
    assert "缺陷 and bugs" in page
    assert 'name="c-intents-bug" checked' in page
    assert await _kept(house) == []


async def test_agents_read_what_is_promised_and_change_nothing(web: WebClient) -> None:
    await web.sign_in("agent")
    assert "/policies/new" not in await (await web.get("/policies")).text()
    assert (await web.get("/policies/new")).status == 403


async def test_the_same_over_the_api(web: WebClient) -> None:
    wish = {"name": "Chat", "conditions": {"languages": ["zh"]}, "first_response": 60}
    made = await web.api("POST", "/policies", "lead", json=wish)
    assert made.status == 201
    policy = await made.json()
    assert (policy["position"], policy["version"], policy["warn_shares"]) == (1, 1, [0.5, 0.8])
    url = f"/policies/{policy['id']}"
    changed = await web.api("PUT", url, "lead", json={**wish, "first_response": 120, "also_running": True})
    assert (await changed.json())["first_response"] == 120
    for body in ({**wish, "colour": 1}, {**wish, "warn_shares": [2]}, {**wish, "first_response": "soon"}):
        assert (await web.api("PUT", url, "lead", json=body)).status == 422
    assert (await web.api("POST", f"{url}/place", "lead", json={"before_id": "nothing"})).status == 404
    assert (await web.api("POST", "/policies", "agent", json=wish)).status == 403
    assert (await web.api("DELETE", url, "lead")).status == 204
    assert (await web.api("GET", url, "agent")).status == 404
