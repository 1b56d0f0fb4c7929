"""
How people write the hours of a day.
"""

from __future__ import annotations

import pytest
from hypothesis import given

from bot.hours.rules import CLOSED, WHOLE_DAY, Spans
from bot.hours.writing import read_spans, show_spans
from tests.unit.hours.test_rules import spans


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("09:00-12:30, 13:30-18:00", "09:00-12:30, 13:30-18:00"),
        ("13:30–18:00; 9–12.30", "09:00-12:30, 13:30-18:00"),
        ("9 to 17", "09:00-17:00"),
        ("9：00～18：00、20:00至24:00", "09:00-18:00, 20:00-24:00"),
        ("  ", ""),
        ("Closed", ""),
        ("24h", "00:00-24:00"),
    ],
)
def test_people_write_hours_in_many_ways(text: str, shown: str) -> None:
    assert show_spans(read_spans(text)) == shown


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("09:00-13:00, 12:00-18:00", "09:00-13:00 and 12:00-18:00 overlap"),
        ("18:00-09:00", "ends before it begins"),
        ("09:00-09:00", "is empty"),
        ("09:00-25:00", "from 00:00 to 24:00"),
        ("09:75-10:00", "minutes 00 to 59"),
        ("mornings", '"mornings" cannot be read; write spans such as'),
        ("09:00", "cannot be read"),
        (",".join(f"{hour}:00-{hour}:30" for hour in range(13)), "at most 12 spans"),
    ],
)
def test_what_is_wrong_is_said_in_words(text: str, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        read_spans(text)


@given(spans)
def test_what_is_shown_is_read_back(day: Spans) -> None:
    assert read_spans(show_spans(day)) == day


def test_closed_and_all_day_have_their_words() -> None:
    assert read_spans("休息") == CLOSED
    assert read_spans("全天") == WHOLE_DAY
