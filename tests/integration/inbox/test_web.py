"""
The queue and the conversation over real HTTP: pages and API, with bad input.
"""

from __future__ import annotations

import asyncio
import io
from collections.abc import AsyncIterator
from datetime import timedelta

import pytest

import bot.inbox.api
import bot.inbox.pages
from bot.core.database import Database
from bot.inbox.keys import PROMISE as PROMISE_KEY
from connectors.base import Author, HeardKind
from tests.fakes.web_app import WebClient, make_client
from tests.integration.inbox.house import KITE, PROMISE, House

NASTY = '<script>alert("x")</script><img src=x onerror=alert(1)>'


@pytest.fixture
async def house(database: Database) -> House:
    return await House(database).build()


@pytest.fixture
async def web(house: House) -> AsyncIterator[WebClient]:
    async with make_client(
        house.database, pages=[bot.inbox.pages], apis=[bot.inbox.api], extra={PROMISE_KEY: PROMISE}
    ) as client:
        yield client


async def _page(web: WebClient, url: str, status: int = 200) -> str:
    answer = await web.get(url)
    text = await answer.text()
    assert answer.status == status, text
    return text


# ---- pages ------------------------------------------------------------------------------------------------------


async def test_the_journey_of_a_question_by_forms_alone(web: WebClient, house: House) -> None:
    opened = await house.asked("Does it ship to Norway?")
    await web.sign_in("agent", "Ann Agent")
    assert "Does it ship to Norway?" in await _page(web, "/queue")
    there = await web.post_form("/queue/next")
    assert there.headers["Location"] == f"/conversations/{opened}"
    seen = (await house.see(opened)).newest_message_id or ""
    answered = await web.post_form(f"/conversations/{opened}/reply", {"text": "Yes, 3 days.", "seen": seen})
    assert answered.status == 303
    page = await _page(web, f"/conversations/{opened}")
    assert "Yes, 3 days." in page
    assert "Ann Agent" in page
    assert (await house.messages(opened))[-1].outbox_id is not None


async def test_a_reply_that_overtakes_keeps_its_text_and_shows_what_is_new(web: WebClient, house: House) -> None:
    opened = await house.asked()
    await web.sign_in("agent")
    seen = (await house.see(opened)).newest_message_id or ""
    await house.asked("I meant Sweden!")
    answer = await web.post_form(f"/conversations/{opened}/reply", {"text": "my long answer", "seen": seen})
    page = await answer.text()
    assert answer.status == 409
    assert "my long answer" in page
    assert "I meant Sweden!" in page
    assert "newer message" in page
    assert len(await house.messages(opened)) == 2, "nothing was sent"


async def test_two_agents_answer_at_once_and_one_goes_out(web: WebClient, house: House) -> None:
    opened = await house.asked()
    seen = (await house.see(opened)).newest_message_id or ""
    fields = {"seen": seen, "text": "mine"}
    await web.sign_in("agent")
    first = await web.post_form(f"/conversations/{opened}/reply", fields)
    await web.sign_in("agent")
    second = await web.post_form(f"/conversations/{opened}/reply", {**fields, "text": "the other draft"})
    assert (first.status, second.status) == (303, 409)
    assert "the other draft" in await second.text(), "the draft of the slower one stays"


async def test_another_agents_conversation_is_read_only(web: WebClient, house: House) -> None:
    opened = await house.asked()
    await house.reply(opened, "ann")
    await web.sign_in("agent")
    page = await _page(web, f"/conversations/{opened}")
    assert "Ann has claimed this conversation" in page
    for verb in ("claim", "release", "resolve", "pending", "reopen", "snooze", "hand-over"):
        fields = {"until": "1800", "agent_id": house.people["ben"].id}
        answer = await web.post_form(f"/conversations/{opened}/{verb}", fields)
        assert answer.status == 409, verb
        assert "Ann has claimed" in await answer.text()


async def test_html_and_script_in_every_field_is_text(web: WebClient, house: House) -> None:
    author = Author(key=f"k{NASTY}", handle=f"h{NASTY}", name=f"n{NASTY}", url="javascript:alert(1)")
    opened = await house.asked(NASTY, author, subject=NASTY, quoted=NASTY, url="javascript:alert(1)")
    await web.sign_in("agent")
    await web.post_form(f"/conversations/{opened}/note", {"text": NASTY})
    seen = (await house.see(opened)).newest_message_id or ""
    await web.post_form(f"/conversations/{opened}/reply", {"text": NASTY, "seen": seen})
    for url in ("/queue", f"/conversations/{opened}", f"/queue?q={NASTY}", "/queue/list"):
        page = await _page(web, url)
        assert "<script>alert" not in page, url
        assert "<img src=x" not in page, url
        assert "javascript:" not in page, url


@pytest.mark.parametrize(
    "query", ["tab=nothing", "q=%27%20OR%201%3D1%20--", "q=%00", "account_id=%27", "contact=x", "q=" + "x" * 5000]
)
async def test_odd_queries_get_a_page(web: WebClient, house: House, query: str) -> None:
    await house.asked()
    await web.sign_in("agent")
    await _page(web, f"/queue?{query}")


async def test_a_mark_that_is_none_is_told(web: WebClient, house: House) -> None:
    await web.sign_in("agent")
    assert "not a mark" in await _page(web, "/queue?after=zzz", status=422)


