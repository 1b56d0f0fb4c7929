"""
From a heard item to an answered conversation, on both databases.
"""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest
import sqlalchemy as sa
from sqlmodel import col

from bot.accounts.ears import Ignored, Routed
from bot.core.database import Database, UnitOfWork
from bot.core.errors import Conflict, Invalid, NotFound
from bot.core.paging import Slice
from bot.inbox import dispatch, hearing, service, store
from bot.inbox.listing import list_selected
from bot.inbox.rules import Tab
from bot.inbox.selection import ORDER_OF_TAB, TABS
from bot.inbox.store import Listed
from bot.inbox.tables import Conversation, ConversationClock, ConversationEvent
from connectors.base import Author, HeardKind, Visibility
from tests.fakes.clock import FakeClock
from tests.integration.inbox.house import KITE, PROMISE, REED, House

MINUTE = timedelta(minutes=1)


@pytest.fixture
async def house(database: Database) -> House:
    return await House(database).build()


async def _clocks(house: House, conversation_id: str) -> list[ConversationClock]:
    async with house.database.read() as work:
        query = sa.select(ConversationClock).where(col(ConversationClock.conversation_id) == conversation_id)
        return list((await work.session.scalars(query.order_by(col(ConversationClock.id)))).all())


async def _listed(
    work: UnitOfWork, tab: Tab, *, limit: int, after: str | None, actor_id: str = "", text: str = ""
) -> Slice[Listed]:
    selection, order = replace(TABS[tab], text=text), ORDER_OF_TAB[tab]
    return await list_selected(work, selection, actor_id=actor_id, order=order, limit=limit, after=after)


async def _queue(house: House, tab: Tab = Tab.WAITING, **more: str) -> list[str]:
    async with house.database.read() as work:
        found = await _listed(work, tab, limit=200, after=None, **more)
        return [one.conversation.id for one in found.items]


# ---- hearing ----------------------------------------------------------------------------------------------------


async def test_a_question_opens_a_conversation_with_a_clock(house: House, clock: FakeClock) -> None:
    written = clock.now() - 2 * MINUTE
    c = await house.see(await house.asked("My order never arrived, this is terrible!", occurred_at=written))
    assert (c.state, c.agent_id, c.waiting_messages) == ("open", None, 1)
    assert c.due_at == written + PROMISE.first_response, "the promise counts from when the customer wrote"
    assert c.intent == "complaint"
    assert c.mood == "negative"
    assert c.snippet.startswith("My order")


async def test_five_messages_in_a_row_are_one_conversation_and_one_clock(house: House, clock: FakeClock) -> None:
    ids = set()
    for text in ("hello?", "my order", "number 7", "is late", "please help"):
        ids.add(await house.asked(text))
        await clock.advance(10)
    assert len(ids) == 1
    (running,) = await _clocks(house, ids.pop())
    assert running.kind == "first_response"


async def test_private_and_public_words_are_kept_apart(house: House) -> None:
    public = await house.asked()
    private = await house.asked("my address is ...", visibility=Visibility.DIRECT)
    assert public != private


async def test_another_person_in_the_thread_gets_a_conversation_of_their_own(house: House) -> None:
    first = house.item()
    mine = await house.hear(first)
    theirs = await house.hear(house.item("me too!", REED, in_reply_to=(first.message_id or "",)))
    assert isinstance(mine, Routed)
    assert isinstance(theirs, Routed)
    assert mine.to != theirs.to


async def test_I7_a_forged_reference_never_leads_into_another_customers_conversation(database: Database) -> None:
    house = await House(database).build("email")
    victim = Author(key="vera@far.example", handle="vera@far.example", name="Vera")
    forger = Author(key="mallory@evil.example", handle="mallory@evil.example", name="Mallory")
    mail = {"kind": HeardKind.MESSAGE, "thread_proof": False}
    first = house.item("Where is order 7?", victim, subject="Order 7", **mail)
    theirs = await house.hear(first)
    known = (first.message_id or "",)
    forged = await house.hear(house.item("And?", forger, subject="Re: Order 7", in_reply_to=known, **mail))
    honest = await house.hear(house.item("And?", victim, subject="Re: Order 7", in_reply_to=known, **mail))
    assert honest == theirs
    assert forged != theirs
    assert isinstance(forged, Routed)
    messages = await house.messages(forged.to.removeprefix("conversation:"))
    assert [message.text for message in messages] == ["And?"], "it shows nothing of the other customer"


