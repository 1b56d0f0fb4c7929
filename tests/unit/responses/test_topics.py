"""
What could name the topics of a message, in English and Chinese.
"""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from responses.topics import MOST_PHRASES, contains, phrases, singular, weight


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("The battery life of my headphones is terrible!", ["battery life", "headphone", "life"]),
        ("Love the new app, but notifications never arrive.", ["app", "notification"]),
        ("I love it, thank you so much", []),
        ("see https://example.com/battery @battery #battery me@battery.example", []),
        ("", []),
        ("电池续航太差了", ["电池续航", "池续航", "电池续", "池续", "电池", "续航"]),
        ("快递还没到，谢谢", ["快递"]),
        ("很喜欢你们", []),
    ],
)
def test_phrases_are_what_it_could_be_about(text, found):
    assert set(phrases(text)) >= set(found)
    if not found:
        assert phrases(text) == []


def test_the_longest_come_first_and_opinions_are_no_topics():
    found = phrases("My mobile app is great, the 会员功能 of the mobile app is bad")
    assert found[0] in ("mobile app", "会员功能")
    assert [weight(one) for one in found] == sorted(map(weight, found), reverse=True)
    assert not {"great", "bad"} & set(found)


def test_plural_and_singular_are_one_topic():
    assert phrases("broken zippers") == phrases("a broken zipper") == ["zipper"]
    assert [singular(one) for one in ("batteries", "boxes", "glass", "status", "bus")] == [
        "battery",
        "box",
        "glass",
        "status",
        "bus",
    ]


def test_a_phrase_lies_in_another_by_whole_words():
    assert contains("battery life", "life")
    assert not contains("wildlife park", "life")
    assert contains("电池续航", "池续")


@given(st.text(max_size=3_000))
def test_any_text_gives_a_bounded_number_of_different_phrases(text: str):
    found = phrases(text)
    assert len(found) == len(set(found)) <= MOST_PHRASES
    assert all(2 <= len(one) <= 1_000 for one in found)
