"""
Rate-limit windows, and how the rules of the server are changed.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from connectors.limits import ratelimit_budget
from connectors.playground.meter import Meter, Spent, nearest
from connectors.playground.rules import BadRule, Rules, Window, changed

NOW = datetime(2026, 3, 4, 5, 6, 7, tzinfo=UTC)
TWO = Window(limit=2, period=timedelta(minutes=5))


def test_the_third_call_in_a_window_of_two_is_over():
    meter = Meter()
    assert [meter.spend("calls", TWO, "a", now=NOW).over for _ in range(3)] == [False, False, True]
    assert not meter.spend("calls", TWO, "b", now=NOW).over
    assert not meter.spend("paged", TWO, "a", now=NOW).over


def test_a_new_window_begins_at_the_reset():
    meter = Meter()
    for _ in range(3):
        spent = meter.spend("calls", TWO, "a", now=NOW)
    assert spent.resets_at == datetime(2026, 3, 4, 5, 10, tzinfo=UTC)
    assert not meter.spend("calls", TWO, "a", now=spent.resets_at).over


def test_the_headers_are_what_clients_read():
    spent = Spent(limit=300, used=10, resets_at=NOW)
    budget = ratelimit_budget(spent.headers)
    assert budget is not None
    assert (budget.limit, budget.remaining, budget.resets_at) == (300, 290, NOW)
    assert spent.headers["X-RateLimit-Reset"] == "2026-03-04T05:06:07.000000Z"


def test_the_nearest_limit_is_reported():
    far, near = Spent(limit=300, used=1, resets_at=NOW), Spent(limit=30, used=29, resets_at=NOW)
    assert nearest([far, near]) == near
    assert nearest([]) is None


def test_rules_change_by_name():
    rules = changed(
        Rules(),
        {"max_characters": 5000, "keeps_keys": 0, "streaming": False, "limits": {"calls": [10, 60]}},
    )
    assert (rules.max_characters, rules.keeps_keys, rules.streaming) == (5000, timedelta(0), False)
    assert rules.limits.calls == Window(limit=10, period=timedelta(seconds=60))
    assert rules.limits.paged == Rules().limits.paged


@pytest.mark.parametrize(
    "wanted",
    [
        {"nonsense": 1},
        {"max_characters": "many"},
        {"max_characters": True},
        {"max_characters": -1},
        {"streaming": 1},
        {"limits": {"calls": [1]}},
        {"limits": {"calls": [1, 0]}},
        {"limits": {"other": [1, 1]}},
        {"limits": []},
    ],
)
def test_bad_rules_are_refused(wanted):
    with pytest.raises(BadRule):
        changed(Rules(), wanted)
