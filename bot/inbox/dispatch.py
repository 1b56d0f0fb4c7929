"""
Who gets which conversation: `Next`, the automatic hand-out, and claims that run out. Acts; the order is `order`.

The life of a claim, which is a lease::

    queue --claim, Next, hand-out, hand-over--> an agent's; touched_at = now
    an agent's --look, type, any verb---------> an agent's; touched_at = now
    an agent's --answer, pending, snooze, resolve--> an agent's, but nobody waits: the lease stands still
               --the customer writes again---> an agent's if they are here and have room, else queue
    an agent's --lease runs out, offline for the grace, release--> queue

Nobody gets more than their capacity from `Next` or the hand-out, however many ask at once: the agent's row is
locked, and then one statement counts and claims. By hand one may claim more, and a colleague may hand over more.
"""

from __future__ import annotations

import itertools
from datetime import datetime, timedelta

from bot.core.actor import HUBBUB, Actor
from bot.core.database import UnitOfWork
from bot.core.errors import Conflict
from bot.inbox import dispatch_store, store
from bot.inbox.changes import note_event, tell
from bot.inbox.order import is_calm, line, walks
from bot.inbox.rules import EventKind
from bot.inbox.tables import Conversation
from bot.staff.presence import find_agent, left_desk, lock_agent
from bot.staff.rules import Presence, Profile
from bot.staff.service import audit

TOUCHED_ENOUGH = timedelta(seconds=30)
"""Who looks and types touches all the time; written at most this often."""
_numbers = itertools.count(1)
"""Of this process's hand-outs: every so many-th looks at what is late first (`order.walks`)."""


async def claim_next(work: UnitOfWork, actor: Actor, reach: timedelta) -> Conversation | None:
    """
    Take the most urgent conversation that fits and nobody has; None when there is none.

    Raises:
        Conflict: as many wait for them as they take at once.
    """
    _, profile = await lock_agent(work, actor)
    waiting = await dispatch_store.count_waiting(work, actor.id)
    if waiting >= profile.capacity:
        raise Conflict(f"{waiting} conversations wait for you, and you take {profile.capacity} at once")
    return await _take(work, actor, profile, reach, only_waiting=False, how="next")


async def hand_out(work: UnitOfWork, actor: Actor, reach: timedelta) -> Conversation | None:
    """
    Give an agent the most urgent conversation that waits and fits; None when there is none, or when they do not
    want one, are not here or have no room.
    """
    presence, profile = await lock_agent(work, actor)
    if presence is not Presence.HERE or not profile.hand_out:
        return None
    return await _take(work, actor, profile, reach, only_waiting=True, how="handed out")


async def _take(
    work: UnitOfWork, actor: Actor, profile: Profile, reach: timedelta, *, only_waiting: bool, how: str
) -> Conversation | None:
    first = await dispatch_store.first_due_after(work, profile, line(work.now, reach))
    until = work.now if is_calm(first, work.now, reach) else line(work.now, reach)
    for walk in walks(next(_numbers)):
        taken = await dispatch_store.take_first(
            work,
            profile,
            walk,
            until,
            agent_id=actor.id,
            agent_name=actor.name,
            only_waiting=only_waiting,
        )
        if taken is not None:
            conversation = await store.get_conversation(work, taken, lock=True)
            note_event(work, conversation, EventKind.CLAIMED, actor, how=how)
            await audit(work, actor, "conversation.claimed", "conversation", conversation.id, how=how)
            tell(work, conversation.id)
            return conversation
    return None


async def touch(work: UnitOfWork, actor: Actor, conversation_id: str) -> None:
    """
    Let a claim's lease run from now, because its agent looks at the conversation or types.

    A page that is open while they have left the desk keeps nothing.
    """
    if await left_desk(work, actor.id):
        return
    since = work.now - TOUCHED_ENOUGH
    await dispatch_store.touch(work, conversation_id, actor.id, unless_since=since)


async def settle_agent(work: UnitOfWork, conversation: Conversation) -> None:
    """
    Say whose a conversation is that opens again: its agent's if they are here and have room, else the queue's.
    """
    if conversation.agent_id is None:
        return
    agent = await find_agent(work, conversation.agent_id)
    if agent is None or agent.presence is not Presence.HERE:
        return_to_queue(work, conversation, "not here")
        return
    _, profile = await lock_agent(work, agent.actor())
    if await dispatch_store.count_waiting(work, agent.id, besides=conversation.id) >= profile.capacity:
        return_to_queue(work, conversation, "full")
        return
    conversation.touched_at = work.now


def return_to_queue(work: UnitOfWork, conversation: Conversation, why: str) -> None:
    """
    End a claim that its agent has not ended, and write down why: `lease`, `offline`, `not here` or `full`.
    """
    note_event(
        work,
        conversation,
        EventKind.LEASE_RAN_OUT,
        HUBBUB,
        agent_id=conversation.agent_id,
        agent=conversation.agent_name,
        why=why,
    )
    conversation.agent_id = conversation.agent_name = None
    conversation.claimed_at = conversation.touched_at = None
    tell(work, conversation.id)


async def return_run_out(
    work: UnitOfWork, *, lease: timedelta, grace: timedelta, listening_since: datetime
) -> int:
    """
    Give claims that ran out back to the queue. Gives how many.

    Args:
        listening_since: since when signs of life could be heard; silence before that says nothing about anybody.
    """
    silent_since = work.now - grace if listening_since <= work.now - grace else None
    found = await dispatch_store.run_out(work, touched_before=work.now - lease, silent_since=silent_since)
    for conversation, offline in found:
        return_to_queue(work, conversation, "offline" if offline else "lease")
    return len(found)
