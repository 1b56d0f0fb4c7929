"""
Marks of pages: what was made is read back, and nothing else gets through.
"""

from __future__ import annotations

import base64
import json
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.core.errors import Invalid
from bot.core.paging import decode_mark, encode_mark, slice_of

INSTANTS = st.datetimes(min_value=datetime(1970, 1, 1), max_value=datetime(2200, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001
TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"))
PARTS = st.one_of(st.none(), st.booleans(), st.integers(-(2**63), 2**63 - 1), TEXTS, INSTANTS)


@given(st.lists(PARTS, min_size=1, max_size=4))
def test_a_mark_is_read_back(key: list[object]) -> None:
    assert decode_mark(encode_mark(key), parts=len(key)) == key


@pytest.mark.parametrize(
    "plain",
    [
        '"x"',
        "[]",
        '["a", "b"]',
        '["a\\u0000b"]',
        '["\\ud800"]',
        "[9223372036854775808]",
        '[{"at": "2026-03-02T09:00:00"}]',
        '[{"at": "0001-01-01T00:00:00+12:00"}]',
        '[{"at": "soon"}]',
        '[{"at": 5}]',
        '[{"x": 1}]',
        "[[1]]",
        "[" * 5_000,
        "{",
    ],
)
def test_anything_else_is_refused_by_name(plain: str) -> None:
    mark = base64.urlsafe_b64encode(plain.encode()).decode().rstrip("=")
    with pytest.raises(Invalid) as refused:
        decode_mark(mark, parts=1)
    assert list(refused.value.fields) == ["after"]


@given(st.text(max_size=60))
def test_no_text_breaks_reading(mark: str) -> None:
    try:
        decode_mark(mark, parts=1)
    except Invalid:
        return
    assert json.loads(base64.urlsafe_b64decode(mark + "=" * (-len(mark) % 4)))


@given(st.lists(st.integers(), unique=True), st.integers(min_value=1, max_value=10))
def test_a_slice_ends_with_a_mark_only_when_more_follows(rows: list[int], limit: int) -> None:
    cut = slice_of(rows[: limit + 1], limit, lambda row: [row])
    assert list(cut.items) == rows[:limit]
    assert (cut.after is not None) == (len(rows) > limit)
