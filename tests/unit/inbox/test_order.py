"""
Who is answered next: that nothing keeps more promises, and that nobody waits for ever.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.inbox.order import FAIR, USUAL_REACH, Walk, is_calm, line, reach_of, walks

NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
WORK = MINUTE
JUST_ENOUGH = WORK - timedelta(microseconds=1)  # who is due exactly when the answer arrives is answered in time


def walk_of(due_at: datetime | None, now: datetime, reach: timedelta) -> Walk:
    """
    Say in which part of the queue a conversation stands: the same parting that the database makes.
    """
    if due_at is None:
        return Walk.UNDATED
    return Walk.IN_TIME if due_at > line(now, reach) else Walk.LATE


def hand_out(waiting: Iterable[datetime], now: datetime, reach: timedelta, number: int) -> datetime:
    for walk in walks(number):
        found = sorted(due for due in waiting if walk_of(due, now, reach) is walk)
        if found:
            return found[0]
    raise AssertionError("nothing waits")


def kept_by_ours(deadlines: Sequence[datetime]) -> int:
    waiting, now, kept = list(deadlines), NOW, 0
    for number in range(1, len(deadlines) + 1):
        due = hand_out(waiting, now, JUST_ENOUGH, number)
        waiting.remove(due)
        now += WORK
        kept += now <= due
    return kept


def kept_in_this_order(deadlines: Sequence[datetime]) -> int:
    return sum(NOW + WORK * place <= due for place, due in enumerate(deadlines, 1))


@given(st.lists(st.integers(min_value=-3, max_value=8), min_size=1, max_size=6))
def test_no_other_order_keeps_more_promises(minutes: list[int]) -> None:
    deadlines = [NOW + MINUTE * minute for minute in minutes]
    best = max(kept_in_this_order(order) for order in itertools.permutations(deadlines))
    assert kept_by_ours(deadlines) == best


def test_giving_up_what_is_lost_keeps_what_the_deadline_alone_would_lose() -> None:
    deadlines = [NOW + MINUTE * 0.9, NOW + MINUTE * 1.9, NOW + MINUTE * 2.9, NOW + MINUTE * 3]
    assert kept_in_this_order(deadlines) == 0, "earliest deadline first is too late for each of them"
    assert kept_by_ours(deadlines) == 3


@given(st.integers(min_value=1, max_value=40), st.integers(min_value=0, max_value=FAIR))
def test_the_nth_of_the_late_is_handed_out_within_a_bound(late: int, begin: int) -> None:
    waiting = [NOW - MINUTE * (late - place) for place in range(late)]
    longest_late_first = sorted(waiting)
    handed: list[datetime] = []
    for step in range(1, FAIR * late + 1):
        due = hand_out([*waiting, NOW + MINUTE * 14], NOW, MINUTE, begin + step)  # fresh ones without end
        if due in waiting:
            waiting.remove(due)
            handed.append(due)
            assert step <= FAIR * len(handed)
    assert handed == longest_late_first


@given(st.integers(min_value=1, max_value=10**6))
def test_every_hand_out_looks_everywhere(number: int) -> None:
    order = walks(number)
    assert sorted(order) == sorted(Walk)
    assert order[-1] is Walk.UNDATED, "whom nothing was promised comes after whom something was"
    assert (order[0] is Walk.LATE) is (number % FAIR == 0)


@pytest.mark.parametrize(
    ("due_at", "walk"),
    [
        (None, Walk.UNDATED),
        (NOW - MINUTE, Walk.LATE),
        (NOW + MINUTE, Walk.LATE),
        (NOW + MINUTE + timedelta(microseconds=1), Walk.IN_TIME),
    ],
)
def test_the_line_is_a_reach_before_the_deadline(due_at: datetime | None, walk: Walk) -> None:
    assert walk_of(due_at, NOW, MINUTE) is walk
    assert line(NOW, MINUTE) == NOW + MINUTE


def test_a_reach_is_what_was_measured_and_never_more_than_its_share_of_the_promise() -> None:
    assert reach_of(MINUTE * 15) == USUAL_REACH
    assert reach_of(MINUTE * 15, MINUTE * 2) == MINUTE * 2
    assert reach_of(MINUTE * 15, MINUTE * 20) == MINUTE * 5
    assert reach_of(MINUTE * 3) == MINUTE


def test_it_is_calm_when_the_next_in_time_stands_a_usual_answer_behind_the_line() -> None:
    assert is_calm(None, NOW, 5 * MINUTE)
    assert is_calm(NOW + timedelta(minutes=8, seconds=1), NOW, 6 * MINUTE)
    assert not is_calm(NOW + 8 * MINUTE, NOW, 6 * MINUTE)
    assert not is_calm(NOW + timedelta(minutes=5, seconds=1), NOW, 5 * MINUTE)
