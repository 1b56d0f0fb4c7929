"""
Two daemons on one PostgreSQL: any serves any page, news of one reach pages of the other, nothing happens twice.

And what people see while the database is away.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import time
from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest
import sqlalchemy as sa
from yarl import URL

from bot.core.clock import SystemClock
from bot.core.database import open_database
from tests.acceptance.daemon import DaemonProcess
from tests.acceptance.lived_in import QUICK, LivedIn, lived_in, until
from tests.acceptance.visitor import Visitor, visitor

pytestmark = [pytest.mark.timeout(300), pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)]
MESSAGES = 20
SHORT_LEASES = {"ACCOUNTS__LEASE": "5s", "OUTBOX__LEASE": "5s"}


@contextlib.asynccontextmanager
async def second_node(house: LivedIn, folder: Path) -> AsyncIterator[DaemonProcess]:
    """
    Start another daemon beside the house's own, with the same key.
    """
    await asyncio.to_thread(folder.mkdir)
    key = await asyncio.to_thread((house.daemon.folder / "data" / "secret.key").read_text)
    settings = {**QUICK, **SHORT_LEASES, "SECRETS__KEY": key.strip()}
    node = DaemonProcess(folder, database_url=house.daemon.database_url, settings=settings)
    try:
        await node.start()
        yield node
    finally:
        node.close()


async def _news(guest: Visitor, topic: str, ready: asyncio.Event) -> float:
    """
    Follow a live stream; gives the instant at which news of the topic came.
    """
    async with guest.session.get(f"{guest.base}/live", params={"topics": topic}) as stream:
        assert stream.status == 200
        async for line in stream.content:
            if line.startswith(b"event: hello"):
                ready.set()
            elif line.startswith(b"event: " + topic.encode()):
                return time.monotonic()
    raise AssertionError("the stream ended")


async def test_any_node_serves_any_page_and_its_news(tmp_path: Path, database_url: str) -> None:
    async with (
        lived_in(tmp_path, database_url) as house,
        second_node(house, tmp_path / "second") as other,
        visitor(house.daemon.url) as here,
        visitor(other.url) as there,
    ):
        await here.sign_in("ann")
        there.session.cookie_jar.update_cookies(
            {cookie.key: cookie.value for cookie in here.session.cookie_jar}, response_url=URL(other.url)
        )
        page = await there.get("/queue")
        assert page.status == 200, "one session is good on every node"
        conversation = await house.heard("leaks")
        where = f"/conversations/{conversation['id']}"
        topic = f"conversation:{conversation['id']}"
        for reader, writer in ((there, here), (here, there)):
            ready = asyncio.Event()
            waiting = asyncio.create_task(_news(reader, topic, ready))
            await asyncio.wait_for(ready.wait(), 10)
            form = (await writer.get(where)).form(f"{where}/note")
            started = time.monotonic()
            await writer.send(form, text="Look at this.")
            delay = await asyncio.wait_for(waiting, 10) - started
            print(f"news after {delay * 1000:.0f} ms")
            assert delay < 2, "within a second, and one for a busy machine"


async def test_I10_O6_two_nodes_hear_and_answer_once(tmp_path: Path, database_url: str) -> None:
    async with (
        lived_in(tmp_path, database_url, SHORT_LEASES) as house,
        second_node(house, tmp_path / "second") as other,
    ):
        for number in range(MESSAGES):
            house.playground.say(f"guest{number}@far.example", f"@{house.brand} twice number {number}?")
        await _answer_everything(house, [house.daemon.url, other.url])
        facts = house.playground.facts()
        asked = [one for one in facts["asked"] if "twice number" in one["text"]]
        assert Counter(len(one["answers"]) for one in asked) == {1: MESSAGES}
        _, counts = await house.ask("GET", "/heard/counts?account=shop")
        assert counts["adds_up"]
        assert counts["routed"] >= MESSAGES
        # The one that polls dies; the other takes over when the lease has run out.
        house.daemon.kill()
        house.daemon = other
        house.playground.say("late@far.example", f"@{house.brand} is anybody left?")
        await house.heard("anybody")
        assert "Traceback" not in other.log()


async def _answer_everything(house: LivedIn, urls: list[str]) -> None:
    done: set[str] = set()

    async def all_answered() -> bool:
        _, found = await house.ask("GET", "/conversations", params={"tab": "waiting", "limit": 200, "q": "twice"})
        for one in found["items"]:
            if one["id"] in done:
                continue
            sent = {"text": f"An answer to {one['handle']}", "seen": one["newest_message_id"]}
            url = f"{urls[len(done) % 2]}/api/v1/conversations/{one['id']}/reply"
            async with house.session.post(
                url, json=sent, headers={"Authorization": f"Bearer {house.token}"}
            ) as answer:
                assert answer.status == 201, await answer.text()
            done.add(one["id"])
        _, entries = await house.ask("GET", "/outbox", params={"state": "confirmed", "limit": 200})
        return len(done) == MESSAGES and len(entries["items"]) > MESSAGES

    await until(all_answered, "every answer", 120)


async def test_a_database_that_goes_away_is_said_and_comes_back(
    tmp_path: Path, database_url: str, postgres_server: sa.URL
) -> None:
    name = sa.make_url(database_url).database
    async with lived_in(tmp_path, database_url) as house, visitor(house.daemon.url) as ann:
        await ann.sign_in("ann")
        await _admin(postgres_server, f"ALTER DATABASE {name} ALLOW_CONNECTIONS false")
        await _admin(
            postgres_server, f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'"
        )
        try:
            assert await _status(house, "/healthz") == 200
            assert await _status(house, "/readyz") == 503
            page = await ann.get("/queue")
            assert (page.status, "Try again" in page.text) == (503, True)
            status, problem = await house.ask("GET", "/conversations")
            assert (status, problem["type"]) == (503, "urn:hubbub:problem:away")
            assert (await house.ask("POST", "/conversations/x/notes", json={"text": "a"}))[0] == 503
            assert await _status(house, "/metrics") == 503
        finally:
            await _admin(postgres_server, f"ALTER DATABASE {name} ALLOW_CONNECTIONS true")

        async def is_ready() -> bool:
            return await _status(house, "/readyz") == 200

        await until(is_ready, "being ready again")
        house.playground.say("after@far.example", f"@{house.brand} after the storm")
        await house.heard("storm")
        assert (await ann.get("/queue")).status == 200
        assert await asyncio.to_thread(house.daemon.stop) == 0
    events = [json.loads(line) for line in house.daemon.log().splitlines() if line.startswith("{")]
    assert not [event for event in events if event.get("action") == "request.failed"]
    assert not [event for event in events if "exception" in event]


async def _status(house: LivedIn, path: str) -> int:
    timeout = aiohttp.ClientTimeout(total=30)
    async with house.session.get(f"{house.daemon.url}{path}", timeout=timeout) as answer:
        return answer.status


async def _admin(server: sa.URL, statement: str) -> None:
    database = open_database(server.render_as_string(hide_password=False), SystemClock())
    async with database.engine.connect() as connection:
        await connection.execution_options(isolation_level="AUTOCOMMIT")
        await connection.execute(sa.text(statement))
    await database.close()
