"""
Who gets which conversation: `Next`, the hand-out, and claims that run out.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta

import pytest

import bot.inbox.api
import bot.inbox.pages
import bot.inbox.team_pages
from bot.core.actor import HUBBUB, Actor
from bot.core.database import Database, UnitOfWork
from bot.core.errors import Conflict
from bot.core.live import LiveEvents
from bot.inbox import dispatch, dispatch_store, service, store
from bot.inbox.handing_out import HandOut
from bot.inbox.keys import PROMISE as PROMISE_KEY
from bot.inbox.rules import EventKind
from bot.inbox.tables import Conversation, ConversationEvent
from bot.settings import PresenceSettings
from bot.staff import presence
from bot.staff.rules import Profile
from connectors.base import Author
from tests.fakes.clock import FakeClock
from tests.fakes.web_app import make_client
from tests.integration.inbox.house import KITE, PROMISE, REED, House

MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)
REACH = 5 * MINUTE
LEASE, GRACE = 30 * MINUTE, 5 * MINUTE
SETTINGS = PresenceSettings()


@pytest.fixture
async def house(database: Database) -> House:
    return await House(database).build()


def person(number: int) -> Author:
    return Author(key=f"p{number}", handle=f"p{number}@far.example", name=f"P{number}")


async def ask(house: House, count: int) -> list[str]:
    """
    Let so many people ask, each a minute after the one before.
    """
    now = house.database.clock.now()
    return [
        await house.asked(author=person(number), occurred_at=now - (count - number) * MINUTE)
        for number in range(count)
    ]


async def take(house: House, who: str = "ann") -> str | None:
    async with house.database.write() as work:
        got = await dispatch.claim_next(work, house.people[who], REACH)
    return got.id if got else None


async def beat(house: House, *logins: str) -> None:
    async with house.database.write() as work:
        for login in logins:
            await presence.beat(work, house.people[login], SETTINGS)


async def set_profile(house: House, login: str, profile: Profile) -> None:
    async with house.database.write() as work:
        await presence.change_profile(work, HUBBUB, house.people[login].id, profile)


async def return_claims(house: House, *, listening: timedelta = HOUR) -> int:
    async with house.database.write() as work:
        since = work.now - listening
        return await dispatch.return_run_out(work, lease=LEASE, grace=GRACE, listening_since=since)


async def last_event(house: House, conversation_id: str) -> ConversationEvent:
    async with house.database.read() as work:
        rows = await store.timeline(work, conversation_id)
    return [row for row in rows if isinstance(row, ConversationEvent)][-1]


# ---- Next -------------------------------------------------------------------------------------------------------


async def test_S8_next_gives_in_the_order_of_deadlines_up_to_the_limit(house: House) -> None:
    opened = await ask(house, 7)
    assert [await take(house) for _ in range(5)] == opened[:5]
    with pytest.raises(Conflict, match="5 conversations wait for you, and you take 5 at once"):
        await take(house)
    assert await take(house, "ben") == opened[5]


async def test_what_is_too_near_to_be_kept_is_given_up_only_when_too_much_waits(
    house: House, clock: FakeClock
) -> None:
    near = await house.asked(author=KITE, occurred_at=clock.now() - 13 * MINUTE)  # 2 minutes are left
    calm = await house.asked(author=REED, occurred_at=clock.now())  # 15 minutes are left
    assert await take(house) == near
    async with house.database.write() as work:
        await service.release(work, house.people["ann"], near)
    busy = await house.asked(author=person(1), occurred_at=clock.now() - 9 * MINUTE)  # 6 minutes are left
    assert [await take(house) for _ in range(3)] == [busy, near, calm]


async def test_breached_ones_come_after_those_that_can_be_kept(house: House, clock: FakeClock) -> None:
    late = await house.asked(author=KITE, occurred_at=clock.now() - HOUR)
    kept = await house.asked(author=REED, occurred_at=clock.now() - 5 * MINUTE)
    assert [await take(house) for _ in range(3)] == [kept, late, None]


@pytest.mark.parametrize(
    ("profile", "fitting"),
    [
        (Profile(), {"en", "zh", "none"}),
        (Profile(languages=("zh-hant",)), {"zh", "none"}),
        (Profile(languages=("no",)), {"none"}),
        (Profile(account_ids=("elsewhere",)), set()),
        (Profile(intents=("praise",)), set()),
        (Profile(intents=("question",)), {"zh"}),
        (Profile(capacity=0), set()),
    ],
)
async def test_next_gives_only_what_fits(house: House, profile: Profile, fitting: set[str]) -> None:
    there = {
        await house.asked("Does it ship to Norway?", person(1)): "en",
        await house.asked("请问什么时候可以发货到挪威？", person(2)): "zh",
        await house.asked("1234", person(3)): "none",
    }
    await set_profile(house, "ann", profile)
    got: set[str] = set()
    try:
        while (taken := await take(house)) is not None:
            got.add(there[taken])
    except Conflict:
        assert profile.capacity == 0
    assert got == fitting


async def test_an_answer_on_its_way_makes_room_and_one_that_is_refused_takes_it_again(house: House) -> None:
    await set_profile(house, "ann", Profile(capacity=1))
    first, second, third = await ask(house, 3)
    assert await take(house) == first
    entry = await house.reply(first)
    assert await take(house) == second
    await house.becomes(entry, "refused", reason="no such thing")
    second_entry = await house.reply(second)
    with pytest.raises(Conflict):
        await take(house)
    await house.becomes(second_entry, "confirmed")
    with pytest.raises(Conflict):
        await take(house)
    async with house.database.write() as work:
        await service.set_pending(work, house.people["ann"], first)
    assert await take(house) == third


async def test_of_two_tabs_of_one_agent_with_room_for_one_only_one_gets_it(house: House) -> None:
    await set_profile(house, "ann", Profile(capacity=1))
    await ask(house, 8)

    async def press() -> str | None:
        try:
            return await take(house)
        except Conflict:
            return None

    got = await asyncio.gather(*(press() for _ in range(8)))
    assert len([one for one in got if one]) == 1


async def test_by_hand_one_may_have_more(house: House) -> None:
    await set_profile(house, "ann", Profile(capacity=0))
    opened = await house.asked()
    async with house.database.write() as work:
        assert (await service.claim(work, house.people["ann"], opened)).agent_id == house.people["ann"].id


# ---- the hand-out -----------------------------------------------------------------------------------------------


@pytest.fixture
async def hand_out(house: House) -> AsyncIterator[HandOut]:
    async with LiveEvents(house.database) as live:
        yield HandOut(house.database, live, REACH)


async def owners(house: House, ids: list[str]) -> list[str]:
    names = {who.id: login for login, who in house.people.items()}
    return [names.get((await house.see(one)).agent_id or "", "") for one in ids]


async def test_work_is_shared_out_among_those_who_are_here_and_have_room(
    house: House, hand_out: HandOut, clock: FakeClock
) -> None:
    opened = await ask(house, 6)
    assert await hand_out.drain() == 0
    await set_profile(house, "ann", Profile(capacity=2))
    await beat(house, "ann", "ben", "lea")  # a lead is away until she says otherwise
    assert await hand_out.drain() == 6
    given = await owners(house, opened)
    assert sorted(given) == ["ann", "ann", "ben", "ben", "ben", "ben"]
    assert {given[0], given[1]} == {"ann", "ben"}
    event = await last_event(house, opened[0])
    assert (event.kind, event.detail) == ("claimed", {"how": "handed out"})


@pytest.mark.parametrize("why", ["busy", "offline", "not wanted"])
async def test_nobody_is_given_work_who_cannot_have_it(
    house: House, hand_out: HandOut, clock: FakeClock, why: str
) -> None:
    opened = await ask(house, 1)
    await beat(house, "ann")
    if why == "busy":
        async with house.database.write() as work:
            await presence.choose(work, house.people["ann"], "busy", SETTINGS)
    elif why == "not wanted":
        await set_profile(house, "ann", Profile(hand_out=False))
    else:
        await clock.advance(76)
    assert await hand_out.drain() == 0
    assert await owners(house, opened) == [""]


async def test_what_has_nobody_waiting_is_not_handed_out_but_next_finds_it(
    house: House, hand_out: HandOut
) -> None:
    (opened,) = await ask(house, 1)
    async with house.database.write() as work:
        await service.resolve(work, house.people["ann"], opened)
        await service.reopen(work, house.people["ann"], opened)
        await service.release(work, house.people["ann"], opened)
    await beat(house, "ben")
    assert await hand_out.drain() == 0
    assert await take(house, "ben") == opened


async def test_S8_when_capacity_frees_the_next_comes_by_itself_within_a_second(house: House) -> None:
    await set_profile(house, "ann", Profile(capacity=1))
    first, second, third, fourth, fifth = await ask(house, 5)
    async with LiveEvents(house.database) as live, HandOut(house.database, live, REACH):
        await beat(house, "ann")
        await becomes(house, first, "ann")
        await house.reply(first)
        await becomes(house, second, "ann")
        async with house.database.write() as work:
            await service.resolve(work, house.people["ann"], second)
        await becomes(house, third, "ann")
        async with house.database.write() as work:
            await service.snooze(work, house.people["ann"], third, work.now + HOUR)
        await becomes(house, fourth, "ann")
        async with house.database.write() as work:
            await service.set_pending(work, house.people["ann"], fourth)
        await becomes(house, fifth, "ann")
        async with house.database.write() as work:
            await service.resolve(work, house.people["ann"], fifth)
        await becomes(house, await house.asked(author=person(77)), "ann")


async def becomes(house: House, conversation_id: str, login: str) -> None:
    async with asyncio.timeout(1):
        while (await house.see(conversation_id)).agent_id != house.people[login].id:
            await asyncio.sleep(0.01)


# ---- claims that run out ----------------------------------------------------------------------------------------


async def test_a_claim_that_nobody_touches_goes_back(house: House, clock: FakeClock) -> None:
    opened = await house.asked()
    await take(house)
    await clock.advance(LEASE - MINUTE)
    async with house.database.write() as work:
        await dispatch.touch(work, house.people["ann"], opened)
        await dispatch.touch(work, house.people["ben"], opened)  # it is not his to keep
    await clock.advance(2 * MINUTE)
    assert await return_claims(house) == 0
    await clock.advance(LEASE)
    assert await return_claims(house) == 1
    assert await return_claims(house) == 0
    assert (await house.see(opened)).agent_id is None
    event = await last_event(house, opened)
    assert event.kind == EventKind.LEASE_RAN_OUT
    assert event.detail == {"agent_id": house.people["ann"].id, "agent": "Ann", "why": "lease"}


async def test_a_claim_of_which_nobody_waits_stands_still(house: House, clock: FakeClock) -> None:
    opened = await house.asked()
    await take(house)
    entry = await house.reply(opened)
    await clock.advance(HOUR)
    assert await return_claims(house) == 0  # the answer is on its way
    await house.becomes(entry, "confirmed")
    assert await return_claims(house) == 0
    await house.asked("One more thing")
    assert await return_claims(house) == 0  # the lease runs from the message
    await clock.advance(LEASE)
    assert await return_claims(house) == 1


async def test_S9_who_goes_offline_gives_back_what_waits(house: House, clock: FakeClock) -> None:
    first, second, third = await ask(house, 3)
    await beat(house, "ann", "ben")
    for who in ("ann", "ann", "ben"):
        await take(house, who)
    async with house.database.write() as work:
        await service.set_pending(work, house.people["ann"], second)
    for _ in range(14):  # ben stays, ann does not
        await clock.advance(30)
        await beat(house, "ben")
        if clock.now() < (await offline_at(house, "ann")) + GRACE:
            assert await return_claims(house) == 0
    assert await return_claims(house) == 1
    assert await owners(house, [first, second, third]) == ["", "ann", "ben"]
    assert (await last_event(house, first)).detail["why"] == "offline"
    assert await take(house, "ben") == first


async def offline_at(house: House, login: str) -> object:
    async with house.database.read() as work:
        row = await work.session.get(presence.Agent, house.people[login].id)
    assert row is not None
    return row.alive_until


async def test_silence_that_nobody_could_hear_takes_nothing_from_anybody(house: House, clock: FakeClock) -> None:
    opened = await house.asked()
    await beat(house, "ann")
    await take(house)
    await clock.advance(20 * MINUTE)  # the daemon was down, and so were all heartbeats
    assert await return_claims(house, listening=timedelta(0)) == 0
    await clock.advance(GRACE - timedelta(seconds=1))
    assert await return_claims(house, listening=GRACE - timedelta(seconds=1)) == 0
    await clock.advance(1)
    assert await return_claims(house, listening=GRACE) == 1
    assert (await house.see(opened)).agent_id is None


async def test_who_never_beat_keeps_what_they_claimed_for_the_lease(house: House, clock: FakeClock) -> None:
    await house.asked()
    await take(house)
    await clock.advance(LEASE - MINUTE)
    assert await return_claims(house) == 0


@pytest.mark.parametrize("before", ["pending", "snoozed", "resolved"])
@pytest.mark.parametrize("where", ["here", "offline", "busy", "full", "gone"])
async def test_S9_what_opens_again_goes_to_its_agent_if_present_and_else_to_the_queue(
    house: House, clock: FakeClock, before: str, where: str
) -> None:
    ann = house.people["ann"]
    await set_profile(house, "ann", Profile(capacity=1))
    opened = await house.asked()
    await beat(house, "ann")
    await take(house)
    async with house.database.write() as work:
        await put(work, ann, opened, before)
    if where == "offline":
        await clock.advance(76)
    elif where == "busy":
        async with house.database.write() as work:
            await presence.choose(work, ann, "busy", SETTINGS)
    elif where == "full":
        await house.asked(author=REED)
        await take(house)
    elif where == "gone":
        async with house.database.write() as work:
            await disable(work, ann)
    again = await house.asked("And to Sweden?", in_reply_to=await thread_of(house, opened))
    assert again == opened
    c = await house.see(opened)
    assert c.state == "open"
    if where == "here":
        assert (c.agent_id, c.touched_at) == (ann.id, clock.now())
    else:
        assert (c.agent_id, c.agent_name, c.claimed_at) == (None, None, None)
        why = "full" if where == "full" else "not here"
        events = [one for one in await events_of(house, opened) if one.kind == EventKind.LEASE_RAN_OUT]
        assert [one.detail["why"] for one in events] == [why]


async def put(work: UnitOfWork, who: Actor, conversation_id: str, state: str) -> Conversation:
    match state:
        case "pending":
            return await service.set_pending(work, who, conversation_id)
        case "snoozed":
            return await service.snooze(work, who, conversation_id, work.now + HOUR)
    return await service.resolve(work, who, conversation_id)


async def disable(work: UnitOfWork, who: Actor) -> None:
    from bot.staff.service import disable_staff

    await disable_staff(work, HUBBUB, who.id)


async def thread_of(house: House, conversation_id: str) -> tuple[str, ...]:
    return tuple(one.remote_id for one in await house.messages(conversation_id) if one.remote_id)


async def events_of(house: House, conversation_id: str) -> list[ConversationEvent]:
    async with house.database.read() as work:
        rows = await store.timeline(work, conversation_id)
    return [row for row in rows if isinstance(row, ConversationEvent)]


async def test_loads_are_what_waits(house: House) -> None:
    first, second, _ = await ask(house, 3)
    for _ in range(3):
        await take(house)
    await house.reply(first)
    async with house.database.read() as work:
        (load,) = (await dispatch_store.loads(work)).values()
    assert load.waiting == 2
    assert load.first_due_at == (await house.see(second)).due_at


# ---- pages and operations ---------------------------------------------------------------------------------------


async def test_next_on_the_page_and_over_the_api(house: House) -> None:
    opened = await ask(house, 6)
    async with make_client(
        house.database, pages=[bot.inbox.pages], apis=[bot.inbox.api], extra={PROMISE_KEY: PROMISE}
    ) as web:
        await web.sign_in("agent")
        looked = await web.get("/queue/next")  # a program that only looks claims nothing
        assert looked.headers["Location"] == "/queue"
        assert (await house.see(opened[0])).agent_id is None
        for one in opened[:5]:
            assert (await web.post_form("/queue/next")).headers["Location"] == f"/conversations/{one}"
        full = await web.post_form("/queue/next")
        assert full.headers["Location"] == "/queue?tab=mine"
        assert "5 conversations wait for you" in await (await web.get("/queue?tab=mine")).text()
        got = await web.api("POST", "/conversations/claim-next", "lead")
        assert (await got.json())["id"] == opened[5]
        assert (await web.api("POST", "/conversations/claim-next", "lead")).status == 204
        await web.sign_in("agent")
        assert (await web.post_form("/queue/next")).headers["Location"] == "/queue"


async def test_a_lead_sees_who_is_here_and_what_waits_for_them(house: House, clock: FakeClock) -> None:
    await set_profile(house, "ann", Profile(capacity=2, languages=("en", "no"), hand_out=False))
    await ask(house, 3)
    await beat(house, "ann")
    await take(house)
    await take(house)
    async with make_client(
        house.database, pages=[bot.inbox.pages, bot.inbox.team_pages], extra={PROMISE_KEY: PROMISE}
    ) as web:
        await web.sign_in("lead")
        page = await (await web.get("/team")).text()
        assert "2 of 2" in page
        assert "full" in page
        assert "only when they ask" in page
        assert page.index(">Ann<") < page.index(">Ben<")
        listed = await (await web.get("/team/list")).text()
        assert "<html" not in listed
        assert "2 of 2" in listed


async def test_who_is_here_stands_first_where_one_hands_over(house: House) -> None:
    opened = await house.asked()
    await beat(house, "ben")
    async with make_client(house.database, pages=[bot.inbox.pages], apis=[], extra={PROMISE_KEY: PROMISE}) as web:
        await web.sign_in("agent", "Aaron")
        page = await (await web.get(f"/conversations/{opened}")).text()
    menu = page.partition("Hand over to")[2]
    assert menu.index("Ben<") < menu.index("Aaron<") < menu.index("Ann<")
    assert '<span class="presence-dot is-here"></span><span>Ben<' in menu
    assert "0/5" in menu


async def test_a_page_that_is_open_while_nobody_is_there_keeps_no_claim(house: House, clock: FakeClock) -> None:
    opened = await house.asked()
    await take(house)
    await beat(house, "ann")
    await clock.advance(SETTINGS.idle_after)
    async with house.database.write() as work:
        await presence.beat(work, house.people["ann"], SETTINGS, touched=False)
        await dispatch.touch(work, house.people["ann"], opened)
    assert (await house.see(opened)).touched_at == clock.now() - SETTINGS.idle_after
    async with house.database.write() as work:
        await presence.beat(work, house.people["ann"], SETTINGS)
        await dispatch.touch(work, house.people["ann"], opened)
    assert (await house.see(opened)).touched_at == clock.now()
