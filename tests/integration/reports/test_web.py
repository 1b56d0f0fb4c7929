"""
Reports over the web, the API and the command line.
"""

from __future__ import annotations

import csv
import io
from contextlib import AbstractAsyncContextManager

import pytest

import bot.reports.api
import bot.reports.pages
from bot.core.database import Database
from bot.reports import service
from tests.fakes.clock import FakeClock
from tests.fakes.web_app import WebClient, make_client
from tests.integration.inbox.house import KITE, REED, House


def browsing(database: Database) -> AbstractAsyncContextManager[WebClient]:
    return make_client(database, pages=[bot.reports.pages], apis=[bot.reports.api])


async def a_day(database: Database, clock: FakeClock) -> None:
    house = await House(database).build()
    for minutes, author in ((5, KITE), (20, REED)):
        conversation_id = await house.asked(author=author)
        await clock.advance(minutes * 60)
        await house.becomes(await house.reply(conversation_id), "confirmed")
    await service.gather(database)


async def test_the_page_shows_the_figures_and_a_table_behind_each_chart(
    database: Database, clock: FakeClock
) -> None:
    await a_day(database, clock)
    async with browsing(database) as client:
        await client.sign_in("lead")
        page = await client.get("/reports?by=agent&zone=Asia/Shanghai")
        text = await page.text()
    assert page.status == 200
    assert "1 of 2" in text
    assert "50.0\N{NO-BREAK SPACE}%" in text
    assert "Ann" in text
    assert 'id="chart-hours"' in text
    assert 'id="chart-traffic"' in text
    assert text.count("The same as a table") == 2
    assert "17:00" in text, "nine o'clock in London is five in Shanghai"


async def test_an_empty_house_says_so(database: Database) -> None:
    async with browsing(database) as client:
        await client.sign_in("lead")
        text = await (await client.get("/reports")).text()
    assert "Nothing was asked in these days" in text


async def test_a_wrong_range_is_said_at_its_field_and_what_was_typed_is_kept(database: Database) -> None:
    async with browsing(database) as client:
        await client.sign_in("lead")
        page = await client.get("/reports?from=2026-03-02&to=2026-03-01&zone=Mars/Base")
        text = await page.text()
    assert page.status == 422
    assert "there is no time zone" in text
    assert "2026-03-02" in text


async def test_the_spreadsheet_holds_the_same_figures_and_no_formula(database: Database, clock: FakeClock) -> None:
    await a_day(database, clock)
    async with browsing(database) as client:
        await client.sign_in("lead")
        answer = await client.get("/reports.csv?by=account")
        rows = list(csv.DictReader(io.StringIO(await answer.text())))
    assert answer.headers["Content-Disposition"].startswith("attachment")
    assert rows[0]["part"] == "all"
    assert (rows[0]["asked"], rows[0]["kept"], rows[0]["p50_seconds"]) == ("2", "1", "300")
    assert {row["part"] for row in rows} == {"all", "hour", "day", "account"}
    assert not any(value.startswith(("=", "+", "@")) for row in rows for value in row.values())


@pytest.mark.parametrize("path", ["/reports/sla", "/reports/traffic"])
async def test_the_api_gives_the_same_and_refuses_what_it_does_not_know(
    database: Database, clock: FakeClock, path: str
) -> None:
    await a_day(database, clock)
    async with browsing(database) as client:
        answer = await client.api("GET", f"{path}?from=2026-03-02&to=2026-03-02", "lead")
        assert answer.status == 200, await answer.text()
        found = await answer.json()
        wrong = await client.api("GET", f"{path}?from=2026-03-02&until=now", "lead")
        forbidden = await client.api("GET", path, "agent")
    assert found["first_on"] == found["last_on"] == "2026-03-02"
    if path.endswith("sla"):
        assert (found["whole"]["asked"], found["whole"]["share_kept"], found["whole"]["p99"]) == (2, 0.5, 1200.0)
    else:
        assert (found["arrivals"], found["answers"], found["waiting_now"]) == (2, 2, 0)
    assert wrong.status == 422
    assert forbidden.status == 403
