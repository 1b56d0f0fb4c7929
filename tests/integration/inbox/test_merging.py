"""
Two conversations that become one, one that becomes two, and back again, on both databases.
"""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from sqlmodel import col

from bot.core.database import Database
from bot.core.errors import Conflict, HubbubError, Invalid, NotFound
from bot.inbox import merging, service, store, tagging
from bot.inbox.order_tables import ConversationTag
from bot.inbox.tables import Conversation, ConversationClock, Message, Note
from connectors.base import Visibility
from tests.fakes.clock import FakeClock
from tests.integration.inbox.house import KITE, PROMISE, REED, House

MINUTE = timedelta(minutes=1)
STEADY = {"clock": ("id", "conversation_id", "kind", "due_at", "stopped_at", "outcome", "alarm_at", "paused_at")}


@pytest.fixture
async def house(database: Database) -> House:
    return await House(database).build()


async def _two(house: House, clock: FakeClock) -> tuple[str, str]:
    """
    Let one person write twice, in public and in private: two conversations that are one.
    """
    public = await house.asked("Where is order 7?")
    await clock.advance(2 * MINUTE)
    private = await house.asked("My address is ...", visibility=Visibility.DIRECT)
    await clock.advance(MINUTE)
    return public, private


async def _merge(house: House, one: str, other: str, who: str = "ann", **more: bool) -> Conversation:
    async with house.database.write() as work:
        return await merging.merge(work, house.people[who], one, other, **more)


async def _split(house: House, conversation_id: str, message_id: str) -> str:
    async with house.database.write() as work:
        return (await merging.split(work, house.people["ann"], conversation_id, message_id, PROMISE)).id


async def _undo(house: House, conversation_id: str, who: str = "ann") -> Conversation:
    async with house.database.write() as work:
        row = await merging.last_rearrangement(work, conversation_id)
        assert row is not None
        return await merging.undo(work, house.people[who], row.id)


async def _everything(house: House) -> dict[str, Any]:
    """
    Give every row that a merge may touch, events and the log of merges left out.
    """
    found: dict[str, Any] = {}
    async with house.database.read() as work:
        for table in (Conversation, Message, Note, ConversationClock, ConversationTag):
            names = STEADY["clock"] if table is ConversationClock else None
            rows = (await work.session.scalars(sa.select(table))).all()
            plain = [row.model_dump(include=set(names) if names else None) for row in rows]
            if table is ConversationTag:
                plain = [{**row, "at": None} for row in plain]
            found[table.__name__] = sorted(plain, key=str)
    return found


async def _running(house: House, conversation_id: str) -> list[ConversationClock]:
    async with house.database.read() as work:
        return list(await store.running_clocks(work, conversation_id))


async def test_what_was_in_two_places_is_in_one(house: House, clock: FakeClock) -> None:
    public, private = await _two(house, clock)
    async with house.database.write() as work:
        await tagging.add_tags(work, house.people["ann"], public, ["late"])
        await service.add_note(work, house.people["ann"], public, "asked before")
    one = await _merge(house, public, private)
    assert [message.text for message in await house.messages(private)] == [
        "Where is order 7?",
        "My address is ...",
    ]
    assert await house.messages(public) == []
    assert {message.origin_id for message in await house.messages(private)} == {public, None}
    gone = await house.see(public)
    assert (gone.state, gone.merged_into, gone.due_at) == ("resolved", private, None)
    assert one.waiting_messages == 2
    async with house.database.read() as work:
        assert (await store.tags_of(work, [private]))[private] == ("late",)


async def test_S2_one_clock_of_a_kind_goes_on_the_earlier_one(house: House, clock: FakeClock) -> None:
    public, private = await _two(house, clock)
    due = (await house.see(public)).due_at
    for from_id, into_id in ((public, private), (private, public)):
        await _merge(house, from_id, into_id)
        (running,) = await _running(house, into_id)
        assert running.due_at == due, "the promise to whoever waited longer"
        assert (await house.see(into_id)).due_at == due
        assert await _running(house, from_id) == []
        await _undo(house, into_id)


