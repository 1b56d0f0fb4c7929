"""
The daemon is killed again and again while messages come in and are answered.

At the end every message was heard exactly once, and every answer is at the customer exactly once, or shown as
unknown. A bulk action in whose middle it is killed is finished by the next process, each conversation once.
"""

from __future__ import annotations

import asyncio
import os
import random
import time
from collections import Counter
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import sqlalchemy as sa
from sqlmodel import col

from bot.core.clock import SystemClock
from bot.core.database import Database, open_database
from bot.core.tables import Lease
from bot.inbox import bulk
from bot.inbox.bulk import BulkVerb
from bot.inbox.order_tables import BulkItem, BulkJob
from bot.inbox.tables import Conversation, ConversationEvent
from connectors.playground.rules import GENEROUS, Rules
from connectors.playground.server import Playground
from tests.acceptance.daemon import ApiClient, DaemonProcess
from tests.integration.inbox.house import House

MESSAGES = int(os.environ.get("KILL_MESSAGES", "500"))
KILLS = int(os.environ.get("KILLS", "50"))
MANY = 240
QUICK = {
    "ACCOUNTS__POLL_EVERY": "1s",
    "ACCOUNTS__POLL_JITTER": "0s",
    "ACCOUNTS__LEASE": "5s",
    "OUTBOX__LEASE": "5s",
    "OUTBOX__FIRST_WAIT": "1s",
    "LOG__LEVEL": "warning",
}

pytestmark = [pytest.mark.kill, pytest.mark.timeout(900)]


@pytest.fixture
async def playground() -> AsyncIterator[Playground]:
    async with Playground(now=lambda: datetime.now(UTC), rules=Rules(limits=GENEROUS)) as opened:
        yield opened


@pytest.fixture
def daemon(tmp_path: Path, database_url: str) -> DaemonProcess:
    return DaemonProcess(tmp_path, database_url=database_url, settings=QUICK)


async def _customers_write(playground: Playground, seconds: float) -> None:
    brand = playground.brands[0]
    for number in range(MESSAGES):
        playground.say(f"guest{number}@far.example", f"@{brand} question number {number}: where is my parcel?")
        await asyncio.sleep(seconds / MESSAGES)


async def _agent_answers(api: ApiClient, answered: dict[str, str]) -> None:
    while len(answered) < MESSAGES:
        status, found = await api.ask("GET", "/conversations?tab=waiting&limit=50")
        assert status == 200, found
        waiting = [one for one in found["items"] if one["id"] not in answered]
        for one in waiting:
            status, said = await api.ask(
                "POST",
                f"/conversations/{one['id']}/reply",
                key=f"answer-{one['id']}",
                json={"text": f"An answer to {one['handle']}", "seen": one["newest_message_id"]},
            )
            assert status == 201, said
            answered[one["id"]] = said["outbox_id"]
        if not waiting:
            await asyncio.sleep(0.1)


async def _kill_again_and_again(daemon: DaemonProcess, chance: random.Random) -> None:
    for _ in range(KILLS):
        await asyncio.sleep(chance.uniform(0.05, 2.0))
        await asyncio.to_thread(daemon.kill)
        await daemon.start()


async def _settled(api: ApiClient) -> dict[str, Any]:
    """
    Wait until no entry is on its way and Hubbub has looked for what is unknown; gives all entries by id.
    """
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        entries: dict[str, Any] = {}
        after = ""
        while True:
            _, found = await api.ask("GET", f"/outbox?limit=200{after}")
            entries |= {one["id"]: one for one in found["items"]}
            if found["after"] is None:
                break
            after = f"&after={found['after']}"
        if not Counter(one["state"] for one in entries.values()).keys() & {"prepared", "attempting", "unknown"}:
            return entries
        await asyncio.sleep(1)
    return entries


