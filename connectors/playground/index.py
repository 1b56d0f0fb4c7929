"""
Ids that only grow, and ordered rows cut into pages without looking at each row.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right, insort
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime


class Ids:
    """
    Snowflake-like numbers: milliseconds in front, a count behind, always growing.

    A restart goes on with later milliseconds, so ids do not come back.
    """

    def __init__(self) -> None:
        self._last = 0

    def next(self, now: datetime) -> int:
        """
        Give the next id; larger than any before, even if `now` went backwards.
        """
        self._last = max(self._last + 1, int(now.timestamp() * 1000) << 16)
        return self._last


class Counting(Ids):
    """
    Plain numbers from a given one, so that a test can pass from 999 to 1000, where text order and age differ.
    """

    def __init__(self, first: int) -> None:
        super().__init__()
        self._last = first - 1

    def next(self, now: datetime) -> int:
        self._last += 1
        return self._last


@dataclass(frozen=True, slots=True, kw_only=True)
class Cut:
    """
    Which rows are asked for, in Mastodon's words: older than `max_id`, newer than `since_id` (the newest of
    them), or newer than `min_id` (those right after it).
    """

    limit: int
    max_id: int | None = None
    since_id: int | None = None
    min_id: int | None = None


class Rows:
    """
    Growing ids in order.
    """

    __slots__ = ("_ids",)

    def __init__(self) -> None:
        self._ids: list[int] = []

    def __len__(self) -> int:
        return len(self._ids)

    def __iter__(self) -> Iterator[int]:
        return iter(self._ids)

    @property
    def newest(self) -> int | None:
        return self._ids[-1] if self._ids else None

    def add(self, row: int) -> None:
        """
        Put a row in; nearly always at the end.
        """
        if not self._ids or row > self._ids[-1]:
            self._ids.append(row)
        else:
            insort(self._ids, row)

    def discard(self, row: int) -> None:
        """
        Take a row out if it is there.
        """
        at = bisect_left(self._ids, row)
        if at < len(self._ids) and self._ids[at] == row:
            del self._ids[at]

    def page(self, cut: Cut, keep: Callable[[int], bool] = lambda _: True) -> list[int]:
        """
        Give the rows of a cut that `keep` likes, newest first.
        """
        newer_than = max(cut.since_id or 0, cut.min_id or 0)
        low = bisect_right(self._ids, newer_than)
        high = len(self._ids) if cut.max_id is None else bisect_left(self._ids, cut.max_id)
        upward = cut.min_id is not None
        walk = range(low, high) if upward else range(high - 1, low - 1, -1)
        found: list[int] = []
        for at in walk:
            if len(found) == cut.limit:
                break
            if keep(self._ids[at]):
                found.append(self._ids[at])
        return found[::-1] if upward else found


def merged_page(many: Iterable[Rows], cut: Cut) -> list[int]:
    """
    Give one page over several lists of rows, newest first.
    """
    found = sorted(row for rows in many for row in rows.page(cut))
    chosen = found[: cut.limit] if cut.min_id is not None else found[-cut.limit :] if cut.limit else []
    return chosen[::-1]
