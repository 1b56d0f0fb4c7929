"""
Business hours in the database: made, changed, deleted, and turned into schedules.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest

from bot.core.actor import HUBBUB
from bot.core.database import Database, UnitOfWork
from bot.core.errors import Conflict, Invalid, NotFound
from bot.hours import service
from bot.hours.rules import ALWAYS, add, is_open
from bot.hours.wishes import Wish
from bot.inbox import policies
from bot.inbox import service as inbox
from bot.inbox.rules import ClockKind
from bot.staff.service import list_audit
from tests.fakes.clock import FakeClock
from tests.integration.inbox.house import House

DAY = "09:00-12:30, 13:30-18:00"
BERLIN = Wish(name="Desk", zone="Europe/Berlin", week=[DAY] * 5 + [""] * 2, country="DE", subdivision="BE")
SHANGHAI = Wish(name="上海客服", zone="Asia/Shanghai", week=["09:00-18:00"] * 5 + [""] * 2, country="CN")
HOUR = timedelta(hours=1)


async def create(database: Database, wish: Wish = BERLIN) -> str:
    async with database.write() as work:
        return (await service.create_hours(work, HUBBUB, wish)).id


async def problems(database: Database, wish: Wish) -> dict[str, str]:
    with pytest.raises(Invalid) as refused:
        await create(database, wish)
    return refused.value.fields


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


async def test_no_hours_are_calendar_time(database: Database):
    async with database.read() as work:
        assert await service.get_schedule(work, None) is ALWAYS


async def test_hours_become_a_schedule(database: Database):
    hours_id = await create(database)
    async with database.read() as work:
        schedule = await service.get_schedule(work, hours_id)
        assert await service.get_schedule(work, hours_id) is schedule, "remembered"
    assert add(schedule, utc("2026-03-02T11:20"), timedelta(minutes=20)) == utc("2026-03-02T12:40")
    # Women's Day is free in Berlin only; it fell on a Sunday in 2026 and on a Monday in 2027
    assert not is_open(schedule, utc("2027-03-08T10:00"))
    assert is_open(schedule, utc("2027-03-09T10:00"))


async def test_S4_make_up_working_days_of_china_are_open_if_they_count(database: Database):
    counted = await create(database, SHANGHAI)
    ignored = await create(database, replace(SHANGHAI, name="Without", make_up=False))
    worked, free = utc("2026-02-14T03:00"), utc("2026-02-17T03:00")
    assert worked.weekday() == 5
    async with database.read() as work:
        schedule = await service.get_schedule(work, counted)
        assert is_open(schedule, worked)
        assert not is_open(schedule, worked + 8 * HOUR)
        assert not is_open(schedule, free)
        assert not is_open(await service.get_schedule(work, ignored), worked)


async def test_a_change_holds_at_once_and_a_change_undone_never(database: Database):
    hours_id = await create(database)
    noon = utc("2026-03-02T12:00")  # 13:00 in Berlin
    async with database.read() as work:
        assert not is_open(await service.get_schedule(work, hours_id), noon)
    wish = replace(BERLIN, week=["09:00-18:00"] * 7)

    async def change_and_fail() -> None:
        async with database.write() as work:
            await service.change_hours(work, HUBBUB, hours_id, wish)
            assert is_open(await service.get_schedule(work, hours_id), noon)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await change_and_fail()
    async with database.read() as work:
        assert not is_open(await service.get_schedule(work, hours_id), noon)
    async with database.write() as work:
        await service.change_hours(work, HUBBUB, hours_id, wish)
    async with database.read() as work:
        assert is_open(await service.get_schedule(work, hours_id), noon)


async def test_the_schedule_moves_on_with_the_year(database: Database, clock: FakeClock):
    hours_id = await create(database)
    christmas = utc("2031-12-25T10:00")
    async with database.read() as work:
        assert is_open(await service.get_schedule(work, hours_id), christmas), "too far ahead to be looked up"
    clock.set(utc("2030-01-01T00:00"))
    async with database.read() as work:
        assert not is_open(await service.get_schedule(work, hours_id), christmas)


async def test_extra_days_overrule_holidays(database: Database):
    hours_id = await create(database)
    async with database.write() as work:
        for first, last, spans in (("2026-12-25", "2026-12-25", "10:00-12:00"), ("2026-12-28", "2027-01-03", "")):
            await service.set_days(
                work,
                HUBBUB,
                hours_id,
                first=date.fromisoformat(first),
                last=date.fromisoformat(last),
                spans=spans,
                label="Holidays of the house",
            )
    async with database.read() as work:
        schedule = await service.get_schedule(work, hours_id)
    assert is_open(schedule, utc("2026-12-25T09:30"))
    assert add(schedule, utc("2026-12-25T10:59"), 2 * timedelta(minutes=1)) == utc("2027-01-04T08:01")


async def test_an_extra_day_can_be_said_again_and_removed(database: Database):
    hours_id = await create(database)
    day = date(2026, 3, 3)
    async with database.write() as work:
        await service.set_days(work, HUBBUB, hours_id, first=day, last=day, spans="")
        await service.set_days(work, HUBBUB, hours_id, first=day, last=day, spans="20:00-24:00", label="Late")
    async with database.read() as work:
        (row,) = await service.store.list_days(work, hours_id)
        assert (row.spans, row.label) == ([[1200, 1440]], "Late")
        assert is_open(await service.get_schedule(work, hours_id), utc("2026-03-03T19:30"))
    async with database.write() as work:
        await service.drop_day(work, HUBBUB, hours_id, row.id)
    async with database.write() as work:
        assert not is_open(await service.get_schedule(work, hours_id), utc("2026-03-03T19:30"))
        with pytest.raises(NotFound, match="removed already"):
            await service.drop_day(work, HUBBUB, hours_id, row.id)


async def test_bad_hours_are_refused_in_words(database: Database):
    overlapping = replace(BERLIN, week=["09:00-13:00, 12:00-18:00", *[""] * 6])
    assert (await problems(database, overlapping))["monday"] == "09:00-13:00 and 12:00-18:00 overlap"
    assert "no hours at all" in (await problems(database, replace(BERLIN, week=[""] * 7)))["monday"]
    found = await problems(
        database,
        Wish(
            name=" ",
            zone="europe/berlin",
            week=["18:00-09:00", *[DAY] * 6],
            country="XX",
            subdivision="YY",
            feed_url="ftp://calendars.example/a.ics",
            feed_means="maybe",
        ),
    )
    assert set(found) == {"name", "zone", "monday", "country", "subdivision", "feed_url", "feed_means"}
    assert "did you mean Europe/Berlin" in found["zone"]
    assert "Asia/Shanghai" in (await problems(database, replace(BERLIN, zone="")))["zone"]
    assert "BW" in (await problems(database, replace(BERLIN, subdivision="Bavaria")))["subdivision"]
    assert "choose the country" in (await problems(database, replace(BERLIN, country="")))["subdivision"]
    assert "leave it empty" in (await problems(database, replace(SHANGHAI, subdivision="BE")))["subdivision"]
    private = replace(BERLIN, feed_url="https://192.168.0.1/a.ics")
    assert "private network" in (await problems(database, private))["feed_url"]


@pytest.mark.parametrize(
    ("field", "asked"),
    [
        ("last", {"first": date(2026, 3, 4), "last": date(2026, 3, 3)}),
        ("last", {"first": date(2026, 3, 4), "last": date(2027, 6, 3)}),
        ("first", {"first": date(1926, 3, 4), "last": date(1926, 3, 4)}),
        ("spans", {"spans": "noon"}),
        ("label", {"label": "x" * 201}),
    ],
)
async def test_bad_extra_days_are_refused_in_words(database: Database, field: str, asked: dict):
    hours_id = await create(database)
    day = {"first": date(2026, 3, 3), "last": date(2026, 3, 3), "spans": ""}
    async with database.write() as work:
        with pytest.raises(Invalid) as refused:
            await service.set_days(work, HUBBUB, hours_id, **{**day, **asked})
    assert set(refused.value.fields) == {field}


async def test_names_are_taken_once(database: Database):
    await create(database)
    other = await create(database, SHANGHAI)
    assert "have this name" in (await problems(database, BERLIN))["name"]
    async with database.write() as work:
        with pytest.raises(Invalid):
            await service.change_hours(work, HUBBUB, other, BERLIN)


async def test_a_change_of_what_somebody_else_changed_is_refused(database: Database):
    hours_id = await create(database)
    async with database.write() as work:
        seen = (await service.get_hours(work, hours_id)).version
        await service.change_hours(work, HUBBUB, hours_id, BERLIN, seen=seen)
    async with database.write() as work:
        with pytest.raises(Conflict, match="meanwhile"):
            await service.change_hours(work, HUBBUB, hours_id, BERLIN, seen=seen)


async def test_hours_in_use_are_not_deleted(database: Database):
    hours_id = await create(database)

    async def users(work: UnitOfWork, asked: str) -> list[str]:
        return ['policy "Chat"'] if asked == hours_id else []

    async with database.write() as work:
        await service.set_days(
            work, HUBBUB, hours_id, first=date(2026, 3, 3), last=date(2026, 3, 3), spans="", label=""
        )
        with pytest.raises(Conflict, match='Desk is used by policy "Chat"; choose other hours there first'):
            await service.delete_hours(work, HUBBUB, hours_id, [users])
        await service.delete_hours(work, HUBBUB, hours_id)
    async with database.read() as work:
        with pytest.raises(NotFound):
            await service.get_schedule(work, hours_id)
        done = [entry.action for entry in (await list_audit(work, subject_id=hours_id)).items]
    assert done == ["hours.delete", "hours.set-days", "hours.create"]


async def test_hours_that_a_running_clock_counts_in_are_not_deleted(database: Database):
    house = await House(database).build()
    hours_id = await create(database)
    async with database.write() as work:
        lengths = {ClockKind.FIRST_RESPONSE: 2 * HOUR}
        wish = policies.Wish(name="Chat", hours_id=hours_id, lengths=lengths)
        policy = await policies.create_policy(work, HUBBUB, wish)
    asked = await house.asked()
    async with database.write() as work:
        await policies.change_policy(work, HUBBUB, policy.id, replace(wish, hours_id=None))
        with pytest.raises(Conflict, match="Desk is used by 1 running clocks"):
            await service.delete_hours(work, HUBBUB, hours_id, [policies.hours_users])
    async with database.write() as work:
        await service.delete_hours(work, HUBBUB, hours_id)  # as if nobody had been asked
    async with database.write() as work:
        await inbox.set_pending(work, house.people["lea"], asked)
        await inbox.reopen(work, house.people["lea"], asked)
    assert (await house.see(asked)).due_at is not None, "the clock goes on"