async def test_nothing_is_lost_or_doubled_when_the_daemon_is_killed(
    daemon: DaemonProcess, playground: Playground
) -> None:
    chance = random.Random(7)
    # In threads: the playground answers from this very loop.
    token = await asyncio.to_thread(daemon.command, "token", "create", "--role", "lead", "--name", "kill test")
    secret = playground.tokens[playground.brands[0]]
    server = f"server={playground.url}"
    add = ("account", "add", "mastodon", "--name", "shop", "--secret-stdin", "--option", server)
    await asyncio.to_thread(daemon.command, *add, given=f"{secret}\n")
    answered: dict[str, str] = {}
    try:
        await daemon.start()
        async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=20)) as session:
            api = ApiClient(daemon, token, session)
            async with asyncio.TaskGroup() as group:
                group.create_task(_customers_write(playground, seconds=KILLS * 2.5))
                group.create_task(_agent_answers(api, answered))
                group.create_task(_kill_again_and_again(daemon, chance))
            entries = await _settled(api)
            _, counts = await api.ask("GET", "/heard/counts?account=shop")
        assert await asyncio.to_thread(daemon.stop) == 0
    finally:
        daemon.close()

    facts = playground.facts()
    asked = [one for one in facts["asked"] if one["text"].startswith(f"@{playground.brands[0]} question number")]
    assert len(asked) == MESSAGES
    assert len(answered) == len(entries) == MESSAGES, "every message became one conversation with one answer"
    assert counts["heard"] == counts["routed"] + counts["ignored"] + counts["quarantined"] + counts["duplicate"]
    assert counts["routed"] >= MESSAGES
    assert counts["quarantined"] == 0

    delivered = Counter(len(one["answers"]) for one in asked)
    states = Counter(one["state"] for one in entries.values())
    print(f"kills {KILLS}, states {dict(states)}, answers per message {dict(delivered)}, ledger {counts}")
    assert set(delivered) <= {0, 1}, "nobody was answered twice"
    assert set(states) <= {"confirmed", "unknown"}
    assert delivered[1] >= states["confirmed"], "what is confirmed is there"
    assert delivered[0] <= states["unknown"], "what is not there is shown as unknown"
    reached = facts["received"]
    for one in asked:
        if one["answers"]:
            assert any(word["text"] == one["answers"][0]["text"] for word in reached[one["by"]])


async def _job(database: Database, job_id: str) -> BulkJob:
    async with database.read() as work:
        return await bulk.get_job(work, job_id)


async def _killed_in_the_middle(daemon: DaemonProcess, database: Database, job_id: str) -> int:
    """
    Kill the daemon when a good part of a job is done, and not all of it; gives how much was done then.
    """
    deadline = time.monotonic() + 30
    while (await _job(database, job_id)).done < MANY // 4:
        assert time.monotonic() < deadline, daemon.log()[-3000:]
        await asyncio.sleep(0.005)
    await asyncio.to_thread(daemon.kill)
    return (await _job(database, job_id)).done


async def _resolved_times(database: Database, ids: list[str]) -> Counter[str]:
    query = sa.select(col(ConversationEvent.conversation_id)).where(
        col(ConversationEvent.kind) == "resolved", col(ConversationEvent.conversation_id).in_(ids)
    )
    async with database.read() as work:
        return Counter(await work.session.scalars(query))


async def _states(database: Database, job_id: str, ids: list[str]) -> tuple[Counter[str], Counter[str]]:
    """
    Count the states of a job's items, and those of the conversations.
    """
    items = sa.select(col(BulkItem.state)).where(col(BulkItem.job_id) == job_id)
    conversations = sa.select(col(Conversation.state)).where(col(Conversation.id).in_(ids))
    async with database.read() as work:
        return Counter(await work.session.scalars(items)), Counter(await work.session.scalars(conversations))


@pytest.mark.timeout(120)
async def test_S13_a_bulk_action_survives_a_kill(daemon: DaemonProcess, database_url: str) -> None:
    database = open_database(database_url, SystemClock())
    house = await House(database).build()
    ids = await house.many(MANY)
    try:
        await daemon.start()
        async with database.write() as work:
            job_id = (await bulk.begin(work, house.people["lea"], BulkVerb.RESOLVE, ids=ids)).id
        done = await _killed_in_the_middle(daemon, database, job_id)
        assert 0 < done < MANY, "it died in the middle"
        half = await _resolved_times(database, ids)
        assert len(half) == done, "what is counted is done, and what is done is counted"
        async with database.write() as work:  # as if its lease had run out; nobody waits for that here
            await work.session.execute(sa.delete(Lease).where(col(Lease.name) == bulk.topic_of(job_id)))
        await daemon.start()
        deadline = time.monotonic() + 30
        while (job := await _job(database, job_id)).state == "running":
            assert time.monotonic() < deadline, daemon.log()[-3000:]
            await asyncio.sleep(0.05)
        assert await asyncio.to_thread(daemon.stop) == 0
        assert (job.state, job.total, job.done, job.left_out) == ("done", MANY, MANY, 0)
        assert await _resolved_times(database, ids) == dict.fromkeys(ids, 1), "each once, none twice"
        assert await _states(database, job_id, ids) == ({"done": MANY}, {"resolved": MANY})
    finally:
        daemon.close()
        await database.close()
