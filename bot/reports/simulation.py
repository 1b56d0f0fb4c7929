"""
Simulate a day of requests under several orders of the queue. Pure; the standard library only.

It answers two questions: how many promises an order keeps with the same people on the same arrivals, and
whether a plan made with a formula (`erlang`) holds when arrivals and handling times are not as smooth as the
formula thinks.

What is assumed, and where it comes from:

- *Arrivals* are a Poisson process whose rate changes with the hour, which holds well for customers who do not
  know of each other (Brown et al. 2005, "Statistical Analysis of a Telephone Call Center", JASA 100:36-50). The
  hours are those of a large North American bank, Tuesday and Wednesday, 4 and 5 March 2003 (Weinberg, Brown and
  Stroud 2007, JASA 102:1185-1198; the data are `bank_calls` of the R package fpp3). For social networks the
  public figures are coarser: 35 airlines were asked evenly from 9 to 21, 77 % of their day (WaveMetrix 2013): a
  flatter curve.
- *Bursts* are our own guess: a post goes viral, a service is down. Many ask at once and then ever fewer, and most
  ask the same.
- *Handling times* are log-normal, as Brown et al. found. Their calls took 188 s on average and 114 s in the
  middle, hence a spread (sigma) of 1.0. Our mean is a parameter, because it is the load: 30 people times 8
  hours over 10,000 requests is 86 s.
- *Hearing* takes up to a minute: four accounts are polled each minute. The promise counts from the customer all
  the same.
- An answer to *alike* requests takes as long as one answer and a glance at each of the others: our own guess too.
"""

from __future__ import annotations

import heapq
import math
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import assert_never

from bot.inbox.order import FAIR, Walk, walks
from bot.reports.percentiles import share, summarise

HOURS = {
    **{7: 1991, 8: 3882, 9: 6711, 10: 7141, 11: 6730, 12: 6490, 13: 6138, 14: 6027, 15: 5924, 16: 5064},
    **{17: 3813, 18: 2768, 19: 2358, 20: 1839},
}
"""Calls by the hour of the day, both days together: the daily curve."""
SPREAD = 1.0
ACCOUNTS = 4
POLL_EVERY = 60.0
"""Seconds between two polls of an account; the accounts take turns."""
GLANCE = 5.0
"""Seconds to see that a request is alike and tick it."""
MOST_ALIKE = 50
"""Requests answered together at the most."""
HOUR = 3600.0


class Order(StrEnum):
    """
    Whom a free person is given next.
    """

    FIFO = "fifo"  # as it came in: by when we heard it (the list "oldest created first" of other inboxes)
    OLDEST = "oldest_first"  # by when the customer wrote (their "longest waiting first")
    OURS = "ours"  # `bot.inbox.order`
    GROUPED = "ours_with_grouping"  # ours, and alike requests that wait are answered together


@dataclass(frozen=True, slots=True, kw_only=True)
class Burst:
    """
    Many ask about one thing.

    Args:
        at: seconds of the day at which it begins.
        share: of the day's requests.
        fades: seconds after which only 37 % still come.
        alike: share of its requests that can be answered together.
    """

    name: str
    at: float
    share: float
    fades: float
    alike: float = 0.8


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """
    Somebody asks: times in seconds of the day.

    Args:
        work: seconds that the answer takes.
        alike: number of the burst whose question it is; 0 for a question of its own.
        account: by which of the accounts it comes.
    """

    number: int
    written: float
    heard: float
    due: float
    work: float
    alike: int = 0
    account: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """
    A day to simulate.

    Args:
        opens, closes: hours between which requests come and people begin answers.
        handling: mean seconds of an answer.
    """

    requests: int
    opens: int = 9
    closes: int = 17
    handling: float = 80.0
    spread: float = SPREAD
    promise: float = 900.0
    bursts: tuple[Burst, ...] = ()


