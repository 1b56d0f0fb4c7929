"""
Finding saved replies while typing, and what is suggested for a question.
"""

from pathlib import Path

import pytest

from responses import Intent, read, warm_up
from responses.compose import holes, problems
from responses.library import parse, starter_replies
from responses.suggest import AnsweredWell, Question, SavedReply, search, suggest

warm_up()
GOLDEN = Path(__file__).parents[2] / "golden" / "suggestions.tsv"
LIBRARY = [
    SavedReply(
        id=f"{one.shortcut}.{one.language}",
        title=one.title,
        shortcut=one.shortcut,
        text=one.text,
        language=one.language,
        intents=frozenset(one.intents),
    )
    for one in starter_replies()
]


def found(typed, **more):
    return [one.id for one in search(typed, LIBRARY, **more)]


# the library


def test_the_library_says_the_same_in_both_languages():
    english = {one.shortcut: one.intents for one in starter_replies() if one.language == "en"}
    chinese = {one.shortcut: one.intents for one in starter_replies() if one.language == "zh"}
    assert english == chinese
    assert len(english) >= 15
    assert {intent for intents in english.values() for intent in intents} >= set(Intent) - {Intent.SPAM}


@pytest.mark.parametrize("one", starter_replies(), ids=lambda one: f"{one.shortcut}.{one.language}")
def test_every_text_of_the_library_can_be_filled_and_is_in_its_language(one):
    assert problems(one.text) == []
    assert holes(one.text) == ["contact.first_name", "agent.first_name"]
    assert read(one.text.split("}}", 1)[1]).language.code == one.language


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("no front matter", "front matter between"),
        ("---\ntitle: a\n---\nx", "the front matter needs"),
        ("---\ntitle: a\nshortcut: b\nlanguage: en\nintents: praise\n---\n \n", "a text"),
        ("---\ntitle: a\nshortcut: b\nlanguage: en\nintents: wish\n---\nx", "wish"),
    ],
)
def test_a_broken_file_is_named(text, said):
    with pytest.raises(ValueError, match=said):
        parse(text, "x.en.md")


# search


def test_the_beginning_of_a_shortcut_comes_first():
    assert found("re", language="en")[0] == "refund.en"
    assert found("refund", language="zh")[0] == "refund.zh"


def test_titles_texts_and_typing_mistakes_are_found():
    assert found("my order", language="en")[0] == "where.en"
    assert found("refudn", language="en")[0] == "refund.en"
    assert found("退款", language="zh")[0] == "refund.zh"
    assert "delivered.en" in found("carrier")
    assert found("zzzzqqq") == []


def test_nothing_typed_finds_the_most_used_of_the_customers_language():
    used = [SavedReply(id=str(n), title="t", shortcut=f"s{n}", text="x", language="en", uses=n) for n in range(9)]
    assert [one.id for one in search("", used, language="en", limit=3)] == ["8", "7", "6"]
    zh = SavedReply(id="zh", title="t", shortcut="s", text="x", language="zh", uses=99)
    assert search("", [zh, *used], language="en")[-1].id == "1"


# suggestions from saved replies


def golden():
    lines = [line for line in GOLDEN.read_text(encoding="utf-8").splitlines() if not line.startswith("#")]
    return [line.split("\t") for line in lines[1:]]


def suggested(text):
    reading = read(text)
    question = Question(text=text, language=reading.language.code, intent=reading.intent.intent)
    return [one.id.split(".")[0] for one in suggest(question, LIBRARY)]


def test_the_right_saved_reply_stands_first_as_often_as_measured():
    answered = [(wanted, suggested(text)) for _, wanted, text in golden() if wanted != "-"]
    first = sum(ids[:1] == [wanted] for wanted, ids in answered) / len(answered)
    among = sum(wanted in ids for wanted, ids in answered) / len(answered)
    quiet = [suggested(text) == [] for _, wanted, text in golden() if wanted == "-"]
    print(f"first {first:.3f}, among three {among:.3f}, of {len(answered)}; quiet {sum(quiet)} of {len(quiet)}")
    assert first >= 0.9
    assert among >= 0.92
    assert sum(quiet) >= 3


def test_a_suggestion_says_why_and_speaks_the_customers_language():
    question = Question(text="please cancel my order", language="en", intent="request")
    best = suggest(question, LIBRARY)[0]
    assert (best.id, best.same_intent) == ("cancel.en", True)
    assert "cancel" in best.words


def test_use_decides_between_equals():
    twins = [SavedReply(id=str(n), title="Cancel an order", shortcut=f"c{n}", text="x", uses=n) for n in (1, 5)]
    assert [one.id for one in suggest(Question(text="cancel my order"), twins)] == ["5", "1"]


def test_nothing_is_suggested_for_nothing():
    assert suggest(Question(text=""), LIBRARY) == []
    assert suggest(Question(text="cancel my order"), []) == []


# what was answered well before


def test_a_question_like_an_earlier_one_finds_it_with_the_words_they_share():
    earlier = AnsweredWell()
    earlier.add("a", "Does the Kite 3 ship to Norway?")
    earlier.add("b", "My left earbud stopped working")
    earlier.add("c", "How do I change my address?")
    best = earlier.like("does the kite 3 ship to Norway please")[0]
    assert best.id == "a"
    assert "norway" in best.words
    assert earlier.like("What is the colour of the sea?") == []
    assert earlier.like("") == []


def test_what_is_forgotten_is_not_found_and_twice_is_once():
    earlier = AnsweredWell()
    assert earlier.like("How do I change my address?") == []
    for _ in range(2):
        earlier.add("a", "How do I change my address?")
    earlier.add("b", "address of your shop?")
    assert len(earlier) == 2
    earlier.remove("a")
    earlier.remove("a")
    assert [one.id for one in earlier.like("change my address")] == []
    earlier.remove("b")
    assert len(earlier) == 0
    assert earlier.like("address") == []
