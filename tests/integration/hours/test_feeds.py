"""
Feeds from a real server: good ones, ones that are too large or never answer, and several processes that look.
"""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest

from bot.core.actor import HUBBUB
from bot.core.database import Database
from bot.core.outward import Outward, OutwardRules
from bot.hours import jobs, service
from bot.hours.jobs import AGAIN_AFTER, FETCH_EVERY, Feeds
from bot.hours.rules import is_open
from bot.hours.tables import BusinessHours
from tests.fakes.clock import FakeClock
from tests.integration.hours.conftest import HERE, FeedServer, ical
from tests.integration.hours.test_hours import BERLIN

STOCKTAKING = datetime(2026, 3, 3, 10, tzinfo=UTC)


@pytest.fixture
async def feeds(database: Database, outward: Outward) -> Feeds:
    return Feeds(database, outward)


async def create(database: Database, url: str, *, feed_means: str = "closed") -> str:
    async with database.write() as work:
        wish = replace(BERLIN, feed_url=url, name=url, feed_means=feed_means)
        return (await service.create_hours(work, HUBBUB, wish, HERE)).id


async def see(database: Database, hours_id: str) -> BusinessHours:
    async with database.read() as work:
        return await service.get_hours(work, hours_id)


async def opened(database: Database, hours_id: str, at: datetime = STOCKTAKING) -> bool:
    async with database.read() as work:
        return is_open(await service.get_schedule(work, hours_id), at)


async def test_a_feed_is_read_and_read_again(
    database: Database, feeds: Feeds, feed_server: FeedServer, clock: FakeClock
):
    hours_id = await create(database, feed_server.url())
    assert await opened(database, hours_id)
    assert await feeds.run() == 1
    assert await feeds.run() == 0
    assert not await opened(database, hours_id)
    hours = await see(database, hours_id)
    assert (hours.feed_problem, hours.feed_read_at) == ("", clock.now())
    version = hours.version
    feed_server.text = ical("DTSTART;VALUE=DATE:20260304")
    clock.set(clock.now() + FETCH_EVERY)
    assert await feeds.run() == 1
    assert await opened(database, hours_id)
    assert not await opened(database, hours_id, STOCKTAKING + timedelta(days=1))
    assert (await see(database, hours_id)).version != version


async def test_a_feed_that_says_the_same_changes_nothing(
    database: Database, feeds: Feeds, feed_server: FeedServer, clock: FakeClock
):
    hours_id = await create(database, feed_server.url())
    await feeds.run()
    version = (await see(database, hours_id)).version
    clock.set(clock.now() + FETCH_EVERY)
    assert await feeds.run() == 1
    assert (await see(database, hours_id)).version == version


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("/huge", "it is larger than 2,000,000 bytes"),
        ("/never", "no answer within 0.3 s"),
        ("/feed.ics", "the server answered with 404"),
    ],
)
async def test_a_feed_that_fails_says_why_and_keeps_its_last_good_days(
    database: Database,
    feeds: Feeds,
    feed_server: FeedServer,
    clock: FakeClock,
    monkeypatch: pytest.MonkeyPatch,
    path: str,
    said: str,
):
    monkeypatch.setattr(jobs, "SECONDS", 0.3 if path == "/never" else 10.0)
    hours_id = await create(database, feed_server.url())
    await feeds.run()
    feed_server.status = 404
    async with database.write() as work:
        row = await service.store.get_hours(work, hours_id, lock=True)
        row.feed_url, row.feed_due_at = feed_server.url(path), work.now
    read_at, began = clock.now(), asyncio.get_running_loop().time()
    clock.set(clock.now() + timedelta(minutes=5))
    assert await feeds.run() == 1
    assert asyncio.get_running_loop().time() - began < 5
    hours = await see(database, hours_id)
    assert (hours.feed_problem, hours.feed_read_at, hours.feed_asked_at) == (said, read_at, clock.now())
    assert not await opened(database, hours_id), "the last good days hold"
    assert feed_server.sent < 10_000_000, "of fifty million bytes, little more than the limit was taken"
    assert await feeds.run() == 0
    clock.set(clock.now() + AGAIN_AFTER)
    assert await feeds.run() == 1


async def test_nobody_waits_while_a_feed_does_not_answer(
    database: Database, feeds: Feeds, feed_server: FeedServer, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(jobs, "SECONDS", 5.0)
    hours_id = await create(database, feed_server.url("/never"))
    fetching = asyncio.create_task(feeds.run())
    while not feed_server.asked:
        await asyncio.sleep(0.01)
    async with asyncio.timeout(2):
        async with database.write() as work:
            await service.change_hours(work, HUBBUB, hours_id, replace(BERLIN, feed_url=""))
        assert await opened(database, hours_id)
    fetching.cancel()
    await asyncio.gather(fetching, return_exceptions=True)


async def test_a_feed_that_was_changed_or_deleted_meanwhile_is_not_kept(
    database: Database, feeds: Feeds, feed_server: FeedServer
):
    hours_id = await create(database, feed_server.url())
    hours = await see(database, hours_id)
    days, note = await feeds._read(hours, date(2026, 3, 2))
    async with database.write() as work:
        await service.change_hours(work, HUBBUB, hours_id, replace(BERLIN, feed_url=feed_server.url("/b")), HERE)
    async with database.write() as work:
        await service.keep_feed(work, hours, days, note, again_at=work.now)
    assert await opened(database, hours_id)
    async with database.write() as work:
        await service.delete_hours(work, HUBBUB, hours_id)
    assert await feeds.run() == 0


async def test_a_changed_address_forgets_the_days_of_the_old_one(
    database: Database, feeds: Feeds, feed_server: FeedServer
):
    hours_id = await create(database, feed_server.url())
    await feeds.run()
    async with database.write() as work:
        await service.change_hours(work, HUBBUB, hours_id, BERLIN)
    assert await opened(database, hours_id)
    assert (await see(database, hours_id)).feed_read_at is None


async def test_of_two_processes_one_fetches(
    database: Database, feeds: Feeds, outward: Outward, feed_server: FeedServer
):
    for number in range(4):
        await create(database, feed_server.url(f"/{number}.ics"))
    counts = await asyncio.gather(feeds.run(), Feeds(database, outward).run())
    assert sum(counts) == 4
    assert sorted(feed_server.asked) == [f"/{number}.ics" for number in range(4)]


async def test_a_private_address_is_not_asked(database: Database, feed_server: FeedServer):
    hours_id = await create(database, feed_server.url())
    async with Outward(OutwardRules(http=True)) as guarded:
        assert await Feeds(database, guarded).run() == 1
    assert "private network" in (await see(database, hours_id)).feed_problem
    assert feed_server.asked == []


async def test_a_feed_of_openings_opens(database: Database, feeds: Feeds, feed_server: FeedServer):
    feed_server.text = ical("DTSTART:20260307T090000Z\nDTEND:20260307T110000Z")
    saturday = datetime(2026, 3, 7, 10, tzinfo=UTC)
    hours_id = await create(database, feed_server.url(), feed_means="open")
    assert not await opened(database, hours_id, saturday)
    await feeds.run()
    assert await opened(database, hours_id, saturday)
    assert not await opened(database, hours_id, saturday + timedelta(hours=1))
