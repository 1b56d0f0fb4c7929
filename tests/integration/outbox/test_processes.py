"""
Real processes that are really killed, a real server that remembers what it took: never two copies, nothing lost.

What comes after a death is driven by a fake clock that begins now, so that nobody waits for leases.
"""

from __future__ import annotations

import asyncio
import signal
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from aiohttp import ClientSession
from structlog.testing import capture_logs

import connectors.mastodon
from bot.accounts.connect import Connectors
from bot.accounts.service import add_account
from bot.accounts.tables import Account
from bot.core.actor import Actor
from bot.core.database import Database, open_database
from bot.core.live import LiveEvents
from bot.core.secretbox import GivenKeys, SecretBox, new_key
from bot.outbox.jobs import OutboxWorker
from bot.outbox.rules import State
from bot.outbox.service import get_entry, prepare_reply
from bot.settings import OutboxSettings
from connectors.base import Draft, HeardItem
from connectors.playground.faults import FaultKind
from connectors.playground.rules import GENEROUS, Rules
from connectors.playground.server import Playground
from connectors.registry import Registry
from tests.fakes.clock import FakeClock
from tests.integration.outbox.node import Step

ROOT = Path(__file__).parents[3]
ADMIN = Actor(id="s-1", name="Ada", role="admin", kind="staff")
BRANDS = ("tidepool", "ridgeline")
STATUSES = "/api/v1/statuses"


def now() -> datetime:
    return datetime.now(UTC)


@dataclass(slots=True)
class Town:
    """
    A playground, a database, and processes that send.
    """

    playground: Playground
    database: Database
    clock: FakeClock
    url: str
    key: str
    connectors: Connectors
    accounts: dict[str, Account]

    async def asked(self, text: str, brand: str = BRANDS[0]) -> HeardItem:
        """
        Let a customer ask, and hear it.
        """
        async with self.connectors.open(self.accounts[brand]) as connector:
            cursor = (await connector.fetch(None, now=now())).cursor
            self.playground.say("kite@far.example", text, to=brand)
            page = await connector.fetch(cursor, now=now())
        (item,) = [one for one in page.items if isinstance(one, HeardItem)]
        return item

    async def answer(self, item: HeardItem, text: str, brand: str = BRANDS[0]) -> str:
        """
        Put an answer into the outbox; gives its id.
        """
        assert item.reply_to is not None
        async with self.database.write() as work:
            entry = await prepare_reply(
                work,
                ADMIN,
                account_id=self.accounts[brand].id,
                subject_kind="conversation",
                subject_id=item.remote_id,
                reply_to=item.reply_to,
                draft=Draft(text=text),
                grace=timedelta(hours=24),
            )
        return entry.id

    def answers(self, item: HeardItem) -> list[str]:
        """
        What stands below the question on the server, oldest first, without the mention.
        """
        (asked,) = [one for one in self.playground.facts()["asked"] if one["id"] == item.message_id]
        texts = sorted((int(one["id"]), one["text"]) for one in asked["answers"])
        return [text.removeprefix("@kite@far.example ") for _, text in texts]

    async def state(self, entry_id: str) -> State:
        async with self.database.read() as work:
            return State((await get_entry(work, entry_id)).state)

    @asynccontextmanager
    async def node(self, name: str, step: Step = Step.NEVER) -> AsyncIterator[asyncio.subprocess.Process]:
        """
        Start a process that sends; it is killed at the end if it still lives.
        """
        words = ("-m", "tests.integration.outbox.node", self.url, self.key, name, step)
        out = asyncio.subprocess.PIPE
        process = await asyncio.create_subprocess_exec(sys.executable, *words, cwd=ROOT, stdout=out)
        try:
            assert process.stdout is not None
            assert (await process.stdout.readline()) == b"ready\n"
            yield process
        finally:
            if process.returncode is None:
                process.kill()
            await process.wait()

    async def recover(self) -> None:
        """
        Let five minutes pass for a worker of this process.
        """
        self.clock.set(now())
        worker = OutboxWorker(
            self.database, LiveEvents(self.database), self.connectors, (), OutboxSettings(), "survivor"
        )
        for _ in range(60):
            await worker.round()
            await worker.finish()
            await self.clock.advance(5)


@pytest.fixture
async def town(database_url: str) -> AsyncIterator[Town]:
    clock, key = FakeClock(now()), new_key()
    database = open_database(database_url, clock)
    async with (
        Playground(now=now, brands=BRANDS, rules=Rules(limits=GENEROUS)) as playground,
        ClientSession() as session,
    ):
        opened = Connectors(Registry((connectors.mastodon.channel,)), SecretBox(GivenKeys(key)), session)
        accounts = {}
        for brand in BRANDS:
            options = {"server": playground.url, "access_token": playground.tokens[brand]}
            async with database.write() as work:
                accounts[brand] = await add_account(work, ADMIN, opened, "mastodon", brand, options)
        yield Town(playground, database, clock, database_url, key, opened, accounts)
    await database.close()