async def test_a_mail_without_references_continues_by_sender_and_subject(
    database: Database, clock: FakeClock
) -> None:
    house = await House(database).build("email")
    mail = {"kind": HeardKind.MESSAGE, "thread_proof": False}
    first = await house.asked("Where is it?", subject="Order 7", **mail)  # type: ignore[arg-type]
    assert await house.asked("Still nothing", subject="RE: Order 7", **mail) == first  # type: ignore[arg-type]
    assert await house.asked("A new one", subject="Order 8", **mail) != first  # type: ignore[arg-type]
    assert await house.asked("No subject", subject="", **mail) != first  # type: ignore[arg-type]
    await clock.advance(timedelta(days=31))
    assert await house.asked("A month later", subject="Order 7", **mail) != first  # type: ignore[arg-type]


async def test_I6_machines_open_no_conversation_and_start_no_clock(house: House) -> None:
    assert isinstance(await house.hear(house.item("I am away", automatic="auto-replied")), Ignored)
    assert isinstance(await house.hear(house.item("me", automatic="own account")), Ignored)
    opened = await house.asked()
    entry = await house.reply(opened)
    await house.becomes(entry, "confirmed")
    away = house.item("Out of office", automatic="auto-replied", in_reply_to=(f"sent-{entry.id}",))
    assert await house.hear(away) == Routed(to=f"conversation:{opened}")
    c = await house.see(opened)
    assert c.due_at is None, "nobody waits for an answer to a machine"
    assert (await house.messages(opened))[-1].automatic == "auto-replied"


async def test_what_is_not_for_us_is_left_to_other_ears(house: House) -> None:
    assert await house.hear(house.item(kind=HeardKind.REPOST)) is None
    assert isinstance(await house.hear(house.item(author=None)), Ignored)


async def test_a_bounce_stands_where_the_answer_stands(database: Database) -> None:
    house = await House(database).build("email")
    opened = await house.asked(kind=HeardKind.MESSAGE)
    entry = await house.reply(opened, then="resolved")
    await house.becomes(entry, "confirmed")
    assert (await house.see(opened)).state == "resolved"
    report = house.item(
        "No such mailbox", None, kind=HeardKind.BOUNCE, in_reply_to=(f"sent-{entry.id}",), automatic="bounce"
    )
    assert await house.hear(report) == Routed(to=f"conversation:{opened}")
    assert (await house.see(opened)).state == "open", "somebody has to look"
    stray = house.item("?", None, kind=HeardKind.BOUNCE, in_reply_to=("not-ours",))
    assert isinstance(await house.hear(stray), Ignored)


# ---- the clock --------------------------------------------------------------------------------------------------


async def test_the_clock_stops_with_the_receipt_not_with_the_reply(house: House, clock: FakeClock) -> None:
    opened = await house.asked()
    entry = await house.reply(opened)
    assert (await house.see(opened)).due_at is not None, "nothing has arrived yet"
    await clock.advance(MINUTE)
    await house.becomes(entry, "confirmed")
    c = await house.see(opened)
    assert (c.due_at, c.waiting_messages) == (None, 0)
    assert c.first_answered_at == clock.now()
    assert [one.outcome for one in await _clocks(house, opened)] == ["kept"]


async def test_a_late_answer_is_a_breach(house: House, clock: FakeClock) -> None:
    opened = await house.asked()
    await clock.advance(15 * MINUTE + timedelta(seconds=1))
    await house.becomes(await house.reply(opened), "confirmed")
    assert [one.outcome for one in await _clocks(house, opened)] == ["breached"]


async def test_the_channels_own_time_counts_as_far_as_it_can_be_true(house: House, clock: FakeClock) -> None:
    opened = await house.asked()
    entry = await house.reply(opened)
    await clock.advance(MINUTE)
    await house.becomes(entry, "confirmed", at=clock.now() + timedelta(days=1))
    assert (await house.messages(opened))[-1].at == clock.now(), "not in the future"


