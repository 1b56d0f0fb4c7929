"""
While two people write to one customer: what was seen, drafts, who looks, mentions.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta

import pytest
import sqlalchemy as sa
from sqlmodel import col

import bot.inbox.api
import bot.inbox.pages
import bot.inbox.writing_pages
import bot.staff.notice_pages
from bot.core.database import Database
from bot.core.errors import Conflict
from bot.core.tables import LiveEvent
from bot.inbox import drafts, looking, service, store
from bot.inbox.drafts import DraftChanged, DraftKind
from bot.inbox.keys import PROMISE as PROMISE_KEY
from bot.staff.notices import list_notices, said
from tests.fakes.clock import FakeClock
from tests.fakes.web_app import WebClient, make_client
from tests.integration.inbox.house import PROMISE, REED, House

PAGES = [bot.inbox.pages, bot.inbox.writing_pages, bot.staff.notice_pages]


@pytest.fixture
async def house(database: Database) -> House:
    return await House(database).build()


@pytest.fixture
async def web(house: House) -> AsyncIterator[WebClient]:
    extra = {PROMISE_KEY: PROMISE}
    async with make_client(house.database, pages=PAGES, apis=[bot.inbox.api], extra=extra) as client:
        yield client


async def _save(house: House, conversation_id: str, text: str, version: int, who: str = "ann") -> int:
    async with house.database.write() as work:
        person = house.people[who]
        return await drafts.save_draft(work, person, conversation_id, DraftKind.REPLY, text, version=version)


async def _draft(house: House, conversation_id: str, who: str = "ann") -> str:
    async with house.database.read() as work:
        kept = await drafts.drafts_in(work, house.people[who], conversation_id)
        return kept[DraftKind.REPLY].text if DraftKind.REPLY in kept else ""


# ---- what was seen ----------------------------------------------------------------------------------------------


async def test_S11_two_answer_at_once_one_goes_out_and_the_others_draft_stays(house: House) -> None:
    opened = await house.asked()
    await _save(house, opened, "mine", 0, "ann")
    await _save(house, opened, "my long answer", 0, "lea")  # a lead may act on what another has claimed
    first, second = await asyncio.gather(
        house.reply(opened, "ann", text="mine"),
        house.reply(opened, "lea", text="my long answer"),
        return_exceptions=True,
    )
    refused = [one for one in (first, second) if isinstance(one, Conflict)]
    assert len(refused) == 1, (first, second)
    assert len([one for one in await house.messages(opened) if one.direction == "outbound"]) == 1
    loser = "ann" if isinstance(first, Conflict) else "lea"
    winner = "lea" if loser == "ann" else "ann"
    assert await _draft(house, opened, loser), "the draft of the slower one stays"
    assert not await _draft(house, opened, winner), "what was sent is no draft any more"


async def test_S11_an_answer_that_has_not_seen_a_colleagues_is_refused_until_it_has(
    web: WebClient, house: House
) -> None:
    opened = await house.asked()
    seen = (await house.see(opened)).newest_message_id or ""
    await house.reply(opened, "ann", text="Yes, we do.")
    await web.sign_in("lead")
    fields = {"text": "No, we do not!", "seen": seen, "seen_answer": ""}
    refused = await web.post_form(f"/conversations/{opened}/reply", fields)
    page = await refused.text()
    assert refused.status == 409
    assert "Ann has answered meanwhile" in page
    assert "Yes, we do." in page
    assert "No, we do not!" in page, "the draft is kept"
    answer = (await house.messages(opened))[-1].id
    assert f'name="seen_answer" value="{answer}"' in page, "the page it gets has seen it"
    sent = await web.post_form(f"/conversations/{opened}/reply", {**fields, "seen_answer": answer})
    assert sent.status == 303


async def test_ones_own_answer_and_a_machines_are_no_news(house: House) -> None:
    opened = await house.asked()
    seen = (await house.see(opened)).newest_message_id or ""
    await house.reply(opened, "ann", text="One moment.")
    async with house.database.write() as work:
        await service.reply(work, house.people["ann"], opened, text="Yes.", seen=seen, promise=PROMISE)
    other = await house.asked("And Sweden?", REED)
    async with house.database.write() as work:
        robot, seen = house.people["ben"], (await store.get_conversation(work, other)).newest_message_id or ""
        await service.reply(work, robot, other, text="Got it.", seen=seen, promise=PROMISE, automatic=True)
    await house.reply(other, "lea", text="Yes.")


# ---- drafts -----------------------------------------------------------------------------------------------------


async def test_a_draft_is_kept_as_typed_and_forgotten_when_sent(house: House) -> None:
    opened = await house.asked()
    assert await _save(house, opened, "Dear", 0) == 1
    assert await _save(house, opened, "Dear Kite", 1) == 2
    assert await _save(house, opened, "Dear Kite", 1) == 2, "saying it twice is saying it once"
    await house.reply(opened, "ann", text="Dear Kite, yes.")
    assert await _draft(house, opened) == ""
    assert await _save(house, opened, "P.S.", 2) == 1, "a tab that goes on writing begins anew"
    assert await _save(house, opened, "  ", 1) == 0, "nothing written is no draft"
    assert await _draft(house, opened) == ""


async def test_a_draft_that_arrives_after_its_answer_is_no_draft(house: House, clock: FakeClock) -> None:
    opened = await house.asked()
    await house.reply(opened, "ann", text="Dear Kite, yes.")
    for late in ("Dear Kite, yes.", "Dear Ki"):
        assert await _save(house, opened, late, 0) == 0
    assert await _draft(house, opened) == ""
    assert await _save(house, opened, "Dear Kite, no.", 0) == 1, "another text is one"
    assert await _save(house, opened, "Dear Kite", 0, who="ben") == 1, "and so is a colleague's"

    async with house.database.write() as work:
        await service.add_note(work, house.people["ben"], opened, "Ask Ann about it")
    async with house.database.write() as work:
        late_note = (work, house.people["ben"], opened, DraftKind.NOTE, "Ask Ann")
        assert await drafts.save_draft(*late_note, version=0) == 0
    await clock.advance(drafts.JUST)
    async with house.database.write() as work:
        again = (work, house.people["ben"], opened, DraftKind.NOTE, "Ask Ann")
        assert await drafts.save_draft(*again, version=0) == 1, "a minute later it is typed again"


async def test_two_tabs_never_overwrite_each_other(house: House) -> None:
    opened = await house.asked()
    await _save(house, opened, "first tab", 0)
    with pytest.raises(DraftChanged) as refused:
        await _save(house, opened, "second tab", 0)
    assert (refused.value.version, refused.value.text) == (1, "first tab")
    results = await asyncio.gather(
        *(_save(house, opened, f"tab {number}", 1) for number in range(6)), return_exceptions=True
    )
    assert sorted(type(one).__name__ for one in results) == ["DraftChanged"] * 5 + ["int"]
    assert await _save(house, opened, "the chosen one", 2) == 3


async def test_a_draft_is_its_writers_alone(house: House) -> None:
    opened = await house.asked()
    await _save(house, opened, "ann writes", 0, "ann")
    await _save(house, opened, "ben writes", 0, "ben")
    assert await _draft(house, opened, "ann") == "ann writes"
    assert await _draft(house, opened, "ben") == "ben writes"


async def test_drafts_over_http(web: WebClient, house: House) -> None:
    opened = await house.asked()
    await web.sign_in("agent")
    url = f"/conversations/{opened}/draft"
    saved = await web.post_form(url, {"kind": "note", "text": "half a no<b>", "version": "0"})
    assert await saved.json() == {"version": 1}
    other = await web.post_form(url, {"kind": "note", "text": "other", "version": "0"})
    assert other.status == 409
    assert await other.json() == {"version": 1, "text": "half a no<b>"}
    assert "half a no&lt;b&gt;" in await (await web.get(f"/conversations/{opened}")).text()
    assert "half a no&lt;b&gt;" in await (await web.get("/drafts")).text()
    for wrong in ({"kind": "post"}, {"kind": "note", "version": "x"}, {"kind": "note", "version": "9" * 30}):
        assert (await web.post_form(url, {"text": "x", **wrong})).status == 422
    assert (await web.post_form(url, {"kind": "reply", "text": "x" * 100_001, "version": "0"})).status == 422
    assert (await web.post_form(f"{url}/discard", {"kind": "note"})).status == 303
    assert "half a no" not in await (await web.get("/drafts")).text()


# ---- who looks --------------------------------------------------------------------------------------------------


async def _news(house: House, conversation_id: str) -> int:
    async with house.database.read() as work:
        query = sa.select(sa.func.count()).where(col(LiveEvent.topic) == looking.topic_of(conversation_id))
        return int(await work.session.scalar(query) or 0)


async def _who(house: House, conversation_id: str, besides: str = "") -> list[tuple[str, bool]]:
    async with house.database.read() as work:
        found = await looking.onlookers(work, conversation_id, besides=besides)
        return [(one.name, one.typing) for one in found]


async def _look(house: House, conversation_id: str, who: str, *, typing: bool = False) -> None:
    async with house.database.write() as work:
        await looking.look(work, house.people[who], conversation_id, typing=typing)


async def test_who_looks_and_types_is_shown_and_forgotten(house: House, clock: FakeClock) -> None:
    opened = await house.asked()
    await _look(house, opened, "ann")
    await clock.advance(5)
    await _look(house, opened, "ben", typing=True)
    assert await _who(house, opened) == [("Ben", True), ("Ann", False)]
    assert await _who(house, opened, house.people["ben"].id) == [("Ann", False)]
    await clock.advance(looking.TYPES_FOR + timedelta(seconds=1))
    assert await _who(house, opened) == [("Ann", False), ("Ben", False)]
    async with house.database.write() as work:
        await looking.leave(work, house.people["ann"], opened)
    assert await _who(house, opened) == [("Ben", False)]
    await clock.advance(looking.LOOKS_FOR)
    assert await _who(house, opened) == [], "a browser that died is forgotten"
    async with house.database.write() as work:
        await looking.prune_looking(work)


async def test_somebody_who_types_for_a_minute_is_news_every_few_seconds_at_most(
    house: House, clock: FakeClock
) -> None:
    opened = await house.asked()
    for number in range(60):
        await _look(house, opened, "ann", typing=number % 2 == 0)  # the worst: it changes every second
        await clock.advance(1)
    assert await _news(house, opened) <= 60 / looking.TOLD_EVERY.total_seconds() + 1
    await clock.advance(4)
    await _look(house, opened, "ann", typing=True)
    before = await _news(house, opened)
    for _ in range(20):
        await _look(house, opened, "ann", typing=True)
        await clock.advance(4)
    assert await _news(house, opened) == before, "what does not change is no news"
    await _look(house, opened, "ann")
    await clock.advance(1)
    await _look(house, opened, "ann", typing=True)
    await clock.advance(4)
    await _look(house, opened, "ann", typing=True)
    assert await _news(house, opened) == before + 2, "what came too soon is told later"


async def test_looking_over_http(web: WebClient, house: House) -> None:
    opened = await house.asked()
    await _look(house, opened, "ann")
    await web.sign_in("agent", "Zoë <b>")
    assert (await web.post_form(f"/conversations/{opened}/here", {"typing": "yes"})).status == 204
    shown = await (await web.get(f"/conversations/{opened}/onlookers")).text()
    assert "Ann is looking" in shown
    assert "Zoë" not in shown, "nobody is told of themselves"
    assert "Ann is looking" in await (await web.get(f"/conversations/{opened}")).text()
    await web.sign_in("agent")
    assert "Zoë &lt;b&gt; is typing" in await (await web.get(f"/conversations/{opened}/onlookers")).text()
    assert (await web.post_form(f"/conversations/{opened}/here", {"leaving": "yes"})).status == 204
    assert (await web.post_form("/conversations/none/here")).status == 404


# ---- mentions ---------------------------------------------------------------------------------------------------


async def _notices(house: House, who: str) -> list[str]:
    async with house.database.read() as work:
        found = await list_notices(work, house.people[who], limit=10, after=None)
        return [said(one) for one in found.items]


async def test_who_is_mentioned_in_a_note_is_told(house: House) -> None:
    opened = await house.asked()
    async with house.database.write() as work:
        note = await service.add_note(work, house.people["ann"], opened, "@ben and @Mia, see order 7. @ann too")
    assert await _notices(house, "ben") == ["Ann mentioned you in a note: @ben and @Mia, see order 7. @ann too"]
    assert len(await _notices(house, "mia")) == 1
    assert await _notices(house, "ann") == [], "nobody tells themselves"
    async with house.database.read() as work:
        (one,) = (await list_notices(work, house.people["ben"], limit=10, after=None)).items
    assert one.url == f"/conversations/{opened}#entry-{note.id}"


async def test_who_is_handed_a_conversation_is_told(house: House) -> None:
    opened = await house.asked("Where is 100% of order 7?")
    async with house.database.write() as work:
        await service.hand_over(work, house.people["ann"], opened, house.people["ben"].id)
    assert await _notices(house, "ben") == ["Ann handed a conversation over to you: Where is 100% of order 7?"]


async def test_colleagues_are_offered(web: WebClient) -> None:
    await web.sign_in("agent", "周慧")
    assert 'data-insert="周慧"' in await (await web.get("/colleagues/options?q=周")).text()
    assert "data-insert" not in await (await web.get("/colleagues/options?q=%00zzz")).text()
