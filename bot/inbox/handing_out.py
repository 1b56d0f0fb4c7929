"""
The automatic hand-out: gives work to whoever is here and has room, on every event. Acts; `dispatch` decides.

Whatever could free somebody or bring work is told as live news of the queue or of presence, by whichever node it
happened on: a message in, an answer, a resolve, a snooze, somebody who is here. Each wakes a drain, which gives
until nobody has room or nothing fits. Nodes need not agree: the database decides each claim.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from bot.core.actor import Actor
from bot.core.database import Database, UnitOfWork
from bot.core.live import LiveEvents
from bot.core.rounds import Rounds
from bot.inbox import dispatch, dispatch_store
from bot.inbox.dispatch_store import Load
from bot.staff import presence
from bot.staff.rules import AgentNow

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
        self._reach = reach
        self._rounds = Rounds(
            "hand-out", database, live, TOPICS, self.drain, action="hand-out.failed", every=LOOK_AGAIN_SECONDS
        )

    async def __aenter__(self) -> HandOut:
        await self._rounds.__aenter__()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._rounds.__aexit__()

    async def drain(self) -> int:
        """
        Give work until nobody has room or nothing fits. Gives how many conversations found somebody.
        """
        async with self._database.read() as work:
            takers = await _takers(work)
        given = 0
        while takers and not self._rounds.stopping:
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
