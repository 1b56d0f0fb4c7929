"""
Alike requests: gathered as they come in, answered together, and nobody twice, past their words, or over a claim.
"""

from __future__ import annotations

import asyncio
import time

import pytest
import sqlalchemy as sa
from sqlmodel import col

from bot.core.errors import Invalid
from bot.inbox import service as inbox
from bot.inbox.reactions import Reaction, Reactions
from bot.inbox.tables import ConversationClock
from bot.replies.answering import SLICE, Answer, Outcome, answer_group
from bot.replies.gathering import GATHERED_KINDS, Member, gather, group_of, list_groups, members_of
from bot.replies.tables import AlikeBand, AlikeGroup
from connectors.base import Author
from tests.integration.inbox.house import PROMISE, House

TEXT = 'Hi {{ contact.first_name | "there" }}, it is on its way. {{ agent.first_name }}'


def person(number: int) -> Author:
    name = f"Kim{chr(97 + number % 26)} Reed"
    return Author(key=f"https://far.example/users/{number}", handle=f"kim{number}@far.example", name=name)


async def react(house: House) -> None:
    reactions = Reactions(
        house.database,
        None,  # type: ignore[arg-type]
        [Reaction(name="alike", kinds=GATHERED_KINDS, act=gather)],
    )
    while await reactions.round():
        pass


async def crowd(house: House, count: int) -> list[str]:
    asked = [
        await house.asked(f"Where is my order {40_000 + number}? I placed it on Monday.", person(number))
        for number in range(count)
    ]
    await react(house)
    return asked


async def waiting(house: House) -> dict[str, list[Member]]:
    async with house.database.read() as work:
        groups = (await list_groups(work, limit=50, after=None)).items
        return {one.group.id: await members_of(work, one.group.id) for one in groups}


def shown(members: list[Member]) -> dict[str, str]:
    return {one.conversation.id: one.likeness.message_id for one in members}


async def answer(house: House, who: str, seen: dict[str, str], text: str = TEXT) -> Outcome:
    asked = Answer(text=text, seen=seen, then="resolved")
    return await answer_group(house.database, house.people[who], asked, PROMISE)


async def replies(house: House, conversation_id: str) -> list[str]:
    return [one.text for one in await house.messages(conversation_id) if one.direction == "outbound"]


async def test_alike_ones_are_gathered_with_why_and_others_are_not(house: House) -> None:
    asked = await crowd(house, 3)
    other = await house.asked("How do I change my delivery address?", person(10))
    await react(house)
    (members,) = (await waiting(house)).values()
    assert {one.conversation.id for one in members} == set(asked)
    first, *later = sorted(members, key=lambda one: one.conversation.id)
    assert first.likeness.same == ""
    assert all(one.likeness.shared == one.likeness.of > 4 for one in later)
    async with house.database.read() as work:
        found = await group_of(work, asked[0])
        assert found is not None
        assert found.size == 3
        assert await group_of(work, other) is None


async def test_the_same_post_is_known_from_what_a_message_answers(house: House) -> None:
    for number in range(2):
        await house.asked("how much is it", person(number), in_reply_to=("post-1",))
    await react(house)
    (members,) = (await waiting(house)).values()
    assert sorted(one.likeness.same for one in members) == ["", "post"]


async def test_each_gets_one_reply_with_their_name_and_keeps_their_clock(house: House) -> None:
    asked = await crowd(house, SLICE + 2)
    (members,) = (await waiting(house)).values()
    outcome = await answer(house, "ann", shown(members))
    assert sorted(outcome.answered) == sorted(asked)
    assert outcome.left_out == {}
    for number, conversation_id in enumerate(asked):
        assert await replies(house, conversation_id) == [
            f"Hi {person(number).name.split()[0]}, it is on its way. Ann"
        ]
    async with house.database.read() as work:
        K = ConversationClock
        running = sa.select(sa.func.count(sa.distinct(col(K.conversation_id)))).where(col(K.stopped_at).is_(None))
        assert await work.session.scalar(running) == len(asked), "until each answer has arrived"
    await react(house)
    assert await waiting(house) == {}
    async with house.database.read() as work:
        assert (await work.session.scalars(sa.select(AlikeGroup))).all() == []
        assert (await work.session.scalars(sa.select(AlikeBand))).all() == []


