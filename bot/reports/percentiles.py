"""
Summarise waiting times: percentiles, averages, shares. Pure; the standard library only.

The percentile is the *nearest rank*: the smallest value that at least so many of a hundred do not exceed. It is
always a time that somebody really waited, never one between two, and a recount by hand gives the same. Of nothing
there is no percentile and no share: None, never 0, for "nobody asked" and "nothing was kept" are different news.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

PERCENTS = (50, 90, 95, 99)


@dataclass(frozen=True, slots=True, kw_only=True)
class Times:
    """
    A set of durations in a few numbers, in seconds; None where there was nothing to measure.
    """

    count: int
    average: float | None
    p50: float | None
    p90: float | None
    p95: float | None
    p99: float | None
    longest: float | None


def nearest_rank(ordered: Sequence[float], percent: int) -> float | None:
    """
    Give the percentile of values in ascending order, or None of nothing.
    """
    if not ordered:
        return None
    # ceil(percent / 100 * n) in whole numbers: floats would put the 95th of 20 at the 20th
    rank = -(-percent * len(ordered) // 100)
    return ordered[max(rank, 1) - 1]


def summarise(seconds: Sequence[float]) -> Times:
    """
    Give count, average and percentiles of durations in any order.
    """
    ordered = sorted(seconds)
    p50, p90, p95, p99 = (nearest_rank(ordered, percent) for percent in PERCENTS)
    return Times(
        count=len(ordered),
        average=sum(ordered) / len(ordered) if ordered else None,
        p50=p50,
        p90=p90,
        p95=p95,
        p99=p99,
        longest=ordered[-1] if ordered else None,
    )


def share(part: int, whole: int) -> float | None:
    """
    Give a part of a whole, or None when there is no whole.
    """
    return part / whole if whole else None
