"""
Who did it to what, once each, in order: reposts, favourites and follows are all of this kind.
"""

from __future__ import annotations

from collections import defaultdict

from connectors.playground.index import Rows


class Edges:
    """
    An ordered relation. Each pair (who, what) has one row: a growing number that pages are cut by.
    """

    def __init__(self) -> None:
        self._row: dict[tuple[int, int], int] = {}
        self._who: dict[int, int] = {}
        self._what: dict[int, int] = {}
        self._into: defaultdict[int, Rows] = defaultdict(Rows)
        self._out_of: defaultdict[int, Rows] = defaultdict(Rows)

    def add(self, who: int, what: int, row: int) -> None:
        """
        Connect a pair that is not connected yet.
        """
        self._row[who, what] = row
        self._who[row], self._what[row] = who, what
        self._into[what].add(row)
        self._out_of[who].add(row)

    def remove(self, who: int, what: int) -> int | None:
        """
        Part a pair; gives the row it had, or None where there was none.
        """
        row = self._row.pop((who, what), None)
        if row is not None:
            del self._who[row], self._what[row]
            self._into[what].discard(row)
            self._out_of[who].discard(row)
        return row

    def remove_all(self, what: int) -> list[int]:
        """
        Part everybody from `what`; gives the rows they had.
        """
        rows = list(self.into(what))
        for row in rows:
            self.remove(self._who[row], what)
        return rows

    def find(self, who: int, what: int) -> int | None:
        """
        Give the row of a pair, or None.
        """
        return self._row.get((who, what))

    def into(self, what: int) -> Rows:
        """
        Give the rows of all who did it to `what`.
        """
        return self._into.get(what) or Rows()

    def out_of(self, who: int) -> Rows:
        """
        Give the rows of all that `who` did it to.
        """
        return self._out_of.get(who) or Rows()

    def who(self, row: int) -> int:
        return self._who[row]

    def what(self, row: int) -> int:
        return self._what[row]
