"""
Fold the events of one conversation into its clocks and its words. Decides; no I/O.

A conversation is always folded as a whole, from its first event: so reading it twice, or while it goes on, can
never count anything twice.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, Protocol

from bot.inbox.rules import EventKind, Outcome

QUARTER = timedelta(minutes=15)
EPOCH = datetime.fromisoformat("1970-01-01T00:00:00+00:00")
ANSWERED = frozenset({Outcome.KEPT, Outcome.BREACHED})


class Event(Protocol):
    """
    A row of the event log.
    """

    id: str
    at: datetime
    kind: str
    actor_id: str
    actor_name: str
    detail: dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Clock:
    """
    One promise and how it ended.

    Args:
        due_at: None while paused.
        paused: for how long it did not count, without the pause that goes on.
    """

    clock_id: str
    clock: str
    started_at: datetime
    due_at: datetime | None
    paused_at: datetime | None = None
    paused: timedelta = timedelta(0)
    stopped_at: datetime | None = None
    outcome: str = Outcome.RUNNING
    agent_id: str = ""
    agent_name: str = ""

    @property
    def seconds(self) -> int | None:
        """
        Give how long the customer waited for an answer, in whole seconds; None if nobody answered (yet).
        """
        if self.stopped_at is None or self.outcome not in ANSWERED:
            return None
        return max((self.stopped_at - self.started_at - self.paused) // timedelta(seconds=1), 0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Word:
    """
    One word of a customer (when we heard it), or one answer of ours (when it arrived).
    """

    event_id: str
    direction: str
    at: datetime
    agent_id: str = ""
    begun_at: datetime | None = None
    done_at: datetime | None = None


@dataclass(slots=True)
class Story:
    """
    What a conversation comes to.
    """

    clocks: dict[str, Clock] = field(default_factory=dict)
    words: list[Word] = field(default_factory=list)


@dataclass(slots=True)
class _Now:
    """
    Where the story stands: who has the conversation since when, what they sent off, whose answer arrived last.
    """

    taken_at: datetime | None = None
    sent_off: dict[str, datetime] = field(default_factory=dict)
    answered_by: tuple[str, str] = ("", "")


def quarter_of(at: datetime) -> int:
    """
    Number the quarter of an hour that an instant is in.
    """
    return (at - EPOCH) // QUARTER


def instant_of(quarter: int) -> datetime:
    """
    Give the beginning of a quarter of an hour.
    """
    return EPOCH + quarter * QUARTER


def fold(events: Iterable[Event]) -> Story:
    """
    Tell the story of one conversation from its events, oldest first.
    """
    story, now = Story(), _Now()
    for event in events:
        _word(story, now, event)
        clock = _clock(story, now, event)
        if clock is not None:
            story.clocks[clock.clock_id] = clock
    return story


def _word(story: Story, now: _Now, event: Event) -> None:
    detail = event.detail
    match event.kind:
        case EventKind.MESSAGE_IN if not detail.get("automatic"):
            story.words.append(Word(event_id=event.id, direction="in", at=event.at))
        case EventKind.CLAIMED | EventKind.HANDED_OVER:
            now.taken_at = event.at
        case EventKind.REPLIED if not detail.get("automatic"):
            now.sent_off[str(detail.get("message_id"))] = event.at
        case EventKind.ANSWERED if not detail.get("automatic"):  # S5: a machine's answer is none
            now.answered_by = (str(detail.get("by_id", "")), str(detail.get("by", "")))
            story.words.append(_answer(now, event))
            now.taken_at = None


def _answer(now: _Now, event: Event) -> Word:
    return Word(
        event_id=event.id,
        direction="out",
        at=_instant(event.detail, "at") or event.at,
        agent_id=now.answered_by[0],
        begun_at=now.taken_at,
        done_at=now.sent_off.get(str(event.detail.get("message_id"))),
    )


def _clock(story: Story, now: _Now, event: Event) -> Clock | None:
    detail = event.detail
    clock_id = str(detail.get("clock_id", ""))
    if event.kind == EventKind.CLOCK_STARTED:
        started_at = _instant(detail, "started_at") or event.at
        due_at = _instant(detail, "due_at")
        return Clock(clock_id=clock_id, clock=str(detail["clock"]), started_at=started_at, due_at=due_at)
    clock = story.clocks.get(clock_id)
    if clock is None:
        return None
    match event.kind:
        case EventKind.CLOCK_PAUSED:
            return replace(clock, paused_at=event.at, due_at=None)
        case EventKind.CLOCK_RESUMED:
            return replace(_counting(clock, event.at), due_at=_instant(detail, "due_at"))
        case EventKind.CLOCK_MOVED:
            return clock if clock.paused_at is not None else replace(clock, due_at=_instant(detail, "due_at"))
        case EventKind.CLOCK_STOPPED:
            return _stopped(clock, now, event)
        case _:
            return None


def _counting(clock: Clock, at: datetime) -> Clock:
    pause = at - clock.paused_at if clock.paused_at is not None else timedelta(0)
    return replace(clock, paused_at=None, paused=clock.paused + max(pause, timedelta(0)))


def _stopped(clock: Clock, now: _Now, event: Event) -> Clock:
    stopped_at, outcome = _instant(event.detail, "at") or event.at, str(event.detail["outcome"])
    by = now.answered_by if outcome in ANSWERED else ("", "")
    return replace(
        _counting(clock, stopped_at),
        stopped_at=stopped_at,
        outcome=outcome,
        due_at=_instant(event.detail, "due_at"),
        agent_id=by[0],
        agent_name=by[1],
    )


def _instant(detail: Mapping[str, Any], name: str) -> datetime | None:
    text = detail.get(name)
    return datetime.fromisoformat(text) if isinstance(text, str) else None
