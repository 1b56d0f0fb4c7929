"""
Which promise holds for a conversation, and when its clock rings. Pure.

A *promise* here is one row of a policy: how long, in which hours, warned of when. The first policy that matches
holds; without one, the settings' own. A running clock keeps the promise that it was started with.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise

from bot.hours.rules import Schedule, add, between
from bot.inbox.matching import Conditions, Facts
from bot.inbox.rules import ClockKind, Promise

DEFAULT_NAME = "Default"
MOST_WARNINGS = 5
LONGEST_PROMISE = timedelta(days=365)
SHORTEST_PROMISE = timedelta(seconds=1)
TICK = timedelta(milliseconds=1)
"""Shares of a time are no exact numbers; a warning may come this much early."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """
    What is promised for one conversation.

    Args:
        policy_id: None: the settings' own.
        hours_id: None: calendar time.
        lengths: of each clock that is promised, in time of the hours.
        warn_shares: of the length, ascending.
    """

    policy_id: str | None
    policy_name: str
    version: int
    hours_id: str | None
    lengths: Mapping[ClockKind, timedelta]
    warn_shares: tuple[float, ...]


def default_terms(promise: Promise) -> Terms:
    """
    Give what is promised where no policy matches.
    """
    length = promise.first_response
    return Terms(
        policy_id=None,
        policy_name=DEFAULT_NAME,
        version=0,
        hours_id=None,
        lengths={ClockKind.FIRST_RESPONSE: length, ClockKind.NEXT_RESPONSE: length},
        warn_shares=promise.warn_shares,
    )


def choose(policies: Iterable[tuple[Conditions, Terms]], facts: Facts, otherwise: Terms) -> Terms:
    """
    Give the terms of the first policy that matches.
    """
    return next((terms for conditions, terms in policies if conditions.matches(facts)), otherwise)


def next_alarm(
    schedule: Schedule, *, at: datetime, due_at: datetime, length: timedelta, shares: Sequence[float]
) -> datetime:
    """
    Say when a clock rings next: at the first warning that is still to come after `at`, else at its deadline.
    """
    left = between(schedule, at, due_at) if due_at > at else timedelta(0)
    waits = (left - length * (1 - share) for share in shares)
    wait = next((wait for wait in waits if wait > TICK), None)
    return due_at if wait is None else min(add(schedule, at, wait), due_at)


def shares_passed(
    schedule: Schedule, *, at: datetime, due_at: datetime, length: timedelta, shares: Sequence[float]
) -> int:
    """
    Count the warnings whose time has come.
    """
    left = between(schedule, at, due_at) if due_at > at else timedelta(0)
    return sum(left <= length * (1 - share) + TICK for share in shares)


def length_problem(length: timedelta | None) -> str | None:
    """
    Say what is wrong with the length of a promise, or nothing.
    """
    if length is None or SHORTEST_PROMISE <= length <= LONGEST_PROMISE:
        return None
    return "from one second to 365 days; leave it out to promise nothing"


def shares_problem(shares: Sequence[float]) -> str | None:
    """
    Say what is wrong with the shares at which somebody is warned, or nothing.
    """
    if len(shares) > MOST_WARNINGS:
        return f"at most {MOST_WARNINGS} warnings"
    if not all(0 < share < 1 for share in shares) or any(one >= two for one, two in pairwise(shares)):
        return "shares between 0 and 1 of the time, each greater than the one before, such as 0.5, 0.8"
    return None
