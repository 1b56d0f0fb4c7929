"""
The simulated day: that it draws what it says, that people answer as people can, and what each order keeps.
"""

from __future__ import annotations

import statistics

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.reports.simulation import (
    HOUR,
    HOURS,
    USUAL_BURSTS,
    Burst,
    Order,
    Plan,
    Request,
    Shift,
    Waiting,
    backlog,
    compare,
    judge,
    load,
    make_day,
    simulate,
)

REACH = 300.0


def request(number: int, written: float, work: float = 60.0, alike: int = 0, promise: float = 900.0) -> Request:
    return Request(number=number, written=written, heard=written, due=written + promise, work=work, alike=alike)


def people(count: int) -> list[Shift]:
    return [Shift(begins=0.0)] * count


def test_a_day_has_its_hours_its_handling_time_and_is_drawn_again_alike() -> None:
    plan = Plan(requests=20_000, handling=80.0)
    day = make_day(plan, 7)
    assert day == make_day(plan, 7)
    assert day != make_day(plan, 8)
    of_ten = sum(10 <= one.written / HOUR < 11 for one in day) / len(day)
    assert of_ten == pytest.approx(HOURS[10] / sum(HOURS[hour] for hour in range(9, 17)), rel=0.05)
    assert statistics.fmean(one.work for one in day) == pytest.approx(80.0, rel=0.05)
    assert statistics.median(one.work for one in day) == pytest.approx(80.0 * 114 / 188, rel=0.05)
    assert all(0 <= one.heard - one.written <= 60 for one in day)
    assert load(day, 30, 8) == pytest.approx(20_000 * 80 / 864_000, rel=0.05)


def test_a_burst_brings_its_share_and_most_of_it_is_alike() -> None:
    burst = Burst(name="outage", at=14 * HOUR, share=0.2, fades=600.0)
    day = make_day(Plan(requests=10_000, bursts=(burst,)), 3)
    alike = [one for one in day if one.alike == 1]
    assert len(alike) == pytest.approx(10_000 * 0.2 * 0.8, rel=0.1)
    assert min(one.written for one in alike) >= 14 * HOUR
    assert statistics.fmean(one.written for one in alike) == pytest.approx(14 * HOUR + 600, abs=60)


@settings(max_examples=60)
@given(
    st.lists(st.tuples(st.integers(0, 3000), st.integers(1, 600), st.integers(0, 2)), min_size=1, max_size=40),
    st.integers(1, 4),
    st.sampled_from(Order),
)
def test_everybody_is_answered_once_after_asking_and_nobody_does_two_things_at_once(
    asked: list[tuple[int, int, int]], count: int, order: Order
) -> None:
    day = sorted(
        (request(number, written, work, alike) for number, (written, work, alike) in enumerate(asked)),
        key=lambda one: one.heard,
    )
    answers = simulate(day, people(count), Waiting(order, REACH))
    assert sorted(answer.request.number for answer in answers) == list(range(len(asked)))
    assert all(answer.at >= answer.request.heard for answer in answers)
    if order is not Order.GROUPED:
        starts = sorted((answer.at - answer.request.work, answer.at) for answer in answers)
        for begin, _ in starts:
            assert sum(other <= begin + 1e-6 < end - 1e-6 for other, end in starts) <= count


def test_with_time_for_all_the_orders_keep_the_same() -> None:
    day = make_day(Plan(requests=500, handling=60.0), 1)
    kept = {result.kept for result in compare(day, people(8), REACH)}
    assert kept == {sum(one.heard - one.written + one.work <= 900 for one in day) / len(day)}


def test_one_person_too_much_work_first_in_first_out_loses_all_and_ours_what_must_be_lost() -> None:
    day = [request(number, 0.0) for number in range(20)] + [request(20 + n, 60.0 * n) for n in range(100)]
    day = sorted(day, key=lambda one: one.heard)
    fifo, _, ours, _ = compare(day, people(1), 60.0)
    assert fifo.kept is not None
    assert ours.kept is not None
    assert fifo.kept < 0.2
    assert ours.kept > 0.85
    assert fifo.average == pytest.approx(ours.average), (
        "the same work by the same people: the average cannot differ"
    )


def test_alike_requests_are_answered_together_and_each_at_the_end() -> None:
    day = [request(0, 0.0, 100.0), request(1, 1.0, alike=1), request(2, 2.0), request(3, 3.0, alike=1)]
    answers = {one.request.number: one.at for one in simulate(day, people(1), Waiting(Order.GROUPED, REACH))}
    assert answers == {0: 100.0, 1: 165.0, 3: 165.0, 2: 225.0}


def test_who_goes_home_finishes_and_what_is_left_is_not_kept() -> None:
    day = [request(number, 0.0) for number in range(3)]
    answers = simulate(day, [Shift(begins=0.0, ends=90.0)], Waiting(Order.OURS, REACH))
    assert [answer.at for answer in answers] == [60.0, 120.0]
    result = judge(Order.OURS, day, answers)
    assert (result.kept, result.unanswered) == (2 / 3, 1)
    assert backlog(day, answers, [0.0, 59.0, 60.0, 500.0]) == [3, 3, 2, 1]


def test_the_same_people_keep_95_of_100_where_first_in_first_out_keeps_less_than_half() -> None:
    day = make_day(Plan(requests=10_000, handling=85.0, bursts=USUAL_BURSTS), 1)
    fifo, oldest, ours, grouped = compare(day, [Shift(begins=9 * HOUR)] * 30, REACH)
    assert fifo.kept is not None
    assert oldest.kept is not None
    assert ours.kept is not None
    assert grouped.kept is not None
    assert fifo.kept < 0.5
    assert oldest.kept < 0.5
    assert ours.kept >= 0.95
    assert grouped.kept >= 0.99
