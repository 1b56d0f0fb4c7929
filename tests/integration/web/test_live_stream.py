"""
The live stream as browsers see it: nothing is lost between a page and its stream, or over a reconnect.
"""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta

import sqlalchemy as sa
from aiohttp import ClientResponse
from sqlmodel import col

from bot.core.actor import HUBBUB
from bot.core.database import Database
from bot.core.live import QUEUE_LENGTH, News
from bot.core.tables import LiveEvent
from bot.staff.service import disable_staff
from bot.web.keys import CLOSING, SESSION_COOKIE
from tests.fakes.clock import FakeClock
from tests.fakes.web_app import WebClient, make_client
from tests.integration.web import things

SOON = 20.0


@dataclass
class Stream:
    """
    A browser's EventSource.
    """

    answer: ClientResponse

    async def next(self) -> tuple[int, str, dict[str, object]]:
        """
        Read on to the next event; signs of life are passed over.
        """
        while True:
            block = await asyncio.wait_for(self.answer.content.readuntil(b"\n\n"), SOON)
            lines = dict(line.split(": ", 1) for line in block.decode().split("\n") if line)
            if lines["event"] != "beat":
                return int(lines["id"]), lines["event"], json.loads(lines["data"])

    async def take(self, count: int) -> list[object]:
        return [(await self.next())[2].get("n") for _ in range(count)]

    async def ends(self) -> None:
        async with asyncio.timeout(SOON):
            while await self.answer.content.read(1_000):
                pass


@asynccontextmanager
async def _stream(client: WebClient, query: str, last_id: int | None = None) -> AsyncIterator[Stream]:
    headers = {"Last-Event-ID": str(last_id)} if last_id is not None else {}
    answer = await client.get(f"/live?{query}", headers=headers)
    assert (answer.status, answer.content_type) == (200, "text/event-stream")
    try:
        yield Stream(answer)
    finally:
        answer.close()


async def _publish(database: Database, *numbers: int, topic: str = "queue") -> None:
    for number in numbers:
        async with database.write() as work:
            work.publish(topic, {"n": number})


async def _rendered(client: WebClient) -> int:
    text = await (await client.get("/things")).text()
    found = re.search(r"\d+ since (\d+)", text)
    assert found is not None
    return int(found[1])


async def test_events_between_page_and_stream_are_not_lost(client: WebClient) -> None:
    await client.sign_in("agent")
    await _publish(client.database, 1)
    since = await _rendered(client)
    await _publish(client.database, 2, 3)
    async with _stream(client, f"topics=queue&since={since}") as stream:
        assert (await stream.next())[1] == "hello"
        await _publish(client.database, 4)
        assert await stream.take(3) == [2, 3, 4]


async def test_a_reconnect_misses_nothing_and_repeats_nothing(client: WebClient) -> None:
    await client.sign_in("agent")
    async with _stream(client, "topics=queue&since=0") as stream:
        assert (await stream.next())[:2] == (0, "hello")
        await _publish(client.database, 1, 2)
        assert await stream.take(1) == [1]
        last, _, data = await stream.next()
        assert data == {"n": 2}
    await _publish(client.database, 3, 4, 5)
    # the address still says where the page began; the header knows better
    async with _stream(client, "topics=queue&since=0", last_id=last) as stream:
        assert (await stream.next())[:2] == (last, "hello")
        assert await stream.take(3) == [3, 4, 5]


async def test_events_committed_while_connecting_are_not_lost(client: WebClient) -> None:
    await client.sign_in("agent")

    async def keep_publishing() -> None:
        for number in range(40):
            await _publish(client.database, number)

    publishing = asyncio.create_task(keep_publishing())
    for _ in range(5):
        async with _stream(client, "topics=queue&since=0") as stream:
            await stream.next()
            assert await stream.take(40) == list(range(40))
    await publishing


async def test_only_the_topics_asked_for_arrive(client: WebClient) -> None:
    await client.sign_in("agent")
    async with _stream(client, "topics=queue,conversation%3A7") as stream:
        await stream.next()
        await _publish(client.database, 1, topic="outbox")
        await _publish(client.database, 2, topic="conversation:7")
        await _publish(client.database, 3, topic="queue")
        assert [(await stream.next())[1:], (await stream.next())[1:]] == [
            ("conversation:7", {"n": 2}),
            ("queue", {"n": 3}),
        ]


