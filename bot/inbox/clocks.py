"""
Start, pause, resume and stop the clocks of a conversation. Acts; which promise holds is decided in `promises`.

The life of a clock::

    start --> running --pause--> paused --resume--> running      pause: we wait for the customer
              running --answer, resolve--> stopped (kept, breached)
              running --resolve without answer, drop--> stopped (dropped)

Each of these is a row in the event log, and `Conversation.due_at` is always the earliest deadline that runs.
Whoever calls has locked the conversation: clocks are only ever changed under that lock.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from datetime import datetime, timedelta

from bot.core.actor import HUBBUB
from bot.core.database import UnitOfWork
from bot.core.errors import NotFound
from bot.hours.rules import ALWAYS, NoHours, Schedule, add, between
from bot.hours.service import get_schedule
from bot.inbox import store
from bot.inbox.changes import note_event
from bot.inbox.promises import Terms, next_alarm, shares_passed
from bot.inbox.rules import RESPONSES, ClockKind, EventKind, Outcome, outcome
from bot.inbox.tables import Conversation, ConversationClock

CLOCKS_TOPIC = "clocks"
"""Tells every watch (bot.inbox.watch) that something may ring earlier than it thinks."""


async def start(
    work: UnitOfWork, conversation: Conversation, terms: Terms, kinds: Collection[ClockKind], at: datetime
) -> None:
    """
    Start the clocks of these kinds that are promised and do not run yet; one response clock at a time.
    """
    running = list(await store.running_clocks(work, conversation.id))
    for kind in kinds:
        run = {clock.kind for clock in running}
        taken = run & set(RESPONSES) if kind in RESPONSES else run & {kind}
        if not taken and kind in terms.lengths:
            running.append(await _start_one(work, conversation, terms, kind, at))
    conversation.due_at = _earliest(running)
    await work.session.flush()


async def _start_one(
    work: UnitOfWork, conversation: Conversation, terms: Terms, kind: ClockKind, at: datetime
) -> ConversationClock:
    length = terms.lengths[kind]
    schedule, due_at = await _deadline(work, terms.hours_id, at, length)
    clock = store.add_clock(
        work,
        conversation_id=conversation.id,
        kind=kind,
        policy_id=terms.policy_id,
        policy_name=terms.policy_name,
        policy_version=terms.version,
        hours_id=terms.hours_id,
        seconds=length.total_seconds(),
        warn_shares=list(terms.warn_shares),
        started_at=at,
        due_at=due_at,
    )
    _set_alarm(work, clock, schedule, at)
    note_event(
        work,
        conversation,
        EventKind.CLOCK_STARTED,
        HUBBUB,
        clock_id=clock.id,
        clock=kind,
        started_at=at.isoformat(),
        due_at=due_at.isoformat(),
        policy_id=terms.policy_id,
        policy=terms.policy_name,
        seconds=clock.seconds,
    )
    return clock


async def _schedule(work: UnitOfWork, hours_id: str | None) -> Schedule:
    try:
        return await get_schedule(work, hours_id)
    except NotFound:
        # Deleting hours that a clock counts in is refused; if they are gone all the same, the clock must go on.
        return ALWAYS


async def _deadline(
    work: UnitOfWork, hours_id: str | None, at: datetime, length: timedelta
) -> tuple[Schedule, datetime]:
    schedule = await _schedule(work, hours_id)
    try:
        return schedule, add(schedule, at, length)
    except NoHours:
        # Hours that never open again cannot keep a promise; the customer's time goes on all the same.
        return ALWAYS, at + length


async def pause(work: UnitOfWork, conversation: Conversation) -> None:
    """
    Stop counting while we wait for the customer; what is left is kept in time of the hours.
    """
    for clock in await store.running_clocks(work, conversation.id):
        if clock.paused_at is None:
            schedule = await _schedule(work, clock.hours_id)
            late = clock.due_at < work.now
            left = between(schedule, *sorted((work.now, clock.due_at)))
            clock.left_seconds = -left.total_seconds() if late else left.total_seconds()
            clock.paused_at = work.now
            if not late or clock.breached_at is not None:
                clock.alarm_at = None  # what is late already is still to be recorded
            _note(work, conversation, clock, EventKind.CLOCK_PAUSED)
    await refresh_due(work, conversation)


async def resume(work: UnitOfWork, conversation: Conversation, at: datetime) -> None:
    """
    Count on from an instant (when the customer wrote), with what was left; what was late stays late.
    """
    for clock in await store.running_clocks(work, conversation.id):
        if clock.paused_at is None:
            continue
        at_least = max(at, clock.paused_at)
        left = timedelta(seconds=clock.left_seconds or 0.0)
        clock.paused_at = clock.left_seconds = None
        if left > timedelta(0):
            schedule, clock.due_at = await _deadline(work, clock.hours_id, at_least, left)
            _set_alarm(work, clock, schedule, at_least)
        _note(work, conversation, clock, EventKind.CLOCK_RESUMED, due_at=clock.due_at.isoformat())
    await refresh_due(work, conversation)


async def answer(work: UnitOfWork, conversation: Conversation, at: datetime) -> None:
    """
    Stop the response clock: a person's answer has arrived.
    """
    await _stop(work, conversation, at, lambda clock: _judged(clock, at) if clock.kind in RESPONSES else None)


async def resolve(work: UnitOfWork, conversation: Conversation) -> None:
    """
    Stop everything: the resolution is kept or breached; an answer that nobody gave is dropped.
    """
    at = work.now
    await _stop(
        work,
        conversation,
        at,
        lambda clock: Outcome.DROPPED if clock.kind in RESPONSES else _judged(clock, at),
    )


async def drop(work: UnitOfWork, conversation: Conversation) -> None:
    """
    Stop everything and say nothing about the promise: spam, or merged into another conversation.
    """
    await _stop(work, conversation, work.now, lambda clock: Outcome.DROPPED)


async def drop_one(work: UnitOfWork, conversation: Conversation, clock: ConversationClock) -> None:
    """
    Stop one clock and say nothing about the promise: another one of its kind is due earlier.
    """
    await _stop(work, conversation, work.now, lambda one: Outcome.DROPPED if one.id == clock.id else None)


def _judged(clock: ConversationClock, at: datetime) -> Outcome:
    if clock.paused_at is None:
        return outcome(clock.due_at, at)
    return Outcome.KEPT if (clock.left_seconds or 0.0) >= 0 else Outcome.BREACHED


async def _stop(
    work: UnitOfWork,
    conversation: Conversation,
    at: datetime,
    judge: Callable[[ConversationClock], Outcome | None],
) -> None:
    for clock in await store.running_clocks(work, conversation.id):
        judged = judge(clock)
        if judged is None:
            continue
        clock.stopped_at, clock.outcome, clock.alarm_at = at, judged, None
        if judged is Outcome.BREACHED:
            clock.breached_at = clock.breached_at or clock.due_at
        elif judged is Outcome.KEPT:
            clock.breached_at = None  # the answer was on its way when the deadline passed
        _note(
            work,
            conversation,
            clock,
            EventKind.CLOCK_STOPPED,
            outcome=judged,
            started_at=clock.started_at.isoformat(),
            due_at=clock.due_at.isoformat(),
            at=at.isoformat(),
        )
    await refresh_due(work, conversation)


async def move(work: UnitOfWork, conversation: Conversation, terms: Terms, *, why: str) -> None:
    """
    Give the running clocks of a policy its new promise, counted from where they began.

    What was warned of or breached before is not taken back; a kind that is no longer promised runs to its end as
    it was promised.
    """
    for clock in await store.running_clocks(work, conversation.id):
        length = terms.lengths.get(ClockKind(clock.kind))
        if clock.policy_id != terms.policy_id or clock.policy_version >= terms.version:
            continue
        clock.policy_version = terms.version
        if length is None:
            continue
        await _promise_anew(work, clock, terms, length)
        _note(
            work,
            conversation,
            clock,
            EventKind.CLOCK_MOVED,
            due_at=clock.due_at.isoformat(),
            policy_id=terms.policy_id,
            policy=terms.policy_name,
            seconds=clock.seconds,
            why=why,
        )
    await refresh_due(work, conversation)


async def _promise_anew(work: UnitOfWork, clock: ConversationClock, terms: Terms, length: timedelta) -> None:
    more = length.total_seconds() - clock.seconds
    clock.policy_name, clock.hours_id, clock.seconds = terms.policy_name, terms.hours_id, length.total_seconds()
    clock.warn_shares = list(terms.warn_shares)
    if clock.paused_at is not None:
        clock.left_seconds = (clock.left_seconds or 0.0) + more
        return
    schedule, clock.due_at = await _deadline(work, clock.hours_id, clock.started_at, length)
    clock.warned = shares_passed(
        schedule, at=work.now, due_at=clock.due_at, length=length, shares=clock.warn_shares
    )
    if clock.breached_at is None or clock.due_at > work.now:
        clock.breached_at = None
        _set_alarm(work, clock, schedule, work.now)


def _set_alarm(work: UnitOfWork, clock: ConversationClock, schedule: Schedule, at: datetime) -> None:
    clock.alarm_at = next_alarm(
        schedule,
        at=at,
        due_at=clock.due_at,
        length=timedelta(seconds=clock.seconds),
        shares=clock.warn_shares,
    )
    work.publish(CLOCKS_TOPIC, {"alarm_at": clock.alarm_at.isoformat()})


async def ring(work: UnitOfWork, conversation: Conversation, clock: ConversationClock) -> EventKind | None:
    """
    Record a breach that is due, with its true time, or else a warning; set the next alarm. None: it was too early.
    """
    schedule, length = await _schedule(work, clock.hours_id), timedelta(seconds=clock.seconds)
    if clock.due_at <= work.now:
        clock.breached_at, clock.alarm_at = clock.due_at, None
        _note(work, conversation, clock, EventKind.CLOCK_BREACHED, due_at=clock.due_at.isoformat())
        return EventKind.CLOCK_BREACHED
    shares = clock.warn_shares
    passed = shares_passed(schedule, at=work.now, due_at=clock.due_at, length=length, shares=shares)
    _set_alarm(work, clock, schedule, work.now)
    if passed <= clock.warned:
        return None
    clock.warned = passed
    share = shares[passed - 1]
    _note(work, conversation, clock, EventKind.CLOCK_WARNED, share=share, due_at=clock.due_at.isoformat())
    return EventKind.CLOCK_WARNED


async def refresh_due(work: UnitOfWork, conversation: Conversation) -> None:
    """
    Let the conversation show the earliest deadline that runs.
    """
    await work.session.flush()
    conversation.due_at = _earliest(await store.running_clocks(work, conversation.id))


def _earliest(running: Iterable[ConversationClock]) -> datetime | None:
    return min((clock.due_at for clock in running if clock.paused_at is None), default=None)


def _note(
    work: UnitOfWork, conversation: Conversation, clock: ConversationClock, kind: EventKind, **detail: object
) -> None:
    note_event(work, conversation, kind, HUBBUB, clock_id=clock.id, clock=clock.kind, **detail)
