"""
The board: an index of what is not resolved, in the memory of each process, kept current by live events.

It is a cache, and the database is the truth: rows are always read from the database, only their number and their
order come from here. At start it reads everything that is not resolved, slice by slice; until then, and after a
gap in the live events, it knows nothing and the database answers instead. Whoever shows a page after a change
waits until the board has seen that change (`seen`), so that nobody misses what they have just done.
"""

from __future__ import annotations

import asyncio
import gc
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from datetime import datetime
from typing import Any

import sqlalchemy as sa
import structlog
from sqlmodel import col

from bot.contacts.segments import segments_of
from bot.core.columns import Instant
from bot.core.database import Database, UnitOfWork
from bot.core.live import LiveEvents
from bot.inbox.index import Entry, Found, Index, micros, values_of
from bot.inbox.recall import Recall
from bot.inbox.rules import State
from bot.inbox.selection import UNRESOLVED, Order, Selection
from bot.inbox.store import tags_of
from bot.inbox.tables import Conversation
from responses import Priority

log = structlog.get_logger(__name__)

C = Conversation
COUNTED = 1_000
"""Without the board nobody counts further than this."""
SLICE = 2_000
"""Conversations that are read in one go while the board fills; so long, about, the process does nothing else."""
SETTLED = 50_000
"""After so many more entries Python's garbage collector is told not to look at them again: they stay anyway, and a
full collection over a million of them stops the process for a second (`gc.freeze` in its documentation)."""
AT_ONCE = 500
TRY_AGAIN_SECONDS = 1.0
SEEN_WITHIN_SECONDS = 0.25
"""The longest that a page waits for the board to see what happened before it was asked for."""
TOPIC = "conversation:"
CONTACT_TOPIC = "contact:"

NAME_OF = {int(one): one.name.lower() for one in Priority}


class Board:
    """
    Follows the live events of one process. Used as an async context manager around the life of the daemon.
    """

    def __init__(self, database: Database, live: LiveEvents) -> None:
        self._database = database
        self._live = live
        self._index = Index()
        self._ready = False
        self._changed: set[str] = set()
        self._people: set[str] = set()
        self._heard = 0
        self._seen = 0
        self._gap = False
        self._wake = asyncio.Event()
        self._advanced = asyncio.Event()
        self.recall = Recall()
        self._listening: asyncio.Task[None] | None = None
        self._running: asyncio.Task[None] | None = None
        self._stopping = False

    async def __aenter__(self) -> Board:
        self._listening = asyncio.create_task(self._listen(), name="board-listen")
        self._running = asyncio.create_task(self._run(), name="board")
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._listening is not None
        assert self._running is not None
        self._stopping = True
        self._listening.cancel()
        self._wake.set()
        # What it reads just now it reads to the end: a cancelled read leaves a broken connection behind.
        await asyncio.wait((self._listening, self._running))

    # ---- questions ----

    def knows(self, selection: Selection) -> bool:
        """
        Say whether the board can answer for a selection now.
        """
        return self._ready and selection.unresolved_only and not selection.text and not selection.contact_id

    def count(self, selection: Selection, now: datetime) -> int:
        """
        Count what a selection means.
        """
        return self._index.count(selection, now)

    def first(
        self, selection: Selection, now: datetime, *, order: Order, limit: int, after: tuple[int, str] | None
    ) -> Found | None:
        """
        Give the first ids of a list; None when the database does that better.
        """
        return self._index.first(selection, now, order=order, limit=limit, after=after)

    async def seen(self, event_id: int, within: float = SEEN_WITHIN_SECONDS) -> bool:
        """
        Wait until everything up to a live event is taken in, but not for long. False: it is not, yet.
        """
        with suppress(TimeoutError):
            async with asyncio.timeout(within):
                while self._ready and self._seen < event_id:
                    await self._advanced.wait()
        return self._ready and self._seen >= event_id

    async def filled(self) -> None:
        """
        Wait until the board is full.
        """
        while not self._ready:
            await self._advanced.wait()

    def __len__(self) -> int:
        return len(self._index)

    # ---- following ----

    async def _listen(self) -> None:
        while True:
            try:
                async for news in self._live.subscribe(None, None):
                    self.recall.note(news.topic, news.id)
                    if news.topic in ("hello", "reset"):
                        self._gap = True  # what happened before this is not among the changes
                        self.recall.forget(news.id)
                    elif news.topic.startswith(TOPIC):
                        self._changed.add(news.topic.removeprefix(TOPIC))
                    elif news.topic.startswith(CONTACT_TOPIC):
                        self._people.add(news.topic.removeprefix(CONTACT_TOPIC))
                    self._heard = news.id
                    self._wake.set()
            except Exception as error:
                log.warning("live events cannot be read", action="board.live", error=type(error).__name__)
                await self._database.clock.sleep(TRY_AGAIN_SECONDS)

    async def _run(self) -> None:
        while not self._stopping:
            await self._wake.wait()
            self._wake.clear()
            try:
                if self._gap and not self._stopping:
                    self._gap = False
                    await self._fill()
                await self._take_in()
            except Exception as error:
                log.warning("the board cannot read", action="board.read", error=type(error).__name__)
                self._gap, self._ready = True, False
                await self._database.clock.sleep(TRY_AGAIN_SECONDS)
                self._wake.set()

    async def _fill(self) -> None:
        """
        Read everything that is not resolved. What changes meanwhile is told by live events, and read again then.
        """
        began, self._ready, self._index = time.perf_counter(), False, Index()
        settled = 0
        for state in UNRESOLVED:
            mark: Mark | None = None
            while not self._stopping:
                async with self._database.read() as work:
                    rows = await rows_after(work, state, mark, SLICE)
                    entries = await with_labels(work, rows)
                self._index.put_many(entries)
                settled = _settle(len(self._index), settled)
                if len(rows) < SLICE:
                    break
                mark = (rows[-1].last_message_at, rows[-1].id)
        await self._take_in()
        self._ready = not (self._gap or self._stopping)
        self._advance(self._seen)
        took = round(time.perf_counter() - began, 1)
        log.info("the board is full", action="board.full", conversations=len(self._index), seconds=took)

    async def _take_in(self) -> None:
        people, changed, heard = list(self._people), self._changed, self._heard
        self._people, self._changed = set(), set()
        for some in _parts(people):
            async with self._database.read() as work:
                changed.update(await unresolved_of_contacts(work, some))
        for some in _parts(list(changed)):
            async with self._database.read() as work:
                entries = {entry.id: entry for entry in await entries_of(work, some)}
            for conversation_id in some:
                if conversation_id in entries:
                    self._index.put(entries[conversation_id])
                else:
                    self._index.drop(conversation_id)
        self._advance(heard)

    def _advance(self, event_id: int) -> None:
        self._seen = event_id
        self._advanced.set()
        self._advanced = asyncio.Event()


