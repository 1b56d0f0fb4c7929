"""
The figures of a report against a recount of the event log by brute force, on random histories.
"""

from __future__ import annotations

import random
from dataclasses import asdict
from datetime import timedelta
from typing import Any

import pytest

from bot.core.database import Database
from bot.core.errors import Invalid
from bot.reports import service
from bot.reports.figures import Figures
from bot.reports.service import CLOCKS, Asked
from bot.reports.store import DIMENSIONS
from tests.fakes.clock import FakeClock
from tests.integration.inbox.house import House
from tests.integration.reports.histories import History, log_of, recount

ZONE = "Asia/Kolkata"  # half an hour beside the others


def flat(figures: Figures) -> dict[str, Any]:
    plain = asdict(figures)
    times = plain.pop("times")
    return {**plain, **times}


async def lived(database: Database, clock: FakeClock, seed: int, steps: int) -> History:
    house = await House(database).build()
    history = History(house, clock, random.Random(seed))
    await history.live(steps)
    return history


async def said(database: Database, asked: Asked) -> dict[str, dict[str, Any]]:
    async with database.read() as work:
        report = await service.sla_report(work, asked)
    return {
        "whole": flat(report.whole),
        **{f"hour {hour.key}": flat(hour.figures) for hour in report.hours},
        **{f"group {group.key}": flat(group.figures) for group in report.groups},
    }


@pytest.mark.parametrize("seed", [1, 2])
async def test_S14_every_figure_equals_a_recount_of_the_event_log(
    database: Database, clock: FakeClock, seed: int
) -> None:
    history = await lived(database, clock, seed, 100)
    await service.gather(database)  # in the middle of everything ...
    await history.live_on(100)
    await service.gather(database)  # ... and again: nothing counts twice
    log = await log_of(database)
    asked = Asked(zone=ZONE)
    over = service.range_of(asked, clock.now())
    ends = [event["detail"]["outcome"] for event in log if event["kind"] == "clock_stopped"]
    assert len(ends) > 15, "a history worth counting"
    assert {"kept", "breached"} <= set(ends)
    for which in CLOCKS:
        for by in DIMENSIONS:
            counted = recount(log, which, over.begin, over.end, clock.now(), ZONE, by)
            assert await said(database, Asked(zone=ZONE, clock=which, by=by)) == counted


async def test_S14_arrivals_answers_and_the_backlog_equal_a_recount(database: Database, clock: FakeClock) -> None:
    await lived(database, clock, 3, 80)
    await service.gather(database)
    log = await log_of(database)
    async with database.read() as work:
        found = await service.traffic(work, Asked(zone=ZONE))
    people = [event for event in log if not event["detail"].get("automatic")]
    assert found.arrivals == sum(event["kind"] == "message_in" for event in people)
    assert found.answers == sum(event["kind"] == "answered" for event in people)
    assert found.arrivals == sum(step.arrivals for step in found.steps)
    responses = [event for event in log if event["detail"].get("clock") in ("first_response", "next_response")]
    started = {event["detail"]["clock_id"] for event in responses if event["kind"] == "clock_started"}
    stopped = {event["detail"]["clock_id"] for event in responses if event["kind"] == "clock_stopped"}
    assert found.steps[-1].waiting == found.ages.count == len(started - stopped)


async def test_reading_the_whole_log_again_changes_nothing(database: Database, clock: FakeClock) -> None:
    await lived(database, clock, 4, 60)
    await service.gather(database)
    before = await said(database, Asked())
    await service.rebuild(database)
    assert await said(database, Asked()) == before


async def test_S5_an_answer_of_a_machine_is_no_answer(database: Database, clock: FakeClock) -> None:
    house = await House(database).build()
    conversation_id = await house.asked()
    await house.becomes(await house.reply(conversation_id, "lea", automatic=True), "confirmed")
    await service.gather(database)
    async with database.read() as work:
        report = await service.sla_report(work, Asked())
        traffic = await service.traffic(work, Asked())
    assert (report.whole.asked, report.whole.answered, report.whole.running) == (1, 0, 1)
    assert (traffic.arrivals, traffic.answers) == (1, 0)


async def test_A12_with_nothing_to_count_there_is_no_share(database: Database) -> None:
    async with database.read() as work:
        report = await service.sla_report(work, Asked())
    assert report.whole.share_kept is None
    assert report.whole.times.p95 is None
    assert report.hours == report.days == report.groups == []


async def test_a_day_of_a_clock_change_has_23_hours(database: Database, clock: FakeClock) -> None:
    over = service.range_of(Asked(first="2026-03-29", last="2026-03-29", zone="Europe/Berlin"), clock.now())
    assert over.end - over.begin == timedelta(hours=23)


@pytest.mark.parametrize(
    ("asked", "field"),
    [
        (Asked(first="2026-03-02", last="2026-03-01"), "to"),
        (Asked(first="yesterday"), "from"),
        (Asked(last="0001-01-01"), "to"),
        (Asked(first="2020-01-01", last="2026-01-01"), "from"),
        (Asked(zone="Europe/Nowhere"), "zone"),
        (Asked(zone="../etc/passwd"), "zone"),
        (Asked(clock="lunch"), "clock"),
        (Asked(by="mood"), "by"),
    ],
)
async def test_a_wrong_question_is_told_which_field_is_wrong(database: Database, asked: Asked, field: str) -> None:
    async with database.read() as work:
        with pytest.raises(Invalid) as caught:
            await service.sla_report(work, asked)
    assert set(caught.value.fields) == {field}
