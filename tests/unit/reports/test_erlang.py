"""
The queueing formulas, against published figures, their own limits, and a simulation that knows nothing of them.
"""

from __future__ import annotations

import heapq
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.reports.erlang import Load, erlang_b, people_needed, regularised_beta, waiting, within

# Gans, Koole and Mandelbaum (2003) and Mandelbaum and Zeltyn (2005): 48 calls a minute, 1 minute each, 50 people,
# with and without a patience of 2 minutes.
CALLS = Load(arrivals=48.0, handling=1.0, people=50)
IMPATIENT = Load(arrivals=48.0, handling=1.0, people=50, patience=2.0)


def test_erlang_c_gives_the_published_figures() -> None:
    found = waiting(CALLS)
    assert found.average * 60 == pytest.approx(20.8, abs=0.05)
    assert found.busy == pytest.approx(0.96)
    assert within(CALLS, 58.1 / 60) == pytest.approx(0.90, abs=0.001)


def test_erlang_c_gives_the_figures_of_the_calculators() -> None:
    # a worked example found in many places: 0.2 calls a second, 240 seconds each, 55 people, 15 seconds
    calls = Load(arrivals=0.2, handling=240.0, people=55)
    assert waiting(calls).delayed == pytest.approx(0.2387, abs=5e-5)
    assert waiting(calls).average == pytest.approx(8.184, abs=5e-4)
    assert within(calls, 15.0) == pytest.approx(0.8459, abs=5e-5)


def test_erlang_a_gives_the_published_figures() -> None:
    found = waiting(IMPATIENT)
    assert found.lost == pytest.approx(0.031, abs=0.0005)
    assert found.average * 60 == pytest.approx(3.7, abs=0.05)
    assert found.busy == pytest.approx(0.93, abs=0.005)


def test_one_person_by_hand() -> None:
    # n = 1, all rates 1: the states are those of M/M/infinity, Poisson(1), since 1 served + q lost = q + 1 leave
    found = waiting(Load(arrivals=1.0, handling=1.0, people=1, patience=1.0))
    empty = 0.36787944117144233
    assert found.delayed == pytest.approx(1 - empty)
    assert found.busy == pytest.approx(1 - empty)
    assert found.lost == pytest.approx(empty), "the queue is the mean 1 less the one served: 1 - (1 - 1/e)"


@settings(max_examples=40)
@given(st.floats(0.1, 100.0), st.floats(0.1, 5.0), st.integers(1, 80), st.floats(0.2, 30.0), st.floats(0.0, 30.0))
def test_what_must_hold_of_any_queue(
    arrivals: float, handling: float, people: int, patience: float, time: float
) -> None:
    load = Load(arrivals=arrivals, handling=handling, people=people, patience=patience)
    found = waiting(load)
    assert 0 <= found.delayed <= 1 + 1e-9
    assert 0 <= found.lost <= 1
    assert found.lost == pytest.approx(found.average / patience), "Little's law twice"
    assert 0 <= found.busy <= 1 + 1e-9
    assert within(load, 0.0) == pytest.approx(1 - found.delayed, abs=1e-9)
    assert within(load, time) <= within(load, time + 1) + 1e-9
    assert within(load, 100 * patience) == pytest.approx(1 - found.lost, abs=1e-6)


@given(st.floats(0.1, 0.98), st.integers(1, 60), st.floats(0.0, 5.0))
def test_with_endless_patience_it_is_erlang_c(busy: float, people: int, time: float) -> None:
    endless = Load(arrivals=busy * people, handling=1.0, people=people)
    patient = Load(arrivals=busy * people, handling=1.0, people=people, patience=1e7)
    assert waiting(patient).delayed == pytest.approx(waiting(endless).delayed, rel=1e-3)
    assert within(patient, time) == pytest.approx(within(endless, time), abs=1e-3)


@pytest.mark.parametrize("arrivals", [48.0, 60.0])
def test_a_simulation_agrees_also_with_too_much_work(arrivals: float) -> None:
    load = Load(arrivals=arrivals, handling=1.0, people=50, patience=2.0)
    waits = _simulated(load, 60_000)
    assert sum(wait is None for wait in waits) / len(waits) == pytest.approx(waiting(load).lost, abs=0.012)
    for seconds in (5, 12.5, 20):
        served = sum(wait is not None and wait <= seconds / 60 for wait in waits) / len(waits)
        assert served == pytest.approx(within(load, seconds / 60), abs=0.025)


def _simulated(load: Load, count: int) -> list[float | None]:
    """
    Give the wait of each arrival, None of those who gave up.
    """
    draw, now = random.Random(5), 0.0
    waits: list[float | None] = []
    free = [0.0] * load.people
    for _ in range(count):
        now += draw.expovariate(load.arrivals)
        wait = max(free[0] - now, 0.0)
        if draw.expovariate(1 / load.patience) < wait:
            waits.append(None)
        else:
            heapq.heapreplace(free, max(free[0], now) + draw.expovariate(1 / load.handling))
            waits.append(wait)
    return waits


def test_too_much_work_nobody_there_and_no_work() -> None:
    assert waiting(Load(arrivals=60.0, handling=1.0, people=50)).average == float("inf")
    assert within(Load(arrivals=60.0, handling=1.0, people=50), 5.0) == 0.0
    assert waiting(Load(arrivals=1.0, handling=1.0, people=0, patience=3.0)).lost == 1.0
    assert within(Load(arrivals=1.0, handling=1.0, people=0, patience=3.0), 9.0) == 0.0
    assert waiting(Load(arrivals=0.0, handling=1.0, people=3)).busy == 0.0
    assert within(Load(arrivals=0.0, handling=1.0, people=3), 0.0) == 1.0


def test_the_fewest_people_are_found() -> None:
    load = Load(arrivals=0.35, handling=85.0, people=1, patience=900.0)  # 30 people's work, as seconds
    people = people_needed(load, 600.0, 0.95)
    assert people is not None
    assert within(Load(arrivals=0.35, handling=85.0, people=people, patience=900.0), 600.0) >= 0.95
    assert within(Load(arrivals=0.35, handling=85.0, people=people - 1, patience=900.0), 600.0) < 0.95
    assert people_needed(load, 600.0, 0.95, most=3) is None


def test_the_building_blocks() -> None:
    assert erlang_b(1.0, 1) == pytest.approx(0.5)
    assert erlang_b(2.0, 2) == pytest.approx(0.4)
    assert regularised_beta(1.0, 1.0, 0.3) == pytest.approx(0.3)
    assert regularised_beta(2.0, 3.0, 0.5) == pytest.approx(0.6875)
    assert (regularised_beta(2.0, 3.0, 0.0), regularised_beta(2.0, 3.0, 1.0)) == (0.0, 1.0)
