"""
A desk without a browser: drafts, who looks, moments in words, notes, events, spam, a contact's history, the team.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest

import bot.inbox.api
import bot.inbox.order_api
import bot.inbox.reading_api
import bot.inbox.tag_api
import bot.inbox.writing_api
from bot.core.database import Database
from bot.inbox import drafts, looking, service
from bot.inbox.drafts import DraftKind
from bot.inbox.keys import PROMISE as PROMISE_KEY
from tests.fakes.clock import FakeClock
from tests.fakes.web_app import WebClient, make_client
from tests.integration.inbox.house import PROMISE, REED, House

APIS = [
    bot.inbox.api,
    bot.inbox.reading_api,
    bot.inbox.writing_api,
    bot.inbox.order_api,
    bot.inbox.tag_api,
]


@pytest.fixture
async def house(database: Database) -> House:
    return await House(database).build()


@pytest.fixture
async def web(house: House) -> AsyncIterator[WebClient]:
    async with make_client(house.database, apis=APIS, extra={PROMISE_KEY: PROMISE}) as client:
        yield client


async def _get(web: WebClient, path: str, role: str = "agent") -> Any:
    answer = await web.api("GET", path, role)
    assert answer.status == 200, await answer.text()
    return await answer.json()


async def _problem(web: WebClient, path: str, body: dict[str, Any]) -> list[dict[str, str]]:
    answer = await web.api("POST", path, "agent", json=body)
    assert answer.status == 422, await answer.text()
    found: list[dict[str, str]] = (await answer.json())["errors"]
    return found


# ---- drafts -----------------------------------------------------------------------------------------------------


async def test_a_program_keeps_a_draft_reads_it_and_throws_it_away(web: WebClient, house: House) -> None:
    opened = await house.asked()
    path = f"/conversations/{opened}/drafts"
    saved = await web.api("PUT", f"{path}/reply", "agent", json={"text": "Dear"})
    assert (saved.status, await saved.json()) == (200, {"version": 1})
    again = await web.api("PUT", f"{path}/reply", "agent", json={"text": "Dear Kite", "version": 1})
    assert await again.json() == {"version": 2}
    (kept,) = (await _get(web, path))["items"]
    assert (kept["kind"], kept["text"], kept["version"]) == ("reply", "Dear Kite", 2)
    (listed,) = (await _get(web, "/drafts"))["items"]
    assert (listed["conversation_id"], listed["contact_name"], listed["version"]) == (opened, "Kite", 2)
    assert (await web.api("DELETE", f"{path}/reply", "agent")).status == 204
    assert (await web.api("DELETE", f"{path}/reply", "agent")).status == 204, "gone is gone"
    assert (await _get(web, "/drafts"))["items"] == []


async def test_S12_a_program_overwrites_no_other_draft_of_its_own(web: WebClient, house: House) -> None:
    path = f"/conversations/{await house.asked()}/drafts"
    await web.api("PUT", f"{path}/note", "agent", json={"text": "of one process"})
    late = await web.api("PUT", f"{path}/note", "agent", json={"text": "of another", "version": 0})
    assert late.status == 409
    assert (await late.json())["type"] == "urn:hubbub:problem:draft-changed"
    (kept,) = (await _get(web, path))["items"]
    assert (kept["text"], kept["version"]) == ("of one process", 1), "what to decide with"


async def test_drafts_are_of_whoever_saves_them(web: WebClient, house: House) -> None:
    opened = await house.asked()
    async with house.database.write() as work:
        await drafts.save_draft(work, house.people["ann"], opened, DraftKind.REPLY, "Ann's", version=0)
    await web.api("PUT", f"/conversations/{opened}/drafts/reply", "agent", json={"text": "the machine's"})
    assert [one["text"] for one in (await _get(web, "/drafts"))["items"]] == ["the machine's"]
    assert (await _get(web, "/drafts", "lead"))["items"] == []
    async with house.database.read() as work:
        assert (await drafts.drafts_in(work, house.people["ann"], opened))[DraftKind.REPLY].text == "Ann's"


async def test_drafts_come_page_by_page(web: WebClient, house: House, clock: FakeClock) -> None:
    for number in range(3):
        opened = await house.asked(f"Question {number}", REED)
        await clock.advance(timedelta(minutes=1))
        await web.api("PUT", f"/conversations/{opened}/drafts/note", "agent", json={"text": f"{number}"})
        await web.api("POST", f"/conversations/{opened}/resolve", "agent")
        await clock.advance(timedelta(days=30))  # what comes later opens another conversation
    first = await _get(web, "/drafts?limit=2")
    rest = await _get(web, f"/drafts?limit=2&after={first['after']}")
    assert [one["text"] for one in (*first["items"], *rest["items"])] == ["2", "1", "0"]


async def test_odd_drafts_are_refused(web: WebClient, house: House) -> None:
    opened = await house.asked()
    assert (
        await web.api("PUT", f"/conversations/{opened}/drafts/poem", "agent", json={"text": "x"})
    ).status == 404
    assert (await web.api("PUT", "/conversations/none/drafts/note", "agent", json={"text": "x"})).status == 404
    assert (await web.api("GET", "/conversations/none/drafts", "agent")).status == 404
    assert (await web.api("DELETE", "/conversations/none/drafts/note", "agent")).status == 404
    far = {"text": "x", "version": 2**40}
    assert (await web.api("PUT", f"/conversations/{opened}/drafts/note", "agent", json=far)).status == 422


# ---- who looks --------------------------------------------------------------------------------------------------


async def test_S12_a_program_sees_who_types_and_is_seen(web: WebClient, house: House, clock: FakeClock) -> None:
    opened = await house.asked()
    path = f"/conversations/{opened}"
    async with house.database.write() as work:
        await looking.look(work, house.people["ben"], opened, typing=False)
        await looking.look(work, house.people["ann"], opened, typing=True)
    assert (await web.api("POST", f"{path}/here", "agent", json={"typing": True})).status == 204
    others = (await _get(web, f"{path}/onlookers"))["items"]
    assert others == [{"name": "Ann", "typing": True}, {"name": "Ben", "typing": False}], "oneself left out"
    async with house.database.read() as work:
        seen = await looking.onlookers(work, opened, besides=house.people["ann"].id)
    assert ("agent token", True) in [(one.name, one.typing) for one in seen]
    assert (await web.api("DELETE", f"{path}/here", "agent")).status == 204
    async with house.database.read() as work:
        assert {one.name for one in await looking.onlookers(work, opened)} == {"Ann", "Ben"}
    await clock.advance(timedelta(minutes=2))
    assert (await _get(web, f"{path}/onlookers"))["items"] == []


# ---- moments in words -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("words", "zone", "days", "hour"),
    [("tomorrow 9", "UTC", 1, 9), ("明天上午9点", "Asia/Shanghai", 1, 1), ("tomorrow 9", "Asia/Shanghai", 1, 1)],
)
async def test_snoozed_in_words_in_a_zone(
    web: WebClient, house: House, clock: FakeClock, words: str, zone: str, days: int, hour: int
) -> None:
    opened = await house.asked()
    today = clock.now().replace(hour=0, minute=0, second=0, microsecond=0)
    meant = today + timedelta(days=days, hours=hour)
    assert clock.now().hour < 16, "the same day in Shanghai"
    said = await web.api("GET", "/moments", "agent", params={"words": words, "zone": zone})
    assert (await said.json())["at"] == meant.isoformat().replace("+00:00", "Z")
    answer = await web.api(
        "POST", f"/conversations/{opened}/snooze", "agent", json={"in_words": words, "zone": zone}
    )
    assert answer.status == 200
    assert (await house.see(opened)).snoozed_until == meant


async def test_words_that_are_no_moment_are_refused_at_their_field(web: WebClient, house: House) -> None:
    path = f"/conversations/{await house.asked()}/snooze"
    (problem,) = await _problem(web, path, {"in_words": "when pigs fly"})
    assert problem["pointer"] == "in_words"
    assert "when pigs fly" in problem["detail"]
    assert "tomorrow 9" in problem["detail"], "what to write instead"
    (problem,) = await _problem(web, path, {"in_words": "tomorrow", "zone": "Mars/Base"})
    assert problem["pointer"] == "zone"
    until = {"until": "2199-01-01T00:00:00Z"}
    assert [one["pointer"] for one in await _problem(web, path, {})] == ["until"]
    assert [one["pointer"] for one in await _problem(web, path, {**until, "in_words": "tomorrow"})] == ["until"]


async def test_S13_many_are_snoozed_in_words(web: WebClient, house: House, clock: FakeClock) -> None:
    asked = {"verb": "snooze", "ids": [await house.asked()]}
    begun = await web.api("POST", "/bulk", "agent", json={**asked, "in_words": "in 2 hours"})
    assert begun.status == 201
    assert (await begun.json())["detail"] == {"until": (clock.now() + timedelta(hours=2)).isoformat()}
    (problem,) = await _problem(web, "/bulk", {**asked, "in_words": "soonish"})
    assert problem["pointer"] == "in_words"


# ---- lists ------------------------------------------------------------------------------------------------------


async def test_notes_and_events_are_read_in_order(web: WebClient, house: House) -> None:
    opened = await house.asked()
    async with house.database.write() as work:
        for text in ("first", "second 周"):
            await service.add_note(work, house.people["ann"], opened, text)
        await service.resolve(work, house.people["ann"], opened)
    notes = await _get(web, f"/conversations/{opened}/notes?limit=1")
    more = await _get(web, f"/conversations/{opened}/notes?limit=1&after={notes['after']}")
    assert [one["text"] for one in (*notes["items"], *more["items"])] == ["first", "second 周"]
    events = (await _get(web, f"/conversations/{opened}/events"))["items"]
    kinds = [one["kind"] for one in events]
    assert kinds[0] == "opened"
    assert {"message_in", "clock_started", "clock_stopped", "resolved"} <= set(kinds), "the quiet ones too"
    started = next(one for one in events if one["kind"] == "clock_started")
    assert started["detail"]["clock"] == "first_response"
    assert [one["actor_name"] for one in events if one["kind"] == "resolved"] == ["Ann"]
    assert (await web.api("GET", "/conversations/none/events", "agent")).status == 404


async def test_the_list_is_narrowed_as_the_address_of_the_queue_is(web: WebClient, house: House) -> None:
    tagged, other = await house.asked(), await house.asked("And Sweden?", REED)
    await web.api("POST", f"/conversations/{tagged}/tags", "agent", json={"tags": ["norway"]})
    found = await _get(web, "/conversations?tag=norway&channel=mastodon")
    assert [one["id"] for one in found["items"]] == [tagged]
    assert {one["id"] for one in (await _get(web, "/conversations"))["items"]} == {tagged, other}
    assert (await _get(web, "/conversations?channel=email"))["items"] == []
    refused = await web.api("GET", "/conversations?priority=terrible", "agent")
    assert refused.status == 422
    assert [one["pointer"] for one in (await refused.json())["errors"]] == ["priority"]


async def test_spam_is_listed(web: WebClient, house: House) -> None:
    good, bad = await house.asked(), await house.asked("BUY NOW", REED)
    await web.api("POST", f"/conversations/{bad}/spam", "agent", json={})
    assert [one["id"] for one in (await _get(web, "/spam"))["items"]] == [bad]
    await web.api("POST", f"/conversations/{bad}/not-spam", "agent")
    assert (await _get(web, "/spam"))["items"] == []
    assert good in {one["id"] for one in (await _get(web, "/conversations"))["items"]}


async def test_all_of_a_contact_is_listed_in_any_state(web: WebClient, house: House, clock: FakeClock) -> None:
    first = await house.asked()
    await web.api("POST", f"/conversations/{first}/resolve", "agent")
    await clock.advance(timedelta(days=30))
    second = await house.asked("Something else")
    await house.asked("Not me", REED)
    contact_id = (await house.see(first)).contact_id
    found = await _get(web, f"/contacts/{contact_id}/conversations?limit=1")
    rest = await _get(web, f"/contacts/{contact_id}/conversations?limit=1&after={found['after']}")
    assert [(one["id"], one["state"]) for one in (*found["items"], *rest["items"])] == [
        (second, "open"),
        (first, "resolved"),
    ]
    assert (await web.api("GET", "/contacts/none/conversations", "agent")).status == 404


async def test_a_lead_reads_the_team_at_work(web: WebClient, house: House) -> None:
    opened = await house.asked()
    async with house.database.write() as work:
        await service.claim(work, house.people["ann"], opened)
    await house.asked("And Sweden?", REED)
    team = await _get(web, "/team", "lead")
    assert (team["waiting"], team["breached"]) == (2, 0)
    ann = next(one for one in team["members"] if one["name"] == "Ann")
    assert (ann["waiting"], ann["presence"]) == (1, "offline")
    assert ann["first_due_at"] is not None
    assert (await web.api("GET", "/team", "agent")).status == 403
