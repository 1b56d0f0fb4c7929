"""
Business hours: the arithmetic of open time, with every trick that clocks and calendars play.
"""

from __future__ import annotations

import time
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.hours.rules import (
    ALWAYS,
    CLOSED,
    SECOND,
    WHOLE_DAY,
    NoHours,
    Schedule,
    Span,
    Spans,
    add,
    between,
    first_open,
    instant_of,
    is_open,
    next_closing,
    next_opening,
    spans_problem,
    stretches_on,
)
from bot.hours.writing import read_spans

MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)
BERLIN, NEW_YORK, SHANGHAI = "Europe/Berlin", "America/New_York", "Asia/Shanghai"


def schedule(zone: str, weekdays: str, weekend: str = "", **days: str) -> Schedule:
    """
    Make a schedule of texts; days are named `d20260214="09:00-18:00"`.
    """
    week = (read_spans(weekdays),) * 5 + (read_spans(weekend),) * 2
    own = {date.fromisoformat(name.removeprefix("d")): read_spans(text) for name, text in days.items()}
    return Schedule(zone=zone, week=week, days=own)


def at(zone: str, text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone)).astimezone(UTC)


TWO_SPANS = schedule(BERLIN, "09:00-12:30, 13:30-18:00")
NIGHT = schedule(BERLIN, "00:00-06:00, 22:00-24:00", "00:00-06:00, 22:00-24:00")


# two spans a day


@pytest.mark.parametrize(
    ("start", "length", "due"),
    [
        ("2026-11-24T10:00", 15 * MINUTE, "2026-11-24T10:15"),
        ("2026-11-24T12:20", 15 * MINUTE, "2026-11-24T13:35"),  # over the break
        ("2026-11-24T12:20", 10 * MINUTE, "2026-11-24T12:30"),  # exactly to its beginning
        ("2026-11-24T12:45", 15 * MINUTE, "2026-11-24T13:45"),  # begins in the break
        ("2026-11-24T17:50", 15 * MINUTE, "2026-11-25T09:05"),  # over night
        ("2026-11-24T09:00", 8 * HOUR, "2026-11-24T18:00"),  # a whole day ends with the day
        ("2026-11-27T17:50", 15 * MINUTE, "2026-11-30T09:05"),  # over the weekend
        ("2026-11-28T11:00", timedelta(0), "2026-11-30T09:00"),  # nothing from a closed time: the next opening
        ("2026-11-24T18:00", timedelta(0), "2026-11-24T18:00"),
    ],
)
def test_S4_two_spans_a_day(start: str, length: timedelta, due: str) -> None:
    assert add(TWO_SPANS, at(BERLIN, start), length) == at(BERLIN, due)
    assert between(TWO_SPANS, at(BERLIN, start), at(BERLIN, due)) == length


def test_S4_two_spans_a_day_open_and_close_twice() -> None:
    morning, noon, evening = (at(BERLIN, f"2026-11-24T{clock}") for clock in ("09:00", "12:30", "18:00"))
    assert not is_open(TWO_SPANS, morning - MINUTE)
    assert is_open(TWO_SPANS, morning)
    assert not is_open(TWO_SPANS, noon)
    assert next_opening(TWO_SPANS, noon) == noon + HOUR
    assert next_opening(TWO_SPANS, morning) == morning
    assert next_closing(TWO_SPANS, morning) == noon
    assert next_closing(TWO_SPANS, noon) == evening
    assert next_opening(TWO_SPANS, at(BERLIN, "2026-11-27T18:00")) == at(BERLIN, "2026-11-30T09:00")


# clocks are changed


