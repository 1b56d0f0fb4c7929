"""
Decisions about accounts: names, when to ask a server again, and the sums of the heard ledger. Pure.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

MAIN_STREAM = "main"
"""The stream that `Listens.fetch` brings; an account has one so far."""

FIRST_WAIT = timedelta(seconds=1)
LONGEST_WAIT = timedelta(minutes=5)
SERVER_LONGEST_WAIT = timedelta(days=1)
"""A server that asks for more than this is misread or broken; we look again after a day."""

KEPT_FOR_ANSWERS = 10
"""One call in so many is kept for answering: hearing must not use up what replies need."""

OLDEST_BEFORE_START = timedelta(minutes=5)
"""How much older than `hear_since` an item may be, since a server's clock is not ours."""

LATE_AFTER = timedelta(minutes=2)
"""What is heard this soon after it happened was heard in time, however often we ask."""

LONGEST_EXCERPT = 160
LONGEST_ERROR = 500
_NAME = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,38}[a-z0-9])?", re.ASCII)


class AccountState(StrEnum):
    """
    Whether an account is heard: yes, stopped by a person, or refused by the server.
    """

    ACTIVE = "active"
    STOPPED = "stopped"
    UNAUTHORIZED = "unauthorized"


class HeardState(StrEnum):
    """
    What became of a heard item.
    """

    ROUTED = "routed"
    IGNORED = "ignored"
    QUARANTINED = "quarantined"


@dataclass(frozen=True, slots=True, kw_only=True)
class HeardCounts:
    """
    The sums of a ledger. `heard` is counted on its own, so that the equation can be checked and not only shown.
    """

    heard: int = 0
    routed: int = 0
    ignored: int = 0
    quarantined: int = 0
    duplicate: int = 0

    @property
    def adds_up(self) -> bool:
        return self.heard == self.routed + self.ignored + self.quarantined + self.duplicate

    @property
    def equation(self) -> str:
        parts = f"{self.routed} routed + {self.ignored} ignored + {self.quarantined} quarantined"
        return f"{self.heard} heard = {parts} + {self.duplicate} duplicate"


@dataclass(frozen=True, slots=True, kw_only=True)
class Delay:
    """
    How long after it happened something was heard: half of `count` items within p50, 95 of 100 within p95.
    """

    count: int
    p50: timedelta
    p95: timedelta


def name_problem(name: str) -> str | None:
    """
    Say what is wrong with an account's name, or None.
    """
    if _NAME.fullmatch(name):
        return None
    return "use 1 to 40 lower-case letters a to z, digits and dashes, with no dash at the ends"


def back_off(failures: int, *, spread: float) -> timedelta:
    """
    Choose how long to wait after so many failures in a row: doubling from 1 s to 5 min.

    Args:
        spread: from 0 to 1, drawn by the caller; half of the wait is left to it, so that many do not come at once.
    """
    longest = min(FIRST_WAIT * (1 << min(max(failures - 1, 0), 16)), LONGEST_WAIT)
    return max(FIRST_WAIT, longest * (0.5 + 0.5 * spread))


def wait_after(failures: int, server_wait: timedelta | None, *, spread: float) -> timedelta:
    """
    Choose the wait after a failure: what the server asked for, never less than our own back-off.
    """
    own = back_off(failures, spread=spread)
    return own if server_wait is None else max(own, min(server_wait, SERVER_LONGEST_WAIT))


def late_after(poll_every: timedelta) -> timedelta:
    """
    Say until when something counts as heard in time, by how often we ask.
    """
    return max(LATE_AFTER, 4 * poll_every)


def usable(limit: int, remaining: int) -> int:
    """
    Say how many of the remaining calls hearing may use.
    """
    return max(0, remaining - limit // KEPT_FOR_ANSWERS)


def may_ask_at(*, limit: int, remaining: int, resets_at: datetime, asked_at: datetime) -> datetime:
    """
    Say when a server may be asked next, so that what it allows lasts until it allows more.

    A daily quota of 100 is thus spread over the day; a limit that is far away changes nothing.

    Args:
        asked_at: when it was asked last, which is when it said how many calls remain.
    """
    left = resets_at - asked_at
    if left <= timedelta(0):
        return asked_at
    calls = usable(limit, remaining)
    return resets_at if calls == 0 else asked_at + left / calls


def is_from_before(occurred_at: datetime, hear_since: datetime | None) -> bool:
    """
    Say whether something happened before the account was to be heard.
    """
    return hear_since is not None and occurred_at < hear_since - OLDEST_BEFORE_START


def is_passing(sqlstate: str | None, *, operational: bool) -> bool:
    """
    Say whether a database error is the database's trouble and not the item's: then the whole page must wait.

    Args:
        sqlstate: class 08 connection, 25 and 40 transaction, 53 resources, 55 locks, 57 operator, 58 system.
        operational: SQLite's word for "locked", "disk full" and the like.
    """
    return operational or (sqlstate or "")[:2] in {"08", "25", "40", "53", "55", "57", "58"}


def delay_of(delays: Sequence[timedelta]) -> Delay | None:
    """
    Give the median and the 95th percentile by nearest rank, or None when nothing was heard.
    """
    if not delays:
        return None
    ordered = sorted(max(delay, timedelta(0)) for delay in delays)
    return Delay(count=len(ordered), p50=_rank(ordered, 50), p95=_rank(ordered, 95))


def excerpt(text: str, length: int = LONGEST_EXCERPT) -> str:
    """
    Shorten a text to one line.
    """
    line = " ".join(text[: length * 4].split())
    return line if len(line) <= length else line[: length - 1] + "…"


def in_words(error: BaseException) -> str:
    """
    Write an error as one line for a person.
    """
    return excerpt(f"{type(error).__name__}: {error}" if str(error) else type(error).__name__, LONGEST_ERROR)


def gist(failure: str) -> str:
    """
    Leave out the details that a failure gives in brackets, so that the same trouble reads the same each time.
    """
    return failure.partition(" (")[0]


def _rank(ordered: Sequence[timedelta], percent: int) -> timedelta:
    return ordered[max(0, math.ceil(len(ordered) * percent / 100) - 1)]
