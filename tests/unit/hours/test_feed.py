"""
What calendar feeds say about days, and feeds that are no calendars.
"""

from __future__ import annotations

from datetime import date

import pytest

from bot.hours.feed import FeedDay, FeedProblem, read_feed
from bot.hours.rules import CLOSED
from bot.hours.writing import read_spans, show_spans
from tests.integration.hours.conftest import ical

FIRST, LAST = date(2025, 1, 1), date(2028, 12, 31)
USUAL = read_spans("09:00-18:00")


def read(text: str | bytes, means: str = "closed", zone: str = "Europe/Berlin") -> tuple[dict[date, FeedDay], str]:
    body = text.encode() if isinstance(text, str) else text
    days, note = read_feed(body, zone=zone, means=means, usual=USUAL, first=FIRST, last=LAST)
    return dict(days), note


def opened(text: str, zone: str = "Europe/Berlin") -> dict[str, str]:
    return {str(day): show_spans(said.spans) for day, said in read(text, "open", zone)[0].items()}


def test_an_event_of_whole_days_closes_them() -> None:
    days, note = read(ical("DTSTART;VALUE=DATE:20261224\nDTEND;VALUE=DATE:20261227\nSUMMARY:Works\n  outing"))
    assert days == {date(2026, 12, day): FeedDay(spans=CLOSED, label="Works outing") for day in (24, 25, 26)}
    assert note == ""


def test_an_event_without_an_end_is_one_day() -> None:
    assert list(read(ical("DTSTART;VALUE=DATE:20261224"))[0]) == [date(2026, 12, 24)]


def test_events_with_a_time_close_nothing_and_are_counted() -> None:
    days, note = read(ical("DTSTART:20261224T090000Z\nDTEND:20261224T100000Z", "DTSTART;VALUE=DATE:20261225"))
    assert list(days) == [date(2026, 12, 25)]
    assert note.endswith("since they have a time of day: 1.")


def test_repetitions_exceptions_and_changes_are_followed() -> None:
    yearly = ical(
        "DTSTART;VALUE=DATE:20200501\nRRULE:FREQ=YEARLY\nEXDATE;VALUE=DATE:20260501",
        "DTSTART;VALUE=DATE:20260110\nSTATUS:CANCELLED",
    )
    assert [str(day) for day in read(yearly)[0]] == ["2025-05-01", "2027-05-01", "2028-05-01"]


def test_two_events_of_one_day_are_one_day() -> None:
    days, _ = read(ical("DTSTART;VALUE=DATE:20261224\nSUMMARY:A", "DTSTART;VALUE=DATE:20261224\nSUMMARY:B"))
    assert days == {date(2026, 12, 24): FeedDay(spans=CLOSED, label="A / B")}


def test_a_feed_of_openings_gives_hours_in_the_zone_of_the_house() -> None:
    feed = ical(
        "DTSTART:20261224T090000Z\nDTEND:20261224T110000Z",
        "DTSTART:20261224T103000Z\nDTEND:20261224T130000Z",  # overlaps the first
        "DTSTART:20261226T210000Z\nDTEND:20261227T010000Z",  # over midnight
        "DTSTART:20261228T100000\nDTEND:20261228T120000",  # a floating time is a wall time
        "DTSTART;VALUE=DATE:20261229",
    )
    assert opened(feed) == {
        "2026-12-24": "10:00-14:00",
        "2026-12-26": "22:00-24:00",
        "2026-12-27": "00:00-02:00",
        "2026-12-28": "10:00-12:00",
        "2026-12-29": "09:00-18:00",
    }
    assert opened(feed, "Asia/Shanghai")["2026-12-24"] == "17:00-21:00"


def test_days_outside_the_years_that_are_looked_at_are_left_out() -> None:
    long_ago = "DTSTART;VALUE=DATE:20241230\nDTEND;VALUE=DATE:20250103"
    assert [str(day) for day in read(ical(long_ago))[0]] == ["2025-01-01", "2025-01-02"]


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b"", "no calendar"),
        (b"<html><body>Not found</body></html>", "no calendar"),
        (b"\xff\xfe\x00", "no calendar"),
        (b"BEGIN:VEVENT\r\nEND:VEVENT\r\n", "no calendar"),
        (ical("DTSTART:garbage").encode(), "cannot be understood"),
        (ical("DTSTART:20260101T000000Z\nRRULE:FREQ=SECONDLY").encode(), "several times a day"),
        (ical("DTSTART;VALUE=DATE:20260101\nRRULE:FREQ=DAILY;BYMINUTE=1,2,3").encode(), "several times a day"),
        (ical(*["DTSTART;VALUE=DATE:20260101"] * 5_001).encode(), "more than 5,000 events"),
        (ical("DTSTART;VALUE=DATE:19000101\nDTEND;VALUE=DATE:20990101").encode(), ""),
    ],
    ids=["empty", "html", "bytes", "no-calendar", "garbage", "secondly", "by-minute", "many", "long"],
)
def test_what_cannot_be_used_is_said_in_words(body: bytes, said: str) -> None:
    if not said:
        assert len(read(body)[0]) == (LAST - FIRST).days + 1
        return
    with pytest.raises(FeedProblem, match=said):
        read(body)


def test_repetitions_that_take_too_long_are_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bot.hours.feed.MOST_SECONDS", 0.0)
    with pytest.raises(FeedProblem, match="too long to compute"):
        read(ical("DTSTART;VALUE=DATE:00010101\nRRULE:FREQ=DAILY"))
