"""
How long people wait when so many arrive and so many answer: Erlang-C and Erlang-A. Pure; standard library only.

Erlang-A (M/M/n+M) is a queue with Poisson arrivals (rate lambda), n people with exponential handling times
(rate mu each) and customers who give up after an exponential time (rate theta). It is Palm's model of 1946; the
formulas are those of Garnett, Mandelbaum and Reiman (2002, "Designing a Call Center with Impatient Customers",
M&SOM 4:208-227) and of Mandelbaum and Zeltyn (2005, "The Palm/Erlang-A Queue"). Without impatience it is
Erlang-C (M/M/n).

Who writes does not hang up, so why Erlang-A? Because the queue itself gives up: `bot.inbox.order` passes over
what can no longer be kept, and whoever it passes over has left the queue as far as the others' waiting is
concerned. With patience set to the promise, "abandoned" reads "breached". It is a model: exponential where we
are sharp. So its answers are a first guess that `forecast` checks by simulation, and it never blows up when
there is too much work.
"""

from __future__ import annotations

import math
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """
    What a queue must do, in one unit of time of the caller's choice.

    Args:
        arrivals: how many come in a unit.
        handling: how many units an answer takes.
        people: who answer at once.
        patience: after how many units on average somebody is lost; infinite for Erlang-C.
    """

    arrivals: float
    handling: float
    people: int
    patience: float = math.inf

    @property
    def offered(self) -> float:
        """
        Give the work that arrives: people who would be busy if there were enough of them.
        """
        return self.arrivals * self.handling


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """
    How a queue does in the long run.

    Args:
        delayed: share of arrivals that wait at all.
        lost: share of arrivals that are given up.
        average: time in the queue, of those given up too.
        busy: share of their time that people work.
    """

    delayed: float
    lost: float
    average: float
    busy: float


def erlang_b(offered: float, people: int) -> float:
    """
    Give the chance that all are busy when nobody may wait: the building block of the others.

    By the recursion B(n) = aB(n-1) / (n + aB(n-1)), which neither overflows nor loses digits.
    """
    blocked = 1.0
    for count in range(1, people + 1):
        blocked = offered * blocked / (count + offered * blocked)
    return blocked


def waiting(load: Load) -> Waiting:
    """
    Give how a queue does in the long run; without impatience and with too much work, everybody waits for ever.
    """
    if load.arrivals <= 0:
        return Waiting(delayed=0.0, lost=0.0, average=0.0, busy=0.0)
    if load.people <= 0:
        return Waiting(delayed=1.0, lost=1.0, average=load.patience, busy=0.0)
    return _erlang_c(load) if math.isinf(load.patience) else _erlang_a(load)


def _erlang_c(load: Load) -> Waiting:
    offered, people = load.offered, load.people
    if offered >= people:
        return Waiting(delayed=1.0, lost=0.0, average=math.inf, busy=1.0)
    blocked = erlang_b(offered, people)
    delayed = people * blocked / (people - offered * (1 - blocked))
    return Waiting(
        delayed=delayed, lost=0.0, average=delayed * load.handling / (people - offered), busy=offered / people
    )