async def until(condition: Callable[[], bool], seconds: float = 20.0) -> None:
    """
    Wait for something that happens in another process.
    """
    for _ in range(int(seconds / 0.02)):
        if condition():
            return
        await asyncio.sleep(0.02)
    raise TimeoutError("it did not happen")


@pytest.mark.parametrize(
    ("step", "left_as", "copies"),
    [
        (Step.BEFORE_ATTEMPT_COMMIT, State.PREPARED, 0),
        (Step.AFTER_ATTEMPT_COMMIT, State.ATTEMPTING, 0),
        (Step.BEFORE_RESULT_COMMIT, State.ATTEMPTING, 1),
    ],
)
async def test_O2_O11_killed_at_a_step_of_sending(town: Town, step: Step, left_as: State, copies: int):
    item = await town.asked("does it ship to Norway?")
    async with town.node("victim", step) as victim:
        entry_id = await town.answer(item, "Yes, 3 to 5 days.")
        assert await asyncio.wait_for(victim.wait(), 20) == -signal.SIGKILL
    assert await town.state(entry_id) is left_as
    assert len(town.answers(item)) == copies

    await town.recover()
    assert await town.state(entry_id) is State.CONFIRMED
    assert town.answers(item) == ["Yes, 3 to 5 days."]


async def test_O2_O11_killed_while_the_server_has_accepted_but_not_answered(town: Town):
    item = await town.asked("does it ship to Norway?")
    town.playground.faults.arm(FaultKind.HANG_AFTER, method="POST", path=STATUSES)
    async with town.node("victim") as victim:
        entry_id = await town.answer(item, "Yes, 3 to 5 days.")
        await until(lambda: bool(town.answers(item)))
        victim.kill()
        await victim.wait()
    assert await town.state(entry_id) is State.ATTEMPTING

    await town.recover()
    assert await town.state(entry_id) is State.CONFIRMED
    assert town.answers(item) == ["Yes, 3 to 5 days."]


async def test_O2_killed_where_nobody_can_look_it_is_shown_as_unknown_and_never_sent_again(town: Town):
    item = await town.asked("does it ship to Norway?")
    async with town.node("victim", Step.BEFORE_RESULT_COMMIT) as victim:
        entry_id = await town.answer(item, "Yes, 3 to 5 days.")
        await asyncio.wait_for(victim.wait(), 20)
    town.playground.faults.arm(FaultKind.SERVER_ERROR, method="GET", times=None)
    with capture_logs():
        await town.recover()
    assert await town.state(entry_id) is State.UNKNOWN
    assert town.answers(item) == ["Yes, 3 to 5 days."]


async def test_O2_a_planned_stop_waits_for_the_answer_and_leaves_nothing_unknown(town: Town):
    item = await town.asked("does it ship to Norway?")
    town.playground.faults.arm(FaultKind.SLOW_BODY, method="POST", path=STATUSES, seconds=1.5)
    async with town.node("stopping") as node:
        first = await town.answer(item, "Yes, 3 to 5 days.")
        await until(lambda: bool(town.answers(item)))
        second = await town.answer(item, "And it is free.")
        node.terminate()
        assert await asyncio.wait_for(node.wait(), 20) == 0
    assert await town.state(first) is State.CONFIRMED
    assert await town.state(second) is State.PREPARED
    assert town.answers(item) == ["Yes, 3 to 5 days."]


async def test_O6_two_processes_on_one_database_send_each_answer_once_and_in_order(town: Town):
    town.playground.world.rules = replace(town.playground.world.rules, limits=GENEROUS)
    questions = {f"{brand} {number}": brand for brand in BRANDS for number in range(3)}
    items = {text: await town.asked(text, brand) for text, brand in questions.items()}
    async with town.node("one") as one, town.node("two") as two:
        for number in range(5):
            for text, brand in questions.items():
                town.clock.set(now())
                await town.answer(items[text], f"answer {number} to {text}", brand)
        await until(lambda: sum(len(town.answers(item)) for item in items.values()) >= 30, 60)
        for node in (one, two):
            node.terminate()
            assert await asyncio.wait_for(node.wait(), 20) == 0
    for text, item in items.items():
        assert town.answers(item) == [f"answer {number} to {text}" for number in range(5)]
