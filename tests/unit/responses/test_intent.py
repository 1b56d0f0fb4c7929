"""
Intent: named evidence, the heaviest wins.
"""

import pytest

from responses import Intent, read


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("How do I change my password?", Intent.QUESTION),
        ("what time do you open", Intent.QUESTION),
        ("怎么修改密码", Intent.QUESTION),
        ("The app crashes when I open it", Intent.BUG),
        ("The app crashes, how do I fix it?", Intent.BUG),
        ("更新之后一直闪退", Intent.BUG),
        ("Please cancel my order", Intent.REQUEST),
        ("I want my money back", Intent.REQUEST),
        ("请帮我取消订单", Intent.REQUEST),
        ("Worst service ever", Intent.COMPLAINT),
        ("I am very unhappy with you", Intent.COMPLAINT),
        ("客服态度太差", Intent.COMPLAINT),
        ("I love this shop", Intent.PRAISE),
        ("谢谢，很满意", Intent.PRAISE),
        ("Impressed with how you handled it", Intent.PRAISE),
        ("How much is the red one?", Intent.PURCHASE),
        ("还有货吗？想买两个", Intent.PURCHASE),
        ("Earn money from home, click here", Intent.SPAM),
        ("兼职刷单，日结", Intent.SPAM),
        ("happy birthday to all of you", Intent.OTHER),
        ("The order number is 10233.", Intent.OTHER),
        ("", Intent.OTHER),
    ],
)
def test_intents(text, expected):
    assert read(text).intent.intent is expected


def test_the_reason_names_the_evidence_as_it_stands_in_the_text():
    why = read("My App CRASHES and I hate it").intent.why
    assert "“CRASHES”" in why
    assert "fault" in why


def test_the_reason_names_the_mood_when_it_counted():
    assert "mood is negative" in read("Worst service ever").intent.why


def test_no_evidence_says_so():
    assert read("It is a small black box.").intent.why == "nothing in it points to a wish"


def test_one_kind_of_evidence_counts_once():
    assert read("crash crash crash").intent.why.count("names a fault") == 1


def test_a_question_mark_asks_in_any_language():
    assert read("Wo ist mein Paket?").intent.intent is Intent.QUESTION
