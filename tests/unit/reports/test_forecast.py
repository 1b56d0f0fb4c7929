"""
The forecast: what comes, when the promise breaks, and that the people it asks for keep it.
"""

from __future__ import annotations

import pytest

from bot.reports.forecast import (
    Desk,
    Hour,
    accuracy,
    foretell,
    handling_of,
    level_of,
    robust_mean,
)
from bot.reports.simulation import HOUR

DESK = Desk(handling=60.0, promise=900.0, reach=240.0)


def hours(*days: tuple[float, int], begins: int = 9) -> list[Hour]:
    return [
        Hour(begins=(begins + n) * HOUR, ends=(begins + n + 1) * HOUR, arrivals=arrivals, people=people)
        for n, (arrivals, people) in enumerate(days)
    ]


def test_one_viral_week_does_not_become_every_week() -> None:
    assert robust_mean([100, 102, 98, 900]) == 101
    assert robust_mean([10, 20]) == 15
    assert robust_mean([]) == 0


def test_a_busy_morning_raises_the_day_and_a_few_messages_do_not() -> None:
    assert level_of(10, 30) == 1
    assert 1.3 < level_of(300, 450) < 1.5
    assert level_of(300, 3000) == 2
    assert level_of(300, 0) == 0.5


def test_with_people_enough_nothing_breaks() -> None:
    found = foretell(hours((100, 4), (100, 4), (100, 4)), [], DESK)
    assert found.first_breach is None
    assert found.remedy is None
    assert all(plan.kept is not None and plan.kept > 0.95 for plan in found.hours)
    assert all(plan.needed is not None and plan.needed <= 4 for plan in found.hours)


def test_the_first_breach_comes_when_too_few_have_answered_for_long_enough() -> None:
    # three people answer 180 an hour; from eleven on 300 come: two a minute are left over, 45 more are 15 minutes
    found = foretell(hours((100, 3), (100, 3), (300, 3), (300, 3), (100, 3)), [], DESK)
    assert found.first_breach is not None
    assert 11 * HOUR + 900 < found.first_breach < 12 * HOUR + 900
    assert found.remedy is not None
    assert found.remedy.begins == 11 * HOUR
    assert 2 <= found.remedy.people <= 3
    mended = hours((100, 3), (100, 3), *[(300.0, 3 + found.remedy.people)] * 2, (100, 3 + found.remedy.people))
    assert foretell(mended, [], DESK).first_breach is None


def test_what_waits_already_counts() -> None:
    backlog = [9 * HOUR - 300.0] * 60
    assert foretell(hours((60, 2), (60, 2)), backlog, DESK).first_breach is not None
    assert foretell(hours((60, 2), (60, 2)), [], DESK).first_breach is None


def test_with_nobody_there_the_first_customer_breaks_it() -> None:
    found = foretell(hours((50, 0)), [], DESK)
    assert found.first_breach is not None
    assert found.first_breach < 9 * HOUR + 900 + 600
    assert found.remedy is not None


def test_nobody_asks() -> None:
    found = foretell(hours((0, 1)), [], DESK)
    assert (found.first_breach, found.hours[0].needed, found.hours[0].kept) == (None, 0, None)


def test_how_wrong_it_was() -> None:
    found = accuracy({1: 100.0, 2: 50.0, 3: 5.0}, {1: 80, 2: 50})
    assert found.hours == 3
    assert found.error == pytest.approx(0.125), "an hour in which nothing came has no percentage"
    assert found.bias == pytest.approx(155 / 130 - 1)
    assert accuracy({}, {1: 3}).error is None


def test_who_holds_several_conversations_works_on_one_at_a_time() -> None:
    answers = [("ann", 0.0, 60.0), ("ann", 10.0, 100.0), ("ben", 0.0, 30.0), ("ann", 20.0, 9000.0)]
    assert handling_of(answers) == [30.0, 60.0, 40.0]
