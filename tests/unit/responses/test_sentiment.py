"""
Mood: what the words decide, and what stays unjudged.
"""

import pytest

from responses import Mood, read
from responses.english import plain_polarity
from responses.report import plain_mood
from responses.sentiment import mood_of
from tests.unit.responses.turns_of_phrase import TEXTS


def mood(text):
    return read(text).sentiment.mood


def value(text):
    return read(text).sentiment.value


@pytest.mark.parametrize(
    ("expected", "text"), [(expected, text) for expected in TEXTS for text in TEXTS[expected]]
)
def test_turns_of_phrase_stay_learned(expected, text):
    assert mood(text) is expected


@pytest.mark.parametrize(
    "text",
    [
        "I have a new phone and the other one is black",
        "The first shop was closed, the next one is far.",
        "My old model has a small base and a left cable.",
        "The latest version is available in many countries",
    ],
)
def test_a11_neutral_words_are_not_judged(text):
    assert abs(plain_polarity(text)) > 0.05, (
        "plain TextBlob is expected to stumble here, or the case is worth nothing"
    )
    assert mood(text) is Mood.NEUTRAL
    assert value(text) == 0.0


@pytest.mark.parametrize(
    "text",
    [
        "The app is not working",
        "this doesn't work",
        "I can not log in",
        "My order was never delivered",
        "nobody answers my emails",
        "it won't start",
    ],
)
def test_a11_not_before_a_verb_is_negative(text):
    assert plain_mood(text) is Mood.NEUTRAL, "plain TextBlob is expected to see nothing here"
    assert mood(text) is Mood.NEGATIVE


@pytest.mark.parametrize("apostrophe", ["'", "’", "ʼ", "＇", "`", "´"])
@pytest.mark.parametrize(
    "text", ["It isn't good", "It doesn't work", "I don't like it", "I wouldn't recommend it"]
)
def test_a11_every_apostrophe_reads_the_same(text, apostrophe):
    assert mood(text.replace("'", apostrophe)) is Mood.NEGATIVE
    assert value(text.replace("'", apostrophe)) == value(text)


@pytest.mark.parametrize("text", ["It isnt good", "it doesnt work", "i dont like it", "i wouldnt recommend it"])
def test_a11_a_missing_apostrophe_reads_the_same(text):
    assert mood(text) is Mood.NEGATIVE


@pytest.mark.parametrize(
    "text", ["Great.", "great!", "(great)", "great…", "“great”", "...great...", "great,thanks"]
)
def test_a11_punctuation_does_not_hide_a_word(text):
    assert mood(f"That is {text}") is Mood.POSITIVE


@pytest.mark.parametrize(
    "text",
    [
        "Der Service ist schrecklich, ich bin sehr enttäuscht von dieser Firma.",
        "Le service client est catastrophique, personne ne répond.",
        "El servicio es horrible y nadie me contesta.",
        "商品が届きません。とても残念です。",
        "배송이 너무 늦어요. 정말 실망했습니다.",
        "Обслуживание ужасное, я очень разочарован.",
    ],
)
def test_a11_a_language_we_cannot_read_is_no_false_zero(text):
    sentiment = read(text).sentiment
    assert sentiment.mood is Mood.NOT_JUDGED
    assert sentiment.value is None
    assert sentiment.words == ()


def test_a11_chinese_is_read_where_textblob_says_zero():
    assert plain_polarity("质量太差了，非常失望") == 0.0
    assert mood("质量太差了，非常失望") is Mood.NEGATIVE
    assert mood("非常满意") is Mood.POSITIVE
    assert mood("一点都不满意") is Mood.NEGATIVE
    assert mood("質量太差了，非常失望") is Mood.NEGATIVE


@pytest.mark.parametrize(
    ("text", "expected"), [("Ich warte 😡", Mood.NEGATIVE), ("Vielen Dank für alles 😍", Mood.POSITIVE)]
)
def test_clear_emoji_decide_in_any_language(text, expected):
    assert mood(text) is expected


def test_emoji_that_contradict_each_other_decide_nothing_in_a_foreign_language():
    assert mood("Vielen Dank für die Lieferung 😍😡") is Mood.NOT_JUDGED


def test_the_words_that_decided_stand_as_in_the_text():
    words = read("The parcel was NOT GREAT, and support is a total Joke 😡").sentiment.words
    assert [word.text for word in words] == ["GREAT", "Joke", "😡"]
    assert all(word.weight < 0 for word in words)


def test_negation_of_good_weighs_more_than_of_bad():
    assert value("The camera is not good") < -0.3
    assert 0 < value("The camera is not bad") < 0.4


def test_a_negation_does_not_reach_across_a_comma_or_a_but():
    assert mood("No, it is great") is Mood.POSITIVE
    assert mood("It is not cheap but I love it") is Mood.POSITIVE


def test_a_negation_turns_only_the_word_next_to_it():
    assert value("not good and awful") < value("not good")


def test_degree_words_capitals_and_exclamation_marks_change_the_weight():
    plain = value("the sound is good")
    assert value("the sound is very good") > plain
    assert value("the sound is GOOD") > plain
    assert value("the sound is good!!") > plain
    assert value("the sound is slightly annoying") > value("the sound is annoying")
    assert value("特别满意") > value("满意")


def test_a_question_about_a_good_thing_is_no_praise():
    assert mood("Which one is good?") is Mood.NEUTRAL
    assert mood("哪个好用呢") is Mood.NEUTRAL


def test_thanks_that_merely_close_a_message_hardly_count():
    assert mood("can you send me the invoice, thanks") is Mood.NEUTRAL
    assert mood("thanks") is Mood.POSITIVE


@pytest.mark.parametrize(
    "text",
    [
        "Oh great, it broke again.",
        "Great, my parcel is lost.",
        "So helpful 🙄",
        "what a fantastic service /s",
        "Well done, you lost my parcel",
        "你们真棒，又把我的包裹弄丢了",
    ],
)
def test_plain_sarcasm_is_no_praise(text):
    assert mood(text) is Mood.NEGATIVE


@pytest.mark.parametrize("text", ["Great, my parcel arrived today!", "Well done! The bug is gone, I love it."])
def test_openers_without_anything_bad_are_meant(text):
    assert mood(text) is Mood.POSITIVE


def test_praise_before_a_but_is_meant():
    assert mood("Great work on the app but the login is broken") is Mood.MIXED


@pytest.mark.parametrize(
    ("good", "bad", "expected"),
    [
        (0.0, 0.0, Mood.NEUTRAL),
        (0.15, 0.0, Mood.POSITIVE),
        (0.14, 0.0, Mood.NEUTRAL),
        (0.0, 0.15, Mood.NEGATIVE),
        (0.3, 0.3, Mood.MIXED),
        (0.29, 0.29, Mood.NEUTRAL),
        (1.0, 0.39, Mood.POSITIVE),
        (0.4, 1.0, Mood.MIXED),
    ],
)
def test_mood_of_two_sums(good, bad, expected):
    assert mood_of(good, bad) is expected
