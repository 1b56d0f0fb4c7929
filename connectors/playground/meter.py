"""
Rate-limit windows as Mastodon keeps them: fixed spans of the clock, a count for each subject. No I/O.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime

from connectors.playground.rules import Window


@dataclass(frozen=True, slots=True, kw_only=True)
class Spent:
    """
    Where a subject stands in a window after a call.
    """

    limit: int
    used: int
    resets_at: datetime

    @property
    def remaining(self) -> int:
        return max(0, self.limit - self.used)

    @property
    def over(self) -> bool:
        return self.used > self.limit

    @property
    def headers(self) -> dict[str, str]:
        """
        Say it in headers; the reset is an ISO 8601 instant with microseconds.
        """
        return {
            "X-RateLimit-Limit": str(self.limit),
            "X-RateLimit-Remaining": str(self.remaining),
            "X-RateLimit-Reset": self.resets_at.strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
        }


class Meter:
    """
    Counts calls by name of the limit and subject.
    """

    def __init__(self) -> None:
        self._counts: dict[tuple[str, str], tuple[int, int]] = {}

    def spend(self, name: str, window: Window, subject: str, *, now: datetime) -> Spent:
        """
        Count one call and say where that leaves the subject.
        """
        seconds = int(window.period.total_seconds())
        span = int(now.timestamp()) // seconds
        known, count = self._counts.get((name, subject), (span, 0))
        used = count + 1 if known == span else 1
        self._counts[name, subject] = (span, used)
        return Spent(limit=window.limit, used=used, resets_at=datetime.fromtimestamp((span + 1) * seconds, tz=UTC))


def nearest(spent: Iterable[Spent]) -> Spent | None:
    """
    Choose the limit to report: the one with the least left.
    """
    return min(spent, key=lambda each: (each.remaining, -each.used), default=None)
