"""
The index of the board: whatever is put in, it answers as a list would that is filtered and sorted.
"""

from __future__ import annotations

import random
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.inbox import index as index_module
from bot.inbox.index import NEVER, Entry, Index, micros, values_of
from bot.inbox.matching import Conditions
from bot.inbox.rules import State
from bot.inbox.selection import NOBODY, Order, Selection
from tests.fakes.clock import START

ENTRIES = st.builds(
    lambda number, state, agent, waiting, language, priority, tags, due, newest: Entry(
        id=f"c{number:02}",
        values=values_of(
            state=state,
            agent_id=agent,
            waiting=waiting,
            account_id="a1",
            channel="mastodon",
            language=language,
            intent="other",
            priority=priority,
            mood="not judged",
            tags=tags,
        ),
        due=NEVER if due is None else micros(START + timedelta(seconds=due)),
        newest=newest,
    ),
    st.integers(0, 25),
    st.sampled_from(["open", "pending", "snoozed"]),
    st.sampled_from([None, "ann", "ben"]),
    st.booleans(),
    st.sampled_from([None, "en", "de"]),
    st.sampled_from(["urgent", "normal"]),
    st.sets(st.sampled_from(["refund", "lamp"])),
    st.none() | st.integers(-40, 40),
    st.integers(0, 5),
)
SELECTIONS = st.builds(
    lambda states, agents, breached, waiting, languages, tags: Selection(
        states=tuple(states),
        agents=tuple(agents),
        breached=breached,
        waiting=waiting,
        conditions=Conditions(languages=tuple(languages), tags=tuple(tags)),
    ),
    st.sets(st.sampled_from([State.OPEN, State.PENDING, State.SNOOZED])),
    st.sets(st.sampled_from([NOBODY, "ann", "eve"])),
    st.booleans(),
    st.booleans(),
    st.sets(st.sampled_from(["en", "none"])),
    st.sets(st.sampled_from(["refund", "lamp"])),
)
STEPS = st.lists(ENTRIES | st.integers(0, 25), max_size=40)


def _means(selection: Selection, entry: Entry, second: int) -> bool:
    has = set(entry.values)

    def any_of(name: str, wanted: tuple[str, ...]) -> bool:
        return not wanted or any((name, value) in has for value in wanted)

    return (
        any_of("states", tuple(map(str, selection.states)))
        and any_of("agents", selection.agents)
        and any_of("languages", selection.conditions.languages)
        and any_of("tags", selection.conditions.tags)
        and (not selection.waiting or ("waiting", "yes") in has)
        and (not selection.breached or entry.due < micros(START + timedelta(seconds=second)))
    )


def _ids(index: Index, selection: Selection, order: Order, second: int) -> list[str]:
    found, after, now = list[str](), None, START + timedelta(seconds=second)
    while True:
        part = index.first(selection, now, order=order, limit=3, after=after)
        assert part is not None
        found += part.ids
        if not part.more:
            return found
        last = index._slots[part.ids[-1]]
        after = ((index._due if order is Order.DEADLINE else index._newest)[last], part.ids[-1])


@pytest.mark.parametrize("few", [0, 5_000], ids=["walked", "sorted"])
@given(STEPS, st.booleans(), SELECTIONS, st.lists(st.integers(-50, 50), min_size=1, max_size=3))
def test_it_answers_as_a_sorted_list_would(
    few: int, steps: list[Entry | int], at_once: bool, selection: Selection, seconds: list[int]
) -> None:
    index, there = Index(), dict[str, Entry]()
    for step in steps:
        if isinstance(step, int):
            index.drop(f"c{step:02}")
            there.pop(f"c{step:02}", None)
        else:
            index.put_many([step]) if at_once else index.put(step)
            there[step.id] = step
        # Asked in between, so that the number that is kept has to move with each change.
        meant = [entry for entry in there.values() if _means(selection, entry, 0)]
        assert index.count(selection, START) == len(meant)
    assert len(index) == len(there)
    index_module.FEW, before = few, index_module.FEW
    try:
        for second in seconds:  # time may go back, too
            meant = [entry for entry in there.values() if _means(selection, entry, second)]
            assert index.count(selection, START + timedelta(seconds=second)) == len(meant)
            if few or all(entry.due != NEVER for entry in meant):
                by_deadline = [entry.id for entry in sorted(meant, key=lambda one: (one.due, one.id))]
                assert _ids(index, selection, Order.DEADLINE, second) == by_deadline
    finally:
        index_module.FEW = before
    newest = [entry.id for entry in sorted(meant, key=lambda one: (one.newest, one.id), reverse=True)]
    assert _ids(index, selection, Order.NEWEST, second) == newest


def test_values_that_nobody_has_any_more_are_let_go() -> None:
    index, choice = Index(), random.Random(1)
    for number in range(30_000):
        values = (("tags", f"t{choice.random()}"),)
        index.put(Entry(id="one", values=values, due=number, newest=0))
    assert len(index._same) < 12_000
    assert len(index._having) == 1
    assert len(index._spans) == 1
