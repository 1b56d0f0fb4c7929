"""
Rules on real events: what they do, what they do not do twice, and how loops end.
"""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest
import sqlalchemy as sa
from sqlmodel import col

from bot.automation import service, store
from bot.automation.tables import RuleRow
from bot.core.actor import HUBBUB
from bot.core.errors import Conflict, Invalid
from bot.inbox import hearing, tagging
from bot.inbox import service as inbox
from bot.inbox.tables import ConversationEvent, Note
from bot.staff.service import disable_staff
from tests.fakes.clock import FakeClock
from tests.integration.automation.conftest import RuledHouse
from tests.integration.inbox.house import REED


async def events(house: RuledHouse, conversation_id: str, *kinds: str) -> list[ConversationEvent]:
    async with house.database.read() as work:
        query = sa.select(ConversationEvent).where(
            col(ConversationEvent.conversation_id) == conversation_id, col(ConversationEvent.kind).in_(kinds)
        )
        return list((await work.session.scalars(query.order_by(col(ConversationEvent.id)))).all())


async def test_a_rule_does_what_it_says_by_its_own_name(house: RuledHouse, clock: FakeClock):
    ben = house.people["ben"]
    rule_id = await house.rule(
        "refunds",
        "opened",
        ("add_tag", "Refund Wanted"),
        ("set_priority", "urgent"),
        ("assign", ben.id),
        ("note", "Check the order first."),
        ("snooze", "2h"),
        words=["money back"],
    )
    other = await house.asked("Does it ship to Norway?")
    asked = await house.asked("I want my MONEY back now", REED)
    await house.run()
    seen = await house.see(asked)
    assert (seen.agent_id, seen.state, seen.priority) == (ben.id, "snoozed", 0)
    assert seen.snoozed_until == clock.now() + timedelta(hours=2)
    assert await house.tags(asked) == ["refund-wanted"]
    async with house.database.read() as work:
        (note,) = (await work.session.scalars(sa.select(Note))).all()
    assert (note.author_name, note.text) == ("Rule: refunds", "Check the order first.")
    (tagged,) = await events(house, asked, "tagged")
    assert (tagged.actor_name, tagged.detail["caused_by"]) == ("Rule: refunds", [rule_id])
    assert (await house.see(other)).agent_id is None
    rule = await house.see_rule(rule_id)
    assert (rule.runs, rule.last_run_at, rule.problem) == (1, clock.now(), "")


async def test_what_is_so_already_is_not_written_again(house: RuledHouse):
    await house.rule("done", "message_in", ("resolve", ""), ("add_tag", "done"))
    await house.rule("again", "message_in", ("resolve", ""), ("add_tag", "done"))
    asked = await house.asked()
    await house.run()
    assert len(await events(house, asked, "resolved", "tagged")) == 2


async def test_rules_are_asked_in_order_and_one_can_be_the_last(house: RuledHouse):
    first = await house.rule("first", "opened", ("add_tag", "first"), stop_after=True)
    second = await house.rule("second", "opened", ("add_tag", "second"))
    one = await house.asked()
    await house.run()
    assert await house.tags(one) == ["first"]
    async with house.database.write() as work:
        await service.place_rule(work, HUBBUB, second, first)
    two = await house.asked("And to Sweden?", REED)
    await house.run()
    assert await house.tags(two) == ["first", "second"]


async def test_a_later_rule_sees_what_an_earlier_one_did(house: RuledHouse):
    await house.rule("tag", "opened", ("add_tag", "vip"))
    await house.rule("raise", "opened", ("set_priority", "high"), conditions={"tags": ["vip"]})
    asked = await house.asked()
    await house.run()
    assert (await house.see(asked)).priority == 1


async def test_a_rule_that_is_off_does_nothing(house: RuledHouse):
    rule_id = await house.rule("off", "opened", ("resolve", ""), enabled=False)
    asked = await house.asked()
    await house.run()
    assert (await house.see(asked)).state == "open"
    async with house.database.write() as work:
        await service.switch_rule(work, HUBBUB, rule_id, enabled=True)
    later = await house.asked("Hello?", REED)
    await house.run()
    assert (await house.see(later)).state == "resolved"


async def test_what_an_action_cannot_do_is_kept_with_the_rule_and_the_next_goes_on(house: RuledHouse):
    ben = house.people["ben"]
    rule_id = await house.rule("to ben", "opened", ("assign", ben.id), ("add_tag", "for-ben"))
    async with house.database.write() as work:
        await disable_staff(work, HUBBUB, ben.id)
    asked = await house.asked()
    await house.run()
    assert (await house.see(asked)).agent_id is None
    assert await house.tags(asked) == ["for-ben"]
    rule = await house.see_rule(rule_id)
    assert "Ben does not answer conversations" in rule.problem
    assert rule.problem_id == asked
    assert rule.runs == 1


