"""
Acknowledgements: off by default, outside hours only, once a closing, never as a reply, never in a loop.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from bot.core.actor import HUBBUB
from bot.core.errors import Invalid
from bot.hours.rules import ALWAYS
from bot.hours.service import create_hours
from bot.hours.wishes import Wish
from bot.inbox.reactions import Reaction, Reactions
from bot.replies.acknowledging import (
    ACKNOWLEDGED_KINDS,
    AcknowledgementWish,
    acknowledge,
    hours_used_by,
    opening_text,
    set_acknowledgement,
)
from connectors.base import Author
from tests.integration.inbox.house import PROMISE, House

SATURDAY = datetime(2026, 9, 5, 20, 0, tzinfo=UTC)
TEXTS = {"en": "Thanks! We are back {{ hours.next_opening }}.", "zh": "我们{{ hours.next_opening }}回来。"}
WEI = Author(key="https://far.example/users/wei", handle="wei@far.example", name="魏")


async def react(house: House) -> None:
    reaction = Reaction(name="acknowledgement", kinds=ACKNOWLEDGED_KINDS, act=acknowledge(PROMISE))
    reactions = Reactions(house.database, None, [reaction])  # type: ignore[arg-type]
    while await reactions.round():
        pass


async def closed(house: House, *, enabled: bool = True) -> str:
    """
    Let it be Saturday evening, with an account that acknowledges outside Monday to Friday, nine to five.
    """
    house.database.clock.set(SATURDAY)
    async with house.database.write() as work:
        hours = await create_hours(work, HUBBUB, office())
        wish = AcknowledgementWish(enabled=enabled, hours_id=hours.id, texts=TEXTS)
        await set_acknowledgement(work, house.people["lea"], house.account.id, wish)
    return hours.id


def office() -> Wish:
    return Wish(name="Office", zone="Europe/Berlin", week=["09:00-17:00"] * 5 + ["closed"] * 2)


async def outbound(house: House, conversation_id: str) -> list[str]:
    return [one.text for one in await house.messages(conversation_id) if one.direction == "outbound"]


async def test_it_says_when_we_are_back_in_the_customers_language_once_a_closing(house: House) -> None:
    await closed(house)
    english = await house.asked("Where is my order? It should have been here by now")
    chinese = await house.asked("我的订单怎么还没有发货", WEI)
    await react(house)
    assert await outbound(house, english) == ["Thanks! We are back Monday 09:00."]
    assert await outbound(house, chinese) == ["我们星期一 09:00回来。"]
    await house.asked("Hello? Anybody there?")
    await react(house)
    assert len(await outbound(house, english)) == 1
    house.database.clock.set(SATURDAY + timedelta(days=7))
    await house.asked("And now?")
    await react(house)
    assert len(await outbound(house, english)) == 2, "another closing"


async def test_S5_it_is_no_first_response(house: House) -> None:
    await closed(house)
    conversation_id = await house.asked()
    due = (await house.see(conversation_id)).due_at
    await react(house)
    sent = (await house.messages(conversation_id))[-1]
    assert sent.automatic is not None
    from bot.outbox.service import entries_of

    async with house.database.read() as work:
        entry = (await entries_of(work, "conversation", conversation_id))[-1]
    await house.becomes(entry, "confirmed")
    seen = await house.see(conversation_id)
    assert (seen.first_answered_at, seen.due_at, seen.state, seen.agent_id) == (None, due, "open", None)
    assert due is not None


async def test_it_is_off_until_somebody_switches_it_on(house: House) -> None:
    conversation_id = await house.asked()
    await react(house)
    assert await outbound(house, conversation_id) == []
    await closed(house, enabled=False)
    await house.asked()
    await react(house)
    assert await outbound(house, conversation_id) == []


async def test_nothing_is_said_while_we_are_open_or_where_a_person_has_answered(house: House) -> None:
    await closed(house)
    answered = await house.asked()
    await house.reply(answered)
    await react(house)
    assert await outbound(house, answered) == ["Yes."]
    house.database.clock.set(datetime(2026, 9, 7, 10, 0, tzinfo=UTC))
    open_ = await house.asked("Where is it?", WEI)
    await react(house)
    assert await outbound(house, open_) == []


async def test_I6_a_machine_gets_none(house: House) -> None:
    await closed(house)
    conversation_id = await house.asked()
    await house.reply(conversation_id)
    root = (await house.messages(conversation_id))[0].remote_id
    await house.asked("I am out of office", automatic="auto-replied", in_reply_to=(root,))
    await react(house)
    assert await outbound(house, conversation_id) == ["Yes."]


async def test_what_cannot_work_is_refused(house: House) -> None:
    hours_id = await closed(house)
    wanted = [
        (AcknowledgementWish(enabled=True, hours_id=None, texts=TEXTS), "choose the hours"),
        (AcknowledgementWish(enabled=True, hours_id="nothing", texts=TEXTS), "no such hours"),
        (AcknowledgementWish(enabled=True, hours_id=hours_id, texts={}), "write the text"),
        (AcknowledgementWish(enabled=True, hours_id=hours_id, texts={"en": "{{ hours.open }}"}), "no variable"),
    ]
    async with house.database.write() as work:
        for wish, said in wanted:
            with pytest.raises(Invalid, match=said):
                await set_acknowledgement(work, house.people["lea"], house.account.id, wish)
        assert await hours_used_by(work, hours_id) == ["acknowledgement of shop"]


def test_a_day_that_is_far_has_its_date() -> None:
    opens = SATURDAY + timedelta(days=9)
    assert opening_text(opens, ALWAYS, "en", SATURDAY) == "Monday 14 September 20:00"
    assert opening_text(opens, ALWAYS, "zh", SATURDAY) == "9月14日星期一 20:00"
    assert opening_text(SATURDAY + timedelta(hours=1), ALWAYS, "xx", SATURDAY) == "Saturday 21:00"
