"""
Ids: valid UUIDv7, strictly increasing, told apart between processes.
"""

from __future__ import annotations

import itertools
import uuid
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.core.ids import COUNTER_BITS, EPOCH, RANDOM_BITS, IdMaker, layout, new_id

NOW = datetime(2026, 3, 2, 9, 0, 0, 123_999, tzinfo=UTC)
INSTANTS = st.integers(-10 * 365 * 86_400 * 10**6, (1 << 47) * 1000).map(
    lambda micros: EPOCH + timedelta(microseconds=micros)
)


@given(INSTANTS)
def test_an_id_is_a_version_7_uuid_in_its_usual_spelling(now: datetime) -> None:
    text = IdMaker().make(now)
    value = uuid.UUID(text)
    assert (len(text), str(value), value.version, value.variant) == (36, text, 7, uuid.RFC_4122)


@given(INSTANTS.filter(lambda now: now >= EPOCH))
def test_an_id_carries_its_millisecond(now: datetime) -> None:
    millis = uuid.UUID(IdMaker().make(now)).int >> 80
    assert timedelta(0) <= now - (EPOCH + timedelta(milliseconds=millis)) < timedelta(milliseconds=1)


@given(st.lists(INSTANTS, min_size=2))
def test_ids_rise_strictly_whatever_the_clock_does(instants: list[datetime]) -> None:
    maker = IdMaker()
    ids = [maker.make(now) for now in instants]
    assert all(earlier < later for earlier, later in itertools.pairwise(ids))


def test_many_ids_in_one_millisecond_rise_strictly() -> None:
    ids = [new_id(NOW) for _ in range(5_000)]
    assert ids == sorted(set(ids))


def test_threads_never_share_an_id() -> None:
    with ThreadPoolExecutor(8) as pool:
        ids = list(pool.map(lambda _: new_id(NOW), range(4_000)))
    assert len(set(ids)) == len(ids)


def test_a_full_counter_goes_on_in_the_next_millisecond() -> None:
    maker = IdMaker()
    first = maker.make(NOW)
    maker._counter = (1 << COUNTER_BITS) - 1
    second = maker.make(NOW)
    assert second > first
    assert uuid.UUID(second).int >> 80 == (uuid.UUID(first).int >> 80) + 1


@given(
    st.tuples(*(st.integers(0, (1 << bits) - 1) for bits in (48, COUNTER_BITS, RANDOM_BITS))),
    st.tuples(*(st.integers(0, (1 << bits) - 1) for bits in (48, COUNTER_BITS, RANDOM_BITS))),
)
def test_text_sorts_as_the_fields_do(one: tuple[int, int, int], other: tuple[int, int, int]) -> None:
    assert (layout(*one) < layout(*other)) == (one < other)


def test_processes_are_told_apart() -> None:
    assert len({IdMaker().make(NOW) for _ in range(200)}) == 200


def test_a_zone_does_not_matter_and_a_naive_instant_is_refused() -> None:
    east = NOW.astimezone(timezone(timedelta(hours=8)))
    assert uuid.UUID(IdMaker().make(east)).int >> 80 == uuid.UUID(IdMaker().make(NOW)).int >> 80
    with pytest.raises(TypeError):
        new_id(NOW.replace(tzinfo=None))
