"""
The automatic hand-out: gives work to whoever is here and has room, on every event. Acts; `dispatch` decides.

Whatever could free somebody or bring work is told as live news of the queue or of presence, by whichever node it
happened on: a message in, an answer, a resolve, a snooze, somebody who is here. Each wakes a drain, which gives
until nobody has room or nothing fits. Nodes need not agree: the database decides each claim.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import structlog

from bot.core.actor import Actor
from bot.core.database import Database, UnitOfWork
from bot.core.live import LiveEvents
from bot.inbox import dispatch, dispatch_store
from bot.inbox.dispatch_store import Load
from bot.staff import presence
from bot.staff.rules import AgentNow

log = structlog.get_logger(__name__)

TOPICS = frozenset({"queue", presence.TOPIC})
LOOK_AGAIN_SECONDS = 5.0
"""A look without news, in case news got lost: PostgreSQL's notifications may, while it restarts."""
LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(slots=True, kw_only=True)
class Taker:
    """
    Somebody who can be given work, while a drain goes on.
    """

    actor: Actor
    waiting: int
    room: int
    given_at: datetime

    def turn(self) -> tuple[int, datetime, str]:
        """
        Give the order in which they get work: who has least, then who got some longest ago.
        """
        return self.waiting, self.given_at, self.actor.id


def takers_of(agents: list[AgentNow], loads: Mapping[str, Load]) -> list[Taker]:
    """
    Say who can be given work now.
    """
    found = []
    for agent in agents:
        load = loads.get(agent.id, Load())
        if agent.profile.hand_out and load.waiting < agent.profile.capacity:
            room = agent.profile.capacity - load.waiting
            given_at = load.given_at or LONG_AGO
            found.append(Taker(actor=agent.actor(), waiting=load.waiting, room=room, given_at=given_at))
    return found


class HandOut:
    """
    Hands work out, for one process. Used as an async context manager around the life of the daemon.
    """

    def __init__(self, database: Database, live: LiveEvents, reach: timedelta) -> None:
        self._database = database
        self._live = live
        self._reach = reach
        self._wake = asyncio.Event()
        self._running: asyncio.Task[None] | None = None
        self._listening: asyncio.Task[None] | None = None
        self._stopping = False
        self._failing = False

    async def __aenter__(self) -> HandOut:
        self._running = asyncio.create_task(self._run(), name="hand-out")
        self._listening = asyncio.create_task(self._listen(), name="hand-out-wake")
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._running is not None
        assert self._listening is not None
        self._stopping = True
        self._wake.set()
        self._listening.cancel()
        await asyncio.wait((self._running, self._listening))

    async def _listen(self) -> None:
        while True:
            try:
                async for _ in self._live.subscribe(TOPICS, None):
                    self._wake.set()
            except Exception as error:
                log.warning("live events cannot be read", action="hand-out.live", error=type(error).__name__)
                await self._database.clock.sleep(1)

    async def _run(self) -> None:
        while not self._stopping:
            self._wake.clear()
            try:
                await self.drain()
                self._failing = False
            except Exception:
                if not self._failing:
                    log.exception("work cannot be handed out; it is tried again", action="hand-out.failed")
                self._failing = True
            with suppress(TimeoutError):
                async with asyncio.timeout(LOOK_AGAIN_SECONDS):
                    await self._wake.wait()

    async def drain(self) -> int:
        """
        Give work until nobody has room or nothing fits. Gives how many conversations found somebody.
        """
        async with self._database.read() as work:
            takers = await _takers(work)
        given = 0
        while takers and not self._stopping:
            taker = min(takers, key=Taker.turn)
            if not await self._give(taker):
                takers.remove(taker)
                continue
            given += 1
            taker.waiting, taker.room = taker.waiting + 1, taker.room - 1
            taker.given_at = self._database.clock.now()
            if taker.room <= 0:
                takers.remove(taker)
        return given

    async def _give(self, taker: Taker) -> bool:
        async with self._database.write() as work:
            return await dispatch.hand_out(work, taker.actor, self._reach) is not None


async def _takers(work: UnitOfWork) -> list[Taker]:
    agents = await presence.present_agents(work)
    return takers_of(agents, await dispatch_store.loads(work)) if agents else []
