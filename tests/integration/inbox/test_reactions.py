"""
Every event is handed to every reaction that wants it, once, whoever else is at it and whatever breaks.
"""

from __future__ import annotations

import asyncio
from collections import Counter

import pytest
import sqlalchemy as sa
from sqlmodel import col

from bot.core.actor import HUBBUB
from bot.core.database import Database, UnitOfWork
from bot.core.live import LiveEvents
from bot.inbox.changes import note_event
from bot.inbox.reactions import Listens, Reaction, Reactions
from bot.inbox.rules import EventKind
from bot.inbox.tables import Conversation, ConversationEvent
from tests.integration.inbox.house import House


@pytest.fixture
async def house(database: Database) -> House:
    return await House(database).build()


class Seen:
    """
    A reaction that counts what it sees, and fails when it is told to.
    """

    def __init__(
        self, name: str = "seen", *kinds: str, fails: bool = False, listens: Listens | None = None
    ) -> None:
        self.events: Counter[str] = Counter()
        self.fails = fails
        self.reaction = Reaction(
            name=name, kinds=frozenset(kinds or {EventKind.MESSAGE_IN}), act=self.act, listens=listens
        )

    async def act(self, work: UnitOfWork, event: ConversationEvent, conversation: Conversation) -> None:
        self.events[event.id] += 1
        if self.fails:
            conversation.subject = "half done"
            await work.session.flush()
            raise RuntimeError("a secret of the customer")


async def _drain(house: House, *seen: Seen, rounds: int = 1) -> None:
    async with LiveEvents(house.database) as live:
        reactions = Reactions(house.database, live, [one.reaction for one in seen])
        for _ in range(rounds):
            while await reactions.round():
                pass


async def _pending(house: House) -> int:
    async with house.database.read() as work:
        query = sa.select(sa.func.count()).where(col(ConversationEvent.pending))
        return int(await work.session.scalar(query) or 0)


async def test_each_event_is_seen_once_by_each_that_wants_it(house: House) -> None:
    for number in range(3):
        await house.asked(f"question {number}")
    messages, claims = Seen("messages"), Seen("claims", EventKind.CLAIMED)
    await _drain(house, messages, claims, rounds=2)
    assert sorted(messages.events.values()) == [1, 1, 1]
    assert not claims.events
    assert await _pending(house) == 0


async def test_who_has_not_asked_for_a_kind_is_not_told_of_it_later(house: House) -> None:
    asked: set[str] = set()

    async def listens(_: UnitOfWork) -> set[str]:
        return asked

    picky, other = Seen("picky", listens=listens), Seen("other")
    await house.asked("before")
    await _drain(house, picky, other)
    assert not picky.events
    assert await _pending(house) == 0
    asked.add(EventKind.MESSAGE_IN)
    asked.add(EventKind.CLAIMED)  # not among the kinds of this reaction
    await house.asked("after")
    await _drain(house, picky, other)
    assert len(picky.events) == 1
    assert len(other.events) == 2


async def test_two_processes_hand_out_each_event_once(house: House) -> None:
    for number in range(10):
        await house.asked(f"question {number}")
    first, second = Seen(), Seen()
    await asyncio.gather(_drain(house, first), _drain(house, second))
    assert set((first.events + second.events).values()) == {1}
    assert len(first.events + second.events) == 10


async def test_what_fails_is_undone_alone_and_said(house: House, caplog: pytest.LogCaptureFixture) -> None:
    opened = await house.asked()
    broken, sound = Seen("broken", fails=True), Seen("sound")
    await _drain(house, broken, sound, rounds=2)
    assert list(sound.events.values()) == list(broken.events.values()) == [1]
    assert (await house.see(opened)).subject != "half done"
    async with house.database.read() as work:
        query = sa.select(ConversationEvent).where(col(ConversationEvent.problem) != "")
        (event,) = (await work.session.scalars(query)).all()
    assert (event.kind, event.problem, event.pending) == (EventKind.MESSAGE_IN, "broken: RuntimeError", False)


async def test_a_running_daemon_reacts_at_once_and_to_what_reactions_cause(house: House) -> None:
    async def answer(work: UnitOfWork, event: ConversationEvent, conversation: Conversation) -> None:
        note_event(work, conversation, "escalated", HUBBUB, what="told somebody")

    follows = Seen("follows", EventKind.ESCALATED)
    cause = Reaction(name="cause", kinds=frozenset({EventKind.MESSAGE_IN}), act=answer)
    async with (
        LiveEvents(house.database) as live,
        Reactions(house.database, live, [cause, follows.reaction]),
    ):
        await house.asked()
        async with asyncio.timeout(10):
            while not follows.events:
                await asyncio.sleep(0.02)
    assert list(follows.events.values()) == [1]
