"""
The Mastodon connector on our playground: what mastodon-mock cannot be made to do.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import aiohttp
import pytest

from connectors.base import Cursor, Draft, HeardItem, Media, Wake
from connectors.errors import Ambiguous, Rejected, Throttled, Unauthorized, Unreachable, Unsupported
from connectors.mastodon import MastodonConnector, MastodonOptions
from connectors.playground.faults import FaultKind
from connectors.playground.rules import GENEROUS, Rules
from connectors.playground.server import Playground
from tests.fakes.fault_proxy import FaultProxy, answer

BRAND, CUSTOMER = "tidepool", "kite@far.example"
NOTIFICATIONS, STATUSES = "/api/v1/notifications", "/api/v1/statuses"


def now() -> datetime:
    return datetime.now(UTC)


@pytest.fixture
async def playground() -> AsyncIterator[Playground]:
    async with Playground(now=now, brands=(BRAND,), rules=Rules(limits=GENEROUS)) as running:
        yield running


@pytest.fixture
async def connector(playground: Playground) -> AsyncIterator[MastodonConnector]:
    async with aiohttp.ClientSession() as session:
        yield MastodonConnector(options(playground), session)


def options(playground: Playground, **more: object) -> MastodonOptions:
    return MastodonOptions.model_validate({"server": playground.url, "access_token": playground.token, **more})


async def hear_all(connector: MastodonConnector, cursor: Cursor | None) -> list[HeardItem]:
    items, more = [], True
    while more:
        page = await connector.fetch(cursor, now=now())
        items += [item for item in page.items if isinstance(item, HeardItem)]
        cursor, more = page.cursor or cursor, bool(page.items)
    return items


async def one_heard(playground: Playground, connector: MastodonConnector) -> HeardItem:
    cursor = (await connector.fetch(None, now=now())).cursor
    playground.say(CUSTOMER, "does it ship to Norway?", to=BRAND)
    (item,) = await hear_all(connector, cursor)
    return item


@pytest.mark.parametrize("kind", [FaultKind.DUPLICATE, FaultKind.REORDER])
async def test_I9_doubled_and_disordered_pages_come_in_order_and_once(playground, connector, kind):
    cursor = (await connector.fetch(None, now=now())).cursor
    written = [str(playground.say(CUSTOMER, f"{number}", to=BRAND).id) for number in range(200)]
    playground.faults.arm(kind, path=NOTIFICATIONS, times=None)

    heard = await hear_all(connector, cursor)

    assert [item.message_id for item in heard] == written


async def test_I9_a_first_look_walks_back_over_many_pages(playground):
    started = now() - timedelta(minutes=1)
    written = [str(playground.say(CUSTOMER, f"{number}", to=BRAND).id) for number in range(333)]

    async with aiohttp.ClientSession() as session:
        heard = await hear_all(MastodonConnector(options(playground, hear_since=started), session), None)

    mentions = [item.message_id for item in heard if item.message_id]
    assert mentions == written


async def test_the_budget_is_handed_on(playground):
    playground.world.rules = replace(playground.world.rules, limits=Rules().limits)
    async with aiohttp.ClientSession() as session:
        page = await MastodonConnector(options(playground), session).fetch(None, now=now())

    assert page.budget is not None
    assert 0 < page.budget.remaining < page.budget.limit
    assert page.budget.resets_at > now()


@pytest.mark.parametrize(
    "kind", [FaultKind.SERVER_ERROR, FaultKind.ERROR_AFTER, FaultKind.CDN_PAGE, FaultKind.TRUNCATED_BODY]
)
async def test_O1_what_may_have_been_sent_is_ambiguous(playground, connector, kind):
    item = await one_heard(playground, connector)
    started, draft = now(), Draft(text="Yes, 3 to 5 days.")
    playground.faults.arm(kind, method="POST", path=STATUSES)

    with pytest.raises(Ambiguous):
        await connector.reply(item.reply_to, draft, key="maybe-1")
    found = await connector.find("maybe-1", draft, to=item.reply_to, since=started)

    (asked,) = [one for one in playground.facts()["asked"] if one["id"] == item.message_id]
    assert [answer["id"] for answer in asked["answers"]] == ([found.remote_id] if found else [])
    assert (found is not None) == (kind in (FaultKind.ERROR_AFTER, FaultKind.TRUNCATED_BODY))


async def test_O13_a_refusal_of_what_was_carried_out_is_no_success_but_can_be_found(playground, connector):
    item = await one_heard(playground, connector)
    started, draft = now(), Draft(text="Yes, 3 to 5 days.")
    playground.faults.arm(FaultKind.REFUSE_AFTER, method="POST", path=STATUSES)

    with pytest.raises(Rejected):
        await connector.reply(item.reply_to, draft, key="refused-1")

    assert await connector.find("refused-1", draft, to=item.reply_to, since=started) is not None


async def test_O1_find_works_where_keys_are_not_known(playground, connector):
    playground.world.rules = replace(playground.world.rules, keeps_keys=timedelta(0))
    item = await one_heard(playground, connector)
    started, draft = now(), Draft(text="Yes, **3** to 5 days: https://a.example/?a=1&b=2 #sale")
    sent = await connector.reply(item.reply_to, draft, key="no-keys")

    found = await connector.find("no-keys", draft, to=item.reply_to, since=started)

    assert found is not None
    assert found.remote_id == sent.remote_id


async def test_an_answer_to_a_post_that_is_gone_is_rejected(playground, connector):
    item = await one_heard(playground, connector)
    playground.world.delete(playground.world.get_post(int(item.message_id)).id)  # type: ignore[arg-type]

    with pytest.raises(Rejected, match="HTTP 4"):
        await connector.reply(item.reply_to, Draft(text="Yes."), key="gone-1")


FILM = Media(content=b"\x00\x00\x00\x18ftypmp42", content_type="video/mp4", name="tour.mp4", description="a tour")


@pytest.fixture
async def proxy(playground: Playground) -> AsyncIterator[FaultProxy]:
    async with FaultProxy(playground.url) as running:
        yield running


@pytest.fixture
async def watched(playground: Playground, proxy: FaultProxy) -> AsyncIterator[MastodonConnector]:
    """
    A connector whose requests the proxy has seen.
    """
    async with aiohttp.ClientSession() as session:
        yield MastodonConnector(options(playground, server=proxy.url), session)


def uploads(proxy: FaultProxy) -> int:
    return proxy.seen.count("POST /api/v2/media")


async def test_a_file_that_takes_its_time_is_posted_when_it_is_ready(playground, proxy, watched):
    playground.world.rules = replace(playground.world.rules, media_checks=2)
    draft = Draft(text="Look.", media=(FILM,))
    before = playground.facts()["brands"][BRAND]["written"]
    for _ in range(2):
        with pytest.raises(Unreachable, match=r"still working on tour\.mp4") as raised:
            await watched.publish(draft, key="film-1")
        assert raised.value.wait(now()) == timedelta(seconds=5)
        assert playground.facts()["brands"][BRAND]["written"] == before

    sent = await watched.publish(draft, key="film-1")

    assert uploads(proxy) == 1
    assert playground.world.get_post(int(sent.remote_id)).media


async def test_a_lost_answer_to_an_upload_is_no_lost_post(playground, connector):
    playground.faults.arm(FaultKind.DROP_AFTER, method="POST", path="/api/v2/media")
    draft = Draft(text="Look.", media=(FILM,))

    with pytest.raises(Unreachable):
        await connector.publish(draft, key="film-2")
    sent = await connector.publish(draft, key="film-2")

    assert len(playground.world.get_post(int(sent.remote_id)).media) == 1


async def test_a_file_that_the_server_lost_is_uploaded_anew(playground, proxy, watched):
    playground.world.rules = replace(playground.world.rules, media_checks=1)
    draft = Draft(text="Look.", media=(FILM,))
    with pytest.raises(Unreachable):
        await watched.publish(draft, key="film-3")
    proxy.break_next("GET", "/api/v1/media/.*", answer(404, {"error": "Record not found"}))

    with pytest.raises(Unreachable, match=r"no longer has tour\.mp4"):
        await watched.publish(draft, key="film-3")
    playground.world.rules = replace(playground.world.rules, media_checks=0)
    sent = await watched.publish(draft, key="film-3")

    assert uploads(proxy) == 2
    assert len(playground.world.get_post(int(sent.remote_id)).media) == 1


async def test_files_of_many_attempts_are_not_remembered_for_ever(playground, proxy, watched):
    playground.world.rules = replace(playground.world.rules, media_checks=100)
    for number in [*range(70), 69, 0]:
        with pytest.raises(Unreachable):
            await watched.publish(Draft(text="Look.", media=(FILM,)), key=f"film-{number}")

    assert uploads(proxy) == 71  # 69 was still known, 0 was not


async def test_who_reposted_is_read_over_all_pages(playground, connector):
    sent = await connector.publish(Draft(text="New boxes!"), key="post-1")
    fans = [playground.person(f"fan{number}@far.example") for number in range(205)]
    for fan in fans:
        playground.world.repost(fan.id, int(sent.remote_id), now=now())

    reposts = [repost async for repost in connector.reposts(sent.remote_id, None)]

    assert sorted(one.author.handle for one in reposts) == sorted(fan.acct for fan in fans)


# --- the stream


async def test_a_stream_that_ends_says_so(playground, connector):
    async with aclosing(connector.listen(None)) as stream:
        assert isinstance(await asyncio.wait_for(anext(stream), 10), Wake)
        waiting = asyncio.ensure_future(anext(stream))
        await asyncio.sleep(0.1)
        await _control(playground, "/playground/streams/drop")
        with pytest.raises(Unreachable):
            await asyncio.wait_for(waiting, 10)


async def test_a_server_without_a_stream_says_so(playground, connector):
    playground.world.rules = replace(playground.world.rules, streaming=False)

    async with aclosing(connector.listen(None)) as stream:
        with pytest.raises(Unsupported):
            await asyncio.wait_for(anext(stream), 10)


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        (FaultKind.UNAUTHORIZED, Unauthorized),
        (FaultKind.THROTTLE, Throttled),
        (FaultKind.CDN_PAGE, Unreachable),
        (FaultKind.DROP_BEFORE, Unreachable),
    ],
)
async def test_a_stream_that_cannot_be_had_says_why(playground, connector, kind, expected):
    playground.faults.arm(kind, path="/api/v1/streaming*", times=None)

    async with aclosing(connector.listen(None)) as stream:
        with pytest.raises(expected) as raised:
            await asyncio.wait_for(anext(stream), 10)
    assert playground.token not in str(raised.value)


async def _control(playground: Playground, path: str) -> None:
    headers = {"Authorization": f"Bearer {playground.control_token}"}
    async with (
        aiohttp.ClientSession(raise_for_status=True, headers=headers) as session,
        session.post(playground.url + path),
    ):
        pass
