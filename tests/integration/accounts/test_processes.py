"""
Hearing a real micro-blog through the real connector, in real processes that are killed.
"""

from __future__ import annotations

import asyncio
import os
import random
import signal
import sys
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime

import aiohttp
import pytest
import sqlalchemy as sa
from sqlmodel import col

import connectors.mastodon
from bot.accounts.checking import connect_account
from bot.accounts.connect import Connectors
from bot.accounts.ears import Heard, Routed
from bot.accounts.ledger import heard_counts
from bot.accounts.polling import Poller, Tools
from bot.accounts.rules import HeardCounts
from bot.accounts.tables import Account, HeardItem
from bot.core.clock import SystemClock
from bot.core.database import Database, UnitOfWork, open_database
from bot.core.secretbox import GivenKeys, SecretBox, new_key
from bot.settings import AccountSettings
from bot.staff.tables import AuditEntry
from connectors.playground.faults import FaultKind
from connectors.playground.rules import GENEROUS, Rules
from connectors.playground.server import Playground
from connectors.registry import Registry
from tests.integration.accounts.conftest import ADMIN

BRAND, KITE = "tidepool", "kite@far.example"
PATIENCE_SECONDS = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class House:
    """
    A playground, a database on the real clock, and an account of ours that connects them.
    """

    playground: Playground
    database: Database
    connectors: Connectors
    account: Account
    environment: dict[str, str]

    def say(self, text: str) -> None:
        self.playground.say(KITE, text, to=BRAND)

    async def heard(self) -> HeardCounts:
        async with self.database.read() as work:
            return await heard_counts(work, self.account.id)

    async def noted(self) -> Counter[str]:
        """
        Count by remote id what the ear of the processes did.
        """
        async with self.database.read() as work:
            query = sa.select(col(AuditEntry.subject_id)).where(col(AuditEntry.action) == "test.heard")
            return Counter((await work.session.execute(query)).scalars())

    async def noted_by(self) -> set[str]:
        async with self.database.read() as work:
            query = sa.select(col(AuditEntry.detail)).where(col(AuditEntry.action) == "test.heard")
            return {detail["by"] for detail in (await work.session.execute(query)).scalars()}

    @asynccontextmanager
    async def process(self, holder: str) -> AsyncIterator[asyncio.subprocess.Process]:
        """
        Run `poll_process`; it is killed at the end if it still lives.
        """
        arguments = [sys.executable, "-m", "tests.integration.accounts.poll_process", holder]
        process = await asyncio.create_subprocess_exec(
            *arguments, env={**os.environ, **self.environment}, stdout=asyncio.subprocess.PIPE
        )
        assert process.stdout is not None
        try:
            async with asyncio.timeout(PATIENCE_SECONDS):
                assert await process.stdout.readline() == b"hearing\n"
            yield process
        finally:
            if process.returncode is None:
                process.send_signal(signal.SIGKILL)
            await process.wait()


@pytest.fixture
async def house(database_url: str) -> AsyncIterator[House]:
    database = open_database(database_url, SystemClock())
    key = new_key()
    rules = Rules(limits=GENEROUS)
    async with (
        Playground(now=lambda: datetime.now(UTC), brands=(BRAND,), rules=rules) as playground,
        aiohttp.ClientSession() as session,
    ):
        opened = Connectors(Registry((connectors.mastodon.channel,)), SecretBox(GivenKeys(key)), session)
        options = {"server": playground.url, "access_token": playground.token}
        account = await connect_account(database, ADMIN, opened, channel="mastodon", name="shop", options=options)
        environment = {"TEST_DATABASE": database_url, "TEST_KEY": key}
        yield House(
            playground=playground, database=database, connectors=opened, account=account, environment=environment
        )
    await database.close()


async def until(true: Callable[[], Awaitable[bool]]) -> None:
    async with asyncio.timeout(PATIENCE_SECONDS):
        while not await true():
            await asyncio.sleep(0.1)


async def test_I9_more_than_a_page_is_heard_oldest_first_without_gap_or_replay(house: House) -> None:
    heard: list[str] = []

    async def listen(work: UnitOfWork, one: Heard) -> Routed:
        work.after_commit(lambda: heard.append(one.item.text.split()[-1]))
        return Routed(to="test:1")

    tools = Tools(
        database=house.database,
        connectors=house.connectors,
        ears=(listen,),
        settings=AccountSettings(stream=False),
        holder="node-1",
    )
    poller = Poller(house.account, tools, lambda: None)
    try:
        for number in range(95):
            house.say(f"n{number}")
        await poller.poll()
        assert heard == [f"n{number}" for number in range(95)]
        house.playground.faults.arm(FaultKind.MALFORMED_JSON, method="GET", path="/api/v1/notifications")
        for number in range(95, 180):
            house.say(f"n{number}")
        await poller.poll()  # fails
        await asyncio.sleep(1.1)  # the first back-off is at most a second
        await poller.poll()
        await poller.poll()
    finally:
        await poller.close()
    assert heard == [f"n{number}" for number in range(180)]
    counts = await house.heard()
    assert (counts.heard, counts.routed, counts.duplicate, counts.adds_up) == (180, 180, 0, True)


@pytest.mark.kill
async def test_I1_a_process_killed_at_random_moments_hears_everything_exactly_once(house: House) -> None:
    dice = random.Random(20260302)
    said = 0
    for _ in range(8):
        async with house.process("node-1"):
            for _ in range(15):
                house.say(f"n{said}")
                said += 1
            await asyncio.sleep(dice.uniform(0.0, 0.5))
    async with house.process("node-1"):
        await until(lambda: _reached(house, said))
    noted = await house.noted()
    assert len(noted) == said
    assert set(noted.values()) == {1}, "each was handed on once"
    counts = await house.heard()
    assert (counts.routed, counts.quarantined, counts.adds_up) == (said, 0, True)
    async with house.database.read() as work:
        texts = (
            await work.session.execute(sa.select(col(HeardItem.excerpt)).order_by(col(HeardItem.id)))
        ).scalars()
        assert [text.split()[-1] for text in texts] == [f"n{number}" for number in range(said)]


@pytest.mark.kill
async def test_I10_of_two_processes_one_hears_and_the_other_takes_over_when_it_is_killed(house: House) -> None:
    async with house.process("node-1") as first:
        house.say("n0")
        await until(lambda: _reached(house, 1))
        async with house.process("node-2"):
            for number in range(1, 30):
                house.say(f"n{number}")
                await asyncio.sleep(0.02)
            await until(lambda: _reached(house, 30))
            assert await house.noted_by() == {"node-1"}
            first.send_signal(signal.SIGKILL)
            await first.wait()
            house.say("n30")
            await until(lambda: _reached(house, 31))
            assert await house.noted_by() == {"node-1", "node-2"}
    assert set((await house.noted()).values()) == {1}
    counts = await house.heard()
    assert (counts.routed, counts.duplicate) == (31, 0)


async def _reached(house: House, count: int) -> bool:
    return (await house.heard()).routed >= count
