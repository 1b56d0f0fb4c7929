"""
The pages and operations of business hours.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from typing import Any

import pytest

import bot.hours.api
import bot.hours.pages
from bot.core.database import Database
from bot.core.outward import Outward
from bot.core.scheduler import Scheduler
from bot.hours.jobs import FEEDS, Feeds
from bot.hours.keys import HOURS_USERS
from bot.web.keys import OUTWARD
from tests.fakes.clock import FakeClock
from tests.fakes.web_app import WebClient, make_client
from tests.integration.hours.conftest import FeedServer

DAY = "09:00-12:30, 13:30-18:00"
FORM = {
    "name": "Desk Berlin",
    "zone": "Europe/Berlin",
    **dict.fromkeys(("monday", "tuesday", "wednesday", "thursday", "friday"), DAY),
    "country": "DE",
    "subdivision": "BE",
    "make_up": "yes",
    "feed_means": "closed",
}
WEEK = dict.fromkeys(("monday", "tuesday", "wednesday", "thursday", "friday"), DAY)
BODY = {"name": "Desk Berlin", "zone": "Europe/Berlin", "week": WEEK, "country": "DE"}


async def used(_work: Any, _hours_id: str) -> list[str]:
    return ['policy "Chat"']


@pytest.fixture
async def client(database: Database, outward: Outward, clock: FakeClock) -> AsyncIterator[WebClient]:
    extra: dict[Any, object] = {
        OUTWARD: outward,
        FEEDS: Feeds(database, outward, Scheduler(clock)),
        HOURS_USERS: (),
    }
    async with make_client(database, pages=[bot.hours.pages], apis=[bot.hours.api], extra=extra) as made:
        yield made


async def create(client: WebClient, **more: str) -> str:
    """
    Add business hours by the form; gives the address of their page.
    """
    answer = await client.post_form("/hours", {**FORM, **more})
    assert answer.status == 303, await answer.text()
    return answer.headers["Location"]


async def text_of(client: WebClient, url: str) -> str:
    answer = await client.get(url)
    assert answer.status == 200
    return await answer.text()


async def test_without_hours_the_page_says_what_that_means(client: WebClient):
    await client.sign_in("agent")
    text = await text_of(client, "/hours")
    assert "every promise counts around the clock" in text
    assert "/hours/new" not in text
    await client.sign_in("lead")
    assert "/hours/new" in await text_of(client, "/hours")


async def test_hours_are_made_shown_and_changed(client: WebClient):
    await client.sign_in("lead")
    assert "09:00-18:00" in await text_of(client, "/hours/new")
    url = await create(client)
    text = await text_of(client, url)
    assert "Mon, 2 Mar 2026" in text
    assert "until 12:30" in text
    assert "Labor Day" in text
    assert 'value="09:00-12:30, 13:30-18:00"' in text
    version = text.split('name="version" value="')[1].split('"')[0]
    answer = await client.post_form(url, {**FORM, "monday": "", "version": version})
    assert answer.status == 303
    assert "opens Tue, 3 Mar 2026, 09:00" in await text_of(client, url)
    answer = await client.post_form(url, {**FORM, "version": version})
    assert answer.status == 409
    assert "Desk Berlin" in await text_of(client, "/hours")


async def test_what_is_wrong_stands_at_its_field_and_what_was_typed_is_kept(client: WebClient):
    await client.sign_in("admin")
    wrong = {**FORM, "tuesday": "09:00-13:00, 12:00-18:00", "zone": "Berlin"}
    for url in ("/hours", await create(client)):
        answer = await client.post_form(url, wrong)
        text = await answer.text()
        assert answer.status == 422
        assert "09:00-13:00 and 12:00-18:00 overlap" in text
        assert 'value="09:00-13:00, 12:00-18:00"' in text
        assert "there is no such time zone; did you mean" in text


async def test_extra_days_by_hand(client: WebClient):
    await client.sign_in("lead")
    url = await create(client)
    day = {"first": "2026-03-04", "last": "2026-03-05", "spans": "", "label": "Betriebsversammlung"}
    assert (await client.post_form(f"{url}/days", day)).status == 303
    text = await text_of(client, url)
    assert text.count("Betriebsversammlung") == 4, "twice among the next days, twice among the extra ones"
    answer = await client.post_form(f"{url}/days", {**day, "first": "", "spans": "noon"})
    assert answer.status == 422
    assert "write the date as 2026-12-24" in await answer.text()
    answer = await client.post_form(f"{url}/days", {**day, "spans": "noon"})
    assert "cannot be read" in await answer.text()
    remove = text.split(f'action="{url}/days/')[1].split('"')[0]
    assert (await client.post_form(f"{url}/days/{remove}")).status == 303
    assert (await text_of(client, url)).count("Betriebsversammlung") == 2


async def test_a_feed_that_fails_is_shown_with_its_reason(client: WebClient, feed_server: FeedServer):
    await client.sign_in("lead")
    url = await create(client, feed_url=feed_server.url("/huge"))
    assert await client.http.app[FEEDS].run() == 1
    text = await text_of(client, url)
    assert "The feed cannot be read: it is larger than 2,000,000 bytes." in text
    assert "None of its days are known yet." in text
    assert "cannot be read" in await text_of(client, "/hours")
    assert (await client.post_form(f"{url}/fetch")).status == 303
    assert await client.http.app[FEEDS].run() == 1


async def test_the_address_of_a_feed_is_for_those_who_may_change_it(client: WebClient, feed_server: FeedServer):
    await client.sign_in("lead")
    secret = feed_server.url("/private-5e11.ics")
    url = await create(client, feed_url=secret)
    assert secret in await text_of(client, url)
    assert (await (await client.api("GET", url, "lead")).json())["feed"]["url"] == secret
    await client.sign_in("agent")
    assert "private-5e11" not in await text_of(client, url)
    assert (await (await client.api("GET", url, "agent")).json())["feed"]["url"] == ""


async def test_hours_in_use_stay(client: WebClient, database: Database):
    await client.sign_in("lead")
    url = await create(client)
    async with make_client(
        database, pages=[bot.hours.pages], apis=[bot.hours.api], extra={HOURS_USERS: (used,)}
    ) as other:
        answer = await other.api("DELETE", url, "lead")
        assert answer.status == 409
        assert "used by policy" in (await answer.json())["detail"]
    assert (await client.post_form(f"{url}/delete")).status == 303
    assert (await client.get(url)).status == 404


async def test_the_api_makes_changes_and_deletes(client: WebClient):
    made = await (await client.api("POST", "/hours", "lead", json=BODY)).json()
    assert made["open"]
    assert made["closes_at"] == "2026-03-02T11:30:00Z"
    assert made["week"]["saturday"] == ""
    path = f"/hours/{made['id']}"
    listed = await (await client.api("GET", "/hours", "agent")).json()
    assert [one["name"] for one in listed["items"]] == ["Desk Berlin"]
    changed = await client.api("PUT", path, "lead", json={**BODY, "name": "Desk", "version": made["version"]})
    assert (await changed.json())["name"] == "Desk"
    assert (await client.api("PUT", path, "lead", json={**BODY, "version": made["version"]})).status == 409
    assert (await client.api("POST", f"{path}/fetch", "lead")).status == 409
    assert (await client.api("DELETE", path, "lead")).status == 204
    assert (await client.api("GET", path, "agent")).status == 404


async def test_the_api_says_what_is_wrong_by_field(client: WebClient):
    answer = await client.api("POST", "/hours", "lead", json={**BODY, "week": {}, "zone": "Mars"})
    problem = await answer.json()
    assert answer.status == 422
    assert "no hours at all" in str(problem)
    assert "no such time zone" in str(problem)


async def test_the_api_gives_days_as_they_are_and_deadlines(client: WebClient):
    made = await (await client.api("POST", "/hours", "lead", json=BODY)).json()
    path = f"/hours/{made['id']}"
    days = {"first": "2026-04-03", "label": "ours"}
    (extra,) = (await (await client.api("POST", f"{path}/days", "lead", json=days)).json())["items"]
    assert (extra["on"], extra["spans"]) == ("2026-04-03", "")
    answer = await client.api("GET", f"{path}/calendar", "agent", params={"first": "2026-03-27", "count": "8"})
    by_day = {day["on"]: day for day in (await answer.json())["items"]}
    assert by_day["2026-03-27"]["seconds"] == 8 * 3600
    assert (by_day["2026-04-03"]["source"], by_day["2026-04-03"]["label"]) == ("hand", "ours")
    asked = {"start": "2026-03-06T16:50:00Z", "length": "15m"}
    answer = await client.api("GET", f"{path}/deadline", "agent", params=asked)
    assert datetime.fromisoformat((await answer.json())["at"]) == datetime.fromisoformat("2026-03-09T08:05:00Z")
    for wrong in ({"length": "soon"}, {"length": "999999d"}, {"start": "9999-12-31T23:59:59Z"}):
        answer = await client.api("GET", f"{path}/deadline", "agent", params={**asked, **wrong})
        assert answer.status == 422, wrong
    assert (await client.api("GET", f"{path}/calendar", "agent", params={"first": "0001-01-01"})).status == 422
    assert (await client.api("DELETE", f"{path}/days/{extra['id']}", "lead")).status == 204
    assert (await (await client.api("GET", f"{path}/days", "agent")).json())["items"] == []


async def test_a_clock_change_is_told_where_days_are_shown(client: WebClient, clock: FakeClock):
    clock.set(clock.now() + timedelta(days=24))  # 26 March; on the 29th clocks are set forward
    await client.sign_in("lead")
    url = await create(client, sunday="00:00-08:00")
    assert "clocks change: 7.0 h open" in await text_of(client, url)
