"""
An index of unresolved conversations in memory: how many a selection means, and which come first. No I/O.

Every conversation has a slot, a small number. For every value of every attribute there is a compressed bitmap of
slots (pyroaring), so that a count is an intersection of a few bitmaps, whatever the number of conversations.
Deadlines stand in spans of ten seconds, in order, each a bitmap too: the first fifty of a selection are found by
walking the spans, and what is late is what lies in spans that have passed.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left, insort
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from heapq import nlargest, nsmallest

from pyroaring import BitMap

from bot.inbox.matching import NO_LANGUAGE, Conditions
from bot.inbox.selection import NOBODY, UNRESOLVED, Order, Selection
from bot.inbox.tallies import Tallies, Value

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)
SPAN = 10 * 1_000_000
"""Microseconds of deadlines that share a bitmap."""
NEVER = 2**62
"""In the place of a deadline: there is none; sorts last."""
FEW = 1_000
"""So many are put in order one by one; more are walked, span by span."""
MANY = 5_000
"""So many without a deadline, or by newest word, are still put in order; more are left to the database."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """
    What the index knows of a conversation.

    Args:
        values: every attribute with its value; an attribute may have several (tags) or none.
        due, newest: microseconds since 1970; `NEVER` without a deadline.
    """

    id: str
    values: tuple[Value, ...]
    due: int
    newest: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """
    The first conversations of a list, in order.

    Args:
        more: there are others behind them.
    """

    ids: list[str]
    more: bool


def micros(at: datetime | None) -> int:
    """
    Give an instant as a number that sorts; `NEVER` for none.
    """
    return NEVER if at is None else (at - EPOCH) // MICROSECOND


class Index:
    """
    The conversations of one process's board. `put` and `drop` change it, the others ask.
    """

    def __init__(self) -> None:
        self._slots: dict[str, int] = {}
        self._ids: list[str] = []
        self._free: list[int] = []
        self._values: list[tuple[Value, ...]] = []
        self._same: dict[tuple[Value, ...], tuple[Value, ...]] = {}
        self._forget_at = 10_000
        self._due = array("q")
        self._newest = array("q")
        self._everything = BitMap()
        self._having: dict[Value, BitMap] = {}
        self._spans: dict[int, BitMap] = {}
        self._order: list[int] = []  # the keys of _spans, sorted
        self._passed = BitMap()  # everything in spans before _swept
        self._swept = 0
        self._tallies = Tallies()
        self._late_at = -1  # one page asks for the late ones of many views at one instant
        self._late_then = BitMap()

    def __len__(self) -> int:
        return len(self._slots)

    # ---- changes ----

    def put(self, entry: Entry) -> None:
        """
        Take in a conversation, or what has changed about it.
        """
        slot = self._slots.get(entry.id)
        self._late_at = -1
        before = None if slot is None else self._values[slot]
        if slot is None:
            slot = self._new_slot(entry.id)
            self._everything.add(slot)
        self._tallies.move(slot, before, entry.values)
        self._set_values(slot, entry.values)
        if self._due[slot] != entry.due:
            self._leave_span(slot)
            self._due[slot] = entry.due
            self._enter_span(slot)
        self._newest[slot] = entry.newest

    def put_many(self, entries: Iterable[Entry]) -> None:
        """
        Take in conversations that are not in the index yet: much faster than one by one.
        """
        self._late_at = -1
        self._tallies.clear()
        having: dict[Value, list[int]] = {}
        spans: dict[int, list[int]] = {}
        for entry in entries:
            if entry.id in self._slots:
                self.put(entry)
                continue
            slot = self._new_slot(entry.id)
            self._values[slot] = values = self._shared(entry.values)
            self._due[slot], self._newest[slot] = entry.due, entry.newest
            for value in values:
                having.setdefault(value, []).append(slot)
            spans.setdefault(_span(entry.due), []).append(slot)
        for value, slots in having.items():
            self._having.setdefault(value, BitMap()).update(slots)
        for span, slots in spans.items():
            self._everything.update(slots)
            self._span(span).update(slots)
            if span < self._swept:
                self._passed.update(slots)

    def drop(self, conversation_id: str) -> None:
        """
        Forget a conversation; one that is not here is no mistake.
        """
        slot = self._slots.pop(conversation_id, None)
        if slot is None:
            return
        self._late_at = -1
        self._tallies.move(slot, self._values[slot], None)
        self._set_values(slot, ())
        self._leave_span(slot)
        self._everything.discard(slot)
        self._ids[slot] = ""
        self._due[slot] = -1
        self._free.append(slot)

    def _new_slot(self, conversation_id: str) -> int:
        if self._free:
            slot = self._free.pop()
            self._ids[slot] = conversation_id
        else:
            slot = len(self._ids)
            self._ids.append(conversation_id)
            self._values.append(())
            self._due.append(-1)
            self._newest.append(0)
        self._slots[conversation_id] = slot
        return slot

    def _set_values(self, slot: int, values: tuple[Value, ...]) -> None:
        before = self._values[slot]
        if before == values:
            return
        for value in before:
            if value not in values:
                having = self._having[value]
                having.discard(slot)
                if not having:
                    del self._having[value]
        for value in values:
            if value not in before:
                self._having.setdefault(value, BitMap()).add(slot)
        self._values[slot] = self._shared(values)

    def _shared(self, values: tuple[Value, ...]) -> tuple[Value, ...]:
        # Conversations that are alike share one tuple; those that nobody uses any more are let go now and then.
        if len(self._same) >= self._forget_at:
            self._same = {used: used for used in self._values}
            self._forget_at = 2 * len(self._same) + 10_000
        return self._same.setdefault(values, values)

    def _span(self, span: int) -> BitMap:
        found = self._spans.get(span)
        if found is None:
            found = self._spans[span] = BitMap()
            insort(self._order, span)
        return found

    def _enter_span(self, slot: int) -> None:
        span = _span(self._due[slot])
        self._span(span).add(slot)
        if span < self._swept:
            self._passed.add(slot)

    def _leave_span(self, slot: int) -> None:
        if self._due[slot] < 0:
            return
        span = _span(self._due[slot])
        members = self._spans[span]
        members.discard(slot)
        self._passed.discard(slot)
        if not members:
            del self._spans[span]
            del self._order[bisect_left(self._order, span)]

    # ---- questions ----

    def count(self, selection: Selection, now: datetime) -> int:
        """
        Count what a selection means; `me` is already somebody.
        """
        members = self._tallies.get(selection)
        if members is None:
            found = self.matching(replace(selection, breached=False), now)
            members = found.copy() if selection.breached else len(found)
            self._tallies.keep(selection, _wanted(selection), members)
        return members if isinstance(members, int) else members.intersection_cardinality(self._late(now))

    def matching(self, selection: Selection, now: datetime) -> BitMap:
        """
        Give the slots that a selection means.
        """
        parts = [self._any(wanted) for wanted in _wanted(selection)]
        if selection.breached:
            parts.append(self._late(now))
        if not parts:
            return self._everything
        parts.sort(key=len)
        return parts[0] if len(parts) == 1 else BitMap.intersection(*parts)

    def first(
        self, selection: Selection, now: datetime, *, order: Order, limit: int, after: tuple[int, str] | None
    ) -> Found | None:
        """
        Give the first conversations of a selection, after a mark; None when the database does that better.

        Args:
            after: deadline (or newest word) and id of the last one that was shown.
        """
        found = self.matching(selection, now)
        if order is Order.DEADLINE and len(found) > FEW:
            return self._walk(found, limit, after)
        if len(found) > MANY:
            return None
        return _cut(self._in_order(found, order, limit + 1, after), limit)

    def _in_order(self, slots: BitMap, order: Order, most: int, after: tuple[int, str] | None) -> list[str]:
        ids = self._ids
        if order is Order.DEADLINE:
            keys = [(self._due[slot], ids[slot]) for slot in slots]
            return [key[1] for key in nsmallest(most, (key for key in keys if after is None or key > after))]
        keys = [(self._newest[slot], ids[slot]) for slot in slots]
        return [key[1] for key in nlargest(most, (key for key in keys if after is None or key < after))]

    def _walk(self, found: BitMap, limit: int, after: tuple[int, str] | None) -> Found | None:
        ids: list[str] = []
        for span in self._spans_from(after):
            here = self._spans[span] & found
            if not here:
                continue
            if span == _span(NEVER) and len(here) > MANY:
                return None  # by id alone, and there are many: an index of the database has that order
            ids += self._in_order(here, Order.DEADLINE, limit + 1 - len(ids), after)
            if len(ids) > limit:
                break
        return _cut(ids, limit)

    def _spans_from(self, after: tuple[int, str] | None) -> Iterator[int]:
        begin = 0 if after is None else bisect_left(self._order, _span(after[0]))
        return iter(self._order[begin:])

    def _any(self, wanted: list[Value]) -> BitMap:
        parts = [self._having[value] for value in wanted if value in self._having]
        if len(parts) == 1:
            return parts[0]
        return BitMap.union(*parts) if parts else BitMap()

    def _late(self, now: datetime) -> BitMap:
        at = micros(now)
        if self._late_at != at:
            self._sweep(_span(at))
            running = self._spans.get(_span(at)) or ()
            self._late_at = at
            self._late_then = self._passed | BitMap([slot for slot in running if self._due[slot] < at])
        return self._late_then

    def _sweep(self, until: int) -> None:
        if until < self._swept:  # the clock was set back
            self._passed, self._swept = BitMap(), 0
        begin, end = bisect_left(self._order, self._swept), bisect_left(self._order, until)
        for span in self._order[begin:end]:
            self._passed |= self._spans[span]
        self._swept = until


def _span(due: int) -> int:
    return due // SPAN


def _cut(ids: list[str], limit: int) -> Found:
    return Found(ids=ids[:limit], more=len(ids) > limit)


def values_of(
    *,
    state: str,
    agent_id: str | None,
    waiting: bool,
    account_id: str,
    channel: str,
    language: str | None,
    intent: str,
    priority: str,
    mood: str,
    tags: Iterable[str] = (),
    segments: Iterable[str] = (),
) -> tuple[Value, ...]:
    """
    Name everything a selection can ask about a conversation.
    """
    return (
        ("states", state),
        ("agents", agent_id or NOBODY),
        ("waiting", "yes" if waiting else "no"),
        ("account_ids", account_id),
        ("channels", channel),
        ("languages", language or NO_LANGUAGE),
        ("intents", intent),
        ("priorities", priority),
        ("moods", mood),
        *(("tags", tag) for tag in sorted(tags)),
        *(("segments", segment) for segment in sorted(segments)),
    )


def _wanted(selection: Selection) -> Iterator[list[Value]]:
    """
    Give what must hold: of each list any, of all lists every one.
    """
    if selection.states and set(selection.states) != set(UNRESOLVED):
        yield [("states", state) for state in selection.states]
    if selection.agents:
        yield [("agents", agent) for agent in selection.agents]
    if selection.waiting:
        yield [("waiting", "yes")]
    yield from _of_conditions(selection.conditions)


def _of_conditions(conditions: Conditions) -> Iterator[list[Value]]:
    for name, values in conditions.to_json().items():
        yield [(name, value) for value in values]
