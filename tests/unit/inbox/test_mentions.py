"""
Who is meant by an @.
"""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.inbox.mentions import Mentionable, mentioned, offered

PEOPLE = [
    Mentionable(id="1", login="ben", name="Ben Okri"),
    Mentionable(id="2", login="bend", name="Ben"),
    Mentionable(id="3", login="zhou.hui", name="周慧"),
    Mentionable(id="4", login="zhou.huimin", name="周慧敏"),
    Mentionable(id="5", login="ana", name="Ana Souza"),
    Mentionable(id="6", login="ana2", name="Ana Souza"),
]


@pytest.mark.parametrize(
    ("text", "ids"),
    [
        ("@ben can you look?", ["1", "2"]),  # the login of one, the name of another
        ("@Ben Okri, please", ["1"]),
        ("@bend!", ["2"]),
        ("@bendy", []),
        ("ask kite@ben.example", []),
        ("@周慧请看", ["3"]),
        ("＠周慧敏 谢谢", ["4"]),
        ("@ZHOU.HUI and @周慧", ["3"]),
        ("@Ana Souza", ["5", "6"]),
        ("(@ana2)", ["6"]),
        ("nobody @ all", []),
        ("", []),
    ],
)
def test_who_is_meant(text: str, ids: list[str]) -> None:
    assert mentioned(text, PEOPLE) == ids


@given(st.text(max_size=200))
def test_any_text_is_read(text: str) -> None:
    assert set(mentioned(text, PEOPLE)) <= {one.id for one in PEOPLE}


@pytest.mark.parametrize(
    ("typed", "inserted"),
    [
        ("be", ["Ben Okri", "Ben"]),
        ("ok", ["Ben Okri"]),
        ("周", ["周慧", "周慧敏"]),
        ("an", ["ana", "ana2"]),  # one name, two people: the login tells them apart
        ("x", []),
    ],
)
def test_what_is_offered(typed: str, inserted: list[str]) -> None:
    assert [insert for _, insert in offered(typed, PEOPLE)] == inserted


def test_what_is_offered_means_whom_it_was_offered_for() -> None:
    for person, insert in offered("", PEOPLE, limit=99):
        assert person.id in mentioned(f"@{insert} ", PEOPLE)
