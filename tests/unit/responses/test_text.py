"""
Tokens and phrases: what lexicons are asked for.
"""

import pytest

from responses import data
from responses.phrases import Phrases, keys_of
from responses.text import tokens


def keys(text, known=frozenset()):
    return [token.key for token in tokens(text, known)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("It’s ＯＫ", ["it's", "ok"]),
        ("see http://a.example/x?y=1 now", ["see", "<link>", "now"]),
        ("see bit.example/aa1", ["see", "<link>"]),
        ("mail me@shop.example @kite", ["mail", "<mail>", "<mention>"]),
        ("谢谢，謝謝！", ["谢", "谢", ",", "谢", "谢", "!"]),
        ("ok :-) :’( <3 /s", ["ok", ":)", ":'(", "<3", "/s"]),
        ("❤️👍🏽", ["❤", "👍"]),
    ],
)
def test_tokens(text, expected):
    assert keys(text) == expected


def test_a_drawn_out_word_becomes_the_known_word():
    assert keys("goooood soooo", {"good", "so"}) == ["good", "so"]
    assert keys("www", {"www"}) == ["www"]


def test_places_point_into_the_text():
    text = "Das ist 好！"
    assert all(text[token.start : token.end] == token.text for token in tokens(text))


def test_the_longest_phrase_wins_and_a_gap_stays_in_its_sentence():
    phrases = Phrases([("a b", 1), ("a b c", 2), ("x ~ y", 3), ("x", 4)])
    assert phrases.longest(keys("a b c d"), 0) == (3, 2)
    assert phrases.longest(keys("a b"), 0) == (2, 1)
    assert phrases.longest(keys("a"), 0) is None
    assert phrases.longest(keys("q"), 0) is None
    assert phrases.longest(keys("x y"), 0) == (2, 3)
    assert phrases.longest(keys("x p q r y"), 0) == (5, 3)
    assert phrases.longest(keys("x p q r s y"), 0) == (1, 4)
    assert phrases.longest(keys("x p. y"), 0) == (1, 4)


@pytest.mark.parametrize(
    ("name", "column"),
    [
        ("sentiment_en.tsv", 2),
        ("sentiment_zh.tsv", 2),
        ("intents.tsv", 3),
        ("dangers.tsv", 1),
        ("sarcasm.tsv", 1),
    ],
)
def test_every_phrase_of_our_data_can_be_met(name, column):
    phrases = [phrase for row in data.rows(name) for phrase in row[column].split("; ")]
    assert phrases
    assert [phrase for phrase in phrases if not keys_of(phrase) or phrase != phrase.strip()] == []


@pytest.mark.parametrize("name", ["sentiment_en.tsv", "sentiment_zh.tsv"])
def test_weights_are_within_bounds(name):
    for weight, negated, _ in data.rows(name):
        assert -1 <= float(weight) <= 1
        assert negated == "-" or -1 <= float(negated) <= 1