async def test_S5_an_automatic_reply_is_no_first_response(house: House, clock: FakeClock) -> None:
    opened = await house.asked()
    due = (await house.see(opened)).due_at
    entry = await house.reply(opened, text="We got your message.", automatic=True)
    await house.becomes(entry, "confirmed")
    c = await house.see(opened)
    assert (c.due_at, c.first_answered_at, c.agent_id) == (due, None, None)
    assert [one.outcome for one in await _clocks(house, opened)] == ["running"]
    await clock.advance(MINUTE)
    await house.becomes(await house.reply(opened), "confirmed")
    assert (await house.see(opened)).first_answered_at == clock.now()


async def test_I6_automatic_answers_obey_the_circuit_breaker(house: House, clock: FakeClock) -> None:
    opened = await house.asked()
    for _ in range(2):
        await house.becomes(await house.reply(opened, text="We got it.", automatic=True), "confirmed")
        await house.asked("automatic? hello!")
    with pytest.raises(Conflict, match="no automatic answer"):
        await house.reply(opened, text="We got it.", automatic=True)
    await house.reply(opened, text="A person is here now.")


async def test_a_refused_answer_is_told_and_the_clock_runs_on(house: House) -> None:
    opened = await house.asked()
    due = (await house.see(opened)).due_at
    await house.becomes(await house.reply(opened, then="resolved"), "refused", reason="too long")
    c = await house.see(opened)
    assert (c.state, c.due_at) == ("open", due)
    async with house.database.read() as work:
        events = [row for row in await store.timeline(work, opened) if isinstance(row, ConversationEvent)]
    assert events[-1].kind == "answer_refused"
    assert events[-1].detail == {"reason": "too long"}


async def test_a_message_that_crosses_our_answer_starts_the_next_clock(house: House, clock: FakeClock) -> None:
    opened = await house.asked()
    entry = await house.reply(opened, then="resolved")
    await clock.advance(5)
    await house.asked("One more thing")
    await house.becomes(entry, "confirmed")
    c = await house.see(opened)
    assert c.state == "open", "not resolved over the customer's head"
    assert c.due_at == clock.now() + PROMISE.first_response
    assert [(one.kind, one.outcome) for one in await _clocks(house, opened)] == [
        ("first_response", "kept"),
        ("next_response", "running"),
    ]


async def test_a_receipt_about_something_else_is_left_alone(house: House) -> None:
    entry = await house.reply(await house.asked())
    async with house.database.write() as work:
        stranger = replace_entry(entry)
        await hearing.sent(work, stranger, PROMISE)


def replace_entry(entry):  # a copy that belongs to a post
    return type(entry)(**{**entry.model_dump(), "subject_kind": "post"})


# ---- working ----------------------------------------------------------------------------------------------------


async def test_two_claim_at_once_and_one_has_it(house: House) -> None:
    opened = await house.asked()

    async def claim(who: str) -> bool:
        try:
            async with house.database.write() as work:
                await service.claim(work, house.people[who], opened)
        except Conflict:
            return False
        return True

    assert sorted(await asyncio.gather(claim("ann"), claim("ben"))) == [False, True]


async def test_what_another_has_claimed_is_theirs(house: House) -> None:
    opened = await house.asked()
    async with house.database.write() as work:
        await service.claim(work, house.people["ann"], opened)
        await service.claim(work, house.people["ann"], opened)
    with pytest.raises(Conflict, match="Ann has claimed"):
        await house.reply(opened, "ben")
    await house.reply(opened, "lea"), "a lead may help out"


async def test_a_reply_claims_what_nobody_has(house: House) -> None:
    opened = await house.asked()
    await house.reply(opened, "ben")
    assert (await house.see(opened)).agent_name == "Ben"


async def test_a_reply_that_has_not_seen_the_newest_message_is_held_back(house: House) -> None:
    opened = await house.asked()
    seen = (await house.see(opened)).newest_message_id
    await house.asked("Wait, I meant Sweden!")
    with pytest.raises(Conflict, match="newer message"):
        await house.reply(opened, seen=seen)
    assert [m.direction for m in await house.messages(opened)] == ["inbound", "inbound"]


