"""
The numbers of selections that somebody looks at, kept right as conversations change. No I/O.

Thirty people with thirty views ask for 900 numbers a second; the queue changes a few dozen times. So a number is
counted once, and from then on each change of a conversation moves it by one, or not at all.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from bot.inbox.selection import Selection

Value = tuple[str, str]
"""Name of an attribute, and one value of it."""

MOST = 2_000
"""Numbers that are kept; what nobody has asked for the longest is let go, and counted again when somebody does."""


class Tallies:
    """
    Keeps the numbers of selections.
    """

    def __init__(self) -> None:
        self._numbers: dict[Selection, int] = {}
        self._wanted: dict[Selection, tuple[frozenset[Value], ...]] = {}

    def number(self, selection: Selection) -> int | None:
        """
        Give the number that is kept; None: count it, and keep it.
        """
        found = self._numbers.pop(selection, None)
        if found is not None:
            self._numbers[selection] = found  # now the newest
        return found

    def keep(self, selection: Selection, wanted: Iterable[Sequence[Value]], number: int) -> None:
        """
        Keep a number.

        Args:
            wanted: of each list of values a conversation has any, and so of every list.
        """
        if len(self._numbers) >= MOST:
            oldest = next(iter(self._numbers))
            del self._numbers[oldest], self._wanted[oldest]
        self._numbers[selection], self._wanted[selection] = number, tuple(frozenset(values) for values in wanted)

    def move(self, before: tuple[Value, ...] | None, after: tuple[Value, ...] | None) -> None:
        """
        Take in that a conversation had these values and now has those; None: it was not there, or is gone.
        """
        if before == after:
            return
        for selection, wanted in self._wanted.items():
            by = _meant(wanted, after) - _meant(wanted, before)
            if by:
                self._numbers[selection] += by

    def clear(self) -> None:
        """
        Let go of every number.
        """
        self._numbers, self._wanted = {}, {}


def _meant(wanted: tuple[frozenset[Value], ...], values: tuple[Value, ...] | None) -> bool:
    if values is None:
        return False
    for any_of in wanted:  # noqa: SIM110 (runs a thousand times a change)
        if any_of.isdisjoint(values):
            return False
    return True
