"""
The numbers of selections that somebody looks at, kept right as conversations change. No I/O.

Thirty people with thirty views ask for 900 numbers a second; the queue changes a few dozen times. So a number is
counted once, and from then on each change of a conversation moves it by one, or not at all.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from pyroaring import BitMap

from bot.inbox.selection import Selection

Value = tuple[str, str]
"""Name of an attribute, and one value of it."""

MOST = 2_000
"""Numbers that are kept; what nobody has asked for the longest is let go, and counted again when somebody does."""


class Tallies:
    """
    Keeps the numbers of selections.

    What is late changes with the time, too: of a selection that asks for it the members are kept, late or not, and
    whoever counts them takes those that are late now.
    """

    def __init__(self) -> None:
        self._members: dict[Selection, BitMap | int] = {}
        self._wanted: dict[Selection, tuple[frozenset[Value], ...]] = {}

    def get(self, selection: Selection) -> BitMap | int | None:
        """
        Give what is kept: a number, or the slots of the members. None: find them, and keep them.
        """
        found = self._members.pop(selection, None)
        if found is not None:
            self._members[selection] = found  # now the newest
        return found

    def keep(self, selection: Selection, wanted: Iterable[Sequence[Value]], members: BitMap | int) -> None:
        """
        Keep a number or members.

        Args:
            wanted: of each list of values a member has any, and so of every list.
        """
        if len(self._members) >= MOST:
            oldest = next(iter(self._members))
            del self._members[oldest], self._wanted[oldest]
        self._members[selection] = members
        self._wanted[selection] = tuple(frozenset(values) for values in wanted)

    def move(self, slot: int, before: tuple[Value, ...] | None, after: tuple[Value, ...] | None) -> None:
        """
        Take in that a conversation had these values and now has those; None: it was not there, or is gone.
        """
        if before == after:
            return
        for selection, wanted in self._wanted.items():
            was, now = _meant(wanted, before), _meant(wanted, after)
            if was != now:
                self._move(selection, slot, now)

    def _move(self, selection: Selection, slot: int, joins: bool) -> None:
        members = self._members[selection]
        if isinstance(members, int):
            self._members[selection] = members + (1 if joins else -1)
        elif joins:
            members.add(slot)
        else:
            members.discard(slot)

    def clear(self) -> None:
        """
        Let go of everything.
        """
        self._members, self._wanted = {}, {}


def _meant(wanted: tuple[frozenset[Value], ...], values: tuple[Value, ...] | None) -> bool:
    if values is None:
        return False
    for any_of in wanted:  # noqa: SIM110 (runs a thousand times a change)
        if any_of.isdisjoint(values):
            return False
    return True