async def test_a_claim_of_a_colleague_and_a_newer_message_are_left_out_and_named(house: House) -> None:
    asked = await crowd(house, 4)
    (members,) = (await waiting(house)).values()
    async with house.database.write() as work:
        await inbox.claim(work, house.people["ben"], asked[0])
    await house.asked("Never mind, it has just come", person(1))
    await house.reply(asked[2], who="lea")
    # a lead may take over, but not by the dozen
    outcome = await answer(house, "lea", shown(members))
    assert outcome.answered == [asked[3]]
    assert outcome.left_out == {
        asked[0]: "Ben has claimed it",
        asked[1]: "a newer message has come in",
        asked[2]: "somebody has answered it",
    }
    assert await replies(house, asked[1]) == []


async def test_two_agents_at_once_and_each_person_gets_exactly_one_reply(house: House) -> None:
    asked = await crowd(house, 14)
    (members,) = (await waiting(house)).values()
    backwards = dict(reversed(shown(members).items()))
    ann, ben = await asyncio.gather(answer(house, "ann", shown(members)), answer(house, "ben", backwards))
    assert sorted([*ann.answered, *ben.answered]) == sorted(asked)
    for conversation_id in asked:
        assert len(await replies(house, conversation_id)) == 1


async def test_a_text_that_has_no_value_for_one_leaves_that_one_out(house: House) -> None:
    await crowd(house, 2)
    (members,) = (await waiting(house)).values()
    outcome = await answer(house, "ann", shown(members), text="About {{ conversation.subject }}")
    assert outcome.answered == []
    assert set(outcome.left_out.values()) == {"conversation.subject has no value here"}
    await react(house)
    assert len((await waiting(house)).popitem()[1]) == 2, "they still wait"


@pytest.mark.parametrize(
    ("text", "seen", "said"),
    [
        (" ", {"a": "b"}, "write something"),
        ("{{ contact.nam }}", {"a": "b"}, "no variable"),
        ("Hi", {}, "choose at least one"),
        ("x" * 10_001, {"a": "b"}, "at most"),
    ],
)
async def test_what_can_go_to_nobody_is_refused(house: House, text: str, seen: dict[str, str], said: str) -> None:
    with pytest.raises(Invalid, match=said):
        await answer(house, "ann", seen, text=text)


async def test_a_conversation_that_does_not_exist_or_a_text_too_long_for_its_channel_is_left_out(
    house: House,
) -> None:
    async with house.database.write() as work:
        account = await work.session.get(type(house.account), house.account.id)
        account.facts = {"text_limit": 10}
    await crowd(house, 2)
    (members,) = (await waiting(house)).values()
    outcome = await answer(house, "ann", {**shown(members), "nothing": "x"})
    assert outcome.answered == []
    assert outcome.left_out["nothing"].startswith("no conversation")
    assert any("too long for its channel" in reason for reason in outcome.left_out.values())


async def test_a_group_answered_in_slices_lets_live_work_in_between(house: House) -> None:
    await crowd(house, 3 * SLICE)
    (members,) = (await waiting(house)).values()
    answering = asyncio.create_task(answer(house, "ann", shown(members)))
    waits: list[float] = []
    while not answering.done():
        start = time.perf_counter()
        async with house.database.write() as work:
            await work.session.execute(sa.select(1))
        waits.append(time.perf_counter() - start)
        await asyncio.sleep(0.002)
    assert len((await answering).answered) == 3 * SLICE
    assert len(waits) > 2, "others wrote while the group was being answered"