def _settle(size: int, settled: int) -> int:
    if size - settled < SETTLED:
        return settled
    gc.collect(1)  # what is rubbish now would stay for good
    gc.freeze()
    return size


def _parts(ids: list[str]) -> Iterator[list[str]]:
    return (ids[begin : begin + AT_ONCE] for begin in range(0, len(ids), AT_ONCE))


# ---- queries ----

COLUMNS = (
    *(col(C.id), col(C.state), col(C.agent_id), col(C.waiting_messages), col(C.account_id), col(C.channel)),
    *(col(C.language), col(C.intent), col(C.priority), col(C.mood), col(C.due_at), col(C.last_message_at)),
    col(C.contact_id),
)
_THESE = sa.select(*COLUMNS).where(
    col(C.id).in_(sa.bindparam("conversations", expanding=True)), col(C.state).in_(UNRESOLVED)
)
Mark = tuple[datetime, str]


async def rows_after(work: UnitOfWork, state: State, mark: Mark | None, limit: int) -> Sequence[Any]:
    """
    Read what the board holds of conversations in a state, along the index of lists, after one.
    """
    query = sa.select(*COLUMNS).where(col(C.state) == state)
    if mark is not None:
        at = sa.bindparam(None, mark[0], type_=Instant())
        query = query.where(sa.tuple_(col(C.last_message_at), col(C.id)) > sa.tuple_(at, mark[1]))
    return (await work.session.execute(query.order_by(col(C.last_message_at), col(C.id)).limit(limit))).all()


async def entries_of(work: UnitOfWork, conversation_ids: list[str]) -> list[Entry]:
    """
    Read what the board holds of some conversations; resolved ones are left out.
    """
    rows = await work.session.execute(_THESE, {"conversations": conversation_ids})
    return await with_labels(work, rows.all())


async def unresolved_of_contacts(work: UnitOfWork, contact_ids: list[str]) -> Sequence[str]:
    """
    Give the ids of what is not resolved with some contacts.
    """
    query = sa.select(col(C.id)).where(col(C.contact_id).in_(contact_ids), col(C.state).in_(UNRESOLVED))
    return (await work.session.scalars(query)).all()


async def with_labels(work: UnitOfWork, rows: Sequence[Any]) -> list[Entry]:
    """
    Make entries of rows of these columns, with the tags of each and the segments of whom it is with.
    """
    tags, segments = dict[str, tuple[str, ...]](), dict[str, tuple[str, ...]]()
    for some in _parts([row.id for row in rows]):
        tags |= await tags_of(work, some)
    for some in _parts(list({row.contact_id for row in rows})):
        segments |= await segments_of(work, some)
    return [_entry(row, tags.get(row.id, ()), segments.get(row.contact_id, ())) for row in rows]


def _entry(row: Any, tags: Sequence[str], segments: Sequence[str]) -> Entry:
    values = values_of(
        state=row.state,
        agent_id=row.agent_id,
        waiting=row.waiting_messages > 0,
        account_id=row.account_id,
        channel=row.channel,
        language=row.language,
        intent=row.intent,
        priority=NAME_OF.get(row.priority, "normal"),
        mood=row.mood,
        tags=tags,
        segments=segments,
    )
    return Entry(id=row.id, values=values, due=micros(row.due_at), newest=micros(row.last_message_at))
