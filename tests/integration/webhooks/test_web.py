"""
Webhooks over real HTTP: pages and API, who sees what, and bad input.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from datetime import timedelta
from html import unescape

import pytest
from aiohttp import web as aiohttp_web

import bot.webhooks.api
import bot.webhooks.pages
from bot.webhooks import store
from bot.webhooks.keys import DESK, Desk
from bot.webhooks.rules import CHOICES, EndpointState, Kind
from bot.webhooks.service import webhook_banners
from tests.fakes.web_app import WebClient, make_client
from tests.integration.webhooks.conftest import HERE, House

NASTY = '<script>alert("x")</script>'


@pytest.fixture
async def web(house: House) -> AsyncIterator[WebClient]:
    desk = Desk(box=house.box, outward=HERE, both_secrets=timedelta(hours=24))
    async with make_client(
        house.database,
        pages=[bot.webhooks.pages],
        apis=[bot.webhooks.api],
        banners=[webhook_banners],
        extra={DESK: desk},
    ) as client:
        yield client


async def page(web: WebClient, url: str, status: int = 200) -> str:
    answer = await web.get(url)
    text = await answer.text()
    assert answer.status == status, text
    return text


def form(house: House, **more: str) -> dict[str, str]:
    return {"name": "跟踪 tracker", "url": house.receiver.url, "kind-conversation.created": "yes", **more}


async def test_an_admin_adds_one_sees_the_secret_once_and_tests_it(house: House, web: WebClient):
    await web.sign_in("admin")
    assert "No webhook yet" in await page(web, "/webhooks")
    made = await web.post_form("/webhooks", form(house))
    text = await made.text()
    assert made.status == 200, text
    (secret,) = set(re.findall(r"whsec_[\w+/=]+", text))
    async with house.database.read() as work:
        (endpoint,) = await store.list_endpoints(work)
    here = f"/webhooks/{endpoint.id}"
    assert "whsec_" not in await page(web, here)
    assert "跟踪 tracker" in await page(web, "/webhooks")

    house.receiver.script = [aiohttp_web.Response(status=500, text=NASTY)]
    assert (await web.post_form(f"{here}/ping")).status == 303
    await house.work()
    assert house.receiver.got[0].verify(secret)["type"] == "ping"
    text = await page(web, here)
    assert "failing" in text
    assert NASTY not in text
    (delivery,) = await house.log(endpoint.id)
    text = await page(web, f"{here}/deliveries/{delivery.id}")
    assert NASTY not in text
    assert NASTY in unescape(text)
    assert delivery.event_id in text
    assert (
        "it is tried again by itself"
        in await (await web.post_form(f"{here}/deliveries/{delivery.id}/send-again")).text()
    )
    await house.pass_time(timedelta(minutes=1))
    assert (await web.post_form(f"{here}/deliveries/{delivery.id}/send-again")).status == 303
    await house.work()
    assert len(house.receiver.got) == 3


async def test_what_cannot_be_used_is_named_at_its_field_and_what_was_typed_stays(house: House, web: WebClient):
    await web.sign_in("admin")
    answer = await web.post_form("/webhooks", {"name": NASTY, "url": "http://10.0.0.1/x"})
    text = await answer.text()
    assert answer.status == 422
    assert "lies in a private network" in text
    assert "choose at least one" in text
    assert NASTY in unescape(text)
    assert NASTY not in text
    async with house.database.read() as work:
        assert await store.list_endpoints(work) == []


async def test_an_endpoint_is_changed_stopped_started_rotated_and_removed(house: House, web: WebClient):
    endpoint, old = await house.add()
    await web.sign_in("admin")
    here = f"/webhooks/{endpoint.id}"
    done = await web.post_form(f"{here}/change", form(house, name="new name", with_text="yes"))
    assert done.status == 303
    found = await house.endpoint(endpoint.id)
    assert (found.name, found.kinds, found.with_text) == ("new name", [Kind.CONVERSATION_CREATED], True)
    assert (await web.post_form(f"{here}/change", form(house, name=""))).status == 422
    assert (await web.post_form(f"{here}/stop")).status == 303
    assert (await house.endpoint(endpoint.id)).state == EndpointState.STOPPED
    assert (await web.post_form(f"{here}/ping")).status == 409
    assert (await web.post_form(f"{here}/start")).status == 303
    text = await (await web.post_form(f"{here}/rotate")).text()
    (new,) = set(re.findall(r"whsec_[\w+/=]+", text))
    assert new != old
    assert (await web.post_form(f"{here}/remove")).status == 303
    assert (await web.get(here)).status == 404


async def test_a_lead_reads_the_log_but_neither_the_path_nor_the_verbs(house: House, web: WebClient):
    endpoint, _ = await house.add()
    await house.announce()
    await house.work()
    await web.sign_in("lead")
    text = await page(web, f"/webhooks/{endpoint.id}")
    assert "/hook" not in text
    assert "conversation.created" in text
    assert "/rotate" not in text
    shown = await (await web.api("GET", f"/webhooks/{endpoint.id}", "lead")).json()
    assert shown["url"] == house.receiver.url.removesuffix("/hook")
    assert (await web.api("GET", f"/webhooks/{endpoint.id}", "agent")).status == 403


async def test_the_log_is_filtered_and_paged(house: House, web: WebClient):
    endpoint, _ = await house.add()
    for number in range(60):
        await house.announce(f"order {number:02d}")
    await house.work()
    await web.sign_in("lead")
    here = f"/webhooks/{endpoint.id}"
    first = await page(web, here)
    assert "order 59" in first
    assert "order 09" not in first
    older = re.search(r'href="([^"]+)" rel="next"', first)
    assert older is not None
    assert "order 09" in await page(web, unescape(older[1]))
    assert "Nothing was sent yet" in await page(web, f"{here}?state=failed")
    assert "order 59" in await page(web, f"{here}/log?state=nonsense")


async def test_the_api_does_what_the_pages_do(house: House, web: WebClient):
    wish = {"name": "tracker", "url": house.receiver.url, "kinds": ["conversation.created"]}
    made = await web.api("POST", "/webhooks", "admin", json=wish, key="once")
    assert made.status == 201
    endpoint = await made.json()
    assert endpoint["secret"].startswith("whsec_")
    assert (await web.api("POST", "/webhooks", "admin", json=wish, key="once")).status == 409
    here = f"/webhooks/{endpoint['id']}"
    assert "secret" not in await (await web.api("GET", here, "admin")).json()
    changed = await web.api("PUT", here, "admin", json={**wish, "kinds": list(CHOICES)})
    assert (await changed.json())["kinds"] == list(CHOICES)
    assert (await web.api("POST", f"{here}/ping", "admin")).status == 202
    await house.work()
    (listed,) = (await (await web.api("GET", f"{here}/deliveries?state=delivered", "lead")).json())["items"]
    assert (listed["kind"], listed["payload"]["type"], listed["log"][0]["status"]) == ("ping", "ping", 204)
    one = f"{here}/deliveries/{listed['id']}"
    assert (await (await web.api("POST", f"{one}/send-again", "admin")).json())["state"] == "waiting"
    assert (await (await web.api("GET", one, "lead")).json())["attempts"] == 0
    new = await (await web.api("POST", f"{here}/rotate", "admin")).json()
    assert new["secret"] != endpoint["secret"]
    assert (await (await web.api("POST", f"{here}/stop", "admin")).json())["state"] == "stopped"
    assert (await (await web.api("POST", f"{here}/start", "admin")).json())["state"] == "active"
    assert len((await (await web.api("GET", "/webhooks", "lead")).json())["items"]) == 1
    assert (await web.api("DELETE", here, "admin")).status == 204
    assert (await web.api("GET", here, "admin")).status == 404


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"url": "https://ann:pw@example.com/"}, "url"),
        ({"url": "https://169.254.169.254/"}, "url"),
        ({"kinds": []}, "kinds"),
        ({"kinds": ["ping"]}, "kinds"),
        ({"kinds": ["conversation.eaten"]}, "kinds"),
        ({"name": " "}, "name"),
    ],
)
async def test_the_api_names_what_is_wrong(house: House, web: WebClient, wrong, field):
    wish = {"name": "tracker", "url": house.receiver.url, "kinds": ["conversation.created"], **wrong}
    answer = await web.api("POST", "/webhooks", "admin", json=wish)
    assert answer.status == 422
    problems = (await answer.json())["errors"]
    assert [problem["pointer"].strip("/").split("/")[0] for problem in problems] == [field]
    assert "<" not in problems[0]["detail"]


async def test_a_delivery_is_found_below_its_own_webhook_only(house: House, web: WebClient):
    endpoint, _ = await house.add("one")
    other, _ = await house.add("other", kinds=[Kind.FEEDBACK_TOPIC])
    await house.announce()
    await house.work()
    (delivery,) = await house.log(endpoint.id)
    assert (await web.api("GET", f"/webhooks/{other.id}/deliveries/{delivery.id}", "lead")).status == 404
    await web.sign_in("lead")
    assert (await web.get(f"/webhooks/{other.id}/deliveries/{delivery.id}")).status == 404
    assert (
        await web.api("POST", f"/webhooks/{other.id}/deliveries/{delivery.id}/send-again", "admin")
    ).status == 409


async def test_a_webhook_that_was_given_up_is_told_on_every_page(house: House, web: WebClient):
    await house.add()
    house.receiver.script = [aiohttp_web.Response(status=410)]
    await house.announce()
    await house.work()
    await web.sign_in("lead")
    assert "gets nothing more: it answered 410 Gone" in unescape(await page(web, "/webhooks"))
