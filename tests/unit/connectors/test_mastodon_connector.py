"""
The Mastodon connector on servers that answer oddly, which neither mastodon-mock nor the playground do.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager
from datetime import UTC, datetime, timedelta

import aiohttp
import pytest
from aiohttp import web

from connectors.base import BrokenItem, Cursor, Draft, Media, Wake
from connectors.errors import Ambiguous, Malformed, Rejected, Unreachable, Unsupported
from connectors.mastodon import MastodonConnector, MastodonOptions
from tests.fakes.scripted import Status, scripted

NOW = datetime(2026, 3, 4, 12, 0, tzinfo=UTC)
ME = {"id": "1", "acct": "shop", "uri": "https://example.social/users/shop", "display_name": "Shop"}
KITE = {"id": "2", "acct": "kite@far.example", "uri": "https://far.example/users/kite"}
TO = {"id": "700", "acct": "kite@far.example", "handle": "kite@far.example", "visibility": "public"}
VERIFY, NOTIFICATIONS, STATUSES, MEDIA = (
    "GET /api/v1/accounts/verify_credentials",
    "GET /api/v1/notifications",
    "POST /api/v1/statuses",
    "POST /api/v2/media",
)
OWN, THREAD = "GET /api/v1/accounts/1/statuses", "GET /api/v1/statuses/700/context"


@asynccontextmanager
async def connected(script: dict, **more: object) -> AsyncIterator[MastodonConnector]:
    async with scripted({VERIFY: ME, **script}) as url, aiohttp.ClientSession() as session:
        given = MastodonOptions.model_validate({"server": url, "access_token": "t0ken", **more})
        async with MastodonConnector(given, session) as connector:
            yield connector


def notification(id: int, at: datetime = NOW) -> dict:
    return {"id": str(id), "type": "follow", "created_at": at.isoformat(), "account": KITE}


def own_post(id: int, at: datetime = NOW, text: str = "other", parent: str | None = None) -> dict:
    return {"id": str(id), "created_at": at.isoformat(), "content": text, "in_reply_to_id": parent, "account": ME}


@pytest.mark.parametrize("answer", [[], {}, {"error": "x"}, "x"])
async def test_verify_credentials_that_give_nobody_are_malformed(answer):
    async with connected({VERIFY: answer}) as connector:
        with pytest.raises(Malformed):
            await connector.check()


@pytest.mark.parametrize("answer", [{"error": "x"}, 5, Status(422)])
async def test_notifications_that_are_none_are_malformed_and_can_be_tried_again(answer):
    async with connected({NOTIFICATIONS: answer}) as connector:
        with pytest.raises(Malformed):
            await connector.fetch(Cursor("5"), now=NOW)


async def test_a_first_look_at_notifications_that_are_none_is_malformed_too():
    async with connected({NOTIFICATIONS: {"error": "x"}}) as connector:
        with pytest.raises(Malformed):
            await connector.fetch(None, now=NOW)


async def test_our_own_figures_are_read_anew_each_time():
    followers = iter([1, 2])
    async with connected({VERIFY: lambda _: {**ME, "followers_count": next(followers, 3)}}) as connector:
        first, second = await connector.profile(), await connector.profile()

    assert (first.followers, second.followers) == (2, 3)


async def test_a_reposters_list_without_end_is_left():
    def page(request: web.Request) -> web.Response:
        link = f'<{request.url.with_query(max_id="1")}>; rel="next"'
        return web.json_response([], headers={"Link": link})

    async with connected({"GET /api/v1/statuses/5/reblogged_by": page}) as connector:
        assert [repost async for repost in connector.reposts("5", None)] == []


async def test_I2_broken_notifications_do_not_stop_the_page():
    page = [notification(9), {"id": "8", "type": "mention"}, "junk", None, notification(7)]
    async with connected({NOTIFICATIONS: page}) as connector:
        first = await connector.fetch(Cursor("5"), now=NOW)
        second = await connector.fetch(Cursor("5"), now=NOW)

    assert [type(item) is BrokenItem for item in first.items].count(True) == 3
    assert [item.remote_id for item in first.items] == [item.remote_id for item in second.items]
    assert first.cursor == "9"


async def test_I9_a_server_that_does_not_know_min_id_brings_nothing_twice():
    async with connected({NOTIFICATIONS: [notification(9), notification(8)]}) as connector:
        page = await connector.fetch(Cursor("8"), now=NOW)
        nothing = await connector.fetch(Cursor("9"), now=NOW)

    assert [item.remote_id for item in page.items] == ["9"]
    assert (nothing.items, nothing.cursor, nothing.more) == ((), None, False)


async def test_what_lies_beyond_the_walk_back_is_told_as_a_gap():
    def page(request: web.Request) -> list[dict]:
        older_than = int(request.query.get("max_id", "10000"))
        return [notification(older_than - 1, NOW - timedelta(minutes=10_000 - older_than))]

    start = NOW - timedelta(days=365)
    async with connected({NOTIFICATIONS: page}, hear_since=start) as connector:
        brought = await connector.fetch(None, now=NOW)

    (gap,) = brought.gaps
    assert gap.since == start
    assert gap.until == brought.items[0].occurred_at
    assert brought.cursor == brought.items[-1].remote_id
    assert brought.more


# --- looking for what may have been sent


async def find(script: dict, to: dict | None = TO) -> object:
    async with connected(script) as connector:
        return await connector.find("key", Draft(text="Yes."), to=to, since=NOW)


async def test_O1_a_direct_answer_left_out_of_the_list_is_found_in_the_thread():
    answer = own_post(5, text="@kite Yes.", parent="700")
    script = {OWN: [], THREAD: {"descendants": [own_post(4, text="x"), answer]}}

    assert (await find(script)).remote_id == "5"


@pytest.mark.parametrize("thread", [{"descendants": []}, Status(404)])
async def test_O1_nothing_in_list_and_thread_is_certainly_not_there(thread):
    script = {OWN: [], THREAD: thread}

    assert await find(script) is None


async def test_O1_a_post_is_looked_for_in_the_list_alone():
    assert await find({OWN: []}, to=None) is None


async def test_O1_a_list_that_cannot_be_had_leaves_it_open():
    with pytest.raises(Ambiguous, match="cannot be looked at"):
        await find({OWN: Status(410)})


@pytest.mark.parametrize("script", [{OWN: {"error": "x"}}, {OWN: ["x"]}, {OWN: [], THREAD: {"descendants": 5}}])
async def test_O1_a_list_that_cannot_be_read_leaves_it_open(script):
    with pytest.raises(Unreachable):
        await find(script)


async def test_O1_more_posts_than_can_be_looked_through_leave_it_open():
    def page(request: web.Request) -> list[dict]:
        return [own_post(int(request.query.get("max_id", "10000")) - 1)]

    with pytest.raises(Ambiguous, match="too many"):
        await find({OWN: page})


# --- sending


@pytest.mark.parametrize("answer", [[], {"ok": True}, {"id": "5", "scheduled_at": "2026-03-05T00:00:00Z"}])
async def test_O1_an_answer_that_is_no_post_is_ambiguous(answer):
    async with connected({STATUSES: answer}) as connector:
        with pytest.raises(Ambiguous):
            await connector.publish(Draft(text="Yes."), key="key")


FILM = Media(content=b"x", content_type="video/mp4", name="tour.mp4")


@pytest.mark.parametrize("answer", [[], {"ok": True}])
async def test_an_upload_without_id_can_be_tried_again(answer):
    async with connected({MEDIA: answer}) as connector:
        with pytest.raises(Unreachable, match=r"tour\.mp4 could not be uploaded"):
            await connector.publish(Draft(text="", media=(FILM,)), key="key")


async def test_a_file_that_cannot_be_processed_is_refused_for_good():
    working, failed = Status(202, {"id": "5"}), Status(422, {"error": "Error processing"})
    async with connected({MEDIA: working, "GET /api/v1/media/5": failed}) as connector:
        with pytest.raises(Rejected, match=r"could not make use of tour\.mp4: HTTP 422: Error processing"):
            await connector.publish(Draft(text="Look.", media=(FILM,)), key="key")


# --- streaming


async def test_a_server_that_names_no_stream_has_none():
    async with connected({}) as connector, aclosing(connector.listen(None)) as stream:
        with pytest.raises(Unsupported):
            await anext(stream)


@asynccontextmanager
async def streaming(script: dict) -> AsyncIterator[MastodonConnector]:
    def instance(request: web.Request) -> dict:
        return {"configuration": {"urls": {"streaming": f"ws://{request.host}"}}}

    async with connected({"GET /api/v2/instance": instance, **script}) as connector:
        assert "t0ken" not in repr(connector)
        yield connector


async def test_where_web_sockets_are_refused_events_wake():
    events = b":thump\n\nevent: update\ndata: {}\n\nevent: notification\ndata: {}\n\nevent: notif"

    def said(request: web.Request) -> web.Response:
        assert request.headers["Authorization"] == "Bearer t0ken"
        assert not request.query
        return web.Response(body=events, content_type="text/event-stream")

    script = {"GET /api/v1/streaming/user/notification": said}
    async with streaming(script) as connector, aclosing(connector.listen(None)) as stream:
        at_connecting, at_the_notification = await anext(stream), await anext(stream)
        with pytest.raises(Unreachable, match="ended"):
            await anext(stream)

    assert isinstance(at_connecting, Wake)
    assert isinstance(at_the_notification, Wake)


async def test_a_page_that_is_no_stream_is_no_stream():
    script = {"GET /api/v1/streaming/user/notification": {"hello": "world"}}
    async with streaming(script) as connector, aclosing(connector.listen(None)) as stream:
        with pytest.raises(Unsupported):
            await asyncio.wait_for(anext(stream), 10)