def _erlang_a(load: Load) -> Waiting:
    states = _states(load)
    queue = sum(length * chance for length, chance in enumerate(states.queues))
    lost = queue / load.patience / load.arrivals
    return Waiting(
        # whoever finds all busy waits; a Poisson arrival sees what an observer sees
        delayed=sum(states.queues),
        lost=lost,
        average=queue / load.arrivals,
        busy=load.offered * (1 - lost) / load.people,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _States:
    """
    What an arrival finds: somebody free with the first chance, or all busy and 0, 1, 2 ... people in the queue.
    """

    free: float
    queues: list[float]


def _states(load: Load) -> _States:
    # Everything relative to the chance that all are busy and nobody waits: more than that is 1 / Erlang-B - 1 for
    # "somebody is free" and a product for each length of the queue. In logarithms, since with too much work the
    # product grows past any float before it falls.
    blocked = erlang_b(load.offered, load.people)
    if blocked < 1e-300:
        return _States(free=1.0, queues=[0.0])
    rate, logs, length = load.people / load.handling, [0.0], 0
    while logs[-1] > max(logs) - 35:
        length += 1
        logs.append(logs[-1] + math.log(load.arrivals / (rate + length / load.patience)))
    largest = max(logs)
    queues = [math.exp(one - largest) for one in logs]
    free = (1 / blocked - 1) * math.exp(-largest)
    total = free + sum(queues)
    return _States(free=free / total, queues=[one / total for one in queues])


def within(load: Load, time: float) -> float:
    """
    Give the share of arrivals that begin to be answered within a time; those given up are not among them.
    """
    if load.arrivals <= 0:
        return 1.0
    if load.people <= 0 or time < 0:
        return 0.0
    if math.isinf(load.patience):
        return _within_c(load, time)
    return _within_a(load, time)


def _within_c(load: Load, time: float) -> float:
    found = waiting(load)
    if found.busy >= 1:
        return 0.0
    return 1 - found.delayed * math.exp(-(load.people - load.offered) * time / load.handling)


def _within_a(load: Load, time: float) -> float:
    """
    Sum over what an arrival may find: nobody waiting and somebody free, or all busy and a queue of a length.
    """
    states = _states(load)
    service = load.people / load.handling * load.patience  # n mu in units of theta
    gone = -math.expm1(-time / load.patience)
    served = (chance * _served_within(service, length, gone) for length, chance in enumerate(states.queues))
    return min(states.free + sum(served), 1.0)


def _served_within(c: float, length: int, y: float) -> float:
    """
    Give the chance to be served before 1 - exp(-theta t) reaches y, with `length` people ahead in the queue.

    Who is ahead leaves, served or given up, at rates theta (c + length), ..., theta (c + 1), and the last step,
    to be served oneself, has rate theta c. With x = exp(-theta t) the density of that last step is c (c+1) ...
    (c+length) / length! * x^(c-1) (1-x)^length, and one's own patience lasts so long with chance x: the
    integral is a Beta function.
    """
    log_coefficient = math.lgamma(c + length + 1) - math.lgamma(c) - math.lgamma(length + 1)
    log_beta = math.lgamma(c + 1) + math.lgamma(length + 1) - math.lgamma(c + length + 2)
    return math.exp(log_coefficient + log_beta) * regularised_beta(length + 1, c + 1, y)


def regularised_beta(a: float, b: float, x: float) -> float:
    """
    Give the regularised incomplete beta function I_x(a, b), by its continued fraction (Numerical Recipes, 6.4).
    """
    if x <= 0:
        return 0.0
    if x >= 1:
        return 1.0
    front = math.exp(math.lgamma(a + b) - math.lgamma(a) - math.lgamma(b) + a * math.log(x) + b * math.log1p(-x))
    if x < (a + 1) / (a + b + 2):
        return front * _beta_fraction(a, b, x) / a
    return 1 - front * _beta_fraction(b, a, 1 - x) / b


def _beta_fraction(a: float, b: float, x: float) -> float:
    tiny = 1e-300
    c, d = 1.0, 1 / _not_zero(1 - (a + b) * x / (a + 1), tiny)
    value = d
    for step in range(1, 1000):
        even = step * (b - step) * x / ((a + 2 * step - 1) * (a + 2 * step))
        d, c = 1 / _not_zero(1 + even * d, tiny), _not_zero(1 + even / c, tiny)
        value *= d * c
        odd = -(a + step) * (a + b + step) * x / ((a + 2 * step) * (a + 2 * step + 1))
        d, c = 1 / _not_zero(1 + odd * d, tiny), _not_zero(1 + odd / c, tiny)
        change = d * c
        value *= change
        if abs(change - 1) < 1e-13:
            break
    return value


def _not_zero(value: float, tiny: float) -> float:
    return value if abs(value) > tiny else tiny


def people_needed(load: Load, time: float, goal: float, most: int = 500) -> int | None:
    """
    Give the fewest people with whom a share of arrivals is begun within a time; None if even `most` cannot.
    """
    low, high = 1, most
    if within(_with_people(load, high), time) < goal:
        return None
    while low < high:
        middle = (low + high) // 2
        if within(_with_people(load, middle), time) >= goal:
            high = middle
        else:
            low = middle + 1
    return low


def _with_people(load: Load, people: int) -> Load:
    return Load(arrivals=load.arrivals, handling=load.handling, people=people, patience=load.patience)
