"""
Decide who is answered next: earliest deadline first, and nobody waits for ever. Pure; the standard library only.

While every promise can be kept, earliest deadline first keeps them all: if any order keeps them, this one does
(Jackson 1955). Once more work waits than can be done in time, that same order is the worst there is: each answer
goes to whoever is just too late, and everybody behind becomes too late as well. So the queue does what Moore and
Hodgson (1968) do for the fewest late jobs: it gives up what is lost and spends no time on it that others need.
They drop the longest job; how long a question takes is not known before it is read, so what is dropped is what
is nearest to its deadline.

Three walks of the queue's index, in the order that `walks` gives; the first that finds something is the answer::

    IN_TIME   due_at >  line      earliest first      can still be kept
    LATE      due_at <= line      earliest first      breached, or too near to be kept
    UNDATED   due_at IS NULL      oldest first        nobody was promised anything

`line` is not now but now and a *reach*: as long as an answer takes. A promise that ends in ten seconds is as lost
as one that ended, for whoever is handed it cannot answer in ten seconds. This matters more than anything else
here: docs/explanation/why-this-order.md has the figures.

What is late waits for quiet, but not for ever: every `FAIR`-th hand-out looks at the late ones first, the longest
late of them. Hence a bound: the n-th of the late ones is handed out after at most `FAIR` x n hand-outs, and what
this can cost the others is one hand-out in `FAIR`. (A bound by age instead, such as twice the promise, would be
none: after an hour of too much work everybody is that old, and the queue is first-in-first-out again.)

How it is used on the database (`Next`): the process numbers its hand-outs, and for each calls `walks(number)`,
then takes the first unclaimed conversation of the first walk that has one. Several processes need not agree on
the number; each gives every `FAIR`-th of its own.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from enum import StrEnum

FAIR = 40
"""
Every how many hand-outs the late ones come first: this costs the others at most 2.5 of a hundred hand-outs.
docs/explanation/why-this-order.md shows what other numbers would do.
"""
USUAL_REACH = timedelta(minutes=5)
"""95 of 100 answers take no longer; used until enough were measured."""
USUAL_PART = 3
"""A usual answer takes about this part of a reach (a third): a reach is what 95 of 100 answers do not exceed."""
SHORTEST_SHARE = 3
"""A reach is at most this part of the promise (a third): else a short promise would be late from the start."""


def is_calm(first_due_at: datetime | None, now: datetime, reach: timedelta) -> bool:
    """
    Say whether nothing has to be given up just now, so that only what is breached counts as late.

    When too much waits, whatever is next in time stands at the line, for everything is answered as it comes near.
    When the next one stands well behind the line, by as long as a usual answer takes, there is time for one that
    is nearer than its reach: the earliest deadline first, as it is until work is too much.

    Args:
        first_due_at: of the first conversation after the line; None when there is none.
    """
    return first_due_at is None or first_due_at > line(now, reach + reach / USUAL_PART)


class Walk(StrEnum):
    """
    A part of the queue, each walked by its earliest deadline.
    """

    IN_TIME = "in_time"
    LATE = "late"
    UNDATED = "undated"


def reach_of(promise: timedelta, handling: timedelta | None = None) -> timedelta:
    """
    Say how long before its deadline a conversation is given up for others.

    Args:
        promise: the shortest that the queue makes.
        handling: the time from hand-out to arrived answer that 95 of 100 do not exceed; None if not measured.
    """
    return min(handling if handling is not None else USUAL_REACH, promise / SHORTEST_SHARE)


def line(now: datetime, reach: timedelta) -> datetime:
    """
    Give the instant that parts what can be kept (due after it) from what is late (due by it).
    """
    return now + reach


def walks(hand_out: int) -> tuple[Walk, ...]:
    """
    Say in which order the parts are looked at for a hand-out.

    Args:
        hand_out: its number, counted from 1 by whoever hands out.
    """
    if hand_out % FAIR == 0:
        return (Walk.LATE, Walk.IN_TIME, Walk.UNDATED)
    return (Walk.IN_TIME, Walk.LATE, Walk.UNDATED)
