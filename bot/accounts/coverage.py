"""
Which spans of time of a stream were heard, which were not, and why. Pure.

A line of spans is ordered, without overlap and without hole, from the instant the account was connected::

    heard ──── pending (the server did not answer) ──── now
    heard ──── late    (the server did not answer) ──── heard ──── now     the next fetch brought what was missed
    heard ──── lost    (the server forgot)         ──── heard ──── now     it could not

pending -> late    a later fetch, which goes on at the cursor, brought it
pending -> heard   the same, so soon that nobody had to wait for it
any     -> lost    the channel said that this span can never be heard
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from itertools import pairwise

NOBODY_LISTENED = "Hubbub was not running or the account was stopped"


class SpanState(StrEnum):
    """
    What is known about a span of time.
    """

    HEARD = "heard"
    LATE = "late"  # heard, but long after it happened
    PENDING = "pending"  # not heard yet
    LOST = "lost"  # never will be


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """
    A span of time, `until` not included.
    """

    since: datetime
    until: datetime
    state: SpanState
    reason: str = ""


def heard_to(
    spans: Sequence[Span], *, since: datetime, asked_at: datetime, late_after: timedelta
) -> tuple[Span, ...]:
    """
    Record a complete answer: everything from `since` to `asked_at` is heard now.

    Args:
        since: until when the stream had been heard before.
        late_after: what was heard within this time after it happened counts as heard in time.
    """
    line = _fill(spans, since, asked_at, SpanState.PENDING, NOBODY_LISTENED)
    done = [_settled(span, asked_at, late_after) if span.state is SpanState.PENDING else span for span in line]
    return _merged(done)


def waiting_to(spans: Sequence[Span], *, since: datetime, now: datetime, reason: str) -> tuple[Span, ...]:
    """
    Record that what is not covered up to `now` was not heard yet, and why.
    """
    return _merged(_fill(spans, since, now, SpanState.PENDING, reason))


def lost(spans: Sequence[Span], gaps: Iterable[tuple[datetime, datetime, str]]) -> tuple[Span, ...]:
    """
    Paint over what can never be heard, as far as the line goes.
    """
    line = list(spans)
    for since, until, reason in gaps:
        if line:
            clipped_since, clipped_until = max(since, line[0].since), min(until, line[-1].until)
            if clipped_since < clipped_until:
                new = Span(since=clipped_since, until=clipped_until, state=SpanState.LOST, reason=reason)
                line = [*_before(line, new.since), new, *_after(line, new.until)]
    return _merged(line)


def completed(
    spans: Sequence[Span], *, since: datetime, now: datetime, reason: str, late_after: timedelta
) -> tuple[Span, ...]:
    """
    Give the line up to `now` for looking at: the next poll being due is no reason to call the end unheard.

    Args:
        reason: why nothing was asked for since, if it is longer ago than `late_after`.
    """
    end = spans[-1].until if spans else since
    if spans and spans[-1].state is SpanState.HEARD and now - end <= late_after:
        return (*spans[:-1], replace(spans[-1], until=max(now, end)))
    return waiting_to(spans, since=since, now=now, reason=reason)


def is_line(spans: Sequence[Span]) -> bool:
    """
    Say whether spans are ordered, without overlap, without hole and none empty: what all functions here keep.
    """
    joined = all(one.until == next_one.since for one, next_one in pairwise(spans))
    return joined and all(span.since < span.until for span in spans)


def totals(spans: Iterable[Span]) -> dict[SpanState, timedelta]:
    """
    Sum up how long each state lasted.
    """
    sums = dict.fromkeys(SpanState, timedelta(0))
    for span in spans:
        sums[span.state] += span.until - span.since
    return sums


def clipped(spans: Iterable[Span], since: datetime) -> tuple[Span, ...]:
    """
    Cut off what lies before `since`.
    """
    return tuple(_after(list(spans), since))


def _settled(span: Span, asked_at: datetime, late_after: timedelta) -> Span:
    if asked_at - span.since <= late_after:
        return replace(span, state=SpanState.HEARD, reason="")
    return replace(span, state=SpanState.LATE)


def _fill(spans: Sequence[Span], since: datetime, until: datetime, state: SpanState, reason: str) -> list[Span]:
    """
    Add a span from the end of the line (or from `since` where there is no line yet) to `until`.
    """
    end = spans[-1].until if spans else since
    return [*spans, Span(since=end, until=until, state=state, reason=reason)] if end < until else list(spans)


def _before(line: Sequence[Span], at: datetime) -> list[Span]:
    return [replace(span, until=min(span.until, at)) for span in line if span.since < at]


def _after(line: Sequence[Span], at: datetime) -> list[Span]:
    return [replace(span, since=max(span.since, at)) for span in line if span.until > at]


def _merged(spans: Iterable[Span]) -> tuple[Span, ...]:
    line: list[Span] = []
    for span in spans:
        if line and (line[-1].state, line[-1].reason) == (span.state, span.reason):
            line[-1] = replace(line[-1], until=span.until)
        else:
            line.append(span)
    return tuple(line)
