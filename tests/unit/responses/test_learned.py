"""
What was learned: the same texts give the same weights, and every judgement names the words that made it.
"""

from pathlib import Path

import pytest

from responses import Intent, Mood, data, read
from responses.features import features
from responses.learned import BIAS, INTENTS, MOODS, Learned, weigh, words_for_intent, words_for_mood
from responses.reading import cut
from responses.report import MEASURING, parse_golden
from responses.sentiment import judge_sentiment
from responses.training import LEARNED_HALVES, learn

GOLDEN = Path(__file__).parents[2] / "golden"
FILES = ("training.tsv", "texts.tsv")


def weights_in(text):
    lines = [line for line in text.splitlines() if line and not line.startswith("#")]
    return {
        feature: [int(number) for number in numbers.split()]
        for feature, numbers in (line.split("\t") for line in lines)
    }


@pytest.fixture(scope="module")
def golden():
    return {name: parse_golden((GOLDEN / name).read_text(encoding="utf-8")) for name in FILES}


def test_the_weights_are_those_that_the_texts_teach(tmp_path):
    learn(GOLDEN, tmp_path / "learned.tsv")
    again = weights_in((tmp_path / "learned.tsv").read_text(encoding="utf-8"))
    kept = weights_in((Path(data.__file__).parent / "learned.tsv").read_text(encoding="utf-8"))
    assert again.keys() == kept.keys(), "run `python -m responses.training`"
    # Another processor may add in another order, so that a weight on the edge is rounded the other way.
    assert all(abs(new - old) <= 1 for name in kept for new, old in zip(again[name], kept[name], strict=True))


def test_what_measures_is_not_learned_from(golden):
    assert not MEASURING & LEARNED_HALVES
    assert {row.half for row in golden["training.tsv"]} == {"training"}
    measuring = {row.text for row in golden["texts.tsv"] if row.half in MEASURING}
    # Counted, not listed: a failing test must not show the texts that measure.
    assert sum(row.text in measuring for row in golden["training.tsv"]) == 0
    assert len({row.text for row in golden["training.tsv"]}) == len(golden["training.tsv"]) >= 1_400


def test_a_bias_and_all_columns_are_there():
    rows = data.rows("learned.tsv")
    assert rows[0][0] == BIAS
    assert {len(numbers.split()) for _, numbers in rows} == {len(INTENTS) + len(MOODS)}


def test_features_name_words_neighbours_kinds_and_shapes_with_their_places():
    text = "Waiting 12 days. £30 gone! WAITING again!\nSo #slow?"
    found = features(*cut(text))
    assert {"^ waiting", "waiting", "waiting 00", ". so", "? $", "@delay", "@delay ^", "@delay twice"} <= set(
        found
    )
    assert {"~money", "~hashtag", "~shouted word", "~exclamation marks", "~question at the end"} <= set(found)
    assert text[slice(*found["@time span"])] == "days"
    assert sum(name.startswith("~length") for name in found) == 1
    assert features("", []) == {"^ $": (0, 0), "~length 0": (0, 0)}
    assert "~long number" in features(*cut("case 100200300"))


@pytest.mark.parametrize(
    ("text", "intent", "mood"),
    [
        ("The fitter hung up on me and drove off", Intent.COMPLAINT, Mood.NEGATIVE),
        ("my gran set it up alone, that says it all", Intent.PRAISE, Mood.POSITIVE),
        ("快递员把箱子扔了就走", Intent.COMPLAINT, Mood.NEGATIVE),
    ],
)
def test_a_plain_story_is_understood_by_words_that_it_names(text, intent, mood):
    reading = read(text)
    assert (reading.intent.intent, reading.sentiment.mood) == (intent, mood)
    assert f"reads like a {intent.value} (“" in reading.intent.why
    assert reading.sentiment.words
    assert all((word.weight > 0) is (mood is Mood.POSITIVE) for word in reading.sentiment.words)


def test_the_words_named_are_the_heaviest_and_none_twice():
    text = "They ignored me for weeks, ignored!"
    words = words_for_intent(text, weigh(*cut(text)), Intent.COMPLAINT)
    assert words[0] == "ignored"
    assert 1 < len(words) <= 4
    assert "!" not in words
    assert len(set(words)) == len(words)


def weighed(text, *, negative=0.0, positive=0.0, spam=0.0, given=()):
    intents = dict.fromkeys(INTENTS, 0.0) | {Intent.SPAM: spam}
    moods = dict(zip(MOODS, (negative, 0.0, positive), strict=True))
    return judge_sentiment(*cut(text), "en", Learned(intents, moods, 1.0, list(given)))


def test_the_lexicon_is_asked_first_and_what_it_understood_stands():
    assert weighed("awful", positive=9.0).mood is Mood.NEGATIVE
    assert weighed("not good", positive=9.0).mood is Mood.NEGATIVE
    assert weighed("far from perfect", positive=9.0).mood is Mood.NEGATIVE
    assert weighed("gorgeous but awful", positive=9.0).mood is Mood.MIXED


def test_learned_words_that_cannot_be_named_decide_nothing():
    assert weighed("a chair", negative=9.0).mood is Mood.NEUTRAL
    assert weighed("good", negative=9.0).mood is Mood.POSITIVE


def test_what_was_learned_can_calm_a_single_word_but_no_more_than_that_is_said():
    calmed = weighed("good", negative=-3.0, positive=-3.0)
    assert (calmed.mood, calmed.value, calmed.words) == (Mood.NEUTRAL, 0.0, ())


def test_an_advert_has_no_mood_of_its_own():
    assert weighed("great amazing offer", spam=9.0).mood is Mood.NEUTRAL
    assert read("Amazing profits guaranteed, join our VIP telegram channel").sentiment.mood is Mood.NEUTRAL


def test_no_learned_evidence_in_a_language_nothing_was_learned_of():
    reading = read("Wo bleibt mein Paket, hier ist immer noch nichts angekommen")
    assert "reads like" not in reading.intent.why
    assert reading.sentiment.value is None


def test_words_for_a_mood_stand_in_the_order_of_the_text():
    text = "They ignored me, the driver hung up"
    words = [word.text for word in words_for_mood(text, weigh(*cut(text)), Mood.NEGATIVE, 1.0)]
    assert len(words) > 1
    assert words == sorted(words, key=text.index)