@pytest.mark.parametrize(
    ("zone", "day", "gap"), [(BERLIN, date(2026, 3, 29), "02:00"), (NEW_YORK, date(2026, 3, 8), "02:00")]
)
def test_S4_clocks_are_set_forward(zone: str, day: date, gap: str) -> None:
    open_all_day = schedule(zone, "", "00:00-24:00")
    assert between(open_all_day, at(zone, f"{day}T00:00"), at(zone, f"{day}T23:00") + HOUR) == 23 * HOUR
    end = at(zone, f"{day}T03:00")  # the gap ends here; 02:00 to 03:00 is never shown
    assert add(open_all_day, end - 10 * MINUTE, 15 * MINUTE) == at(zone, f"{day}T03:05")
    in_the_gap = schedule(zone, "", "02:15-02:45")
    assert stretches_on(in_the_gap, day) == []
    over_its_end = schedule(zone, "", "02:30-04:00")
    assert [one.opens_at for one in stretches_on(over_its_end, day)] == [end]
    assert between(over_its_end, end - HOUR, end + 5 * HOUR) == HOUR
    over_its_beginning = schedule(zone, "", "01:00-02:30")
    assert [one.closes_at for one in stretches_on(over_its_beginning, day)] == [end]


@pytest.mark.parametrize(("zone", "day"), [(BERLIN, date(2026, 10, 25)), (NEW_YORK, date(2026, 11, 1))])
def test_S4_clocks_are_set_back(zone: str, day: date) -> None:
    open_all_day = schedule(zone, "", "00:00-24:00")
    midnight = at(zone, f"{day}T00:00")
    assert between(open_all_day, midnight, midnight + 30 * HOUR) == 25 * HOUR
    # Nine to five is eight hours, on this day too, and what began before the change ends an hour "too early".
    assert between(schedule(zone, "", "09:00-17:00"), midnight, midnight + 30 * HOUR) == 8 * HOUR
    night = schedule(zone, "", "00:00-08:00")
    assert between(night, midnight, midnight + 30 * HOUR) == 9 * HOUR
    assert add(night, midnight, 9 * HOUR) == at(zone, f"{day}T08:00")


def test_S4_a_time_that_is_shown_twice_counts_once() -> None:
    day = date(2026, 10, 25)  # in Berlin 02:00 to 03:00 is shown twice
    halves = schedule(BERLIN, "", "00:00-02:30, 02:30-06:00")
    first, second = stretches_on(halves, day)
    assert first.closes_at == second.opens_at == datetime(2026, 10, 25, 0, 30, tzinfo=UTC)
    assert between(halves, at(BERLIN, "2026-10-25T00:00"), at(BERLIN, "2026-10-25T12:00")) == 7 * HOUR
    assert len(stretches_on(schedule(BERLIN, "", "02:15-02:45"), day)) == 1


def test_S4_a_date_that_a_zone_left_out_is_never_open() -> None:
    samoa = schedule("Pacific/Apia", "00:00-24:00", "00:00-24:00", d20111201="00:00-23:00")
    assert stretches_on(samoa, date(2011, 12, 30)) == []
    before, after = (instant_of(samoa.tz, date(2011, 12, day), 0) for day in (29, 31))
    assert after - before == 24 * HOUR
    assert between(samoa, before, after + HOUR) == 25 * HOUR


def test_S4_a_zone_that_sets_clocks_back_over_midnight_loses_nothing() -> None:
    havana = schedule("America/Havana", "00:00-24:00", "00:00-24:00", d20260101="00:00-23:00")
    start = at("America/Havana", "2026-10-31T12:00")  # 01:00 becomes 00:00 on the first of November
    assert between(havana, start, start + 48 * HOUR) == 48 * HOUR
    assert all(is_open(havana, start + step * 10 * MINUTE) for step in range(6 * 24))


# holidays, make-up working days, midnight


def test_S4_a_holiday_is_skipped() -> None:
    christmas = schedule(BERLIN, "09:00-18:00", d20261225="", d20261224="09:00-12:00")
    assert add(christmas, at(BERLIN, "2026-12-24T11:50"), 20 * MINUTE) == at(BERLIN, "2026-12-28T09:10")
    assert not is_open(christmas, at(BERLIN, "2026-12-25T10:00"))
    assert next_opening(christmas, at(BERLIN, "2026-12-24T12:00")) == at(BERLIN, "2026-12-28T09:00")