USUAL_BURSTS = (
    Burst(name="a post goes viral", at=10 * HOUR, share=0.03, fades=900.0),
    Burst(name="an outage", at=14 * HOUR, share=0.02, fades=900.0),
)
"""The day of `hubbub bench day`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Shift:
    """
    When somebody takes requests, in seconds of the day.
    """

    begins: float
    ends: float = math.inf


def make_day(plan: Plan, seed: int) -> tuple[Request, ...]:
    """
    Draw the requests of a day, in the order in which they are heard.

    Given how many there are, the instants of a Poisson process are independent draws from its curve.
    """
    draw = random.Random(seed)
    log_mean = math.log(plan.handling) - plan.spread**2 / 2
    found = []
    for number in range(plan.requests):
        written, alike = _instant(draw, plan)
        account = draw.randrange(ACCOUNTS)
        found.append(
            Request(
                number=number,
                written=written,
                heard=_next_poll(written, account),
                due=written + plan.promise,
                work=draw.lognormvariate(log_mean, plan.spread),
                alike=alike,
                account=account,
            )
        )
    return tuple(sorted(found, key=lambda request: (request.heard, request.written)))


def _next_poll(written: float, account: int) -> float:
    turn = account * POLL_EVERY / ACCOUNTS
    return turn + math.ceil((written - turn) / POLL_EVERY) * POLL_EVERY


def _instant(draw: random.Random, plan: Plan) -> tuple[float, int]:
    chance = draw.random()
    for number, burst in enumerate(plan.bursts, 1):
        chance -= burst.share
        if chance < 0:
            written = burst.at + draw.expovariate(1 / burst.fades)
            return min(written, plan.closes * HOUR - 1), number if draw.random() < burst.alike else 0
    hours = range(plan.opens, plan.closes)
    hour = draw.choices(hours, [HOURS.get(hour, 0) for hour in hours])[0]
    return (hour + draw.random()) * HOUR, 0


def load(day: Sequence[Request], people: int, hours: float) -> float:
    """
    Say how much of the people's time the day's work is: above 1 it cannot be done in the day by answering singly.
    """
    return sum(request.work for request in day) / (people * hours * HOUR)


Heap = list[tuple[float, int, Request]]


class Waiting:
    """
    The requests that wait, in one of the orders; what `take` gives is gone.
    """

    def __init__(self, order: Order, reach: float, fair: int = FAIR) -> None:
        self.order, self.reach, self.fair = order, reach, fair
        self._gone: set[int] = set()
        # can be kept, is nearer than its reach, is breached; for the orders of others all are in the first
        self._in_time: Heap = []
        self._near: Heap = []
        self._late: Heap = []
        self._alike: dict[int, dict[int, Request]] = {}
        self._hand_outs = 0
        self._count = 0

    def __len__(self) -> int:
        return self._count

    def add(self, request: Request) -> None:
        """
        Let a request wait.
        """
        match self.order:
            case Order.FIFO:
                key = request.heard
            case Order.OLDEST:
                key = request.written
            case Order.OURS | Order.GROUPED:
                key = request.due
            case _:
                assert_never(self.order)
        heapq.heappush(self._in_time, (key, request.number, request))
        self._count += 1
        if request.alike:
            self._alike.setdefault(request.alike, {})[request.number] = request

    def take(self, now: float) -> list[Request]:
        """
        Hand out the next request, and with grouping those alike to it; never called when nothing waits.
        """
        first = self._first(now)
        taken = [first]
        alike = self._alike.get(first.alike, {})
        alike.pop(first.number, None)
        if self.order is Order.GROUPED:
            taken += list(alike.values())[: MOST_ALIKE - 1]
        for request in taken:
            self._gone.add(request.number)
            alike.pop(request.number, None)
        self._count -= len(taken)
        return taken

    def _first(self, now: float) -> Request:
        self._hand_outs += 1
        for heap in self._walks(now):
            while heap:
                request = heapq.heappop(heap)[2]
                if request.number not in self._gone:
                    return request
        raise LookupError("nothing waits")

    def _walks(self, now: float) -> Iterator[Heap]:
        if self.order in (Order.FIFO, Order.OLDEST):
            yield self._in_time
            return
        self._give_up(self._in_time, self._near, now + self.reach)
        self._give_up(self._near, self._late, now)
        in_time: tuple[Heap, ...] = (self._in_time,)
        late: tuple[Heap, ...] = (self._late, self._near)
        if not self._in_time or self._in_time[0][0] > now + 2 * self.reach:  # `bot.inbox.order.is_calm`
            in_time, late = (self._near, self._in_time), (self._late,)
        # `walks` itself decides; a fairness other than the house's is for the table in the documentation
        for walk in walks(FAIR if self._hand_outs % self.fair == 0 else 1):
            yield from {Walk.IN_TIME: in_time, Walk.LATE: late, Walk.UNDATED: ()}[walk]

    def _give_up(self, before: Heap, after: Heap, line: float) -> None:
        while before and (before[0][0] <= line or before[0][1] in self._gone):
            entry = heapq.heappop(before)
            if entry[1] not in self._gone:
                heapq.heappush(after, entry)


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """
    A request that was answered, and when.
    """

    request: Request
    at: float

    @property
    def kept(self) -> bool:
        return self.at <= self.request.due


def simulate(day: Sequence[Request], shifts: Sequence[Shift], waiting: Waiting) -> list[Answer]:
    """
    Let people answer a day's requests; what nobody is left to answer is missing from the result.
    """
    return list(_answers(day, shifts, waiting))


def _answers(day: Sequence[Request], shifts: Sequence[Shift], waiting: Waiting) -> Iterator[Answer]:
    free = [(shift.begins, number, shift) for number, shift in enumerate(shifts)]
    heapq.heapify(free)
    heard = 0
    while free and (waiting or heard < len(day)):
        now, number, shift = heapq.heappop(free)
        while heard < len(day) and day[heard].heard <= now:
            waiting.add(day[heard])
            heard += 1
        if not waiting:
            now = max(now, day[heard].heard)
            if now < shift.ends:
                heapq.heappush(free, (now, number, shift))
            continue
        if now >= shift.ends:
            continue
        taken = waiting.take(now)
        done = now + taken[0].work + GLANCE * (len(taken) - 1)
        heapq.heappush(free, (done, number, shift))
        yield from (Answer(request=request, at=done) for request in taken)


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """
    How a day went under an order: seconds, and shares of all requests of the day.
    """

    order: Order
    requests: int
    kept: float | None
    average: float | None
    p50: float | None
    p95: float | None
    longest: float | None
    unanswered: int


def judge(order: Order, day: Sequence[Request], answers: Sequence[Answer]) -> Result:
    """
    Sum up a simulated day; what was never answered counts as not kept.
    """
    times = summarise([answer.at - answer.request.written for answer in answers])
    return Result(
        order=order,
        requests=len(day),
        kept=share(sum(answer.kept for answer in answers), len(day)),
        average=times.average,
        p50=times.p50,
        p95=times.p95,
        longest=times.longest,
        unanswered=len(day) - len(answers),
    )


def compare(
    day: Sequence[Request], shifts: Sequence[Shift], reach: float, orders: Sequence[Order] = tuple(Order)
) -> list[Result]:
    """
    Run the same day under several orders.
    """
    return [judge(order, day, simulate(day, shifts, Waiting(order, reach))) for order in orders]


def backlog(day: Sequence[Request], answers: Sequence[Answer], instants: Sequence[float]) -> list[int]:
    """
    Count how many waited at each of some instants in ascending order.
    """
    changes = sorted([(request.heard, 1) for request in day] + [(answer.at, -1) for answer in answers])
    counts, place, waiting = [], 0, 0
    for instant in instants:
        while place < len(changes) and changes[place][0] <= instant:
            waiting += changes[place][1]
            place += 1
        counts.append(waiting)
    return counts
