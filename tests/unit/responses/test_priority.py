"""
Priority: the table, danger above it, reach beside it.
"""

import itertools

import pytest

from responses import Intent, Mood, Priority, read
from responses.priority import TABLE, WIDELY_HEARD


def test_the_table_answers_every_intent_and_mood():
    assert set(TABLE) == set(itertools.product(Intent, Mood))
    assert Priority.URGENT not in TABLE.values()


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("Your charger caught fire last night", "safety"),
        ("充电器着火了", "safety"),
        ("充電器著火，有人受傷", "safety"),
        ("My lawyer will write to you", "legal"),
        ("我要起诉你们", "legal"),
        ("unauthorised payment on my card", "payment"),
        ("我的卡被盗刷了", "payment"),
        ("my account was hacked", "account taken over"),
        ("I will go to the press", "press"),
    ],
)
def test_words_of_danger_are_urgent(text, kind):
    reading = read(text)
    assert reading.priority is Priority.URGENT
    assert reading.priority_why.startswith(kind)


def test_followers_do_not_outrank_a_danger_word():
    loud = read("Worst service ever", followers=50_000_000)
    hurt = read("The charger caught fire", followers=0)
    assert hurt.priority is Priority.URGENT
    assert hurt.priority < loud.priority


def test_many_followers_lift_by_one_step_and_the_reason_says_so():
    text = "How do I reset my password?"
    assert read(text).priority is Priority.NORMAL
    assert read(text, followers=WIDELY_HEARD - 1).priority is Priority.NORMAL
    lifted = read(text, followers=WIDELY_HEARD)
    assert lifted.priority is Priority.HIGH
    assert "10,000 followers" in lifted.priority_why


def test_spam_is_never_lifted():
    assert read("Earn money from home, click here", followers=9_000_000).priority is Priority.LOW


def test_praise_waits_and_a_complaint_does_not():
    assert read("Love it!").priority is Priority.LOW
    assert read("Worst service ever").priority is Priority.HIGH
    assert "complaint" in read("Worst service ever").priority_why


def test_a_message_we_did_not_understand_does_not_sink():
    assert read("It is a small black box.").priority is Priority.NORMAL
    assert read("Vorrei restituire la giacca").priority is Priority.NORMAL
