"""
Ids and pages: what `max_id`, `since_id` and `min_id` cut, checked against the plain definition.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from connectors.playground.edges import Edges
from connectors.playground.index import Counting, Cut, Ids, Rows, merged_page

NOW = datetime(2026, 3, 4, 5, 6, 7, tzinfo=UTC)


def rows_of(ids):
    rows = Rows()
    for each in ids:
        rows.add(each)
    return rows


def by_definition(ids, cut):
    newer = max(cut.since_id or 0, cut.min_id or 0)
    left = sorted(each for each in ids if each > newer and (cut.max_id is None or each < cut.max_id))
    return (left[: cut.limit] if cut.min_id is not None else left[-cut.limit :])[::-1]


ids = st.sets(st.integers(1, 60), max_size=30)
edge = st.none() | st.integers(1, 60)
cuts = st.builds(Cut, limit=st.integers(1, 12), max_id=edge, since_id=edge, min_id=edge)


@given(ids, cuts)
def test_a_page_is_what_its_definition_says(chosen, cut):
    assert rows_of(chosen).page(cut) == by_definition(chosen, cut)


@given(ids, ids, cuts)
def test_a_merged_page_is_the_page_of_the_union(first, second, cut):
    second = second - first
    assert merged_page([rows_of(first), rows_of(second)], cut) == by_definition(first | second, cut)


@given(st.lists(st.integers(1, 30)), st.lists(st.integers(1, 30)))
def test_rows_stay_in_order_whatever_goes_in_and_out(added, removed):
    rows = rows_of(set(added))
    for each in removed:
        rows.discard(each)
    assert list(rows) == sorted(set(added) - set(removed))
    assert rows.newest == max(set(added) - set(removed), default=None)


def test_walking_with_min_id_meets_every_row_once():
    rows, met, at = rows_of(range(1, 95)), [], 0
    while page := rows.page(Cut(limit=40, min_id=at)):
        met += reversed(page)
        at = page[0]
    assert met == list(range(1, 95))


def test_since_id_leaves_a_gap_as_on_real_servers():
    assert rows_of(range(1, 95)).page(Cut(limit=40, since_id=10)) == list(range(94, 54, -1))


def test_ids_grow_even_when_the_clock_goes_back():
    source = Ids()
    made = [source.next(NOW + timedelta(seconds=step)) for step in (0, 0, -5, 1)]
    assert made == sorted(set(made))


def test_ids_do_not_come_back_after_a_restart():
    before, after = Ids(), Ids()
    old = {before.next(NOW) for _ in range(1000)}
    assert after.next(NOW + timedelta(seconds=1)) > max(old)


def test_counting_passes_from_999_to_1000():
    source = Counting(999)
    assert [source.next(NOW), source.next(NOW)] == [999, 1000]


def test_edges_connect_and_part():
    edges = Edges()
    edges.add(1, 9, 100)
    edges.add(2, 9, 101)
    assert (edges.find(1, 9), edges.find(3, 9)) == (100, None)
    assert edges.remove(1, 9) == 100
    assert edges.remove(1, 9) is None
    assert list(edges.into(9)) == [101]
    assert list(edges.out_of(1)) == []
    assert edges.remove_all(9) == [101]
    assert list(edges.into(9)) == []
    assert list(edges.out_of(2)) == []
