"""
The clocks of two conversations that become one, or one that becomes two: of each kind the earlier due goes on.

A clock keeps its id and its promise wherever it goes. What is dropped here runs again when the merge is undone,
unless the customer was answered meanwhile: then it is judged by that answer.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from bot.core.actor import HUBBUB
from bot.core.database import UnitOfWork
from bot.inbox import clocks, store
from bot.inbox.changes import note_event
from bot.inbox.rules import RESPONSES, EventKind, Outcome, State, outcome
from bot.inbox.tables import Conversation, ConversationClock

INSTANTS = ("due_at", "alarm_at", "paused_at", "breached_at")
KEPT = (*INSTANTS, "left_seconds", "warned")
Did = dict[str, Any]


async def join(work: UnitOfWork, source: Conversation, into: Conversation) -> list[Did]:
    """
    Let the clocks of `source` run in `into`. Gives what was done to each, for `part`.
    """
    done: list[Did] = []
    theirs = {_group(clock.kind): clock for clock in await store.running_clocks(work, into.id)}
    done += [{"clock_id": clock.id, "did": "stayed", "before": _written(clock)} for clock in theirs.values()]
    for clock in await store.running_clocks(work, source.id):
        other = theirs.get(_group(clock.kind))
        if other is not None and _due(work, other) <= _due(work, clock):
            done.append(await _drop(work, source, clock, by=other))
            continue
        if other is not None:
            done.append(await _drop(work, into, other, by=clock))
        done.append(await _carry(work, clock, into))
    await clocks.refresh_due(work, source)
    await clocks.refresh_due(work, into)
    return done


async def hand_over(work: UnitOfWork, source: Conversation, into: Conversation) -> list[Did]:
    """
    Let the response clock of one conversation run in a new one: what it waits for has gone there.
    """
    running = await store.running_clocks(work, source.id)
    return [await _carry(work, clock, into) for clock in running if clock.kind in RESPONSES]


async def follow_state(work: UnitOfWork, conversation: Conversation, done: list[Did]) -> None:
    """
    Let clocks pause or run as the state of their conversation says, and note what they are then.
    """
    if conversation.state == State.PENDING:
        await clocks.pause(work, conversation)
    else:
        await clocks.resume(work, conversation, work.now)
    running = {clock.id: clock for clock in await store.running_clocks(work, conversation.id)}
    for one in done:
        if one["clock_id"] in running:
            one["after"] = _written(running[one["clock_id"]])


async def part(work: UnitOfWork, done: list[Did], source: Conversation, into: Conversation) -> None:
    """
    Take back what `join` did, the last first.
    """
    for one in reversed(done):
        clock = await store.find_clock(work, one["clock_id"])
        if clock is None:
            continue
        if one["did"] == "carried":
            clock.conversation_id = source.id
            await work.session.flush()
        if one["did"] != "dropped":
            _give_back(clock, one)
        elif clock.outcome == Outcome.DROPPED:
            await _run_again(work, clock, one, source if clock.conversation_id == source.id else into)


def _group(kind: str) -> str:
    return "response" if kind in RESPONSES else kind


def _due(work: UnitOfWork, clock: ConversationClock) -> datetime:
    return clock.due_at if clock.paused_at is None else work.now + timedelta(seconds=clock.left_seconds or 0.0)


def _written(clock: ConversationClock) -> Did:
    found = {name: getattr(clock, name) for name in KEPT}
    return {name: value.isoformat() if isinstance(value, datetime) else value for name, value in found.items()}


async def _carry(work: UnitOfWork, clock: ConversationClock, into: Conversation) -> Did:
    before = _written(clock)
    clock.conversation_id = into.id
    await work.session.flush()
    _note(work, into, clock, EventKind.CLOCK_MOVED, why="merged")
    return {"clock_id": clock.id, "did": "carried", "before": before}


async def _drop(
    work: UnitOfWork, conversation: Conversation, clock: ConversationClock, *, by: ConversationClock
) -> Did:
    before = _written(clock)
    await clocks.drop_one(work, conversation, clock)
    return {"clock_id": clock.id, "did": "dropped", "before": before, "by": by.id}


def _give_back(clock: ConversationClock, one: Did) -> None:
    # Paused or resumed with its new conversation, or not; what happened to it since then stays.
    if clock.stopped_at is not None or _written(clock) != one.get("after", _written(clock)):
        return
    for name in KEPT:
        value = one["before"][name]
        setattr(clock, name, datetime.fromisoformat(value) if name in INSTANTS and value else value)


async def _run_again(work: UnitOfWork, clock: ConversationClock, one: Did, conversation: Conversation) -> None:
    by = await store.find_clock(work, one["by"])
    if by is not None and by.stopped_at is not None and by.outcome in (Outcome.KEPT, Outcome.BREACHED):
        clock.stopped_at, clock.outcome = by.stopped_at, outcome(clock.due_at, by.stopped_at)
        return
    running = {_group(other.kind) for other in await store.running_clocks(work, conversation.id)}
    if _group(clock.kind) in running:
        return
    clock.stopped_at, clock.outcome = None, Outcome.RUNNING
    _give_back(clock, one)
    await work.session.flush()
    _note(work, conversation, clock, EventKind.CLOCK_RESUMED)
    if clock.alarm_at is not None:
        work.publish(clocks.CLOCKS_TOPIC, {"alarm_at": clock.alarm_at.isoformat()})


def _note(
    work: UnitOfWork, conversation: Conversation, clock: ConversationClock, kind: EventKind, **detail: Any
) -> None:
    words = {
        "clock_id": clock.id,
        "clock": clock.kind,
        "due_at": clock.due_at.isoformat(),
        "policy_id": clock.policy_id,
        "policy": clock.policy_name,
        "seconds": clock.seconds,
        **detail,
    }
    note_event(work, conversation, kind, HUBBUB, **words)
