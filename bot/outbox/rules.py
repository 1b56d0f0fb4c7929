"""
What becomes of something to send. Pure.

The states and their arrows::

    prepared   -> attempting   a worker took it; the attempt is on record before the network hears of it
    attempting -> confirmed    the channel gave a receipt
    attempting -> prepared     certainly not sent, and waiting helps; tried again later with the same key
    attempting -> refused      certainly not sent, and trying again cannot help; a person is told
    attempting -> unknown      the answer was lost, or the worker died: it may or may not have arrived
    unknown    -> confirmed    we looked and it is there, or a person says so
    unknown    -> prepared     we looked and it certainly is not there, or a person says: send again
    unknown    -> refused      we looked and it certainly is not there, and the attempts are used up
    prepared   -> confirmed    a receipt came after its worker was thought dead
    prepared   -> refused      the late rule: its time has passed
    prepared   -> held         the crisis switch, or approval is awaited
    held       -> prepared     released
    prepared, held -> cancelled    a person took it back in time
    refused    -> prepared     a person tries again

Nothing leaves `confirmed` or `cancelled`. What is unknown is never sent again before somebody has looked.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import assert_never


class State(StrEnum):
    """
    Where an entry is; drawn above.
    """

    PREPARED = "prepared"
    ATTEMPTING = "attempting"
    CONFIRMED = "confirmed"
    REFUSED = "refused"
    UNKNOWN = "unknown"
    HELD = "held"
    CANCELLED = "cancelled"


S = State
ARROWS = frozenset(
    {
        (S.PREPARED, S.ATTEMPTING),
        (S.ATTEMPTING, S.CONFIRMED),
        (S.ATTEMPTING, S.PREPARED),
        (S.ATTEMPTING, S.REFUSED),
        (S.ATTEMPTING, S.UNKNOWN),
        (S.UNKNOWN, S.CONFIRMED),
        (S.UNKNOWN, S.PREPARED),
        (S.UNKNOWN, S.REFUSED),
        (S.PREPARED, S.CONFIRMED),
        (S.PREPARED, S.REFUSED),
        (S.PREPARED, S.HELD),
        (S.HELD, S.PREPARED),
        (S.PREPARED, S.CANCELLED),
        (S.HELD, S.CANCELLED),
        (S.REFUSED, S.PREPARED),
    }
)
SETTLED = frozenset({S.CONFIRMED, S.REFUSED, S.CANCELLED})


class Tab(StrEnum):
    """
    A view of the outbox page.
    """

    UNDELIVERED = "undelivered"
    UNKNOWN = "unknown"
    REFUSED = "refused"
    WAITING = "waiting"
    HELD = "held"
    CONFIRMED = "confirmed"
    CANCELLED = "cancelled"


SHOWN: dict[Tab, frozenset[State]] = {
    Tab.UNDELIVERED: frozenset(S) - {S.CONFIRMED, S.CANCELLED},
    Tab.UNKNOWN: frozenset({S.UNKNOWN}),
    Tab.REFUSED: frozenset({S.REFUSED}),
    Tab.WAITING: frozenset({S.PREPARED, S.ATTEMPTING}),
    Tab.HELD: frozenset({S.HELD}),
    Tab.CONFIRMED: frozenset({S.CONFIRMED}),
    Tab.CANCELLED: frozenset({S.CANCELLED}),
}

REFUSED_SHOWN_FOR = timedelta(days=7)
"""After this a refused entry leaves the first tab; it stays in its own."""

FOR_A_PERSON = datetime(9999, 1, 1, tzinfo=UTC)
"""`due_at` of an unknown entry that no look can settle: a person must decide."""

LOOKS = tuple(timedelta(seconds=seconds) for seconds in (2, 10, 30, 60, 300, 900, 1800))
"""Waits before each look for an unknown entry: servers show what they took with a lag."""

ABSENCE_COUNTS_AFTER = timedelta(seconds=30)
"""A server may still be working on a request whose answer we lost; before this, not being there proves nothing."""

ANSWER_WITHIN = 0.8
"""Share of the lease after which an attempt without an answer is given up as unknown."""

ACCOUNT_WAIT = timedelta(minutes=1)
"""Wait of an entry whose account has lost its access; until a person mends it, the account's state holds it."""

LONGEST_SERVER_WAIT = timedelta(days=30)
"""More than this is no wait but a mistake, and would not fit into an instant."""

LONG_UNKNOWN = timedelta(minutes=10)
"""What is unknown for longer than this is shown to everybody, though we go on looking."""


