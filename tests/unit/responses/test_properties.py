"""
What holds for any text.
"""

import subprocess
import sys
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from responses import Mood, read, warm_up

warm_up()  # so that no example pays for loading the models
unhurried = settings(deadline=None)  # the machine may be busy; bounded time has its own test

PIECES = st.sampled_from(
    [
        "not",
        "great",
        "awful",
        "never",
        "!",
        "?",
        "🙄",
        "😍",
        "不",
        "好",
        "差",
        "没",
        "but",
        ",",
        "thanks",
        "don’t",
        "\n",
        "x" * 9,
    ]
)
TEXTS = (
    st.text(max_size=300)
    | st.lists(PIECES, max_size=40).map(" ".join)
    | st.lists(PIECES, max_size=40).map("".join)
)


@unhurried
@given(text=TEXTS, stated=st.none() | st.text(max_size=8), followers=st.none() | st.integers(-1, 10**9))
def test_any_text_is_read_the_same_way_twice_and_within_bounds(text, stated, followers):
    reading = read(text, stated_language=stated, followers=followers)
    assert reading == read(text, stated_language=stated, followers=followers)
    assert (reading.sentiment.value is None) == (reading.sentiment.mood is Mood.NOT_JUDGED)
    assert reading.sentiment.value is None or -1 <= reading.sentiment.value <= 1
    assert 0 <= reading.language.confidence <= 1
    assert (reading.language.code is None) == (reading.language.confidence == 0)
    assert all(word.text in text for word in reading.sentiment.words)


@unhurried
@given(text=st.text(alphabet=st.characters(min_codepoint=0xD7F0, max_codepoint=0xE010), max_size=20))
def test_lone_surrogates_are_read(text):
    assert read(text).intent.why


@unhurried
@given(text=TEXTS)
def test_the_sign_of_the_value_agrees_with_the_mood(text):
    sentiment = read(text).sentiment
    if sentiment.mood is Mood.POSITIVE:
        assert sentiment.value > 0
    if sentiment.mood is Mood.NEGATIVE:
        assert sentiment.value < 0


GOOD = st.sampled_from(["good", "great", "reliable", "helpful", "friendly", "amazing", "useful", "comfortable"])
BAD = st.sampled_from(["bad", "awful", "terrible", "rude", "useless", "annoying", "horrible", "disappointing"])
NEGATED = st.sampled_from(["is not", "isn't", "isn’t", "isnt", "was never"])
THINGS = st.sampled_from(["The service", "The new camera", "Your shop", "My order"])


@unhurried
@given(thing=THINGS, bad=BAD, negated=NEGATED)
def test_negating_never_makes_a_negative_sentence_more_negative(thing, bad, negated):
    assert read(f"{thing} {negated} {bad}.").sentiment.value > read(f"{thing} is {bad}.").sentiment.value


@unhurried
@given(thing=THINGS, good=GOOD, negated=NEGATED)
def test_negating_a_positive_sentence_makes_it_negative(thing, good, negated):
    assert read(f"{thing} is {good}.").sentiment.mood is Mood.POSITIVE
    assert read(f"{thing} {negated} {good}.").sentiment.mood is Mood.NEGATIVE


@unhurried
@given(thing=THINGS, word=GOOD | BAD)
def test_an_intensifier_never_weakens(thing, word):
    plain, strong = (read(f"{thing} is {how}{word}.").sentiment.value for how in ("", "extremely "))
    assert abs(strong) >= abs(plain)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "piece",
    [
        "a",
        "great ",
        "不好",
        "!",
        "not ",
        "https://a/",
        "a.",
        "a-",
        "a@",
        "😡",
        "thanks a lot , ",
        "don't know how ",
        "@a ",
    ],
)
def test_a_million_characters_are_read_in_bounded_time(piece):
    start = time.perf_counter()
    read(piece * (1_000_000 // len(piece)))
    assert time.perf_counter() - start < 2, "20 to 100 ms were measured; 2 s leave room for a busy machine"


def test_importing_is_light_and_asks_for_nobody_else():
    code = (
        "import sys, responses\n"
        "print([n for n in ('textblob', 'nltk', 'numpy', 'py3langid', 'bot', 'connectors') if n in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout.strip() == "[]"


@unhurried
@given(text=st.text(alphabet="ab'’-.@/:<>3 \n", max_size=200))
def test_marks_and_letters_in_any_order_are_read(text):
    assert read(text).language.why
