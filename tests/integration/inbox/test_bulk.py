"""
One thing done to many, on both databases: exactly once, stopped, killed, and without slowing live work.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from datetime import timedelta
from statistics import median

import pytest
import sqlalchemy as sa
from sqlmodel import col

import bot.inbox.bulk_pages
import bot.inbox.order_api
import bot.inbox.pages
from bot.core.clock import SystemClock
from bot.core.database import Database, open_database
from bot.core.errors import Conflict, Invalid
from bot.core.live import LiveEvents
from bot.inbox import bulk, service, store
from bot.inbox.bulk import BulkVerb
from bot.inbox.bulk_worker import ITEMS_A_ROUND, LEASE, BulkWorker
from bot.inbox.keys import PROMISE as PROMISE_KEY
from bot.inbox.order_tables import BulkJob
from bot.inbox.rules import Tab
from bot.inbox.selection import TABS
from bot.inbox.tables import ConversationEvent
from connectors.base import Author
from tests.fakes.clock import FakeClock
from tests.fakes.web_app import WebClient, make_client
from tests.integration.inbox.house import PROMISE, REED, House

MANY = 10_000


@pytest.fixture
async def house(database: Database) -> House:
    return await House(database).build()


async def _begin(house: House, verb: BulkVerb, ids: list[str], who: str = "ann", **more: str) -> str:
    async with house.database.write() as work:
        return (await bulk.begin(work, house.people[who], verb, ids=ids, **more)).id  # type: ignore[arg-type]


async def _job(house: House, job_id: str) -> BulkJob:
    async with house.database.read() as work:
        return await bulk.get_job(work, job_id)


async def _left_out(house: House, job_id: str) -> dict[str, str]:
    async with house.database.read() as work:
        found = await bulk.list_left_out(work, job_id, limit=200, after=None)
        return {one.conversation_id: one.reason for one in found.items}


def _worker(house: House, holder: str = "here") -> BulkWorker:
    return BulkWorker(house.database, LiveEvents(house.database), holder)


async def test_a_job_does_what_it_can_and_says_what_it_left_out(house: House) -> None:
    mine, (done, theirs) = await house.asked("one", REED), await house.many(2)
    await house.reply(theirs, "ben")
    async with house.database.write() as work:
        await service.resolve(work, house.people["ann"], done)
    job_id = await _begin(house, BulkVerb.RESOLVE, [mine, theirs, done, "nothing"])
    await _worker(house).work_off()
    job = await _job(house, job_id)
    assert (job.state, job.total, job.done, job.left_out) == ("done", 4, 1, 3)
    reasons = await _left_out(house, job_id)
    assert "Ben has claimed" in reasons[theirs]
    assert reasons[done] == "it is resolved already"
    assert "no conversation" in reasons["nothing"]
    assert (await house.see(mine)).state == "resolved"
    assert (await house.see(theirs)).state == "open"


@pytest.mark.parametrize("verb", list(BulkVerb))
async def test_every_verb_is_done(house: House, verb: BulkVerb, clock: FakeClock) -> None:
    ids = await house.many(30)
    if verb is BulkVerb.UNTAG:
        await _begin(house, BulkVerb.TAG, ids, tag="wave")
        await _worker(house).work_off()
    async with house.database.write() as work:
        job = await bulk.begin(
            work,
            house.people["lea"],
            verb,
            ids=ids,
            tag="Wave",
            agent_id=house.people["ben"].id,
            until=clock.now() + timedelta(hours=1),
        )
    await _worker(house).work_off()
    assert (await _job(house, job.id)).done == 30, await _left_out(house, job.id)
    one = await house.see(ids[-1])
    async with house.database.read() as work:
        tags = (await store.tags_of(work, ids)).get(ids[-1])
    match verb:
        case BulkVerb.RESOLVE:
            assert one.state == "resolved"
        case BulkVerb.TAG:
            assert tags == ("wave",)
        case BulkVerb.UNTAG:
            assert tags is None
        case BulkVerb.ASSIGN:
            assert one.agent_name == "Ben"
        case BulkVerb.SNOOZE:
            assert one.state == "snoozed"
        case BulkVerb.SPAM:
            assert one.spam_at is not None


async def test_all_that_match_are_those_that_match_now(house: House) -> None:
    ids = await house.many(40)
    async with house.database.write() as work:
        ann = house.people["ann"]
        job = await bulk.begin(work, ann, BulkVerb.TAG, selection=TABS[Tab.WAITING], tag="x")
    later = await house.many(1)
    await _worker(house).work_off()
    assert (await _job(house, job.id)).total == 41, "the forty and the one they were made like"
    async with house.database.read() as work:
        tags = await store.tags_of(work, [*ids, *later])
    assert set(tags) == set(ids)


async def test_what_cannot_be_begun_is_told(house: House) -> None:
    opened = await house.asked()
    for verb, more in (
        (BulkVerb.TAG, {"tag": " "}),
        (BulkVerb.SNOOZE, {}),
        (BulkVerb.ASSIGN, {"agent_id": house.people["mia"].id}),
    ):
        with pytest.raises(Invalid):
            await _begin(house, verb, [opened], **more)
    with pytest.raises(Invalid, match="no conversation is selected"):
        await _begin(house, BulkVerb.RESOLVE, [])
    with pytest.raises(Invalid, match="at most"):
        await _begin(house, BulkVerb.RESOLVE, [str(number) for number in range(bulk.MOST_ITEMS + 1)])


async def test_a_job_is_stopped_where_it_is(house: House) -> None:
    job_id = await _begin(house, BulkVerb.RESOLVE, await house.many(100))
    worker = _worker(house)
    assert await worker.round(job_id)
    async with house.database.write() as work:
        await bulk.stop(work, house.people["ben"], job_id)
        with pytest.raises(Conflict, match="stopped already"):
            await bulk.stop(work, house.people["ben"], job_id)
    assert not await worker.round(job_id)
    job = await _job(house, job_id)
    assert (job.state, job.stopped_by) == ("stopped", "Ben")
    assert 0 < job.done <= ITEMS_A_ROUND


async def test_two_workers_and_one_that_dies_do_everything_once(house: House, clock: FakeClock) -> None:
    ids = await house.many(60)
    job_id = await _begin(house, BulkVerb.RESOLVE, ids)
    assert await _worker(house, "dies").round(job_id)
    assert not await _worker(house, "other").round(job_id), "the first one has it"
    await clock.advance(LEASE + timedelta(seconds=1))
    await asyncio.gather(_worker(house, "one").work_off(), _worker(house, "two").work_off())
    job = await _job(house, job_id)
    assert (job.state, job.done, job.left_out) == ("done", 60, 0)
    async with house.database.read() as work:
        query = sa.select(sa.func.count()).where(
            col(ConversationEvent.kind) == "resolved", col(ConversationEvent.conversation_id).in_(ids)
        )
        assert await work.session.scalar(query) == 60, "each once"


async def test_a_round_that_fails_leaves_nothing_half_done(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    ids = await house.many(5)
    job_id = await _begin(house, BulkVerb.RESOLVE, ids)
    worker = _worker(house)

    async def dies(*_: object) -> None:
        raise RuntimeError("killed")

    with monkeypatch.context() as patched:
        patched.setattr(bulk, "finish", dies)
        patched.setattr("bot.inbox.bulk_worker.ITEMS_A_ROUND", 0)
        with pytest.raises(RuntimeError):
            await worker.round(job_id)
    assert (await _job(house, job_id)).state == "running"
    await worker.work_off()
    assert (await _job(house, job_id)).done == 5


async def test_S13_a_bulk_of_ten_thousand_does_not_slow_live_work(database_url: str) -> None:
    """
    Live work: a customer writes, somebody claims it, and answers.
    """
    database = open_database(database_url, SystemClock())
    house = await House(database).build()
    ids = await house.many(MANY)

    async def live(number: int) -> float:
        began = time.perf_counter()
        one = await house.asked(author=Author(key=f"live {number}", handle=f"live{number}", name="Live"))
        async with database.write() as work:
            await service.claim(work, house.people["ben"], one)
        await house.reply(one, "ben")
        await asyncio.sleep(0.01)
        return time.perf_counter() - began - 0.01

    idle = sorted([await live(number) for number in range(40)])
    async with database.write() as work:
        job = await bulk.begin(work, house.people["ann"], BulkVerb.RESOLVE, ids=ids)
    async with LiveEvents(database) as events, BulkWorker(database, events, "here"):
        await asyncio.sleep(0.3)
        busy = sorted([await live(number) for number in range(40, 80)])
        progress = await _job(house, job.id)
    await database.close()
    assert progress.state == "running", "it ran all the while"
    assert progress.done > 0
    # Each of its three units waits for one round at most, on top of its own time; rounds are short.
    assert median(busy) < 10 * median(idle) + 0.1, (median(idle), median(busy))
    assert busy[int(len(busy) * 0.95)] < 10 * idle[int(len(idle) * 0.95)] + 0.3, (idle[-6:], busy[-6:])


@pytest.fixture
async def web(house: House) -> AsyncIterator[WebClient]:
    pages = [bot.inbox.pages, bot.inbox.bulk_pages]
    extra = {PROMISE_KEY: PROMISE}
    async with make_client(house.database, pages=pages, apis=[bot.inbox.order_api], extra=extra) as client:
        yield client


async def test_bulk_by_pages(web: WebClient, house: House) -> None:
    ids = await house.many(3)
    await web.sign_in("agent")
    page = await (await web.get("/bulk/new?tab=waiting")).text()
    assert page.count('type="checkbox" name="id"') == 4
    form = [
        ("verb", "tag"),
        ("tag", "wave"),
        ("which", "chosen"),
        ("id", ids[0]),
        ("id", ids[1]),
        ("csrf", web.csrf),
    ]
    begun = await web.http.post("/bulk", data=form, allow_redirects=False)
    assert begun.status == 303
    there = begun.headers["Location"]
    assert "running" in await (await web.get(there)).text()
    await _worker(house).work_off()
    page = await (await web.get(f"{there}/progress")).text()
    assert "done" in page
    assert "<b>2</b>" in page
    everything = {"verb": "snooze", "words": "in 2 hours", "which": "all", "address": "tab=waiting"}
    begun = await web.post_form("/bulk", everything)
    assert (await web.post_form(f"{begun.headers['Location']}/stop")).status == 303
    assert (await web.post_form(f"{begun.headers['Location']}/stop")).status == 409
    assert "Snooze" in await (await web.get("/bulk")).text()
    for wrong in (
        {"verb": "delete"},
        {"verb": "resolve"},
        {"verb": "snooze", "words": "soonish"},
        {"verb": "tag"},
    ):
        assert (await web.post_form("/bulk", wrong)).status == 422, wrong


async def test_bulk_by_api(web: WebClient, house: House) -> None:
    ids = await house.many(2)
    begun = await web.api("POST", "/bulk", "agent", json={"verb": "resolve", "ids": [*ids, "nothing"]})
    assert begun.status == 201
    job_id = (await begun.json())["id"]
    await _worker(house).work_off()
    read = await (await web.api("GET", f"/bulk/{job_id}", "agent")).json()
    assert (read["state"], read["done"], read["left_out"]) == ("done", 2, 1)
    out = await (await web.api("GET", f"/bulk/{job_id}/left-out", "agent")).json()
    assert out["items"][0]["conversation_id"] == "nothing"
    chosen = {"verb": "tag", "tag": "x", "selection": {"states": ["resolved"]}}
    assert (await (await web.api("POST", "/bulk", "agent", json=chosen)).json())["total"] == 2
    wrong = await web.api("POST", "/bulk", "agent", json={"verb": "tag", "tag": "x", "selection": {"colour": []}})
    assert wrong.status == 422
    assert (await web.api("POST", f"/bulk/{job_id}/stop", "agent")).status == 409
    assert len((await (await web.api("GET", "/bulk", "agent")).json())["items"]) == 2