@pytest.mark.parametrize(("text", "said"), [("   ", "write something"), ("x" * 100_001, "at most")])
async def test_texts_that_cannot_be_sent(house: House, text: str, said: str) -> None:
    opened = await house.asked()
    with pytest.raises(Invalid, match=said):
        await house.reply(opened, text=text)


async def test_what_cannot_be_answered_on_its_channel_says_so(house: House) -> None:
    with pytest.raises(Invalid, match="cannot be answered"):
        await house.reply(await house.asked(reply_to=None))
    with pytest.raises(Invalid, match="then"):
        await house.reply(await house.asked(), then="gone")


async def test_hand_over_only_to_somebody_who_answers(house: House) -> None:
    opened = await house.asked()
    async with house.database.write() as work:
        given = await service.hand_over(work, house.people["ann"], opened, house.people["ben"].id)
        assert given.agent_name == "Ben"
    for login, error in (("mia", Invalid), ("nobody", NotFound)):
        target = house.people[login].id if login in house.people else login
        with pytest.raises(error):
            async with house.database.write() as work:
                await service.hand_over(work, house.people["ben"], opened, target)


async def test_snoozed_comes_back_at_its_time_or_with_a_new_message(house: House, clock: FakeClock) -> None:
    async def snooze() -> str:
        opened = await house.asked()
        async with house.database.write() as work:
            await service.snooze(work, house.people["ann"], opened, clock.now() + 30 * MINUTE)
        return opened

    async def wake() -> int:
        async with house.database.write() as work:
            return await hearing.wake_snoozed(work)

    opened = await snooze()
    assert await _queue(house) == []
    assert await wake() == 0
    await clock.advance(30 * MINUTE)
    assert await wake() == 1
    assert await _queue(house) == [opened]
    await snooze()
    await house.asked("Are you there?")
    assert await _queue(house) == [opened]
    with pytest.raises(Invalid):
        async with house.database.write() as work:
            await service.snooze(work, house.people["ann"], opened, clock.now())


async def test_resolve_stops_the_clock_and_a_new_message_reopens_with_a_new_one(
    house: House, clock: FakeClock
) -> None:
    opened = await house.asked()
    async with house.database.write() as work:
        await service.resolve(work, house.people["ann"], opened)
    assert [one.outcome for one in await _clocks(house, opened)] == ["dropped"]
    await clock.advance(timedelta(days=3))
    message = (await house.messages(opened))[0].remote_id or ""
    assert await house.asked("Not solved!", in_reply_to=(message,)) == opened
    c = await house.see(opened)
    assert (c.state, c.agent_id) == ("open", None)
    assert c.due_at == clock.now() + PROMISE.first_response, "a new promise, not one that is days old"


async def test_pending_release_reopen_and_notes(house: House) -> None:
    opened = await house.asked()
    ann = house.people["ann"]
    async with house.database.write() as work:
        await service.claim(work, ann, opened)
        await service.set_pending(work, ann, opened)
        note = await service.add_note(work, ann, opened, "called him")
        assert note.author_name == "Ann"
    assert await _queue(house, Tab.PENDING) == [opened]
    assert await _queue(house, Tab.MINE, actor_id=ann.id) == [opened]
    async with house.database.write() as work:
        await service.reopen(work, ann, opened)
        await service.release(work, ann, opened)
    assert await _queue(house, Tab.UNCLAIMED) == [opened]


# ---- lists ------------------------------------------------------------------------------------------------------


async def test_the_queue_is_by_deadline_and_pages_without_gap_or_repeat(house: House, clock: FakeClock) -> None:
    for number in range(25):
        who = Author(key=f"k{number}", handle=f"h{number}", name=f"Name {number}")
        await house.asked(author=who, occurred_at=clock.now() - timedelta(seconds=(number * 7) % 25))
    opened = await _queue(house)
    async with house.database.write() as work:
        for conversation_id in opened[:5]:  # answered ones wait without a deadline
            (await store.get_conversation(work, conversation_id)).due_at = None
    whole = await _queue(house)
    assert set(whole[-5:]) == set(opened[:5])
    pages, after = [], None
    async with house.database.read() as work:
        while True:
            found = await _listed(work, Tab.WAITING, limit=7, after=after)
            pages += [one.conversation.id for one in found.items]
            after = found.after
            if after is None:
                break
    assert pages == whole
    async with house.database.read() as work:
        found = await _listed(work, Tab.WAITING, limit=20, after=None)
        deadlines = [one.conversation.due_at for one in found.items]
    assert deadlines == sorted(deadlines)


