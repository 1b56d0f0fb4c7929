"""
What is remembered of lists is never older than what a page has been told.
"""

from __future__ import annotations

from datetime import timedelta

import pytest

from bot.inbox import recall as recall_module
from bot.inbox.recall import LONGEST, Recall
from tests.fakes.clock import START


@pytest.fixture
def recall() -> Recall:
    return Recall()


def _keep(recall: Recall, value: str, as_of: int) -> None:
    recall.on(as_of, START).keep("row", value, "conversation:1", "contact:2")


def test_it_is_remembered_until_there_is_news_of_it(recall: Recall) -> None:
    _keep(recall, "old", as_of=5)
    recall.note("conversation:7", 6)
    assert recall.on(6, START).get("row") == "old"
    recall.note("contact:2", 7)
    assert recall.on(7, START).get("row") is None


def test_what_was_read_before_the_news_is_not_remembered_after_them(recall: Recall) -> None:
    """
    A page reads on its snapshot, the news come, and only then it keeps what it has read.
    """
    recall.note("conversation:1", 6)
    _keep(recall, "read too early", as_of=5)
    assert recall.on(6, START).get("row") is None
    _keep(recall, "right", as_of=6)
    assert recall.on(6, START).get("row") == "right"


def test_after_a_gap_nothing_is_remembered(recall: Recall) -> None:
    _keep(recall, "old", as_of=5)
    recall.forget(9)
    assert recall.on(9, START).get("row") is None
    _keep(recall, "read before the gap", as_of=8)
    assert recall.on(9, START).get("row") is None


def test_nothing_is_remembered_for_long(recall: Recall) -> None:
    _keep(recall, "old", as_of=5)
    assert recall.on(5, START + LONGEST).get("row") == "old"
    assert recall.on(5, START + LONGEST + timedelta(seconds=1)).get("row") is None


def test_memory_is_bounded_and_forgotten_topics_count_as_touched(
    recall: Recall, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recall_module, "MOST", 3)
    monkeypatch.setattr(recall_module, "MOST_TOPICS", 3)
    recall.note("conversation:1", 6)
    for number in range(3):
        recall.note(f"conversation:{number + 10}", number + 7)
    _keep(recall, "read too early", as_of=5)
    assert recall.on(9, START).get("row") is None
    for number in range(5):
        recall.on(9, START).keep(number, "value")
    assert [recall.on(9, START).get(number) for number in range(5)] == [None, None, "value", "value", "value"]
