"""
What a person is called, and when it is worth writing down that they were seen.
"""

from __future__ import annotations

from datetime import timedelta

import pytest

from bot.contacts.rules import is_seen_anew, shown_name
from tests.fakes.clock import START


@pytest.mark.parametrize(
    ("name", "handle", "key", "expected"),
    [
        ("Kite", "kite@far.example", "k", "Kite"),
        (" \n", "kite@far.example", "k", "kite@far.example"),
        ("", "", "k", "k"),
        ("", "", "", "somebody"),
        ("a\n b", "", "", "a b"),
        ("你" * 1000, "", "", "你" * 300),
    ],
)
def test_a_person_is_called_by_the_best_name_we_have(name: str, handle: str, key: str, expected: str) -> None:
    assert shown_name(name, handle, key) == expected


def test_being_seen_is_written_down_once_a_minute() -> None:
    assert not is_seen_anew(START, START + timedelta(seconds=59))
    assert is_seen_anew(START, START + timedelta(seconds=60))
