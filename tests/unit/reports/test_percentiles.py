"""
Percentiles and shares, against their definition.
"""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.reports.percentiles import nearest_rank, share, summarise

VALUES = st.lists(st.integers(min_value=0, max_value=50).map(float), min_size=1, max_size=60)


@given(VALUES, st.integers(min_value=1, max_value=100))
def test_a_percentile_is_the_smallest_value_that_so_many_do_not_exceed(values: list[float], percent: int) -> None:
    enough = [value for value in values if 100 * sum(one <= value for one in values) >= percent * len(values)]
    assert nearest_rank(sorted(values), percent) == min(enough)


@pytest.mark.parametrize(("percent", "value"), [(50, 10.0), (90, 18.0), (95, 19.0), (99, 20.0), (100, 20.0)])
def test_the_percentiles_of_twenty(percent: int, value: float) -> None:
    assert nearest_rank([float(number) for number in range(1, 21)], percent) == value


def test_A12_of_nothing_there_is_no_percentile_no_average_and_no_share() -> None:
    times = summarise([])
    assert (times.count, times.average, times.p50, times.p99, times.longest) == (0, None, None, None, None)
    assert share(0, 0) is None
    assert share(0, 4) == 0.0


def test_times_are_summed_up_in_any_order() -> None:
    times = summarise([3.0, 1.0, 2.0, 10.0])
    assert (times.count, times.average, times.p50, times.p95, times.longest) == (4, 4.0, 2.0, 10.0, 10.0)
