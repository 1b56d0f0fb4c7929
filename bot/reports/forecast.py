"""
Say what the next hours will bring: what comes, whether the promise holds, how many people it takes. Decides; no
I/O.

Three steps, each simple enough to be argued with:

1. *What comes.* For each hour of a weekday, the mean of the same hour in the last weeks without the highest and
the lowest week (so that one viral post does not become every Tuesday), times how much busier today has been
than those weeks so far. 2. *A plan.* For each hour, the people that Erlang-A asks for (`bot.reports.erlang`):
patience is the promise. 3. *The check.* The rest of the day is simulated some times with the people who are
expected, beginning with what waits now. The first breach is where the wait itself, not one long answer, breaks
a promise in at least half of the simulated days. If there is one, people are added from the hour in which they
are first missing, one by one, beginning with what the plan lacks, until the simulation keeps the promise.

How wrong it was is told with it: what was foretold a day before is stored and held against what came.
"""

from __future__ import annotations

import math
import random
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from bot.reports.erlang import Load, people_needed
from bot.reports.simulation import HOUR, SPREAD, Answer, Order, Request, Shift, Waiting, simulate

WEEKS = 6
ENOUGH_WEEKS = 4
"""From so many weeks on, the highest and the lowest are left out."""
RUNS = 9
MOST_MORE = 20
"""People that a plan adds at the most; beyond that something else is wrong."""
GOAL = 0.95
CALM, BUSY = 0.5, 2.0
"""How far one morning may change the expectation of a day."""
ENOUGH_TODAY = 30
"""Requests expected so far before today's level says anything."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Desk:
    """
    What is known about the work.

    Args:
        handling: mean seconds of an answer.
        promise: seconds.
        reach: seconds before the deadline at which the queue gives up (`bot.inbox.order`).
    """

    handling: float
    promise: float
    reach: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Hour:
    """
    What is expected of an hour. Hours count from the beginning of the forecast's day and may pass 24.

    Args:
        begins, ends: seconds; the first hour of a forecast begins now.
        people: who are expected to answer.
    """

    begins: float
    ends: float
    arrivals: float
    people: int


@dataclass(frozen=True, slots=True, kw_only=True)
class HourPlan:
    """
    An hour of a forecast.

    Args:
        needed: people that Erlang-A asks for; None: no number of people is enough.
        kept: share of the promises begun in this hour that the simulation keeps; None when nobody asks.
    """

    hour: Hour
    needed: int | None
    kept: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Remedy:
    """
    So many more people from an instant keep the promise.
    """

    people: int
    begins: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Forecast:
    """
    What the next hours bring.

    Args:
        first_breach: when the first promise is expected to break; None: none is.
        remedy: what would keep it; None: nothing needed, or nothing found.
    """

    hours: list[HourPlan]
    first_breach: float | None
    remedy: Remedy | None


def robust_mean(counts: Sequence[float]) -> float:
    """
    Give the mean without the highest and the lowest, where there are enough to spare them.
    """
    if not counts:
        return 0.0
    kept = sorted(counts)[1:-1] if len(counts) >= ENOUGH_WEEKS else counts
    return statistics.fmean(kept)


def level_of(expected: float, came: float) -> float:
    """
    Say how much busier today is than expected, from what came so far; 1 while that says little.

    It is drawn towards 1 by as much as chance alone could explain.
    """
    if expected < ENOUGH_TODAY:
        return 1.0
    raw = came / expected
    weight = expected / (expected + ENOUGH_TODAY)
    return min(max(1 + weight * (raw - 1), CALM), BUSY)


def foretell(hours: Sequence[Hour], waiting: Sequence[float], desk: Desk, seed: int = 1) -> Forecast:
    """
    Foretell the hours: whether the promise breaks, when first, and how many more people would keep it.

    Args:
        waiting: since when each customer waits who waits now, in seconds of the day.
    """
    days = [_day(hours, waiting, desk, seed + run) for run in range(RUNS)]
    answers = [_simulated(day, hours, desk) for day in days]
    plans = [HourPlan(hour=hour, needed=_needed(hour, desk), kept=_kept(hour, days, answers)) for hour in hours]
    breach = _first_breach(days, answers, desk)
    remedy = _remedy(plans, days, desk) if breach is not None else None
    return Forecast(hours=plans, first_breach=breach, remedy=remedy)


def _needed(hour: Hour, desk: Desk) -> int | None:
    length = hour.ends - hour.begins
    load = Load(
        arrivals=hour.arrivals / length if length > 0 else 0.0,
        handling=desk.handling,
        people=0,
        patience=desk.promise,
    )
    return 0 if load.arrivals == 0 else people_needed(load, max(desk.promise - desk.reach, 1.0), GOAL)


def _day(hours: Sequence[Hour], waiting: Sequence[float], desk: Desk, seed: int) -> list[Request]:
    draw = random.Random(seed)
    log_mean = math.log(desk.handling) - SPREAD**2 / 2
    written = list(waiting)
    for hour in hours:
        length = hour.ends - hour.begins
        written += [hour.begins + draw.random() * length for _ in range(_poisson(draw, hour.arrivals))]
    now = hours[0].begins if hours else 0.0
    return [
        Request(
            number=number,
            written=at,
            heard=max(at, now),
            due=at + desk.promise,
            work=draw.lognormvariate(log_mean, SPREAD),
        )
        for number, at in enumerate(sorted(written))
    ]


def _poisson(draw: random.Random, mean: float) -> int:
    # Count exponential gaps: no large factorials, and the arrivals of an hour are few enough.
    count, spent = 0, draw.expovariate(1.0)
    while spent < mean:
        count += 1
        spent += draw.expovariate(1.0)
    return count


def _shifts(hours: Sequence[Hour], more: int = 0, begins: float = 0.0) -> list[Shift]:
    shifts = []
    for hour in hours:
        people = hour.people + (more if hour.ends > begins else 0)
        shifts += [Shift(begins=hour.begins, ends=hour.ends)] * people
    return shifts


def _simulated(
    day: Sequence[Request], hours: Sequence[Hour], desk: Desk, more: int = 0, begins: float = 0.0
) -> list[Answer]:
    return simulate(day, _shifts(hours, more, begins), Waiting(Order.OURS, desk.reach))


def _kept(hour: Hour, days: Sequence[Sequence[Request]], answers: Sequence[Sequence[Answer]]) -> float | None:
    asked = sum(hour.begins <= one.written < hour.ends for day in days for one in day)
    kept = sum(hour.begins <= one.request.written < hour.ends and one.kept for run in answers for one in run)
    return kept / asked if asked else None


def _first_breach(
    days: Sequence[Sequence[Request]], answers: Sequence[Sequence[Answer]], desk: Desk
) -> float | None:
    """
    Give the median over the simulated days of when a wait first breaks a promise; None if it does in fewer than
    half.
    """
    firsts = sorted(_breach_of(day, run, desk) for day, run in zip(days, answers, strict=True))
    middle = firsts[len(firsts) // 2]
    return None if math.isinf(middle) else middle


def _breach_of(day: Sequence[Request], run: Sequence[Answer], desk: Desk) -> float:
    begun = {answer.request.number: answer.at - answer.request.work for answer in run}
    # handed out so late that an ordinary answer could not arrive in time, or never handed out
    lost = (one.due for one in day if begun.get(one.number, math.inf) + desk.handling > one.due)
    return min(lost, default=math.inf)


def _remedy(plans: Sequence[HourPlan], days: Sequence[Sequence[Request]], desk: Desk) -> Remedy | None:
    hours = [plan.hour for plan in plans]
    missing = {plan.hour.begins: (plan.needed or 0) - plan.hour.people for plan in plans}
    begins = next((at for at, lacks in missing.items() if lacks > 0), hours[0].begins)
    guess = max(max(missing.values(), default=1), 1)
    for more in _tries(min(guess, MOST_MORE)):
        answers = [_simulated(day, hours, desk, more, begins) for day in days]
        if _first_breach(days, answers, desk) is None:
            return Remedy(people=_fewest(more, hours, days, desk, begins), begins=begins)
    return None


def _tries(guess: int) -> range:
    return range(guess, MOST_MORE + 1)


def _fewest(
    enough: int, hours: Sequence[Hour], days: Sequence[Sequence[Request]], desk: Desk, begins: float
) -> int:
    for more in range(enough - 1, 0, -1):
        answers = [_simulated(day, hours, desk, more, begins) for day in days]
        if _first_breach(days, answers, desk) is not None:
            return more + 1
    return 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Accuracy:
    """
    How wrong forecasts were.

    Args:
        hours: with a forecast, and over.
        error: mean of |foretold - came| over what came (MAPE), of hours in which something came; None without any.
        bias: foretold over came, less 1: above 0 too much was foretold.
    """

    hours: int
    error: float | None
    bias: float | None


def accuracy(foretold: Mapping[int, float], came: Mapping[int, int]) -> Accuracy:
    """
    Hold what was foretold of hours against what came.
    """
    errors = [abs(expected - came[hour]) / came[hour] for hour, expected in foretold.items() if came.get(hour)]
    total = sum(came.get(hour, 0) for hour in foretold)
    return Accuracy(
        hours=len(foretold),
        error=statistics.fmean(errors) if errors else None,
        bias=sum(foretold.values()) / total - 1 if total else None,
    )


def handling_of(answers: Sequence[tuple[str, float, float]], longest: float = HOUR) -> list[float]:
    """
    Measure handling times from answers (who, taken when, sent off when; in seconds).

    Whoever has several conversations at once works on one at a time: an answer took from when it was taken or from
    when the same person had sent off the one before, whichever is later. Longer than an hour is not work.
    """
    found, before = [], dict[str, float]()
    for who, taken, done in sorted(answers, key=lambda one: one[2]):
        seconds = done - max(taken, before.get(who, taken))
        before[who] = done
        if 0 < seconds <= longest:
            found.append(seconds)
    return found
