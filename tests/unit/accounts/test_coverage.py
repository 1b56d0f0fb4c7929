"""
The line of coverage: what was heard, late, not yet, or never.
"""

from __future__ import annotations

from datetime import timedelta
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from bot.accounts.coverage import (
    NOBODY_LISTENED,
    Span,
    SpanState,
    clipped,
    completed,
    heard_to,
    is_line,
    lost,
    totals,
    waiting_to,
)
from tests.fakes.clock import START

SECOND, MINUTE, HOUR = timedelta(seconds=1), timedelta(minutes=1), timedelta(hours=1)
LATE = 2 * MINUTE
DOWN = "the server did not answer"


def _states(spans: tuple[Span, ...]) -> list[tuple[SpanState, timedelta]]:
    return [(span.state, span.until - span.since) for span in spans]


def test_polls_in_time_make_one_span() -> None:
    spans: tuple[Span, ...] = ()
    for minute in range(1, 61):
        at = START + minute * MINUTE
        spans = heard_to(spans, since=at - MINUTE, asked_at=at, late_after=LATE)
    assert _states(spans) == [(SpanState.HEARD, HOUR)]


def test_I3_an_outage_of_72_hours_is_pending_and_then_heard_late() -> None:
    spans = heard_to((), since=START, asked_at=START + MINUTE, late_after=LATE)
    for hour in range(1, 73):
        spans = waiting_to(spans, since=START + MINUTE, now=START + hour * HOUR, reason=DOWN)
    assert _states(spans)[-1] == (SpanState.PENDING, 72 * HOUR - MINUTE)
    spans = heard_to(spans, since=START + MINUTE, asked_at=START + 72 * HOUR + MINUTE, late_after=LATE)
    assert [span.state for span in spans] == [SpanState.HEARD, SpanState.LATE, SpanState.HEARD]
    assert spans[1].reason == DOWN


def test_a_blip_that_nobody_waited_for_leaves_no_trace() -> None:
    spans = heard_to((), since=START, asked_at=START + MINUTE, late_after=LATE)
    spans = waiting_to(spans, since=START + MINUTE, now=START + 75 * SECOND, reason=DOWN)
    spans = heard_to(spans, since=START + MINUTE, asked_at=START + 90 * SECOND, late_after=LATE)
    assert _states(spans) == [(SpanState.HEARD, 90 * SECOND)]


def test_time_in_which_nobody_listened_is_late_too() -> None:
    spans = heard_to((), since=START, asked_at=START + MINUTE, late_after=LATE)
    spans = heard_to(spans, since=START + MINUTE, asked_at=START + HOUR, late_after=LATE)
    assert spans[-1].state is SpanState.LATE
    assert spans[-1].reason == NOBODY_LISTENED


def test_I11_a_gap_the_channel_tells_of_stays_lost() -> None:
    spans = heard_to((), since=START, asked_at=START + HOUR, late_after=2 * HOUR)
    spans = lost(spans, [(START + 10 * MINUTE, START + 20 * MINUTE, "quota used up")])
    spans = heard_to(spans, since=START + HOUR, asked_at=START + 2 * HOUR, late_after=2 * HOUR)
    assert [span.state for span in spans] == [SpanState.HEARD, SpanState.LOST, SpanState.HEARD]
    assert totals(spans)[SpanState.LOST] == 10 * MINUTE


def test_a_gap_is_clipped_to_the_line() -> None:
    spans = heard_to((), since=START, asked_at=START + MINUTE, late_after=LATE)
    assert _states(lost(spans, [(START - HOUR, START + HOUR, "forgot")])) == [(SpanState.LOST, MINUTE)]
    assert lost(spans, [(START + HOUR, START + 2 * HOUR, "later")]) == spans
    assert lost((), [(START, START + HOUR, "no line yet")]) == ()


def test_the_shown_line_reaches_now() -> None:
    spans = heard_to((), since=START, asked_at=START + MINUTE, late_after=LATE)
    soon = completed(spans, since=START, now=START + 2 * MINUTE, reason=DOWN, late_after=LATE)
    assert _states(soon) == [(SpanState.HEARD, 2 * MINUTE)]
    later = completed(spans, since=START, now=START + HOUR, reason=DOWN, late_after=LATE)
    assert _states(later) == [(SpanState.HEARD, MINUTE), (SpanState.PENDING, 59 * MINUTE)]
    never = completed((), since=START, now=START + HOUR, reason=DOWN, late_after=LATE)
    assert _states(never) == [(SpanState.PENDING, HOUR)]


def test_what_lies_before_the_window_is_cut_off() -> None:
    spans = heard_to((), since=START, asked_at=START + HOUR, late_after=2 * HOUR)
    assert _states(clipped(spans, START + 50 * MINUTE)) == [(SpanState.HEARD, 10 * MINUTE)]
    assert clipped(spans, START + HOUR) == ()


EVENTS = st.lists(
    st.tuples(
        st.sampled_from(["heard", "waiting", "silence", "gap"]),
        st.integers(0, 600),  # seconds that passed
        st.integers(-1_000, 1_000),  # where a gap begins, from now
        st.integers(0, 1_000),  # how long it is
        st.sampled_from([DOWN, "throttled"]),
    ),
    max_size=40,
)


@given(EVENTS)
def test_spans_never_overlap_and_cover_everything_since_connecting(
    events: list[tuple[str, int, int, int, str]],
) -> None:
    spans: tuple[Span, ...] = ()
    now = heard_until = START
    for what, passed, begins, length, reason in events:
        now += timedelta(seconds=passed)
        if what == "heard":
            spans = heard_to(spans, since=heard_until, asked_at=now, late_after=LATE)
            heard_until = now
        elif what == "waiting":
            spans = waiting_to(spans, since=heard_until, now=now, reason=reason)
        elif what == "gap":
            gap_since = now + timedelta(seconds=begins)
            spans = lost(spans, [(gap_since, gap_since + timedelta(seconds=length), reason)])
        assert is_line(spans)
        assert all(one[:2] != two[:2] for one, two in _neighbours(spans)), "equal neighbours are one span"
        if spans:
            assert spans[0].since == START
            assert spans[-1].until <= now
        assert all(span.state is not SpanState.PENDING for span in spans if span.until <= heard_until)
    shown = completed(spans, since=START, now=now, reason="", late_after=LATE)
    assert is_line(shown)
    assert sum(totals(shown).values(), timedelta(0)) == now - START


@given(EVENTS)
def test_what_is_lost_never_becomes_heard(events: list[tuple[str, int, int, int, str]]) -> None:
    spans: tuple[Span, ...] = ()
    now, gone = START, timedelta(0)
    for what, passed, begins, length, reason in events:
        now += timedelta(seconds=passed)
        if what == "gap":
            gap_since = now + timedelta(seconds=begins)
            spans = lost(spans, [(gap_since, gap_since + timedelta(seconds=length), reason)])
        elif what == "heard":
            spans = heard_to(spans, since=START, asked_at=now, late_after=LATE)
        assert totals(spans)[SpanState.LOST] >= gone
        gone = totals(spans)[SpanState.LOST]


def _neighbours(
    spans: tuple[Span, ...],
) -> list[tuple[tuple[SpanState, str], tuple[SpanState, str]]]:
    keys = [(span.state, span.reason) for span in spans]
    return list(pairwise(keys))