@pytest.mark.parametrize("swapped", [False, True])
@pytest.mark.parametrize("state", ["open", "claimed", "answered", "resolved", "pending", "snoozed"])
async def test_A4_merge_then_undo_is_before(house: House, clock: FakeClock, state: str, swapped: bool) -> None:
    public, private = await _two(house, clock)
    ann = house.people["ann"]
    async with house.database.write() as work:
        await service.add_note(work, ann, public, "a note")
        await tagging.add_tags(work, ann, public, ["one", "both"])
        await tagging.add_tags(work, ann, private, ["both"])
        if state == "claimed":
            await service.claim(work, ann, public)
        elif state == "resolved":
            await service.resolve(work, ann, public)
        elif state == "pending":
            await service.set_pending(work, ann, public)
        elif state == "snoozed":
            await service.snooze(work, ann, public, work.now + 60 * MINUTE)
    if state == "answered":
        await house.becomes(await house.reply(public), "confirmed")
    await clock.advance(MINUTE)
    before = await _everything(house)
    from_id, into_id = (private, public) if swapped else (public, private)
    await _merge(house, from_id, into_id)
    assert await _everything(house) != before
    await _undo(house, into_id)
    assert await _everything(house) == before


async def test_S12_merge_A_into_B_and_B_into_A_at_once(house: House, clock: FakeClock) -> None:
    for _ in range(5):
        public, private = await _two(house, clock)
        results = await asyncio.gather(
            _merge(house, public, private, "ann"), _merge(house, private, public, "ben"), return_exceptions=True
        )
        won = [one for one in results if isinstance(one, Conversation)]
        lost = [one for one in results if isinstance(one, Conflict)]
        assert (len(won), len(lost)) == (1, 1), results
        assert len(await house.messages(won[0].id)) == 2, "nothing is lost"
        assert len(await _running(house, won[0].id)) == 1
        async with house.database.write() as work:
            await service.resolve(work, house.people["lea"], won[0].id)


async def test_S12_a_ring_of_merges_and_a_message_at_once(house: House, clock: FakeClock) -> None:
    public, private = await _two(house, clock)
    await house.asked("And?", visibility=Visibility.DIRECT)
    results = await asyncio.gather(
        _merge(house, public, private, "ann"),
        house.asked("Hello?"),
        _merge(house, private, public, "ben"),
        house.asked("Anybody?", visibility=Visibility.DIRECT),
        return_exceptions=True,
    )
    assert not [one for one in results if isinstance(one, Exception) and not isinstance(one, HubbubError)], results
    texts = [message.text for one in (public, private) for message in await house.messages(one)]
    async with house.database.read() as work:
        every = list((await work.session.scalars(sa.select(col(Message.text)))).all())
    assert {"Where is order 7?", "My address is ...", "And?", "Hello?", "Anybody?"} <= set(every)
    assert set(texts) <= set(every)


async def test_later_messages_go_where_the_conversation_went(house: House, clock: FakeClock) -> None:
    first = house.item("Where is order 7?")
    await house.hear(first)
    async with house.database.read() as work:
        public = str(await work.session.scalar(sa.select(col(Conversation.id))))
    private = await house.asked("My address is ...", visibility=Visibility.DIRECT)
    await _merge(house, public, private)
    known = (first.message_id or "",)
    assert await house.asked("Thanks!", in_reply_to=known) == private


async def test_later_messages_of_another_person_go_there_too(house: House) -> None:
    first = house.item("We are one household", KITE)
    await house.hear(first)
    async with house.database.read() as work:
        mine = str(await work.session.scalar(sa.select(col(Conversation.id))))
    theirs = await house.asked("We both ask", REED)
    with pytest.raises(Invalid, match="different people"):
        await _merge(house, mine, theirs)
    await _merge(house, mine, theirs, other_contact=True)
    assert await house.asked("And?", KITE, in_reply_to=(first.message_id or "",)) == theirs
    assert await house.asked("Hello?", KITE) == theirs


async def test_what_happens_after_a_merge_stays_when_it_is_undone(house: House, clock: FakeClock) -> None:
    public, private = await _two(house, clock)
    await _merge(house, public, private)
    await house.asked("One more thing", visibility=Visibility.DIRECT)
    await house.becomes(await house.reply(private), "confirmed")
    await _undo(house, private)
    assert [one.text for one in await house.messages(private)] == ["My address is ...", "One more thing", "Yes."]
    assert [one.text for one in await house.messages(public)] == ["Where is order 7?"]
    assert await _running(house, public) == [], "the answer was for both"
    back = await house.see(public)
    assert (back.state, back.merged_into, back.due_at) == ("open", None, None)


async def test_merges_are_undone_in_order(house: House, clock: FakeClock) -> None:
    public, private = await _two(house, clock)
    third = await house.asked("Hello", REED)
    await _merge(house, public, private)
    async with house.database.read() as work:
        first = await merging.last_rearrangement(work, public)
    assert first is not None
    await _merge(house, private, third, other_contact=True)
    assert {one.origin_id for one in await house.messages(third)} == {public, private, None}
    with pytest.raises(Conflict, match="undo that first"):
        async with house.database.write() as work:
            await merging.undo(work, house.people["ann"], first.id)
    await _undo(house, third)
    await _undo(house, private)
    assert len(await house.messages(public)) == 1
    with pytest.raises(Conflict, match="undone this already"):
        async with house.database.write() as work:
            await merging.undo(work, house.people["ann"], first.id)