async def test_other_lists_show_the_newest_word_first(house: House, clock: FakeClock) -> None:
    opened = []
    for number in range(5):
        await clock.advance(MINUTE)
        opened.append(await house.asked(author=replace(KITE, key=f"k{number}")))
    async with house.database.write() as work:
        for conversation_id in opened:
            await service.resolve(work, house.people["lea"], conversation_id)
    async with house.database.read() as work:
        first = await _listed(work, Tab.RESOLVED, limit=3, after=None)
        rest = await _listed(work, Tab.RESOLVED, limit=3, after=first.after)
    assert [one.conversation.id for one in [*first.items, *rest.items]] == opened[::-1]


@pytest.mark.parametrize("search", ["' OR 1=1 --", "%", "_", "\\", "%' UNION SELECT *", '"'])
async def test_sql_in_a_search_is_only_text(house: House, search: str) -> None:
    await house.asked("plain words")
    assert await _queue(house, text=search) == []
    found = await house.asked(f"it says {search}", REED)
    assert await _queue(house, text=search) == [found]


async def test_search_finds_names_and_chinese(house: House) -> None:
    found = await house.asked("请问什么时候发货？", Author(key="z", handle="zhou@far.example", name="周慧"))
    await house.asked()
    assert await _queue(house, text="什么时候") == [found]
    assert await _queue(house, text="周慧") == [found]
    assert await _queue(house, text="ZHOU") == [found]


async def test_claim_next_gives_the_most_urgent_and_nothing_twice(house: House, clock: FakeClock) -> None:
    urgent = await house.asked(author=REED, occurred_at=clock.now() - 5 * MINUTE)
    await house.asked()
    taken = []

    async def take(who: str) -> None:
        async with house.database.write() as work:
            got = await dispatch.claim_next(work, house.people[who], 5 * MINUTE)
            taken.append(got.id if got else None)

    await take("ann")
    assert taken == [urgent]
    await asyncio.gather(take("ben"), take("lea"))
    assert len(set(taken)) == 3
    assert None in taken


async def test_a_lock_shows_what_others_committed_before_it(house: House) -> None:
    opened = await house.asked()
    async with house.database.read() as reader:
        before = await store.get_conversation(reader, opened)
        assert before.state == "open"
        async with house.database.write() as work:
            await service.resolve(work, house.people["ann"], opened)
        if reader.dialect == "postgresql":
            locked = await store.get_conversation(reader, opened, lock=True)
            assert locked.state == "resolved"


async def test_a_message_and_a_reply_at_once_lose_nothing(house: House) -> None:
    opened = await house.asked()
    answer, heard = await asyncio.gather(
        house.reply(opened), house.asked("One more thing"), return_exceptions=True
    )
    assert heard == opened
    c = await house.see(opened)
    inbound = [message for message in await house.messages(opened) if message.direction == "inbound"]
    assert c.newest_message_id == inbound[-1].id
    assert c.waiting_messages == len(inbound) == 2
    assert not isinstance(answer, Exception) or isinstance(answer, Conflict)


async def test_who_comes_too_late_is_told_who_has_it_even_after_reading_that_nobody_had(house: House):
    opened, ben = await house.asked(), house.people["ben"]
    async with house.database.write() as work:
        held = await store.get_conversation(work, opened)  # a session forgets what nobody holds
        assert held.agent_id is None
        # As another process would, behind the back of this unit.
        taken = sa.update(Conversation).where(col(Conversation.id) == opened)
        await work.session.execute(
            taken.values(agent_id=ben.id, agent_name=ben.name), execution_options={"synchronize_session": False}
        )
        with pytest.raises(Conflict, match=ben.name):
            await service.claim(work, house.people["ann"], opened)
