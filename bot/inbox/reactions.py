"""
What follows from an event: webhooks, rules, surveys, dispatch. Acts; what is to be done is up to each reaction.

Every row of the event log is handed to each reaction that `bot.app` lists, once: the row is `pending` until a unit
of work that saw all of them is committed. A process that dies in between leaves it pending for another. What one
reaction raises is undone alone, logged and kept with the event; it is not tried again, since what failed for a
reason would fail for ever.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
import structlog
from sqlmodel import col

from bot.core.database import Database, UnitOfWork
from bot.core.live import LiveEvents
from bot.core.rounds import Rounds
from bot.inbox import store
from bot.inbox.changes import EVENTS_TOPIC
from bot.inbox.tables import Conversation, ConversationEvent

log = structlog.get_logger(__name__)
E = ConversationEvent

EVENTS_AT_ONCE = 200
SETTLE_SECONDS = 1.0
# Built once: building takes a quarter of the time of a statement.
_PENDING = sa.select(col(E.id), col(E.kind)).where(col(E.pending)).order_by(col(E.id)).limit(EVENTS_AT_ONCE)
_ONE_PENDING = (
    sa.select(E).where(col(E.id) == sa.bindparam("event"), col(E.pending)).with_for_update(skip_locked=True)
)
Act = Callable[[UnitOfWork, ConversationEvent, Conversation], Awaitable[None]]
Listens = Callable[[UnitOfWork], Awaitable[Collection[str]]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Reaction:
    """
    Who wants to be told of which events.

    Args:
        name: for the log and for what is kept with an event that went wrong.
        kinds: of events; those of no reaction are never looked at again.
        listens: gives the kinds that anybody has asked for just now (a rule, an endpoint), once for many events;
            None: all of them.
        act: called with the conversation locked, in a savepoint of its own. It commits nothing and touches no
            network.
    """

    name: str
    kinds: frozenset[str]
    act: Act
    listens: Listens | None = None


class Reactions:
    """
    Hands events to reactions, for one process. Used as an async context manager around the life of the daemon.
    """

    def __init__(self, database: Database, live: LiveEvents, reactions: Sequence[Reaction]) -> None:
        self._database = database
        self._reactions = tuple(reactions)
        self._settles_at = 0.0
        self._rounds = Rounds(
            "reactions", database, live, frozenset({EVENTS_TOPIC}), self._round, action="reactions.failed"
        )

    async def __aenter__(self) -> Reactions:
        await self._rounds.__aenter__()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._rounds.__aexit__()

    async def _round(self) -> bool:
        return await self.round() > 0

    async def round(self) -> int:
        """
        Hand out the oldest events that are pending. Gives how many there were.
        """
        async with self._database.read() as work:
            rows = (await work.session.execute(_PENDING)).all()
            # Read after the events: who asks for a kind only now does not ask for what happened before.
            asking = await self._asking(work) if rows else {}
        wanted = frozenset().union(*asking.values())
        idle = [event_id for event_id, kind in rows if kind not in wanted]
        settles = idle and self._settles(len(rows))
        if settles:
            async with self._database.write(patient=True) as work:
                await work.session.execute(
                    sa.update(E)
                    .where(col(E.id).in_(idle))
                    .values(pending=False)
                    .execution_options(synchronize_session=False)
                )
        for event_id in (event_id for event_id, kind in rows if kind in wanted):
            if self._rounds.stopping:
                break
            async with self._database.write(patient=True) as work:
                await self._hand_out(work, event_id, asking)
        return len(rows) if settles else len(rows) - len(idle)

    def _settles(self, pending: int) -> bool:
        """
        Say whether it is time to let go of what nobody asks for: many at once, since each time is a turn to write.
        """
        now = asyncio.get_running_loop().time()
        if now < self._settles_at and pending < EVENTS_AT_ONCE:
            return False
        self._settles_at = now + SETTLE_SECONDS
        return True

    async def _asking(self, work: UnitOfWork) -> Mapping[str, frozenset[str]]:
        """
        Give the kinds that each reaction is told of, by its name.
        """
        return {
            one.name: one.kinds if one.listens is None else one.kinds & frozenset(await one.listens(work))
            for one in self._reactions
        }

    async def _hand_out(self, work: UnitOfWork, event_id: str, asking: Mapping[str, frozenset[str]]) -> None:
        # Another process may have it; it is theirs then.
        event = (await work.session.scalars(_ONE_PENDING, {"event": event_id})).first()
        if event is None:
            return
        conversation = await store.get_conversation(work, event.conversation_id, lock=True)
        for reaction in self._reactions:
            if event.kind in asking[reaction.name]:
                problem = await _act(work, reaction, event, conversation)
                event.problem = "; ".join(filter(None, (event.problem, problem)))
        event.pending = False


async def _act(work: UnitOfWork, reaction: Reaction, event: ConversationEvent, conversation: Conversation) -> str:
    detail: dict[str, Any] = {"reaction": reaction.name, "event_id": event.id, "kind": event.kind}
    try:
        async with work.savepoint():
            await reaction.act(work, event, conversation)
            await work.session.flush()
    except Exception as error:
        if _may_pass(error):
            raise  # the event stays pending
        log.exception("a reaction failed; its work is undone", action="reactions.problem", **detail)
        # What was rolled back must be read anew by whoever comes next.
        await work.session.refresh(event)
        await work.session.refresh(conversation)
        return f"{reaction.name}: {type(error).__name__}"
    return ""


def _may_pass(error: Exception) -> bool:
    """
    Say whether it was the database's state (away, a deadlock), not what the reaction wanted of it.
    """
    lasting = (sa.exc.IntegrityError, sa.exc.DataError, sa.exc.ProgrammingError)
    return isinstance(error, sa.exc.DBAPIError) and not isinstance(error, lasting)