# loops


async def test_rules_that_loop_are_refused_and_named(house: RuledHouse):
    await house.rule("On", "untagged", ("add_tag", "vip"), tags=["vip"])
    with pytest.raises(Invalid) as refused:
        await house.rule("Off", "tagged", ("remove_tag", "vip"))
    assert "“On” adds the tag “vip”, which sets off “Off”" in refused.value.fields["then"]
    off = await house.rule("Off", "tagged", ("remove_tag", "vip"), enabled=False)
    async with house.database.write() as work:
        with pytest.raises(Conflict, match="set each other off for ever"):
            await service.switch_rule(work, HUBBUB, off, enabled=True)


async def test_a_loop_that_was_not_seen_ends_and_is_shown(house: RuledHouse):
    on = await house.rule("On", "untagged", ("add_tag", "vip"), tags=["vip"])
    off = await house.rule("Off", "tagged", ("remove_tag", "vip"), enabled=False)
    async with house.database.write() as work:  # past the check, as an older version might have left it
        await work.session.execute(sa.update(RuleRow).values(enabled=True))
    asked = await house.asked()
    async with house.database.write() as work:
        await tagging.add_tags(work, house.people["ann"], asked, ["vip"])
    await house.run()
    chains = [event.detail.get("caused_by", []) for event in await events(house, asked, "tagged", "untagged")]
    assert chains == [[], [off], [off, on]]
    assert "already run in the same chain" in (await house.see_rule(off)).problem


async def test_a_chain_ends_at_its_depth_and_says_so(house: RuledHouse):
    await house.rule("0", "opened", ("add_tag", "t0"))
    for number in range(1, 6):
        await house.rule(str(number), "tagged", ("add_tag", f"t{number}"), tags=[f"t{number - 1}"])
    asked = await house.asked()
    await house.run()
    assert await house.tags(asked) == ["t0", "t1", "t2", "t3"]
    async with house.database.read() as work:
        stopped = {rule.name: rule.problem for rule in await store.list_rules(work) if rule.problem}
    assert list(stopped) == ["4"]
    assert "4 rules had set each other off" in stopped["4"]


async def test_what_wakes_goes_on_with_its_chain(house: RuledHouse, clock: FakeClock):
    sleeper = await house.rule("sleep", "opened", ("snooze", "1h"))
    again = await house.rule("again", "woke", ("add_tag", "woke"))
    asked = await house.asked()
    await house.run()
    clock.set(clock.now() + timedelta(hours=1))
    async with house.database.write() as work:
        await hearing.wake_snoozed(work)
    await house.run()
    (tagged,) = await events(house, asked, "tagged")
    assert tagged.detail["caused_by"] == [sleeper, again]


async def test_two_people_cannot_make_a_loop_together(house: RuledHouse):
    """
    Each change alone is fine; of two at the same time one is refused.
    """

    async def on() -> str:
        return await house.rule("On", "untagged", ("add_tag", "vip"), tags=["vip"])

    async def off() -> str:
        return await house.rule("Off", "tagged", ("remove_tag", "vip"), tags=["vip"])

    done = await asyncio.gather(on(), off(), return_exceptions=True)
    assert sorted(type(one).__name__ for one in done) == ["Invalid", "str"]


# once


async def test_of_several_processes_one_acts_on_an_event(house: RuledHouse):
    rule_id = await house.rule("note", "message_in", ("note", "seen"))
    for number in range(8):
        await house.asked(f"Question {number}", REED)
    await asyncio.gather(*(house.run() for _ in range(3)))
    async with house.database.read() as work:
        notes = int(await work.session.scalar(sa.select(sa.func.count()).select_from(Note)) or 0)
    assert notes == 8
    assert (await house.see_rule(rule_id)).runs == 8


async def test_rules_hear_of_people_too(house: RuledHouse):
    await house.rule("closing", "resolved", ("add_tag", "closed-by-hand"))
    asked = await house.asked()
    async with house.database.write() as work:
        await inbox.resolve(work, house.people["lea"], asked)
    await house.run()
    assert await house.tags(asked) == ["closed-by-hand"]


async def test_a_rule_can_call_a_conversation_spam(house: RuledHouse):
    await house.rule("spam", "message_in", ("spam", ""), words=["cheap watches"])
    asked = await house.asked("Cheap watches here")
    await house.run()
    seen = await house.see(asked)
    assert seen.spam_at is not None
    assert seen.state == "resolved"