async def test_unknown_conversations_and_odd_snoozes(web: WebClient, house: House) -> None:
    opened = await house.asked()
    await web.sign_in("agent")
    await _page(web, "/conversations/nope", status=404)
    for until in ("", "soon", "-5", "9" * 12, "99999999"):
        answer = await web.post_form(f"/conversations/{opened}/snooze", {"until": until})
        assert answer.status == 422, until
    assert (await web.post_form(f"/conversations/{opened}/snooze", {"until": "1800"})).status == 303


async def test_nothing_waits_is_said(web: WebClient, house: House) -> None:
    await web.sign_in("agent")
    assert "All quiet" in await _page(web, "/queue")
    assert (await web.post_form("/queue/next")).headers["Location"] == "/queue"


async def test_a_marketer_reads_and_does_not_answer(web: WebClient, house: House) -> None:
    opened = await house.asked()
    await web.sign_in("marketer")
    assert "not answer them" in await _page(web, f"/conversations/{opened}")
    assert (await web.post_form(f"/conversations/{opened}/claim")).status == 403


async def test_a_page_of_ten_thousand_rows_is_a_page_of_fifty(web: WebClient, house: House) -> None:
    for number in range(60):
        await house.asked(author=Author(key=f"k{number}", handle=f"h{number}@x.example", name="很长的名字" * 20))
    await web.sign_in("agent")
    first = await _page(web, "/queue")
    assert first.count("data-row") == 50
    assert "after=" in first


# ---- API --------------------------------------------------------------------------------------------------------


async def test_the_same_journey_by_the_api(web: WebClient, house: House) -> None:
    opened = await house.asked()
    listed = await (await web.api("GET", "/conversations", "agent")).json()
    (found,) = listed["items"]
    assert found["id"] == opened
    claimed = await web.api("POST", "/conversations/claim-next", "agent", json={})
    assert (await claimed.json())["agent_name"] == "agent token"
    assert (await web.api("POST", "/conversations/claim-next", "agent", json={})).status == 204
    said = await web.api(
        *("POST", f"/conversations/{opened}/reply", "agent"),
        json={"text": "Yes.", "seen": found["newest_message_id"]},
    )
    assert said.status == 201
    assert (await said.json())["outbox_id"]
    messages = await (await web.api("GET", f"/conversations/{opened}/messages", "agent")).json()
    assert [one["direction"] for one in messages["items"]] == ["inbound", "outbound"]
    until = (house.database.clock.now() + timedelta(hours=1)).isoformat()
    for verb, body in (
        ("notes", {"text": "called him"}),
        ("snooze", {"until": until}),
        ("reopen", {}),
        ("pending", {}),
        ("resolve", {}),
        ("reopen", {}),
        ("hand-over", {"agent_id": house.people["ben"].id}),
    ):
        answer = await web.api("POST", f"/conversations/{opened}/{verb}", "agent", json=body)
        assert answer.status in (200, 201), (verb, await answer.text())


async def test_a_hundred_replies_with_one_key_are_one_reply(web: WebClient, house: House) -> None:
    opened = await house.asked()
    seen = (await house.see(opened)).newest_message_id
    body = {"text": "Yes.", "seen": seen}
    await web.token("agent")
    answers = await asyncio.gather(
        *(web.api("POST", f"/conversations/{opened}/reply", "agent", key="k1", json=body) for _ in range(100))
    )
    assert {answer.status for answer in answers} == {201}
    assert len({(await answer.json())["id"] for answer in answers}) == 1
    assert len(await house.messages(opened)) == 2
    other = await web.api(
        "POST", f"/conversations/{opened}/reply", "agent", key="k1", json={**body, "text": "No."}
    )
    assert other.status == 409


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b'{"text": "x", "seen": "y", "extra": 1}', 422),
        (b'{"text": 5, "seen": "y"}', 422),
        (b'{"text": "", "seen": "y"}', 422),
        (b'{"text": "a\\u0000b", "seen": "y"}', 422),
        (b"\xff\xfe\x00broken", 422),
        (b"[]", 422),
        (b"{", 422),
        (b'{"text": "' + b"x" * 1_000_000 + b'", "seen": "y"}', 422),
        (b'{"text": "' + b"x" * 10_000_000 + b'", "seen": "y"}', 413),
        (b"[" * 100_000, 422),
    ],
    ids=["unknown", "type", "empty", "nul", "utf8", "list", "cut", "million", "ten-mb", "deep"],
)
async def test_bad_bodies_get_a_problem_that_says_what(
    web: WebClient, house: House, body: bytes, status: int
) -> None:
    opened = await house.asked()
    answer = await web.api("POST", f"/conversations/{opened}/reply", "agent", data=io.BytesIO(body))
    assert answer.status == status
    assert answer.content_type == "application/problem+json"
    problem = await answer.json()
    assert problem["title"]
    assert problem["status"] == status
    assert len(await house.messages(opened)) == 1


async def test_a_post_of_a_million_characters_is_heard_and_shown(web: WebClient, house: House) -> None:
    opened = await house.asked("许多 words " * 90_000)
    await web.sign_in("agent")
    assert "characters" in await _page(web, f"/conversations/{opened}")


async def test_mail_html_is_cleaned(web: WebClient, house: House) -> None:
    house.account.channel = "email"
    html = f'<p onclick="x()">Hello <b>there</b>{NASTY}<a href="javascript:x()">a</a><style>p{{}}</style></p>'
    opened = await house.asked("Hello there", KITE, kind=HeardKind.MESSAGE, html=html)
    await web.sign_in("agent")
    page = await _page(web, f"/conversations/{opened}")
    assert "<b>there</b>" in page
    for gone in ("onclick", "<script>alert", "javascript:", "<style>p", "<img src=x"):
        assert gone not in page
