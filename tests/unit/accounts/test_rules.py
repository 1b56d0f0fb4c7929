"""
When to ask a server again, what a name may be, and the sums of the ledger.
"""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.accounts.rules import (
    LONGEST_WAIT,
    HeardCounts,
    back_off,
    delay_of,
    excerpt,
    gist,
    in_words,
    is_from_before,
    is_passing,
    late_after,
    may_ask_at,
    name_problem,
    usable,
    wait_after,
)
from tests.fakes.clock import START

SECOND = timedelta(seconds=1)
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)


@pytest.mark.parametrize("name", ["shop", "a", "shop-2", "0", "a" * 40])
def test_names_that_can_be_typed_are_taken(name: str) -> None:
    assert name_problem(name) is None


@pytest.mark.parametrize("name", ["", "Shop", "-shop", "shop-", "my shop", "店", "a" * 41, "shop\n", "<b>"])
def test_other_names_are_refused(name: str) -> None:
    assert name_problem(name) is not None


def test_the_wait_doubles_from_one_second_to_five_minutes() -> None:
    waits = [back_off(failures, spread=1.0).total_seconds() for failures in range(1, 12)]
    assert waits == [1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300]


@given(st.integers(0, 10**9), st.floats(0, 1))
def test_the_wait_stays_between_its_bounds_whatever_is_drawn(failures: int, spread: float) -> None:
    assert SECOND <= back_off(failures, spread=spread) <= LONGEST_WAIT


def test_waits_of_many_are_spread() -> None:
    assert back_off(10, spread=0.0) == LONGEST_WAIT / 2


@pytest.mark.parametrize(
    ("failures", "server", "expected"),
    [(1, None, SECOND), (1, 90 * SECOND, 90 * SECOND), (9, SECOND, 256 * SECOND), (1, 30 * DAY, DAY)],
)
def test_the_servers_own_wait_counts_unless_ours_is_longer(
    failures: int, server: timedelta | None, expected: timedelta
) -> None:
    assert wait_after(failures, server, spread=1.0) == expected


def test_I11_a_daily_quota_is_spread_over_the_day() -> None:
    asked_at, calls, remaining = START, 0, 100
    resets_at = START + DAY
    while asked_at < resets_at:
        calls, remaining = calls + 1, remaining - 1
        following = may_ask_at(limit=100, remaining=remaining, resets_at=resets_at, asked_at=asked_at)
        assert following > asked_at
        assert following - asked_at <= DAY / 60, "no long silence while calls are left"
        asked_at = following
    assert 85 <= calls <= 91, "nine in ten are used, the rest is kept for answering"


def test_what_is_late_depends_on_how_often_we_ask() -> None:
    assert late_after(15 * SECOND) == 120 * SECOND
    assert late_after(HOUR) == 4 * HOUR


def test_a_limit_far_away_changes_nothing() -> None:
    # 15 s polls against 300 paged calls in 15 minutes (mastodon, rack_attack.rb)
    at = may_ask_at(limit=300, remaining=240, resets_at=START + 12 * timedelta(minutes=1), asked_at=START)
    assert at - START < 15 * SECOND


def test_nothing_is_asked_until_a_used_up_quota_is_renewed() -> None:
    at = may_ask_at(limit=100, remaining=10, resets_at=START + HOUR, asked_at=START)
    assert (usable(100, 10), at) == (0, START + HOUR)


def test_a_quota_that_was_renewed_long_ago_holds_nothing_up() -> None:
    assert may_ask_at(limit=100, remaining=0, resets_at=START - HOUR, asked_at=START) == START


def test_small_limits_keep_nothing_back() -> None:
    assert usable(5, 1) == 1


def test_an_item_counts_as_from_before_only_beyond_the_slack() -> None:
    assert is_from_before(START - HOUR, START)
    assert not is_from_before(START - SECOND, START)
    assert not is_from_before(START - HOUR, None)


@pytest.mark.parametrize(
    ("sqlstate", "operational", "expected"),
    [
        ("40P01", False, True),
        ("57P01", False, True),
        (None, True, True),
        ("23505", False, False),
        (None, False, False),
    ],
)
def test_trouble_of_the_database_is_told_from_trouble_of_an_item(
    sqlstate: str | None, operational: bool, expected: bool
) -> None:
    assert is_passing(sqlstate, operational=operational) is expected


def test_delays_are_given_by_nearest_rank() -> None:
    delay = delay_of([timedelta(seconds=n) for n in range(1, 101)])
    assert delay is not None
    assert (delay.count, delay.p50, delay.p95) == (100, 50 * SECOND, 95 * SECOND)


def test_no_delay_is_known_where_nothing_was_heard() -> None:
    assert delay_of([]) is None


def test_a_clock_that_is_ahead_makes_no_negative_delay() -> None:
    delay = delay_of([-HOUR])
    assert delay is not None
    assert delay.p95 == timedelta(0)


def test_the_equation_is_written_out() -> None:
    counts = HeardCounts(heard=10, routed=5, ignored=2, quarantined=1, duplicate=2)
    assert counts.adds_up
    assert counts.equation == "10 heard = 5 routed + 2 ignored + 1 quarantined + 2 duplicate"


def test_sums_that_do_not_add_up_are_noticed() -> None:
    assert not HeardCounts(heard=3, routed=2).adds_up


@pytest.mark.parametrize(
    ("text", "expected"), [("a\n\n b", "a b"), ("", ""), ("x" * 200, "x" * 159 + "…"), ("你" * 160, "你" * 160)]
)
def test_an_excerpt_is_one_short_line(text: str, expected: str) -> None:
    assert excerpt(text) == expected


def test_an_error_is_one_line() -> None:
    assert in_words(ValueError("no\ntime")) == "ValueError: no time"
    assert in_words(KeyError()) == "KeyError"
    assert len(in_words(ValueError("x" * 10_000))) == 500


def test_the_same_trouble_reads_the_same() -> None:
    assert gist("The server did not answer. (port 443, try 7)") == "The server did not answer."
    assert gist("plain") == "plain"
