"""
What operators' machines ask: alive, ready, and figures. `docs/reference/metrics.md` names them.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer
from prometheus_client.parser import text_string_to_metric_families
from sqlmodel import col, select

from bot.accounts.tables import AccountStream
from bot.core.database import Database, open_database
from bot.health import add_health
from bot.outbox.tables import OutboxEntry
from bot.web.keys import DATABASE
from tests.fakes.clock import FakeClock
from tests.integration.inbox.house import House

METRICS_PAGE = Path(__file__).parents[2] / "docs" / "reference" / "metrics.md"
Client = TestClient[web.Request, web.Application]


@pytest.fixture
async def client(database: Database) -> AsyncIterator[Client]:
    app = web.Application()
    app[DATABASE] = database
    add_health(app)
    async with TestClient(TestServer(app, host="127.0.0.1")) as opened:
        yield opened


@pytest.fixture
async def house(database: Database) -> House:
    return await House(database).build()


async def ready(client: Client) -> tuple[int, dict[str, Any]]:
    answer = await client.get("/readyz")
    said = await answer.json()
    assert said["ready"] == (answer.status == 200) == all(one["ok"] for one in said["checks"].values())
    return answer.status, said["checks"]


async def figures(client: Client) -> dict[str, float]:
    """
    Read all figures with Prometheus' own parser: name and labels -> value.
    """
    answer = await client.get("/metrics")
    assert answer.status == 200
    assert answer.headers["Content-Type"].startswith("text/plain; version=")
    return {
        sample.name + "".join(f"{{{name}={value}}}" for name, value in sample.labels.items()): sample.value
        for family in text_string_to_metric_families(await answer.text())
        for sample in family.samples
    }


async def heard_now(house: House) -> None:
    async with house.database.write() as work:
        row = AccountStream(account_id=house.account.id, stream="test", heard_until=work.now)
        await work.session.merge(row)


async def test_an_empty_house_is_alive_and_ready(client: Client) -> None:
    answer = await client.get("/healthz")
    assert (answer.status, await answer.text()) == (200, "ok\n")
    status, checks = await ready(client)
    assert status == 200
    assert set(checks) == {"database", "pollers", "outbox"}


async def test_an_account_that_is_silent_is_named(client: Client, house: House, clock: FakeClock) -> None:
    assert (await ready(client))[0] == 200, "it was only just added"
    await clock.advance(301)
    status, checks = await ready(client)
    assert status == 503
    assert checks["pollers"] == {"ok": False, "detail": "not heard for 300 s: shop"}
    assert checks["outbox"]["ok"]
    await heard_now(house)
    assert (await ready(client))[0] == 200


async def test_an_account_that_was_stopped_may_be_silent(client: Client, house: House, clock: FakeClock) -> None:
    async with house.database.write() as work:
        row = await work.session.get(type(house.account), house.account.id)
        assert row is not None
        row.state = "stopped"
    await clock.advance(3_600)
    assert (await ready(client))[0] == 200


async def test_an_answer_that_is_stuck_is_told(client: Client, house: House, clock: FakeClock) -> None:
    await house.reply(await house.asked())
    assert (await ready(client))[0] == 200
    await clock.advance(301)
    await heard_now(house)
    status, checks = await ready(client)
    assert status == 503
    assert checks["outbox"] == {"ok": False, "detail": "oldest due entry waits 301 s"}
    assert checks["pollers"]["ok"]
    async with house.database.write() as work:
        entry = (await work.session.scalars(select(OutboxEntry))).one()
        entry.due_at = work.now + timedelta(minutes=1)
    assert (await ready(client))[0] == 200, "it waits for a reason"


async def test_a_database_that_is_gone_is_said_and_the_process_is_alive(clock: FakeClock) -> None:
    gone = open_database("postgresql+asyncpg://hub:pg-sekret@127.0.0.1:1/x", clock)
    app = web.Application()
    app[DATABASE] = gone
    add_health(app)
    async with TestClient(TestServer(app, host="127.0.0.1")) as client:
        assert (await client.get("/healthz")).status == 200
        status, checks = await ready(client)
        assert (status, list(checks)) == (503, ["database"])
        assert "pg-sekret" not in str(checks)
    await gone.close()


async def test_the_figures_follow_what_happens(client: Client, house: House, clock: FakeClock) -> None:
    before = await figures(client)
    assert before["hubbub_conversations_waiting"] == before["hubbub_conversations_late"] == 0
    first = await house.asked()
    await clock.advance(60)
    found = await figures(client)
    assert found["hubbub_conversations_waiting"] == 1
    assert found["hubbub_deadline_seconds"] == 840
    assert found["hubbub_accounts{state=active}"] == 1
    assert found["hubbub_account_silent_seconds{account=shop}"] == 60
    await house.reply(first)
    await clock.advance(840 + 1)
    found = await figures(client)
    assert found["hubbub_outbox_entries{state=prepared}"] == 1
    assert found["hubbub_outbox_oldest_due_seconds"] == 841
    assert found["hubbub_deadline_seconds"] <= 0
    named = set(re.findall(r"^\| `(hubbub_\w+)`", METRICS_PAGE.read_text(), re.MULTILINE))
    assert {name.partition("{")[0] for name in found} == named, "documented, all of them and no others"
    assert len(await _entries(house)) == 1


async def _entries(house: House) -> list[OutboxEntry]:
    async with house.database.read() as work:
        return list((await work.session.scalars(select(OutboxEntry).order_by(col(OutboxEntry.id)))).all())
