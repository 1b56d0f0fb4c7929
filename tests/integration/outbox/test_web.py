"""
The outbox over real HTTP: page, forms and API, with bad input and hostile text.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from datetime import timedelta

import pytest

import bot.outbox.api
import bot.outbox.pages
from bot.accounts.service import stop_account
from bot.core.database import UnitOfWork
from bot.core.paging import encode_mark
from bot.outbox import store
from bot.outbox.keys import RECEIPTS
from bot.outbox.rules import FOR_A_PERSON, REFUSED_SHOWN_FOR, State
from bot.outbox.service import outbox_banners
from bot.outbox.tables import OutboxEntry
from connectors.errors import Rejected, Throttled, Unreachable
from tests.fakes.sending import Ends
from tests.fakes.web_app import WebClient, make_client
from tests.integration.outbox.conftest import LEAD, House, add_account

NASTY = '<script>alert("x")</script><img src=x onerror=alert(1)>'
CHINESE = "您好，三到五天就能收到包裹。" * 3


@pytest.fixture
async def web(house: House) -> AsyncIterator[WebClient]:
    async with make_client(
        house.database,
        pages=[bot.outbox.pages],
        apis=[bot.outbox.api],
        banners=[outbox_banners],
        extra={RECEIPTS: (house.told.receipt,)},
    ) as client:
        yield client


async def page(web: WebClient, url: str, status: int = 200) -> str:
    answer = await web.get(url)
    text = await answer.text()
    assert answer.status == status, text
    return text


async def unknown(house: House, text: str = "Hello", *, arrived: bool = True) -> str:
    """
    Make an entry that only a person can settle.
    """
    house.server.finds = False
    house.server.script = [Ends.ANSWER_LOST if arrived else Ends.REQUEST_LOST]
    entry_id = await house.prepare(text, subject=f"c-{text}")
    await house.work()
    await house.pass_time(2)
    return entry_id


def tab_counts(text: str) -> dict[str, str]:
    return dict(re.findall(r">(\w[\w ]*?) <span class=\"count\">(\d+)</span>", text))


async def test_the_page_shows_what_needs_a_person_first(house: House, web: WebClient):
    house.server.script = [Rejected("too long"), Throttled("slow down", retry_after=timedelta(hours=1))]
    await house.prepare("refused one", subject="c-1")
    await house.prepare("waiting one", subject="c-2")
    await house.work()
    other = await add_account(house.database, "other")
    await unknown_on(house, other.id)
    await web.sign_in("lead")
    text = await page(web, "/outbox")

    places = [text.index(f">{one}</a>") for one in ("unknown one", "refused one", "waiting one")]
    assert places == sorted(places)
    assert tab_counts(text) == {"Unknown": "1", "Refused": "1", "Waiting": "1", "Held": "0"}
    assert "too long" in text
    assert "The server asked the account to wait; it goes on in 59:58" in text
    assert "1 answer may or may not have arrived" in text


async def unknown_on(house: House, account_id: str) -> str:
    house.server.finds = False
    house.server.script.insert(0, Ends.ANSWER_LOST)
    entry_id = await house.prepare("unknown one", subject="c-3", account_id=account_id)
    await house.work()
    await house.pass_time(2)
    return entry_id


@pytest.mark.parametrize(
    "tab", ["", "unknown", "refused", "waiting", "held", "confirmed", "cancelled", "nonsense"]
)
async def test_every_tab_has_an_empty_state(web: WebClient, tab: str):
    await web.sign_in("agent")
    text = await page(web, f"/outbox?state={tab}")
    assert ("Everything has been delivered" if tab in ("", "nonsense") else "Nothing here") in text


async def test_why_it_waits_is_said_in_words(house: House, web: WebClient):
    house.server.script = [Unreachable("502")]
    first = await house.prepare("first")
    await house.work()
    second = await house.prepare("second")
    await web.sign_in("agent")
    assert "Next attempt in 0:0" in await page(web, f"/outbox/{first}")
    assert "An earlier answer of the same conversation is not settled yet" in await page(web, f"/outbox/{second}")

    async with house.database.write() as work:
        await stop_account(work, LEAD, house.account.id, "holiday")
    assert "The account is stopped: holiday" in await page(web, f"/outbox/{first}")
    assert "The account is stopped: holiday" in await page(web, "/outbox")


async def test_markup_in_any_text_is_shown_as_text(house: House, web: WebClient):
    entry_id = await house.prepare(NASTY)
    house.server.script = [Rejected(NASTY)]
    await house.work()
    await web.sign_in("lead")
    for url in ("/outbox", "/outbox/list", f"/outbox/{entry_id}", f"/outbox/{entry_id}/facts"):
        text = await page(web, url)
        assert "<script>alert" not in text
        assert "<img src=x" not in text
        assert "&lt;script&gt;" in text


async def test_chinese_long_and_empty_texts_are_shown(house: House, web: WebClient):
    await house.prepare(CHINESE, subject="c-1")
    await house.prepare("W" * 5_000, subject="c-2")
    await house.prepare("", subject="c-3")
    await web.sign_in("agent")
    text = await page(web, "/outbox")
    assert CHINESE in text
    assert "W" * 200 not in text
    assert "(no text)" in text


async def test_cancel_by_a_form(house: House, web: WebClient):
    entry_id = await house.prepare()
    await web.sign_in("lead", "Jo Lead")
    answer = await web.post_form(f"/outbox/{entry_id}/cancel")
    assert (answer.status, answer.headers["Location"]) == (303, f"/outbox/{entry_id}")
    text = await page(web, f"/outbox/{entry_id}")
    assert "Cancelled. It will not be sent." in text
    assert "Cancelled by Jo Lead" in text
    await house.work()
    assert house.server.asked == []
    assert house.told.of("Hello") == ["cancelled"]


async def test_O4_try_again_by_a_form_really_sends(house: House, web: WebClient):
    house.server.script = [Rejected("no")]
    entry_id = await house.prepare()
    await house.work()
    await web.sign_in("lead")
    assert "Try again" in await page(web, f"/outbox/{entry_id}")
    assert (await web.post_form(f"/outbox/{entry_id}/retry")).status == 303
    await house.work()
    assert house.server.texts == ["Hello"]
    assert "delivered" in await page(web, f"/outbox/{entry_id}")


@pytest.mark.parametrize(("verb", "arrived"), [("arrived", True), ("send-again", False)])
async def test_a_person_settles_by_a_form(house: House, web: WebClient, verb: str, arrived: bool):
    entry_id = await unknown(house, arrived=arrived)
    await web.sign_in("lead", "Jo Lead")
    assert "It arrived" in await page(web, f"/outbox/{entry_id}")
    assert (await web.post_form(f"/outbox/{entry_id}/{verb}")).status == 303
    await house.work()
    assert await house.state(entry_id) is State.CONFIRMED
    assert house.server.texts == ["Hello"]
    assert "may or may not" not in await page(web, f"/outbox/{entry_id}")


async def test_a_form_that_comes_too_late_says_so_and_changes_nothing(house: House, web: WebClient):
    entry_id = await house.prepare()
    await web.sign_in("lead")
    await house.work()
    answer = await web.post_form(f"/outbox/{entry_id}/cancel")
    assert answer.status == 409
    assert "this is confirmed by now" in await answer.text()
    assert await house.state(entry_id) is State.CONFIRMED


async def test_agents_look_and_leads_decide(house: House, web: WebClient):
    entry_id = await house.prepare()
    await web.sign_in("agent")
    assert "/cancel" not in await page(web, f"/outbox/{entry_id}")
    for verb in ("cancel", "retry", "arrived", "send-again"):
        assert (await web.post_form(f"/outbox/{entry_id}/{verb}")).status == 403
    assert await house.state(entry_id) is State.PREPARED


@pytest.mark.parametrize("url", ["/outbox/none", "/outbox/none/facts"])
async def test_what_does_not_exist_is_not_found(web: WebClient, url: str):
    await web.sign_in("agent")
    assert "no outbox entry" in await page(web, url, status=404)


@pytest.mark.parametrize(
    "mark",
    ["x", "bnVsbA", *map(encode_mark, ([1, 2, 3], ["x", 1], [1.0, "x"], [2**40, "x"], [1, "\x00"]))],  # type: ignore[arg-type]
)
async def test_a_broken_mark_is_refused_kindly(web: WebClient, mark: str):
    await web.sign_in("agent")
    assert (await web.get(f"/outbox?after={mark}")).status == 422
    assert (await web.api("GET", f"/outbox?after={mark}", "agent")).status == 422


async def test_ten_thousand_entries_are_paged_without_gap_or_repeat(house: House, web: WebClient):
    async with house.database.write() as work:
        work.session.add_all(
            made(work, house, state, number)
            for number in range(500)
            for state in ("unknown", "refused", "prepared", "confirmed") * 5
        )
    await web.sign_in("agent")
    seen: list[str] = []
    url: str | None = "/outbox"
    while url is not None and len(seen) < 2_600:
        text = await page(web, url)
        seen += re.findall(r'<a href="/outbox/([0-9a-f-]{36})">', text)
        older = re.search(r'href="([^"]+)" rel="next"', text)
        url = older[1].replace("&amp;", "&") if older else None
    assert len(seen) == len(set(seen)) == 2_600
    async with house.database.read() as work:
        states = [
            (await store.get_entry(work, one)).state for one in (seen[0], seen[2_499], seen[2_500], seen[-1])
        ]
    assert states == ["unknown", "unknown", "refused", "refused"]


def made(work: UnitOfWork, house: House, state: str, number: int) -> OutboxEntry:
    entry_id = work.new_id()
    return OutboxEntry(
        id=entry_id,
        account_id=house.account.id,
        kind="reply",
        subject_kind="conversation",
        subject_id=f"c-{number}",
        key=entry_id,
        draft={
            "text": f"{state} {number}",
            "subject": "",
            "language": None,
            "visibility": None,
            "automatic": False,
        },
        state=state,
        prepared_at=work.now,
        due_at=FOR_A_PERSON if state == "unknown" else work.now,
        settled_at=work.now if state in ("refused", "confirmed") else None,
    )


async def test_old_refusals_leave_the_first_tab_and_stay_in_their_own(house: House, web: WebClient):
    house.server.script = [Rejected("no")]
    await house.prepare("old one")
    await house.work()
    await house.clock.advance(REFUSED_SHOWN_FOR)
    await web.sign_in("agent")
    assert "old one" not in await page(web, "/outbox")
    assert "old one" in await page(web, "/outbox?state=refused")


async def test_the_page_of_one_account_shows_that_one_only(house: House, web: WebClient):
    other = await add_account(house.database, "other")
    await house.prepare("mine")
    await house.prepare("theirs", account_id=other.id, subject="c-2")
    await web.sign_in("agent")
    text = await page(web, f"/outbox?account_id={other.id}")
    assert "theirs" in text
    assert "mine" not in text
    assert tab_counts(text)["Waiting"] == "1"


# ---- API --------------------------------------------------------------------------------------------------------


async def test_the_api_lists_and_reads(house: House, web: WebClient):
    first = await house.prepare("one", subject="c-1")
    second = await house.prepare("two", subject="c-2")
    await house.work()
    third = await house.prepare("three", subject="c-3")
    listing = await (await web.api("GET", "/outbox?limit=2", "agent")).json()
    rest = await (await web.api("GET", f"/outbox?limit=2&after={listing['after']}", "agent")).json()
    assert [one["id"] for one in (*listing["items"], *rest["items"])] == [third, second, first]
    assert rest["after"] is None
    waiting = await (await web.api("GET", "/outbox?state=prepared", "agent")).json()
    assert [one["text"] for one in waiting["items"]] == ["three"]
    one = await (await web.api("GET", f"/outbox/{first}", "agent")).json()
    assert (one["state"], one["sent_id"], one["account_name"], one["behind"]) == ("confirmed", "d1", "shop", None)


async def test_the_api_cancels_retries_and_settles(house: House, web: WebClient):
    entry_id = await house.prepare()
    done = await web.api("POST", f"/outbox/{entry_id}/cancel", "lead")
    assert (done.status, (await done.json())["state"]) == (200, "cancelled")

    house.server.script = [Rejected("no")]
    refused = await house.prepare("again", subject="c-2")
    await house.work()
    done = await web.api("POST", f"/outbox/{refused}/retry", "lead", key="retry-1")
    assert (await done.json())["state"] == "prepared"
    repeated = await web.api("POST", f"/outbox/{refused}/retry", "lead", key="retry-1")
    assert repeated.status == 200
    await house.work()
    assert house.server.texts == ["again"]

    lost = await unknown(house, "lost")
    done = await web.api("POST", f"/outbox/{lost}/settle", "lead", json={"arrived": True})
    assert (await done.json())["state"] == "confirmed"


@pytest.mark.parametrize(
    ("path", "body", "role", "status"),
    [
        ("cancel", None, "agent", 403),
        ("cancel", None, None, 401),
        ("retry", None, "lead", 409),
        ("settle", {"arrived": True}, "lead", 409),
        ("settle", {}, "lead", 422),
        ("settle", {"arrived": "perhaps"}, "lead", 422),
        ("settle", {"arrived": True, "more": 1}, "lead", 422),
    ],
)
async def test_the_api_refuses_with_a_problem(house: House, web: WebClient, path, body, role, status):
    entry_id = await house.prepare()
    answer = await web.api("POST", f"/outbox/{entry_id}/{path}", role, json=body)
    assert answer.status == status
    assert answer.content_type == "application/problem+json"
    assert await house.state(entry_id) is State.PREPARED


async def test_the_api_knows_no_other_states_and_no_other_ids(web: WebClient):
    assert (await web.api("GET", "/outbox?state=lost", "agent")).status == 422
    assert (await web.api("GET", "/outbox/none", "agent")).status == 404