async def test_reset_is_told_when_events_were_pruned(client: WebClient, clock: FakeClock) -> None:
    await client.sign_in("agent")
    await _publish(client.database, 1, 2, 3)
    await clock.advance(timedelta(hours=2))
    await _publish(client.database, 4, 5)
    await client.live.prune(timedelta(hours=1))
    async with client.database.read() as work:
        first = await work.session.scalar(sa.select(sa.func.min(col(LiveEvent.id))))
    assert first is not None
    async with _stream(client, "topics=queue", last_id=first - 3) as stream:
        assert (await stream.next())[1] == "hello"
        assert (await stream.next())[1] == "reset"
        assert await stream.take(2) == [4, 5]
    async with _stream(client, "topics=queue", last_id=first) as stream:
        assert (await stream.next())[1] == "hello"
        assert await stream.take(1) == [5]


async def test_reset_is_told_when_an_older_database_was_put_back(client: WebClient) -> None:
    await client.sign_in("agent")
    await _publish(client.database, 1)
    async with _stream(client, "topics=queue", last_id=1_000_000) as stream:
        assert (await stream.next())[1] == "hello"
        assert (await stream.next())[1] == "reset"
        await _publish(client.database, 2)
        assert await stream.take(1) == [2]


async def test_a_page_that_reads_slowly_still_gets_everything_in_order(client: WebClient) -> None:
    count = QUEUE_LENGTH + 500
    async with aclosing(_subscribed(client)) as slow, aclosing(_subscribed(client)) as other:
        await anext(slow)
        await anext(other)
        await _publish(client.database, 0)
        assert await _numbers(slow, 1) == [0]
        async with client.database.write() as work:
            for number in range(1, count):
                work.publish("queue", {"n": number})
        # Handed to one is handed to all, so the slow one's queue is full and more has passed it by.
        assert await _numbers(other, 2) == [0, 1]
        assert await _numbers(slow, 1) == [1]
        await _publish(client.database, count)  # comes while the slow one has a gap
        assert await _numbers(other, count - 1) == list(range(2, count + 1))
        assert await _numbers(slow, count - 1) == list(range(2, count + 1))


def _subscribed(client: WebClient) -> AsyncGenerator[News, None]:
    return client.live.subscribe(frozenset({"queue"}), None)


async def _numbers(news: AsyncGenerator[News, None], count: int) -> list[object]:
    async with asyncio.timeout(SOON):
        return [(await anext(news)).data.get("n") for _ in range(count)]


async def test_strange_marks_and_topics_break_nothing(client: WebClient) -> None:
    await client.sign_in("agent")
    for since in ("9" * 30, "-1", "x", "%00", "٣"):
        async with _stream(client, f"topics=queue&since={since}") as stream:
            assert (await stream.next())[1] == "hello"
    for topics in ("", ",", ",".join(map(str, range(21))), "a%00b"):
        assert (await client.get(f"/live?topics={topics}")).status == 422


async def test_a_quiet_stream_gives_signs_of_life_that_a_page_can_hear(client: WebClient) -> None:
    await client.sign_in("agent")
    async with _stream(client, "topics=queue") as stream, asyncio.timeout(SOON):
        assert (await stream.next())[1] == "hello"
        for _ in range(2):
            # an event, not a comment; without an id, so that the last one stays; with data, or browsers drop it
            assert await stream.answer.content.readuntil(b"\n\n") == b"event: beat\ndata: {}\n\n"


async def test_somebody_disabled_stops_hearing(client: WebClient) -> None:
    person = await client.sign_in("agent")
    async with _stream(client, "topics=queue") as stream:
        await stream.next()
        async with client.database.write() as work:
            await disable_staff(work, HUBBUB, person.id)
        await stream.ends()
    assert client.cookie(SESSION_COOKIE)


async def test_streams_end_when_the_daemon_leaves(database: Database) -> None:
    async with make_client(database, pages=[things]) as client:
        await client.sign_in("agent")
        async with _stream(client, "topics=queue") as stream:
            await stream.next()
            server = client.http.server
            assert not server.app[CLOSING].is_set()
            await server.close()
            await stream.ends()
