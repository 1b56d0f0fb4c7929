"""
The board: what it counts is what the database holds, whatever happens, on every node.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from datetime import timedelta
from functools import partial

import pytest
import sqlalchemy as sa

from bot.contacts import segments
from bot.core.actor import Actor
from bot.core.database import Database, UnitOfWork
from bot.core.live import LiveEvents, News
from bot.inbox import service, store, tagging
from bot.inbox.board import Board
from bot.inbox.changes import tell
from bot.inbox.listing import ROW, conditions_of, count, list_selected
from bot.inbox.matching import Conditions
from bot.inbox.rules import State
from bot.inbox.selection import ME, NOBODY, Order, Selection
from bot.inbox.store import Listed
from bot.inbox.tables import Conversation
from connectors.base import Author
from tests.fakes.clock import FakeClock
from tests.integration.inbox.house import House

SELECTIONS = (
    Selection(),
    Selection(states=(State.OPEN,)),
    Selection(states=(State.OPEN, State.PENDING)),
    Selection(states=(State.SNOOZED,), waiting=True),
    Selection(agents=(ME,)),
    Selection(agents=(NOBODY, ME), states=(State.OPEN,)),
    Selection(breached=True),
    Selection(breached=True, states=(State.OPEN,), agents=(NOBODY,)),
    Selection(waiting=True, conditions=Conditions(languages=("en", "none"))),
    Selection(conditions=Conditions(priorities=("urgent", "high"))),
    Selection(conditions=Conditions(languages=("de",), intents=("question", "complaint"))),
    Selection(conditions=Conditions(channels=("email",))),
    Selection(conditions=Conditions(moods=("negative",), channels=("mastodon",))),
    Selection(conditions=Conditions(tags=("refund", "lamp"))),
    Selection(states=(State.OPEN,), conditions=Conditions(segments=("vip",), tags=("refund",))),
)

COLUMNS = [column.key for column in sa.inspect(Conversation).columns]


@pytest.fixture
async def house(database: Database) -> House:
    return await House(database).build()


@pytest.fixture
async def board(house: House) -> AsyncIterator[Board]:
    async with LiveEvents(house.database) as live, Board(house.database, live) as board:
        await board.filled()
        yield board


async def _brute_force(house: House, selection: Selection) -> int:
    async with house.database.read() as work:
        meant = conditions_of(selection.seen_by(house.people["ann"].id), work.now, work.dialect)
        query = sa.select(sa.func.count()).select_from(Conversation).where(*meant)
        return int(await work.session.scalar(query) or 0)


async def _see_everything(house: House, board: Board) -> int:
    async with house.database.read() as work:
        newest = int(await work.session.scalar(sa.text("SELECT max(id) FROM live_event")) or 0)
    assert await board.seen(newest, within=10)
    return newest


async def _same(house: House, board: Board) -> None:
    await _see_everything(house, board)
    for selection in SELECTIONS:
        async with house.database.read() as work:
            shown = await count(work, selection, actor_id=house.people["ann"].id, board=board)
        assert (shown.number, shown.more) == (await _brute_force(house, selection), False), selection


TEXTS = (
    "Where is my order?",
    "Terrible, it broke at once!",
    "Wo bleibt mein Paket?",
    "谢谢",
    "URGENT: refund",
    "ok",
)


async def _anything(house: House, choice: random.Random, opened: list[str]) -> None:
    """
    Let anything happen to any conversation.
    """
    verb = choice.randrange(11)
    if verb < 2 or not opened:
        number = choice.randrange(30)
        author = Author(key=f"k{number}", handle=f"h{number}@far.example", name=f"N {number}")
        at = house.database.clock.now() - timedelta(minutes=choice.randrange(30))
        opened.append(await house.asked(choice.choice(TEXTS), author, occurred_at=at))
        return
    async with house.database.write() as work:
        await _change(work, house.people, choice, verb, choice.choice(opened))


async def _change(work: UnitOfWork, people: dict[str, Actor], choice: random.Random, verb: int, one: str) -> None:
    lea, conversation = people["lea"], await store.get_conversation(work, one)
    verbs: list[Callable[[], Awaitable[object]]] = [
        lambda: service.release(work, lea, one),
        lambda: service.resolve(work, lea, one),
        lambda: service.set_pending(work, lea, one),
        lambda: service.snooze(work, lea, one, work.now + timedelta(minutes=choice.randrange(1, 60))),
        lambda: service.reopen(work, lea, one),
        lambda: tagging.add_tags(work, lea, one, [choice.choice(["refund", "lamp", "press"])]),
        lambda: segments.add_segments(work, lea, conversation.contact_id, [choice.choice(["vip", "press"])]),
        lambda: service.hand_over(work, lea, one, people["ann"].id),
        lambda: service.hand_over(work, lea, one, people["ben"].id),
    ]
    await verbs[verb - 2]()


@pytest.mark.parametrize("seed", range(2))
async def test_counts_are_those_of_the_database_after_anything(
    house: House, board: Board, clock: FakeClock, seed: int
) -> None:
    choice, opened = random.Random(seed), list[str]()
    for step in range(45):
        await _anything(house, choice, opened)
        if step % 15 == 14:
            await clock.advance(timedelta(minutes=choice.randrange(10)))
            await _same(house, board)


@pytest.mark.parametrize("seed", range(2))
async def test_remembered_rows_are_those_of_the_database_after_anything(
    house: House, board: Board, seed: int
) -> None:
    choice, opened, remembered = random.Random(seed), list[str](), 0
    for _ in range(45):
        await _anything(house, choice, opened)
        newest = await _see_everything(house, board)
        for order in Order:
            async with house.database.read() as work:
                snapshot = board.recall.on(newest, work.now)
                remembered += sum(snapshot.get((ROW, one)) is not None for one in opened)
                ask = partial(list_selected, work, Selection(), order=order, limit=100, after=None)
                shown, true = await ask(board=board, snapshot=snapshot), await ask()
                assert [_of_row(row) for row in shown.items] == [_of_row(row) for row in true.items]
    assert remembered > 45


def _of_row(row: Listed) -> dict[str, object]:
    conversation = row.conversation
    columns = {name: getattr(conversation, name) for name in COLUMNS}
    return {**columns, "with": row.contact_name, "handle": row.handle, "tags": row.tags}


async def test_a_board_that_starts_later_reads_what_is_there(house: House, clock: FakeClock) -> None:
    choice, opened = random.Random(7), list[str]()
    for _ in range(40):
        await _anything(house, choice, opened)
    await clock.advance(timedelta(minutes=10))
    async with LiveEvents(house.database) as live, Board(house.database, live) as board:
        await board.filled()
        await _same(house, board)


async def test_two_nodes_see_the_same(house: House) -> None:
    first, second = LiveEvents(house.database), LiveEvents(house.database)
    async with first, second, Board(house.database, first) as one, Board(house.database, second) as other:
        await one.filled()
        await other.filled()
        choice, opened = random.Random(3), list[str]()
        for _ in range(25):
            await _anything(house, choice, opened)
        await _same(house, one)
        await _same(house, other)


async def test_who_acts_sees_it_done_at_once(house: House, board: Board) -> None:
    unclaimed = Selection(states=(State.OPEN,), agents=(NOBODY,))
    for number in range(5):
        await house.asked(author=Author(key=f"k{number}", handle=f"h{number}"))
        async with house.database.read() as work:
            newest = await work.session.scalar(sa.text("SELECT max(id) FROM live_event"))
            assert await board.seen(int(newest))
            assert (await count(work, unclaimed, actor_id="", board=board)).number == number + 1


class ScriptedLive(LiveEvents):
    """
    Live events that a test hands out itself.
    """

    def __init__(self, database: Database) -> None:
        super().__init__(database)
        self.script: asyncio.Queue[News] = asyncio.Queue()

    async def subscribe(self, topics: frozenset[str] | None, since: int | None) -> AsyncGenerator[News, None]:
        yield News(id=0, topic="hello")
        while True:
            yield await self.script.get()


async def test_a_gap_in_the_events_is_mended_by_reading_again(house: House, clock: FakeClock) -> None:
    live, pending = ScriptedLive(house.database), Selection(states=(State.PENDING,))
    async with Board(house.database, live) as board:
        await board.filled()
        opened = await house.asked()
        async with house.database.write() as work:
            await service.set_pending(work, house.people["ann"], opened)
        live.script.put_nowait(News(id=1, topic="queue"))
        assert await board.seen(1, within=10)
        assert board.count(pending, clock.now()) == 0, "nobody told the board"
        live.script.put_nowait(News(id=2, topic="reset"))
        assert await board.seen(2, within=10)
        assert board.count(pending, clock.now()) == 1


async def test_pages_of_the_board_are_those_of_the_database(house: House, board: Board, clock: FakeClock) -> None:
    choice, opened = random.Random(11), list[str]()
    for _ in range(50):
        await clock.advance(1)
        await _anything(house, choice, opened)
    async with house.database.write() as work:
        for one in opened[:6]:  # same deadline, and none
            conversation = await store.get_conversation(work, one)
            conversation.due_at = None if one < opened[3] else work.now
            tell(work, one)
    await _see_everything(house, board)
    for selection in SELECTIONS:
        for order in Order:
            walked = [await _pages(house, selection, order, one) for one in (board, None)]
            assert walked[0] == walked[1], (selection, order)


async def _pages(house: House, selection: Selection, order: Order, board: Board | None) -> list[str]:
    found, after = list[str](), None
    while True:
        async with house.database.read() as work:
            part = await list_selected(
                work,
                selection,
                actor_id=house.people["ann"].id,
                order=order,
                limit=3,
                after=after,
                board=board,
            )
        found += [one.conversation.id for one in part.items]
        after = part.after
        if after is None:
            return found


async def test_without_the_board_counting_ends_at_a_thousand(house: House) -> None:
    opened = await house.asked()
    async with house.database.write() as work:
        template = (await store.get_conversation(work, opened)).model_dump()
        rows = [{**template, "id": f"copy-{number}"} for number in range(1_200)]
        await work.session.execute(sa.insert(Conversation), rows)
    async with house.database.read() as work:
        shown = await count(work, Selection(), actor_id="")
    assert str(shown) == "999+"