def test_S4_a_make_up_working_day_is_open() -> None:
    # Spring Festival 2026: the 16th to the 23rd are free, Saturday the 14th and Saturday the 28th are worked.
    free = {f"d202602{day}": "" for day in (16, 17, 18, 19, 20, 23)}
    shop = schedule(SHANGHAI, "09:00-18:00", d20260214="09:00-18:00", d20260228="09:00-18:00", **free)
    assert add(shop, at(SHANGHAI, "2026-02-13T17:50"), 15 * MINUTE) == at(SHANGHAI, "2026-02-14T09:05")
    assert add(shop, at(SHANGHAI, "2026-02-14T17:50"), 15 * MINUTE) == at(SHANGHAI, "2026-02-24T09:05")
    assert between(shop, at(SHANGHAI, "2026-02-09T00:00"), at(SHANGHAI, "2026-03-02T00:00")) == 11 * 9 * HOUR


def test_S4_spans_end_and_begin_at_midnight() -> None:
    before = at(BERLIN, "2026-11-24T23:50")
    assert add(NIGHT, before, 15 * MINUTE) == at(BERLIN, "2026-11-25T00:05")
    assert add(NIGHT, before, 10 * MINUTE) == at(BERLIN, "2026-11-25T00:00")
    assert is_open(NIGHT, at(BERLIN, "2026-11-25T00:00"))
    assert next_closing(NIGHT, before) == at(BERLIN, "2026-11-25T06:00")
    evening = schedule(BERLIN, "18:00-24:00")
    assert not is_open(evening, at(BERLIN, "2026-11-25T00:00"))
    assert next_closing(evening, before) == at(BERLIN, "2026-11-25T00:00")
    assert add(evening, at(BERLIN, "2026-11-27T23:50"), 15 * MINUTE) == at(BERLIN, "2026-11-30T18:05")


# never open


NEVER = Schedule(zone=BERLIN, week=(CLOSED,) * 7)
START = datetime(2026, 11, 24, 9, tzinfo=UTC)


def test_a_policy_with_no_hours_is_told_and_does_not_loop() -> None:
    began = time.perf_counter()
    for nearly in (NEVER, Schedule(zone=BERLIN, week=NEVER.week, days={date(2026, 11, 25): WHOLE_DAY})):
        with pytest.raises(NoHours, match="a policy with no hours"):
            add(nearly, START, timedelta(days=2))
    assert next_opening(NEVER, START) is None
    assert next_closing(NEVER, START) is None
    assert next_closing(ALWAYS, START) is None
    assert between(NEVER, START, START + timedelta(days=400)) == timedelta(0)
    assert time.perf_counter() - began < 1


def test_an_extra_day_alone_is_enough() -> None:
    once = Schedule(zone=BERLIN, week=NEVER.week, days={date(2026, 12, 25): read_spans("10:00-11:00")})
    assert add(once, START, HOUR) == at(BERLIN, "2026-12-25T11:00")


def test_five_years_of_open_time_take_no_second() -> None:
    began = time.perf_counter()
    due = add(TWO_SPANS, START, timedelta(days=5 * 365))
    assert due > START + timedelta(days=20 * 365)  # eight hours on five days in seven
    assert time.perf_counter() - began < 2, "it takes a tenth of this"


def test_adding_nothing_to_take_away_is_a_mistake() -> None:
    with pytest.raises(ValueError, match="never taken away"):
        add(ALWAYS, START, -MINUTE)


def test_the_end_of_the_calendar_is_no_trap() -> None:
    with pytest.raises(NoHours):
        add(TWO_SPANS, datetime(9999, 12, 20, tzinfo=UTC), timedelta(days=30))


# properties


def _spans(edges: list[int]) -> Spans:
    pairs = zip(edges[::2], edges[1::2], strict=False)
    return tuple(Span(opens=opens, closes=closes) for opens, closes in pairs)


minutes = st.integers(0, 96).map(lambda quarter: quarter * 15)
spans = st.lists(minutes, max_size=6, unique=True).map(sorted).map(_spans)
zones = st.sampled_from(
    [BERLIN, NEW_YORK, SHANGHAI, "UTC", "Australia/Lord_Howe", "America/Havana", "Asia/Kathmandu", "Pacific/Apia"]
)
dates = st.dates(date(2026, 1, 1), date(2026, 12, 31))
schedules = st.builds(
    Schedule,
    zone=zones,
    # Monday is open, so that there is something to add up
    week=st.tuples(spans.filter(bool), *[spans] * 6),
    days=st.dictionaries(dates, spans, max_size=8),
)
instants = st.integers(0, 364 * 86_400).map(lambda seconds: datetime(2026, 1, 1, tzinfo=UTC) + seconds * SECOND)
lengths = st.timedeltas(timedelta(0), timedelta(days=4))


