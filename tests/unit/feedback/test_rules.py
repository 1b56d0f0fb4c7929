"""
What a message says about a topic, which product it names, and how topics are counted.
"""

from __future__ import annotations

import pytest

from bot.feedback.rules import (
    LONGEST_NAME,
    MOST_WORDS,
    Aspect,
    Product,
    Tally,
    aspect_of,
    chosen,
    name_problem,
    product_of,
    product_problems,
    read_words,
)
from responses.topics import contains
from responses.values import Intent, Mood

AERO = Product(id="p1", name="Aero", words=("aero",))
AERO_2 = Product(id="p2", name="Aero 2", words=("aero 2", "飞翼耳机"))


@pytest.mark.parametrize(
    ("intent", "mood", "aspect"),
    [
        ("praise", "negative", Aspect.PRAISED),
        ("question", "neutral", Aspect.ASKED),
        ("request", "positive", Aspect.ASKED),
        ("complaint", "neutral", Aspect.BROKEN),
        ("bug", "not judged", Aspect.BROKEN),
        ("other", "positive", Aspect.PRAISED),
        ("other", "negative", Aspect.BROKEN),
        ("other", "neutral", None),
        ("spam", "positive", None),
    ],
)
def test_intent_decides_and_then_mood(intent, mood, aspect):
    assert aspect_of(intent, mood) is aspect


def test_every_intent_and_mood_is_thought_of():
    for intent in Intent:
        for mood in Mood:
            assert aspect_of(intent, mood) in {None, *Aspect}


def test_only_the_longest_topic_of_a_message_counts():
    known = {"battery life", "life", "screen"}
    found = chosen(["battery life", "life", "screen", "glass"], known.__contains__, contains)
    assert found == ["battery life", "screen"]
    assert chosen(["life"], known.__contains__, contains) == ["life"]


@pytest.mark.parametrize(
    ("text", "product"),
    [
        ("My AERO broke", "p1"),
        ("My Aero 2 broke", "p2"),
        ("the aerospace is nice", ""),
        ("aerospace, but an aero too", "p1"),
        ("我的飞翼耳机坏了", "p2"),
        ("nothing of ours", ""),
    ],
)
def test_a_product_is_named_by_its_longest_word(text, product):
    assert product_of(text, (AERO, AERO_2)) == product


def test_words_are_read_as_people_separate_them():
    assert read_words(" Aero 2, aero\n飞翼耳机，飞翼、aero ,,") == ("Aero 2", "aero", "飞翼耳机", "飞翼")


def test_names_and_products_are_checked():
    assert name_problem("电池") is None
    assert name_problem(" ") == "must not be empty"
    assert name_problem("x" * (LONGEST_NAME + 1)) is not None
    assert product_problems("Aero", ("aero",)) == {}
    assert set(product_problems("", ())) == {"name", "words"}
    assert set(product_problems("Aero", ("x" * (LONGEST_NAME + 1),))) == {"words"}
    assert set(product_problems("Aero", ("x",) * (MOST_WORDS + 1))) == {"words"}


def test_A12_shares_of_nothing_are_no_zero():
    assert Tally(topic_id="t", name="n").positive_share is None
    assert Tally(topic_id="t", name="n").negative_share is None
    counted = Tally(topic_id="t", name="n", this_week=4, last_week=6, positive=1, negative=2)
    assert (counted.rise, counted.positive_share, counted.negative_share) == (-2, 0.25, 0.5)
