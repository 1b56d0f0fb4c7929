"""
The queue's decisions.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.inbox.rules import (
    AUTOMATIC_PER_DAY,
    AUTOMATIC_PER_HOUR,
    ClockKind,
    Outcome,
    automatic_refusal,
    clock_start,
    kind_of_clock,
    may_act,
    outcome,
    plain_subject,
    snippet,
)

NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)
MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)


def test_a_promise_counts_from_when_the_customer_wrote_and_never_from_the_future() -> None:
    assert clock_start(NOW - HOUR, NOW) == NOW - HOUR
    assert clock_start(NOW + HOUR, NOW) == NOW


def test_the_deadline_itself_is_in_time() -> None:
    assert outcome(NOW, NOW) is Outcome.KEPT
    assert outcome(NOW, NOW + timedelta(microseconds=1)) is Outcome.BREACHED


@pytest.mark.parametrize(
    ("answered_before", "reopened", "kind"),
    [
        (False, False, ClockKind.FIRST_RESPONSE),
        (True, False, ClockKind.NEXT_RESPONSE),
        (True, True, ClockKind.FIRST_RESPONSE),
        (False, True, ClockKind.FIRST_RESPONSE),
    ],
)
def test_which_promise_a_message_starts(answered_before: bool, reopened: bool, kind: ClockKind) -> None:
    assert kind_of_clock(answered_before=answered_before, reopened=reopened) is kind


@pytest.mark.parametrize(
    ("agent", "takes_over", "may"),
    [(None, False, True), ("me", False, True), ("you", False, False), ("you", True, True)],
)
def test_who_may_act(agent: str | None, takes_over: bool, may: bool) -> None:
    assert may_act(agent, "me", takes_over=takes_over) is may


@pytest.mark.parametrize(
    ("subject", "plain"),
    [
        ("Re: Order 7", "order 7"),
        ("RE: AW: Fwd:  Order\t7", "order 7"),
        ("回复：订单", "订单"),
        ("答复: Re: 订单", "订单"),
        ("Regarding order", "regarding order"),
        ("Re:", ""),
        ("", ""),
    ],
)
def test_reply_marks_do_not_make_another_subject(subject: str, plain: str) -> None:
    assert plain_subject(subject) == plain


@given(st.text(), st.integers(min_value=2, max_value=300))
def test_a_snippet_is_one_short_line(text: str, length: int) -> None:
    line = snippet(text, length)
    assert len(line) <= length
    assert line == " ".join(line.split())


def test_a_cut_snippet_says_so() -> None:
    assert snippet("a" * 200, 10) == "aaaaaaaaa…"
    assert snippet("short") == "short"


def _refusal(**given: object) -> str | None:
    asked = {"to_automatic": False, "sent_at": [], "message_times": [], "now": NOW, **given}
    return automatic_refusal(**asked)  # type: ignore[arg-type]


def test_I6_a_machine_may_answer_a_person_once() -> None:
    assert _refusal() is None
    assert _refusal(message_times=[NOW] * 50) is None, "a person may write fast; we have not answered yet"


def test_I6_machines_do_not_answer_machines() -> None:
    assert "machine" in (_refusal(to_automatic=True) or "")


def test_I6_caps_per_hour_and_day() -> None:
    in_hour = [NOW - timedelta(minutes=11 + n) for n in range(AUTOMATIC_PER_HOUR)]
    assert "hour" in (_refusal(sent_at=in_hour) or "")
    assert _refusal(sent_at=in_hour[1:]) is None
    in_day = [NOW - timedelta(hours=2 + n) for n in range(AUTOMATIC_PER_DAY)]
    assert "day" in (_refusal(sent_at=in_day) or "")
    assert _refusal(sent_at=in_day[1:]) is None


def test_I6_the_circuit_breaker_opens_when_two_machines_talk() -> None:
    fast = [NOW - MINUTE * n for n in range(5)]
    assert "two machines" in (_refusal(sent_at=[NOW - MINUTE], message_times=fast) or "")
    slow = [NOW - 3 * MINUTE * n for n in range(5)]
    assert _refusal(sent_at=[NOW - MINUTE], message_times=slow) is None