class Said(StrEnum):
    """
    What an attempt or a look came to, as far as the outbox must know.
    """

    SENT = "sent"  # attempt, look: it is there
    WAIT = "wait"  # attempt: certainly not sent, waiting helps; look: could not look
    NO_ACCESS = "no access"  # the account's credentials are refused; certainly not sent
    REFUSED = "refused"  # certainly not sent, for good
    LOST = "lost"  # attempt: nobody knows
    ABSENT = "absent"  # look: certainly not there
    UNSURE = "unsure"  # look: cannot be told on this channel


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """
    How long and how often we try: the settings of the outbox.
    """

    attempts: int
    first_wait: timedelta
    longest_wait: timedelta


@dataclass(frozen=True, slots=True, kw_only=True)
class Next:
    """
    What an entry becomes, when it is due again, and why, in words for a person.

    Args:
        counts: whether the attempt is used up.
        account_waits_until: when the server asked for a wait: nothing of the account leaves before.
    """

    state: State
    due_at: datetime
    reason: str = ""
    counts: bool = True
    account_waits_until: datetime | None = None


def states_before(to: State) -> frozenset[State]:
    """
    Give the states from which one can be reached.
    """
    return frozenset(was for was, then in ARROWS if then is to)


def back_off(attempts: int, limits: Limits, chance: float) -> timedelta:
    """
    Say how long to wait after a number of attempts: doubling, capped, moved by up to a fifth either way.

    Args:
        chance: a random number from 0 to 1, so that many entries do not come back at once.
    """
    doubled = limits.first_wait * float(2 ** min(attempts - 1, 30))
    return min(doubled, limits.longest_wait) * (0.8 + 0.4 * chance)


def after_attempt(
    said: Said,
    *,
    now: datetime,
    attempts: int,
    limits: Limits,
    reason: str,
    server_wait: timedelta | None,
    chance: float,
) -> Next:
    """
    Decide what an attempt leads to.

    Args:
        attempts: made so far, this one included.
        server_wait: how long the server asked us to wait; obeyed even when it is longer than ours.
    """
    match said:
        case Said.SENT:
            return Next(state=S.CONFIRMED, due_at=now)
        case Said.REFUSED:
            return Next(state=S.REFUSED, due_at=now, reason=reason)
        case Said.NO_ACCESS:
            return Next(state=S.PREPARED, due_at=now + ACCOUNT_WAIT, reason=reason, counts=False)
        case Said.LOST:
            return Next(state=S.UNKNOWN, due_at=now + LOOKS[0], reason=reason)
        case Said.WAIT:
            if attempts >= limits.attempts:
                return _given_up(now, attempts, reason)
            ours, until = back_off(attempts, limits, chance), None
            if server_wait is not None:
                until = now + min(server_wait, LONGEST_SERVER_WAIT)
            due_at = max(now + ours, until or now)
            return Next(state=S.PREPARED, due_at=due_at, reason=reason, account_waits_until=until)
        case Said.ABSENT | Said.UNSURE:
            raise ValueError(f"an attempt cannot come to {said!r}")
        case _:
            assert_never(said)


def after_look(
    said: Said, *, now: datetime, unknown_at: datetime, looks: int, attempts: int, limits: Limits, reason: str
) -> Next:
    """
    Decide what a look for an unknown entry leads to.

    Args:
        looks: made so far, this one included.
        attempts: made so far.
    """
    again = now + LOOKS[min(looks, len(LOOKS) - 1)]
    match said:
        case Said.SENT:
            return Next(state=S.CONFIRMED, due_at=now)
        case Said.ABSENT:
            counts_at = unknown_at + ABSENCE_COUNTS_AFTER
            if now < counts_at:
                return Next(state=S.UNKNOWN, due_at=min(again, counts_at), reason=reason)
            if attempts >= limits.attempts:
                return _given_up(now, attempts, f"we looked, and it is not there; {reason}")
            return Next(state=S.PREPARED, due_at=now, reason="we looked, and it was not there")
        case Said.UNSURE | Said.REFUSED:
            return Next(state=S.UNKNOWN, due_at=FOR_A_PERSON, reason=reason)
        case Said.WAIT | Said.LOST:
            return Next(state=S.UNKNOWN, due_at=again, reason=reason)
        case Said.NO_ACCESS:
            return Next(state=S.UNKNOWN, due_at=now + ACCOUNT_WAIT, reason=reason)
        case _:
            assert_never(said)


def _given_up(now: datetime, attempts: int, reason: str) -> Next:
    times = "1 attempt" if attempts == 1 else f"{attempts} attempts"
    return Next(state=S.REFUSED, due_at=now, reason=f"gave up after {times}: {reason}")