@given(schedules, instants, lengths, lengths)
def test_S4_adding_is_associative_over_splits(plan: Schedule, start: datetime, a: timedelta, b: timedelta) -> None:
    assert add(plan, add(plan, start, a), b) == add(plan, start, a + b)


@given(schedules, instants, lengths, lengths)
def test_S4_adding_more_is_never_earlier(plan: Schedule, start: datetime, a: timedelta, b: timedelta) -> None:
    assert start <= add(plan, start, min(a, b)) <= add(plan, start, max(a, b))


@given(schedules, instants, instants, lengths)
def test_S4_beginning_later_is_never_due_earlier(
    plan: Schedule, one: datetime, other: datetime, length: timedelta
) -> None:
    assert add(plan, min(one, other), length) <= add(plan, max(one, other), length)


@given(schedules, instants, lengths)
def test_S4_a_deadline_never_lands_outside_a_span(plan: Schedule, start: datetime, length: timedelta) -> None:
    due = add(plan, start, length)
    just_before = due - timedelta(microseconds=1)
    assert is_open(plan, due) or (is_open(plan, just_before) and just_before < due)


@given(schedules, instants, lengths)
def test_S4_between_undoes_adding(plan: Schedule, start: datetime, length: timedelta) -> None:
    assert between(plan, start, add(plan, start, length)) == length


@given(schedules, instants, instants, instants)
def test_S4_between_adds_up(plan: Schedule, a: datetime, b: datetime, c: datetime) -> None:
    first, middle, last = sorted((a, b, c))
    whole = between(plan, first, last)
    assert between(plan, first, middle) + between(plan, middle, last) == whole
    assert timedelta(0) <= whole <= last - first
    assert between(plan, last, first) == timedelta(0)


@given(instants, lengths)
def test_S4_always_is_plain_arithmetic(start: datetime, length: timedelta) -> None:
    assert add(ALWAYS, start, length) == start + length
    assert between(ALWAYS, start, start + length) == length
    assert is_open(ALWAYS, start)
    # and the long way round gives the same, in any zone
    long_way = Schedule(zone=NEW_YORK, week=(WHOLE_DAY,) * 7, days={date(1999, 1, 1): CLOSED})
    assert not long_way.is_always
    assert add(long_way, start, length) == start + length
    assert between(long_way, start, start + length) == length


@given(schedules, instants)
def test_S4_openings_and_closings_bound_the_open_time(plan: Schedule, start: datetime) -> None:
    opening = next_opening(plan, start)
    assert opening is not None
    assert is_open(plan, opening)
    assert between(plan, start, opening) == timedelta(0)
    closing = next_closing(plan, start)
    if closing is not None and closing < start + timedelta(days=30):
        assert not is_open(plan, closing)
        assert between(plan, opening, closing) == closing - opening


@given(schedules, dates)
def test_S4_stretches_are_in_order_and_apart(plan: Schedule, day: date) -> None:
    found = [one for step in range(3) for one in stretches_on(plan, day + timedelta(days=step))]
    edges = [edge for one in found for edge in (one.opens_at, one.closes_at)]
    assert edges == sorted(edges)


# what is wrong with spans


def test_overlapping_and_backward_spans_are_named() -> None:
    def problem(*texts: tuple[int, int]) -> str:
        return spans_problem([Span(opens=opens, closes=closes) for opens, closes in texts]) or ""

    assert problem((540, 720), (720, 1440)) == ""
    assert problem((660, 1080), (540, 720)) == "09:00-12:00 and 11:00-18:00 overlap"
    assert "ends before it begins; over midnight" in problem((1320, 120))
    assert "empty" in problem((540, 540))
    assert "00:00 to 24:00" in problem((540, 1500))


def test_the_first_open_weekday_gives_the_hours_of_make_up_days() -> None:
    assert first_open(schedule(BERLIN, "", "10:00-12:00").week) == read_spans("10:00-12:00")
    assert first_open(NEVER.week) == CLOSED
