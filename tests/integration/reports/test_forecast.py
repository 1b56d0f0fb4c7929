"""
The forecast on a real log: arrivals of past weeks, people who answered, and how wrong it was.
"""

from __future__ import annotations

import random
from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlmodel import col

import bot.reports.api
import bot.reports.pages
from bot.core.database import Database
from bot.reports import foretelling
from bot.reports.folding import quarter_of
from bot.reports.foretelling import Seer, keep_forecast, outlook
from bot.reports.keys import SEER
from bot.reports.tables import ForecastHour, ReportProgress, ReportWord
from bot.reports.views import outlook_banners, sentences
from tests.fakes.clock import FakeClock
from tests.fakes.web_app import make_client

PROMISE = timedelta(minutes=15)
WEEK = timedelta(days=7)


async def past_weeks(database: Database, *, per_hour: int, people: int, until: datetime) -> None:
    """
    Let the hours around this one have had their questions in the last three weeks, and people who answered.
    """
    rows, draw = [], random.Random(1)
    hours = [until - WEEK * week + timedelta(hours=hour) for week in (1, 2, 3) for hour in range(-4, 27)]
    hours += [until - timedelta(hours=hour) for hour in range(1, 5)]
    for place, at in enumerate(hours):
        for number in range(per_hour):
            moment = at + timedelta(seconds=draw.random() * 3600)
            word = {"conversation_id": "c", "account_id": "a", "channel": "x", "quarter": quarter_of(moment)}
            spent = {"begun_at": moment, "done_at": moment + timedelta(seconds=60)}
            spent_by = {"agent_id": f"p{number % people}", **spent}
            nobody = {"agent_id": "", "begun_at": None, "done_at": None}
            rows.append({"event_id": f"{place}-{number}-i", "direction": "in", **word, **nobody})
            rows.append({"event_id": f"{place}-{number}-o", "direction": "out", **word, **spent_by})
    async with database.write() as work:
        await work.session.execute(sa.insert(ReportWord), rows)
        work.session.add(ReportProgress(id=1, read_until=until))


async def test_too_few_people_are_told_of_in_time_and_how_many_more_keep_it(
    database: Database, clock: FakeClock
) -> None:
    await past_weeks(database, per_hour=24, people=1, until=clock.now())
    found = await outlook(database, PROMISE)
    assert found.weeks == 3
    assert found.measured > 100
    assert abs(found.forecast.hours[3].hour.arrivals - 24) < 1
    assert found.forecast.hours[3].hour.people == 1
    assert found.forecast.first_breach is None, "one person answers 24 questions an hour, a minute each"
    await past_weeks_grow(database, clock.now(), 150)
    found = await outlook(database, PROMISE)
    assert found.forecast.first_breach is not None
    assert found.forecast.remedy is not None
    assert found.forecast.remedy.people >= 2
    said = sentences(found)
    assert said[0].startswith("First breach expected at ")
    assert "more people from" in said[1]


async def past_weeks_grow(database: Database, now: datetime, more: int) -> None:
    rows = []
    for week in (1, 2, 3):
        for hour in range(10):
            quarter = quarter_of(now - WEEK * week + timedelta(hours=hour))
            rows += [
                {
                    **{"event_id": f"more-{week}-{hour}-{n}", "conversation_id": "c", "direction": "in"},
                    **{"account_id": "a", "channel": "x", "quarter": quarter + n % 4, "agent_id": ""},
                }
                for n in range(more)
            ]
    async with database.write() as work:
        await work.session.execute(sa.insert(ReportWord), rows)


async def test_an_empty_house_is_told_that_nothing_is_known(database: Database) -> None:
    found = await outlook(database, PROMISE)
    assert found.weeks == 0
    assert sentences(found) == ["Nothing is known yet: a forecast needs a day of messages at least."]


async def test_what_was_foretold_a_day_before_is_held_against_what_came(
    database: Database, clock: FakeClock
) -> None:
    now = clock.now()
    await past_weeks(database, per_hour=8, people=1, until=now)
    await keep_forecast(database)
    async with database.write() as work:
        kept = (await work.session.scalars(sa.select(ForecastHour).order_by(col(ForecastHour.hour_at)))).all()
        assert [one.hour_at for one in kept] == [now + timedelta(hours=hours) for hours in (24, 25)]
        assert round(kept[0].arrivals) == 8
        for hours in (2, 3):  # as if it had been made yesterday
            past = ForecastHour(hour_at=now - timedelta(hours=hours), made_at=now, arrivals=10.0, people=1)
            work.session.add(past)
    async with database.read() as work:
        wrong = await foretelling.how_wrong(work)
    assert wrong.hours == 2
    assert wrong.error is not None
    assert round(wrong.error, 2) == 0.25
    assert wrong.bias is not None
    assert round(wrong.bias, 2) == 0.25


async def test_the_page_the_api_and_the_banner_say_the_same(database: Database, clock: FakeClock) -> None:
    await past_weeks(database, per_hour=24, people=1, until=clock.now())
    await past_weeks_grow(database, clock.now(), 150)
    seer = Seer(database, PROMISE)
    async with make_client(
        database, pages=[bot.reports.pages], apis=[bot.reports.api], extra={SEER: seer}
    ) as client:
        await client.sign_in("lead")
        page = await client.get("/reports/forecast")
        text = await page.text()
        answer = await (await client.api("GET", "/reports/forecast", "lead")).json()
    assert page.status == 200
    assert "First breach expected at" in text
    assert answer["first_breach_at"] is not None
    assert answer["more_people"] >= 2
    async with database.read() as work:
        banners = await outlook_banners(seer, work)
    assert [banner.permission for banner in banners] == ["reports.read"]
    assert "First breach expected at" in banners[0].text
