"""
Moments as people say them, in their own time zone.
"""

from __future__ import annotations

import contextlib
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.inbox.moments import LONGEST_WORDS, NotUnderstood, read_moment, zone_named

BERLIN = ZoneInfo("Europe/Berlin")
NOW = datetime(2026, 11, 24, 15, 0, tzinfo=UTC)  # a Tuesday, 16:00 in Berlin


def said(words: str, zone: ZoneInfo = BERLIN, now: datetime = NOW) -> str:
    return f"{read_moment(words, now=now, zone=zone).astimezone(zone):%a %Y-%m-%d %H:%M}"


@pytest.mark.parametrize(
    ("words", "moment"),
    [
        ("tomorrow 9", "Wed 2026-11-25 09:00"),
        ("Tomorrow at 9:30", "Wed 2026-11-25 09:30"),
        ("tomorrow", "Wed 2026-11-25 09:00"),
        ("tomorrow 5", "Wed 2026-11-25 17:00"),
        ("tomorrow 5am", "Wed 2026-11-25 05:00"),
        ("tomorrow 05:00", "Wed 2026-11-25 05:00"),
        ("tomorrow 12 am", "Wed 2026-11-25 00:00"),
        ("tomorrow afternoon", "Wed 2026-11-25 14:00"),
        ("the day after tomorrow at noon", "Thu 2026-11-26 12:00"),
        ("tonight", "Tue 2026-11-24 20:00"),
        ("tonight at 9", "Tue 2026-11-24 21:00"),
        ("in 2 hours", "Tue 2026-11-24 18:00"),
        ("2h", "Tue 2026-11-24 18:00"),
        ("in an hour", "Tue 2026-11-24 17:00"),
        ("half an hour", "Tue 2026-11-24 16:30"),
        ("90 minutes", "Tue 2026-11-24 17:30"),
        ("in two hours and a half", "Tue 2026-11-24 18:30"),
        ("in 3 days", "Fri 2026-11-27 16:00"),
        ("friday", "Fri 2026-11-27 09:00"),
        ("on friday at 3pm", "Fri 2026-11-27 15:00"),
        ("tuesday", "Tue 2026-12-01 09:00"),
        ("next monday 14:30", "Mon 2026-11-30 14:30"),
        ("next friday", "Fri 2026-12-04 09:00"),
        ("next week", "Mon 2026-11-30 09:00"),
        ("next month", "Tue 2026-12-01 09:00"),
        ("14:30", "Wed 2026-11-25 14:30"),
        ("17:30", "Tue 2026-11-24 17:30"),
        ("2026-12-01 14:30", "Tue 2026-12-01 14:30"),
        ("2026-12-01", "Tue 2026-12-01 09:00"),
        ("dec 1", "Tue 2026-12-01 09:00"),
        ("1st december 10:00", "Tue 2026-12-01 10:00"),
        ("3 jan", "Sun 2027-01-03 09:00"),
        ("明天上午9点", "Wed 2026-11-25 09:00"),
        ("明天下午3点半", "Wed 2026-11-25 15:30"),
        ("明天 14:00", "Wed 2026-11-25 14:00"),
        ("明早", "Wed 2026-11-25 09:00"),
        ("后天晚上8点", "Thu 2026-11-26 20:00"),
        ("今晚", "Tue 2026-11-24 20:00"),
        ("下周一", "Mon 2026-11-30 09:00"),
        ("下周五下午", "Fri 2026-12-04 14:00"),
        ("周五", "Fri 2026-11-27 09:00"),
        ("星期天", "Sun 2026-11-29 09:00"),
        ("周末", "Sat 2026-11-28 09:00"),
        ("下下周三10点", "Wed 2026-12-09 10:00"),
        ("两小时后", "Tue 2026-11-24 18:00"),
        ("半小时后", "Tue 2026-11-24 16:30"),
        ("30分钟后", "Tue 2026-11-24 16:30"),
        ("三天后", "Fri 2026-11-27 16:00"),
        ("12月1日上午10点", "Tue 2026-12-01 10:00"),
        ("下周", "Mon 2026-11-30 09:00"),
        ("morgen 9:00", "Wed 2026-11-25 09:00"),
    ],
)
def test_what_people_say_is_what_is_meant(words: str, moment: str) -> None:
    assert said(words) == moment


@pytest.mark.parametrize(
    "words", ["", "   ", "later maybe", "soon", "x" * 61, "31 june", "99:99", "tomorrow 25:00", "\x00"]
)
def test_what_is_no_moment_is_told_with_an_example(words: str) -> None:
    with pytest.raises(NotUnderstood, match="tomorrow 9"):
        said(words)


@pytest.mark.parametrize("words", ["today 9:00", "2020-01-01", "今天上午9点", "in 0 hours"])
def test_what_has_passed_is_refused(words: str) -> None:
    with pytest.raises(NotUnderstood, match="has passed"):
        said(words)


def test_the_day_is_that_of_the_person() -> None:
    late = datetime(2026, 11, 24, 23, 30, tzinfo=UTC)
    assert said("tomorrow 9", ZoneInfo("Asia/Shanghai"), late) == "Thu 2026-11-26 09:00"
    assert said("tomorrow 9", ZoneInfo("America/New_York"), late) == "Wed 2026-11-25 09:00"


def test_a_wall_clock_is_kept_over_the_change_to_summer_time() -> None:
    before = datetime(2026, 3, 28, 12, 0, tzinfo=UTC)
    assert read_moment("tomorrow 9", now=before, zone=BERLIN) == datetime(2026, 3, 29, 7, 0, tzinfo=UTC)
    assert read_moment("in 24 hours", now=before, zone=BERLIN) == before + timedelta(hours=24)


@pytest.mark.parametrize("name", ["", "Nowhere/Town", "../../etc/passwd", "Europe", "\x00", "x" * 999])
def test_a_zone_that_does_not_exist_is_utc(name: str) -> None:
    assert zone_named(name) == ZoneInfo("UTC")
    assert zone_named("Asia/Shanghai") == ZoneInfo("Asia/Shanghai")


@given(st.text(max_size=LONGEST_WORDS))
def test_anything_is_read_or_refused(words: str) -> None:
    with contextlib.suppress(NotUnderstood):
        assert read_moment(words, now=NOW, zone=BERLIN) > NOW


@given(st.integers(1, 9999), st.sampled_from(["m", "minutes", "hours", "天", "weeks"]))
def test_a_span_is_counted_from_now(number: int, unit: str) -> None:
    at = read_moment(f"in {number} {unit}", now=NOW, zone=BERLIN)
    assert (at - NOW) % timedelta(minutes=1) == timedelta(0)
