"""
Heard items survive the quarantine unchanged, and payloads stay bounded.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.accounts.items import RAW_LIMIT, from_json, raw_text, storable, to_json
from connectors.base import Attachment, Author, HeardItem, HeardKind, Visibility
from tests.fakes.clock import START

TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), max_size=30)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=6,
)
AUTHORS = st.builds(
    Author,
    key=TEXT,
    handle=TEXT,
    name=TEXT,
    url=st.none() | TEXT,
    automated=st.booleans(),
    followers=st.none() | st.integers(0, 10**9),
)
ITEMS = st.builds(
    HeardItem,
    kind=st.sampled_from(HeardKind),
    remote_id=TEXT,
    occurred_at=st.datetimes(datetime(2000, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC)),  # noqa: DTZ001
    author=st.none() | AUTHORS,
    text=TEXT,
    html=st.none() | TEXT,
    visibility=st.sampled_from(Visibility),
    in_reply_to=st.lists(TEXT, max_size=3).map(tuple),
    thread_proof=st.booleans(),
    attachments=st.lists(st.builds(Attachment, kind=TEXT, size=st.none() | st.integers(0)), max_size=2).map(tuple),
    automatic=st.none() | TEXT,
    reply_to=st.none() | st.dictionaries(TEXT, JSON, max_size=3),
    raw=JSON,
)


def _item(text: str, **more: object) -> HeardItem:
    return HeardItem(kind=HeardKind.MENTION, remote_id="1", occurred_at=START, author=None, text=text, **more)  # type: ignore[arg-type]


@given(ITEMS)
def test_an_item_comes_back_from_json_as_it_was(item: HeardItem) -> None:
    stored = json.loads(json.dumps(to_json(item)))
    assert from_json(stored, raw_text(item.raw)) == (item if not isinstance(item.raw, str) else _raw_as_read(item))


def _raw_as_read(item: HeardItem) -> HeardItem:
    # A payload that is text is kept as it came, and only read as JSON if it is that.
    return from_json(to_json(item), item.raw)


def test_an_item_of_other_fields_is_refused() -> None:
    with pytest.raises(ValueError, match="remote_id"):
        from_json({"kind": "mention"}, None)


def test_I2_a_payload_is_cut_to_its_limit_in_bytes() -> None:
    text = raw_text("你" * 1_000_000)
    assert len(text.encode()) <= RAW_LIMIT
    assert text.endswith("the payload was longer]")


def test_a_short_payload_is_kept_whole() -> None:
    assert raw_text({"a": "你"}) == '{"a": "你"}'


def test_characters_that_no_database_stores_are_replaced() -> None:
    item = storable(_item("a\x00b\ud800", reply_to={"k\x00": ["\x00"]}))
    assert item.text == "a�b�"
    assert item.reply_to == {"k�": ["�"]}
    assert raw_text("a\x00") == "a�"


def test_an_ordinary_item_is_not_copied() -> None:
    item = _item("ordinary")
    assert storable(item) is item
