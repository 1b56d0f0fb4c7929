"""
The daemon is killed again and again while messages come in and are answered.

At the end every message was heard exactly once, and every answer is at the customer exactly once, or shown as
unknown.
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

from connectors.playground.rules import GENEROUS, Rules
from connectors.playground.server import Playground
from tests.acceptance.daemon import ApiClient, DaemonProcess

MESSAGES = int(os.environ.get("KILL_MESSAGES", "500"))
KILLS = int(os.environ.get("KILLS", "50"))
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