async def test_what_cannot_be_merged_is_told(house: House, clock: FakeClock) -> None:
    public, private = await _two(house, clock)
    with pytest.raises(Invalid, match="into itself"):
        await _merge(house, public, public)
    with pytest.raises(NotFound):
        await _merge(house, public, "nothing")
    await house.reply(public, "ben")
    with pytest.raises(Conflict, match="Ben has claimed"):
        await _merge(house, public, private, "ann")
    await _merge(house, public, private, "lea")
    for wrong in ((public, private), (private, public)):
        with pytest.raises(Conflict, match="gone into another"):
            await _merge(house, *wrong, "lea")
    async with house.database.write() as work:
        for verb in (service.claim, service.resolve, service.reopen, service.set_pending):
            with pytest.raises(Conflict, match="gone into another"):
                await verb(work, house.people["lea"], public)
        with pytest.raises(Conflict, match="gone into another"):
            await service.add_note(work, house.people["lea"], public, "too late")
    far = await House(house.database).build_second(house)
    with pytest.raises(Invalid, match="different accounts"):
        await _merge(house, far, private, "lea")


async def test_what_has_gone_into_another_is_not_tagged_any_more(house: House, clock: FakeClock) -> None:
    first, second = await _two(house, clock)
    await _merge(house, first, second)
    async with house.database.write() as work:
        with pytest.raises(Conflict, match="gone into another"):
            await tagging.add_tags(work, house.people["ann"], first, ["late"])
        with pytest.raises(Conflict, match="gone into another"):
            await tagging.remove_tag(work, house.people["ann"], first, "late")


async def test_a_receipt_of_an_answer_finds_where_it_went(house: House, clock: FakeClock) -> None:
    public, private = await _two(house, clock)
    entry = await house.reply(public)
    await _merge(house, public, private)
    await house.becomes(entry, "confirmed")
    assert (await house.see(private)).first_answered_at is not None


async def test_a_split_and_its_undo(house: House, clock: FakeClock) -> None:
    opened = await house.asked("Where is order 7?")
    await clock.advance(MINUTE)
    await house.becomes(await house.reply(opened), "confirmed")
    await clock.advance(MINUTE)
    await house.asked("And do you sell red ones?")
    await house.asked("Or blue?")
    before = await _everything(house)
    messages = await house.messages(opened)
    new = await _split(house, opened, messages[2].id)
    assert [one.text for one in await house.messages(new)] == ["And do you sell red ones?", "Or blue?"]
    assert [one.text for one in await house.messages(opened)] == ["Where is order 7?", "Yes."]
    made, left = await house.see(new), await house.see(opened)
    assert (made.state, made.waiting_messages, made.contact_id) == ("open", 2, left.contact_id)
    assert (left.waiting_messages, left.due_at) == (0, None)
    assert len(await _running(house, new)) == 1, "the clock goes with what waits"
    assert made.due_at is not None
    await _undo(house, opened)
    after = await _everything(house)
    gone = await house.see(new)
    assert (gone.state, gone.merged_into) == ("resolved", opened)
    for name, rows in before.items():
        if name == "Message":
            assert [one["text"] for one in rows] == [one["text"] for one in after[name]]
        else:
            assert [row for row in after[name] if row.get("id") != new] == rows, name


async def test_both_halves_keep_a_promise_when_both_wait(house: House, clock: FakeClock) -> None:
    opened = await house.asked("Where is order 7?")
    await clock.advance(5 * MINUTE)
    await house.asked("And do you sell red ones?")
    due = (await house.see(opened)).due_at
    messages = await house.messages(opened)
    new = await _split(house, opened, messages[1].id)
    assert (await house.see(opened)).due_at == due
    assert (await house.see(new)).due_at == messages[1].at + PROMISE.first_response
    await _undo(house, new)
    assert (await house.see(opened)).due_at == due
    assert len(await _running(house, opened)) == 1


async def test_what_cannot_be_split_is_told(house: House) -> None:
    opened = await house.asked()
    await house.reply(opened)
    messages = await house.messages(opened)
    for message_id, why in (
        (messages[0].id, "nothing would stay"),
        (messages[1].id, "says nothing"),
        ("x", "no message"),
    ):
        with pytest.raises(Invalid, match=why):
            await _split(house, opened, message_id)
