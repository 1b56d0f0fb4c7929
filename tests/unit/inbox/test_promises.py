"""
Which promise holds, when its clock rings, and what is done then: the pure part.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.hours.rules import ALWAYS, Schedule, Span, add
from bot.inbox.escalation import Do, On, due_steps, read_escalations, step_problem
from bot.inbox.matching import Conditions, Facts, read_conditions
from bot.inbox.promises import choose, default_terms, next_alarm, shares_passed
from bot.inbox.rules import EventKind, Promise

START = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
OFFICE = Schedule(
    zone="Europe/Berlin",
    week=((Span(opens=9 * 60, closes=12 * 60), Span(opens=13 * 60, closes=17 * 60)),) * 5 + ((), ()),
)
lengths = st.timedeltas(min_value=timedelta(seconds=10), max_value=timedelta(days=3))
shares = st.lists(st.floats(0.05, 0.95), max_size=4, unique=True).map(sorted)
instants = st.timedeltas(min_value=timedelta(0), max_value=timedelta(days=30)).map(lambda after: START + after)
schedules = st.sampled_from([ALWAYS, OFFICE])


@given(schedules, instants, lengths, shares)
def test_alarms_go_through_every_share_and_end_at_the_deadline(
    schedule: Schedule, start: datetime, length: timedelta, shares: list[float]
) -> None:
    due_at, at, seen = add(schedule, start, length), start, []
    for _ in range(len(shares) + 1):
        at = next_alarm(schedule, at=at, due_at=due_at, length=length, shares=shares)
        seen.append(at)
    assert seen == sorted(seen)
    assert seen[-1] == due_at
    for number, alarm in enumerate(seen[:-1], 1):
        assert shares_passed(schedule, at=alarm, due_at=due_at, length=length, shares=shares) >= min(
            number, len(shares)
        )


@given(schedules, instants, lengths, shares, st.floats(0, 1))
def test_the_next_alarm_is_never_in_the_past_nor_after_the_deadline(
    schedule: Schedule, start: datetime, length: timedelta, shares: list[float], part: float
) -> None:
    due_at = add(schedule, start, length)
    at = start + (due_at - start) * part
    assert at <= next_alarm(schedule, at=at, due_at=due_at, length=length, shares=shares) <= due_at


def test_half_of_the_time_is_half_of_the_business_hours() -> None:
    friday = datetime(2026, 3, 6, 15, 0, tzinfo=UTC)  # 16:00 in Berlin
    due_at = add(OFFICE, friday, timedelta(hours=2))
    alarm = next_alarm(OFFICE, at=friday, due_at=due_at, length=timedelta(hours=2), shares=[0.75])
    assert alarm == datetime(2026, 3, 9, 8, 30, tzinfo=UTC), "half an hour of Monday's"


def test_late_from_the_start_rings_at_its_deadline() -> None:
    due_at = START - MINUTE
    assert next_alarm(ALWAYS, at=START, due_at=due_at, length=MINUTE, shares=[0.5]) == due_at
    assert shares_passed(ALWAYS, at=START, due_at=due_at, length=MINUTE, shares=[0.5, 0.8]) == 2


def test_the_first_that_matches_is_chosen() -> None:
    otherwise = default_terms(Promise(first_response=15 * MINUTE, grace=MINUTE))
    facts = Facts(account_id="a", channel="email", intent="bug")
    bugs = (read_conditions({"intents": ["bug"]}), "bugs")
    rest = (Conditions(), "rest")
    assert choose([bugs, rest], facts, otherwise) == "bugs"  # type: ignore[comparison-overlap]
    assert choose([rest, bugs], facts, otherwise) == "rest"  # type: ignore[comparison-overlap]
    assert choose([], facts, otherwise) is otherwise


STEPS = read_escalations(
    [
        {"on": "warned", "do": "notify_agent"},
        {"on": "warned", "do": "notify_leads", "share": 0.8},
        {"on": "breached", "do": "return", "clock": "first_response"},
    ]
)


@pytest.mark.parametrize(
    ("event", "clock", "share", "does"),
    [
        (EventKind.CLOCK_WARNED, "resolution", 0.5, [Do.NOTIFY_AGENT]),
        (EventKind.CLOCK_WARNED, "first_response", 0.8, [Do.NOTIFY_AGENT, Do.NOTIFY_LEADS]),
        (EventKind.CLOCK_BREACHED, "first_response", None, [Do.RETURN]),
        (EventKind.CLOCK_BREACHED, "resolution", None, []),
        (EventKind.OPENED, "first_response", None, []),
    ],
)
def test_steps_are_set_off_by_their_event_share_and_clock(
    event: str, clock: str, share: float | None, does: list[Do]
) -> None:
    assert [step.do for step in due_steps(STEPS, event=event, clock=clock, share=share)] == does


def test_what_is_kept_of_a_step_is_read_back() -> None:
    assert read_escalations([step.to_json() for step in STEPS]) == STEPS


@pytest.mark.parametrize(
    ("step", "said"),
    [
        ({}, "on:"),
        ({"on": "warned"}, "do:"),
        ({"on": "warned", "do": "return", "clock": "lunch"}, "clock:"),
        ({"on": "warned", "do": "return", "share": 0.7}, "share:"),
        ({"on": "breached", "do": "reassign"}, "to:"),
        ({"on": "breached", "do": "raise_priority", "to": "highest"}, "to:"),
    ],
)
def test_a_step_that_cannot_be_is_named(step: dict[str, Any], said: str) -> None:
    assert (step_problem(step, [0.5]) or "").startswith(said)
    assert step_problem({"on": On.WARNED, "do": Do.RETURN, "share": 0.5}, [0.5]) is None
