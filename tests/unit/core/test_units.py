"""
Durations and sizes as people write them.
"""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.core.units import read_duration, read_size, show_duration, show_size


@pytest.mark.parametrize(
    ("written", "seconds"),
    [
        ("15m", 900),
        ("1h30m", 5400),
        (" 1h 30m ", 5400),
        ("1H30M", 5400),
        ("PT15M", 900),
        ("p1dt1h", 90_000),
        ("P2W", 1_209_600),
        ("PT1M1.5S", 61.5),
        ("90", 90),
        ("1.5s", 1.5),
        ("500ms", 0.5),
        ("2w", 1_209_600),
        (0, 0),
        (30, 30),
        (0.25, 0.25),
        (timedelta(minutes=1), 60),
    ],
)
def test_durations_are_read_leniently(written: object, seconds: float) -> None:
    assert read_duration(written) == timedelta(seconds=seconds)


@pytest.mark.parametrize(
    "written",
    [
        "",
        "soon",
        "m",
        "-1",
        "-5m",
        "P-1D",
        "P",
        "PT",
        "P1DT",
        "P1Y",
        "15 apples",
        "1m30",
        "1e3",
        "٣m",
        -1,
        True,
        None,
        [],
        {},
        "1e400",
        "99999999999999999999w",
        float("inf"),
        float("nan"),
        "P99999999999Y",
    ],
)
def test_what_is_no_duration_is_refused_with_examples(written: object) -> None:
    with pytest.raises(ValueError, match='such as "90s"'):
        read_duration(written)


@given(st.integers(0, 10**12))
def test_a_shown_duration_is_read_back(millis: int) -> None:
    value = timedelta(milliseconds=millis)
    assert read_duration(show_duration(value)) == value


def test_durations_are_shown_shortly() -> None:
    assert [show_duration(timedelta(seconds=n)) for n in (0, 90, 900, 86_400, 604_800)] == [
        "0s",
        "1m30s",
        "15m",
        "1d",
        "7d",
    ]


@pytest.mark.parametrize(
    ("written", "size"),
    [("2MB", 2_000_000), ("1 MiB", 1_048_576), ("1.5kb", 1500), ("12", 12), ("7B", 7), (12, 12), ("1G", None)],
)
def test_sizes(written: object, size: int | None) -> None:
    if size is None:
        with pytest.raises(ValueError, match="such as"):
            read_size(written)
    else:
        assert read_size(written) == size


@pytest.mark.parametrize("written", ["", "MB", "-3", "2XB", "9" * 400 + "MB", True, None, -1, 2.5])
def test_what_is_no_size_is_refused(written: object) -> None:
    with pytest.raises(ValueError, match='such as "500kB"'):
        read_size(written)


@given(st.integers(0, 10**13))
def test_a_shown_size_is_read_back(size: int) -> None:
    assert read_size(show_size(size)) == size
