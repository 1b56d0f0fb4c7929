"""
The promise: which policy holds, clocks that start, pause, stop and are moved, and the watch over them.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from sqlmodel import col

from bot.core.actor import HUBBUB
from bot.core.clock import SystemClock
from bot.core.database import Database, open_database
from bot.core.errors import Invalid
from bot.core.live import LiveEvents
from bot.core.scheduler import Scheduler
from bot.hours import service as hours
from bot.hours.tables import BusinessHours
from bot.inbox import policies, policy_store, service
from bot.inbox.policies import Wish
from bot.inbox.rules import ClockKind, EventKind, State
from bot.inbox.tables import ConversationClock, ConversationEvent, Policy
from bot.inbox.watch import Watch
from bot.staff.tables import Notification
from tests.fakes.clock import FakeClock
from tests.integration.inbox.house import PROMISE, REED, House

MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)
FIRST, NEXT, RESOLUTION = ClockKind.FIRST_RESPONSE, ClockKind.NEXT_RESPONSE, ClockKind.RESOLUTION
MAIL = Wish(name="Everything", lengths={FIRST: 15 * MINUTE, NEXT: 30 * MINUTE, RESOLUTION: 8 * HOUR})


@pytest.fixture
async def house(database: Database) -> House:
    return await House(database).build()


@pytest.fixture
async def watch(house: House) -> AsyncIterator[Watch]:
    """
    A watch that looks only when a test tells it to: its clock stands still, APScheduler's does not.
    """
    async with LiveEvents(house.database) as live:
        yield Watch(house.database, live, Scheduler(house.database.clock))


async def promise(house: House, wish: Wish = MAIL) -> Policy:
    async with house.database.write() as work:
        return await policies.create_policy(work, HUBBUB, wish)


async def clocks(house: House, conversation_id: str) -> dict[str, ConversationClock]:
    """
    Give the newest clock of each kind.
    """
    async with house.database.read() as work:
        query = sa.select(ConversationClock).where(col(ConversationClock.conversation_id) == conversation_id)
        rows = (await work.session.scalars(query.order_by(col(ConversationClock.id)))).all()
        return {row.kind: row for row in rows}


async def events(house: House, conversation_id: str, *kinds: str) -> list[ConversationEvent]:
    async with house.database.read() as work:
        query = sa.select(ConversationEvent).where(
            col(ConversationEvent.conversation_id) == conversation_id, col(ConversationEvent.kind).in_(kinds)
        )
        return list((await work.session.scalars(query.order_by(col(ConversationEvent.id)))).all())


async def act(house: House, verb: Any, *more: Any, who: str = "ann") -> None:
    async with house.database.write() as work:
        await verb(work, house.people[who], *more)


# ---- which promise holds ----------------------------------------------------------------------------------------


async def test_the_first_policy_that_matches_holds(house: House, clock: FakeClock) -> None:
    await promise(house, replace(MAIL, name="Bugs", conditions={"intents": ["bug"]}, lengths={FIRST: 5 * MINUTE}))
    everything = await promise(house)
    bug = await house.asked("The app crashes with an error whenever I open the settings page")
    other = await house.asked("Does it ship to Norway?", REED)
    assert (await clocks(house, bug))[FIRST].policy_name == "Bugs"
    assert (await clocks(house, bug)).keys() == {FIRST}, "nothing else is promised there"
    running = await clocks(house, other)
    assert {kind: (one.policy_name, one.due_at - clock.now()) for kind, one in running.items()} == {
        FIRST: ("Everything", 15 * MINUTE),
        RESOLUTION: ("Everything", 8 * HOUR),
    }
    await act(house, policies.place_policy, everything.id, None)
    async with house.database.read() as work:
        assert [one.name for one in await policy_store.list_policies(work)] == ["Bugs", "Everything"]


async def test_without_a_policy_the_settings_hold(house: House, clock: FakeClock) -> None:
    await promise(house, replace(MAIL, conditions={"channels": ["email"]}))
    await promise(house, replace(MAIL, name="Off", enabled=False))
    running = await clocks(house, await house.asked())
    assert {kind: one.due_at - clock.now() for kind, one in running.items()} == {FIRST: PROMISE.first_response}
    assert running[FIRST].policy_name == "Default"


async def test_S4_a_deadline_lies_in_business_hours(house: House, clock: FakeClock) -> None:
    week = ["09:00-12:00, 13:00-17:00"] * 5 + ["", ""]
    async with house.database.write() as work:
        row = await hours.create_hours(work, HUBBUB, hours.Wish(name="Office", zone="Europe/Berlin", week=week))
    await promise(house, replace(MAIL, hours_id=row.id, lengths={FIRST: 2 * HOUR}))
    clock.set(datetime(2026, 3, 27, 15, 30, tzinfo=UTC))  # Friday 16:30 in Berlin; clocks go forward on Sunday
    running = await clocks(house, await house.asked())
    assert running[FIRST].due_at == datetime(2026, 3, 30, 8, 30, tzinfo=UTC), "Monday 10:30, summer time"


# ---- the life of a clock ----------------------------------------------------------------------------------------


async def test_S2_five_messages_in_a_row_are_one_next_response_clock_and_one_breach(
    house: House, clock: FakeClock, watch: Watch
) -> None:
    await promise(house)
    opened = await house.asked()
    await house.becomes(await house.reply(opened), "confirmed")
    for text in ("hello?", "my order", "number 7", "is late", "please help"):
        await clock.advance(MINUTE)
        await house.asked(text)
    running = await clocks(house, opened)
    first_of_five = clock.now() - 4 * MINUTE
    assert running[NEXT].started_at == first_of_five
    assert len(await events(house, opened, EventKind.CLOCK_STARTED)) == 3, "first, resolution, and one next"
    await clock.advance(HOUR)
    await watch.look()
    await watch.look()
    (breach,) = await events(house, opened, EventKind.CLOCK_BREACHED)
    assert breach.detail["due_at"] == (first_of_five + 30 * MINUTE).isoformat()


async def test_S3_resolving_stops_clocks_and_reopening_starts_new_ones(
    house: House, clock: FakeClock, watch: Watch
) -> None:
    await promise(house)
    opened = await house.asked()
    await clock.advance(2 * MINUTE)
    await act(house, service.resolve, opened)
    stopped = await clocks(house, opened)
    assert {kind: one.outcome for kind, one in stopped.items()} == {FIRST: "dropped", RESOLUTION: "kept"}
    assert (await house.see(opened)).due_at is None
    await clock.advance(timedelta(days=20))
    assert await watch.look() == 0, "nothing runs"
    # in the same thread, weeks later
    first = (await house.messages(opened))[0]
    assert await house.asked("It broke again", in_reply_to=(first.remote_id,)) == opened
    renewed = await clocks(house, opened)
    assert {kind: one.started_at for kind, one in renewed.items()} == {FIRST: clock.now(), RESOLUTION: clock.now()}
    assert (await house.see(opened)).due_at == clock.now() + 15 * MINUTE


async def test_what_was_promised_pauses_while_we_wait_for_the_customer(
    house: House, clock: FakeClock, watch: Watch
) -> None:
    await promise(house)
    opened = await house.asked()
    await clock.advance(10 * MINUTE)
    await house.becomes(await house.reply(opened, then="pending"), "confirmed")
    c = await house.see(opened)
    assert (c.state, c.due_at) == (State.PENDING, None)
    await clock.advance(timedelta(days=3))
    assert await watch.look() == 0
    await house.asked("Here is the photo")
    running = await clocks(house, opened)
    assert running[RESOLUTION].due_at == clock.now() + 8 * HOUR - 10 * MINUTE
    assert running[NEXT].due_at == (await house.see(opened)).due_at == clock.now() + 30 * MINUTE
    kinds = EventKind.CLOCK_PAUSED, EventKind.CLOCK_RESUMED
    assert [one.detail["clock"] for one in await events(house, opened, *kinds)] == [RESOLUTION, RESOLUTION]


async def test_what_is_late_stays_late_over_a_pause_and_is_recorded(
    house: House, clock: FakeClock, watch: Watch
) -> None:
    opened = await house.asked()
    due = (await house.see(opened)).due_at
    await clock.advance(16 * MINUTE)  # the watch did not look
    await act(house, service.set_pending, opened)
    await watch.look()
    await house.asked("hello?")
    assert (await house.see(opened)).due_at == due
    await house.becomes(await house.reply(opened), "confirmed")
    assert (await clocks(house, opened))[FIRST].outcome == "breached"
    assert len(await events(house, opened, EventKind.CLOCK_BREACHED)) == 1


async def test_every_start_and_stop_is_in_the_event_log(house: House, clock: FakeClock) -> None:
    opened = await house.asked()
    started_at = clock.now()
    await clock.advance(MINUTE)
    await house.becomes(await house.reply(opened), "confirmed")
    (started,) = await events(house, opened, EventKind.CLOCK_STARTED)
    (stopped,) = await events(house, opened, EventKind.CLOCK_STOPPED)
    assert started.detail["seconds"] == 900
    assert stopped.detail == {
        "clock_id": started.detail["clock_id"],
        "clock": "first_response",
        "outcome": "kept",
        "started_at": started_at.isoformat(),
        "due_at": (started_at + 15 * MINUTE).isoformat(),
        "at": clock.now().isoformat(),
    }


# ---- a policy that changes --------------------------------------------------------------------------------------


async def test_S6_a_change_holds_for_new_clocks_and_for_running_ones_when_it_is_said_so(
    house: House, clock: FakeClock, watch: Watch
) -> None:
    policy = await promise(house, replace(MAIL, lengths={FIRST: 15 * MINUTE}))
    old = await house.asked()
    shorter = replace(MAIL, lengths={FIRST: 5 * MINUTE})
    await act(house, policies.change_policy, policy.id, shorter, who="lea")
    new = await house.asked("And to Sweden?", REED)
    await _move(house)
    began = clock.now()
    assert (await clocks(house, old))[FIRST].due_at == began + 15 * MINUTE, "as it was promised"
    assert (await clocks(house, new))[FIRST].due_at == began + 5 * MINUTE
    await clock.advance(2 * MINUTE)
    async with house.database.write() as work:
        longer = replace(MAIL, lengths={FIRST: 20 * MINUTE})
        await policies.change_policy(work, house.people["lea"], policy.id, longer, also_running=True)
    await _move(house)
    for conversation_id in (old, new):
        assert (await clocks(house, conversation_id))[FIRST].due_at == began + 20 * MINUTE
        assert (await house.see(conversation_id)).due_at == began + 20 * MINUTE
        (moved,) = await events(house, conversation_id, EventKind.CLOCK_MOVED)
        assert moved.detail["due_at"] == (began + 20 * MINUTE).isoformat()
        assert "was changed" in moved.detail["why"]
    await clock.advance(11 * MINUTE)
    assert await watch.look() == 2, "both are warned of half of the new time"


async def _move(house: House) -> None:
    async with house.database.write() as work:
        while await policies.move_running(work):
            await work.session.flush()


async def test_a_policy_that_is_deleted_leaves_its_clocks_running(
    house: House, clock: FakeClock, watch: Watch
) -> None:
    policy = await promise(house)
    opened = await house.asked()
    await act(house, policies.delete_policy, policy.id, who="lea")
    await clock.advance(HOUR)
    await watch.look()
    assert (await clocks(house, opened))[FIRST].breached_at is not None


@pytest.mark.parametrize(
    ("change", "field", "said"),
    [
        ({"name": " "}, "name", "characters"),
        ({"name": "Taken"}, "name", "another policy"),
        ({"lengths": {}}, "first_response", "promise something"),
        ({"lengths": {FIRST: timedelta(days=400)}}, "first_response", "365 days"),
        ({"lengths": {FIRST: timedelta(0)}}, "first_response", "one second"),
        ({"warn_shares": (0.8, 0.5)}, "warn_shares", "greater"),
        ({"warn_shares": (1.5,)}, "warn_shares", "between 0 and 1"),
        ({"hours_id": "nothing"}, "hours_id", "no such business hours"),
        ({"conditions": {"intents": ["rant"]}}, "intents", "unknown: rant"),
        ({"escalations": [{"on": "warned", "do": "shout"}]}, "escalations", "step 1"),
        ({"escalations": [{"on": "warned", "do": "notify"}]}, "escalations", "colleague"),
        ({"escalations": [{"on": "breached", "do": "notify", "to": "nobody"}]}, "escalations", "nobody here"),
        ({"escalations": [{"on": "warned", "do": "raise_priority", "to": "top"}]}, "escalations", "urgent"),
        ({"escalations": [{"on": "warned", "do": "return", "share": 0.7}]}, "escalations", "warnings"),
    ],
)
async def test_a_policy_that_cannot_be_is_refused_with_the_field_and_why(
    house: House, change: dict[str, Any], field: str, said: str
) -> None:
    await promise(house, replace(MAIL, name="Taken"))
    with pytest.raises(Invalid) as refused:
        await promise(house, replace(MAIL, **change))
    assert refused.value.fields.keys() == {field}
    assert said in refused.value.fields[field]


async def test_a_policy_whose_hours_are_never_open_is_refused(house: House) -> None:
    async with house.database.write() as work:
        row = await hours.create_hours(work, HUBBUB, hours.Wish(name="Office", zone="UTC", week=["9-17"] * 7))
        gone = sa.update(BusinessHours).where(col(BusinessHours.id) == row.id)
        await work.session.execute(gone.values(week=[[]] * 7, version="emptied"))
    with pytest.raises(Invalid, match="never open"):
        await promise(house, replace(MAIL, hours_id=row.id))


# ---- the watch --------------------------------------------------------------------------------------------------


async def test_warnings_come_at_their_shares_and_the_breach_once(
    house: House, clock: FakeClock, watch: Watch
) -> None:
    await promise(house, replace(MAIL, lengths={FIRST: 10 * MINUTE}, warn_shares=(0.5, 0.9)))
    opened = await house.asked()
    seen: list[tuple[float, str, Any]] = []
    for _ in range(24):
        await watch.look()
        for one in await events(house, opened, EventKind.CLOCK_WARNED, EventKind.CLOCK_BREACHED):
            known = (one.kind, one.detail.get("share"))
            if known not in [row[1:] for row in seen]:
                seen.append(((clock.now() - one.at) / MINUTE, *known))
        await clock.advance(MINUTE / 2)
    assert seen == [(0, "clock_warned", 0.5), (0, "clock_warned", 0.9), (0, "clock_breached", None)]
    recorded = await events(house, opened, EventKind.CLOCK_WARNED, EventKind.CLOCK_BREACHED)
    began = (await house.see(opened)).opened_at
    assert [(one.at - began) / MINUTE for one in recorded] == [5, 9, 10]


async def test_S7_after_a_downtime_every_breach_is_recorded_once_with_its_true_time(
    house: House, clock: FakeClock
) -> None:
    opened = []
    for number in range(12):
        author = replace(REED, key=f"{REED.key}{number}", handle=f"reed{number}@far.example")
        opened.append(await house.asked(f"question {number}", author))
        await clock.advance(MINUTE)
    # Down for 20 minutes, in which ten of the twelve deadlines pass; two nodes come back at once.
    await clock.advance(12 * MINUTE)

    async def come_back() -> int:
        async with LiveEvents(house.database) as live:
            return await Watch(house.database, live, Scheduler(clock)).look()

    await asyncio.gather(come_back(), come_back())
    late = opened[:10]
    for conversation_id in late:
        (breach,) = await events(house, conversation_id, EventKind.CLOCK_BREACHED)
        row = (await clocks(house, conversation_id))[FIRST]
        assert row.breached_at == row.due_at == datetime.fromisoformat(breach.detail["due_at"])
        assert breach.at == clock.now(), "recorded now, as what was true then"
        assert not await events(house, conversation_id, EventKind.CLOCK_WARNED), "too late for a warning"
    for conversation_id in opened[10:]:
        assert not await events(house, conversation_id, EventKind.CLOCK_BREACHED)
        assert len(await events(house, conversation_id, EventKind.CLOCK_WARNED)) == 1, "the last share that passed"


async def test_an_answer_that_was_on_its_way_at_the_deadline_keeps_the_promise(
    house: House, clock: FakeClock, watch: Watch
) -> None:
    opened = await house.asked()
    await clock.advance(14 * MINUTE)
    entry = await house.reply(opened)
    sent_at = clock.now() + timedelta(seconds=1)
    await clock.advance(2 * MINUTE)
    await watch.look()  # a breach, as far as anybody knows
    await house.becomes(entry, "confirmed", at=sent_at)
    row = (await clocks(house, opened))[FIRST]
    assert (row.outcome, row.stopped_at, row.breached_at) == ("kept", sent_at, None)


async def test_a_snoozed_conversation_wakes_when_its_promise_is_in_danger(
    house: House, clock: FakeClock, watch: Watch
) -> None:
    opened = await house.asked()
    await act(house, service.snooze, opened, clock.now() + timedelta(days=1))
    await clock.advance(8 * MINUTE)
    await watch.look()
    assert (await house.see(opened)).state == State.OPEN
    assert len(await events(house, opened, EventKind.WOKE)) == 1


async def test_escalation_tells_raises_and_returns(house: House, clock: FakeClock, watch: Watch) -> None:
    steps: list[dict[str, Any]] = [
        {"on": "warned", "share": 0.5, "do": "notify_agent"},
        {"on": "warned", "share": 0.8, "do": "raise_priority", "to": "urgent"},
        {"on": "breached", "clock": "first_response", "do": "notify_leads"},
        {"on": "breached", "clock": "first_response", "do": "return"},
        {"on": "breached", "clock": "resolution", "do": "reassign", "to": house.people["ben"].id},
    ]
    await promise(house, replace(MAIL, escalations=steps))
    opened = await house.asked()
    await act(house, service.claim, opened)
    await clock.advance(8 * MINUTE)
    await watch.look()
    assert await _told(house) == ["Ann"]
    assert (await house.see(opened)).priority != 0
    await clock.advance(5 * MINUTE)
    await watch.look()
    assert (await house.see(opened)).priority == 0
    await clock.advance(2 * MINUTE)
    await watch.look()
    await watch.look()
    assert await _told(house) == ["Ann", "Lea"]
    assert (await house.see(opened)).agent_id is None
    await clock.advance(8 * HOUR)
    await watch.look()
    assert (await house.see(opened)).agent_name == "Ben"
    said = [one.detail["what"] for one in await events(house, opened, EventKind.ESCALATED)]
    assert said == [
        "told 1 of us",
        "priority is now urgent",
        "told 1 of us",
        "taken from Ann, back to the queue",
        "handed over to Ben",
    ]


async def _told(house: House) -> list[str]:
    names = {person.id: person.name for person in house.people.values()}
    async with house.database.read() as work:
        rows = (await work.session.scalars(sa.select(Notification).order_by(col(Notification.id)))).all()
    return [names[row.staff_id] for row in rows]


async def test_S1_a_breach_is_known_within_a_second_and_a_warning_comes_before(database_url: str) -> None:
    """
    With the real clock and the real scheduler; no poller runs, and nobody looks but the watch.
    """
    database = open_database(database_url, SystemClock())
    try:
        house = await House(database).build()
        await promise(house, replace(MAIL, lengths={FIRST: timedelta(seconds=2)}, warn_shares=(0.5,)))
        async with (
            LiveEvents(database) as live,
            Scheduler(database.clock) as scheduler,
            Watch(database, live, scheduler),
        ):
            opened = [
                await house.asked(f"question {number}", replace(REED, key=f"{REED.key}{number}"))
                for number in range(5)
            ]
            async with asyncio.timeout(20):
                while not all([await events(house, one, EventKind.CLOCK_BREACHED) for one in opened]):
                    await asyncio.sleep(0.1)
    finally:
        await database.close()
    database = open_database(database_url, SystemClock())
    house.database = database
    for one in opened:
        (warning,) = await events(house, one, EventKind.CLOCK_WARNED)
        (breach,) = await events(house, one, EventKind.CLOCK_BREACHED)
        due_at = datetime.fromisoformat(breach.detail["due_at"])
        assert warning.at < due_at
        assert timedelta(0) <= breach.at - due_at <= timedelta(seconds=1)
    await database.close()
