"""
Polling: who asks, when, what happens when the server does not answer, and that nothing is missed.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import timedelta

import pytest
from structlog.testing import capture_logs

from bot.accounts.connect import Connectors
from bot.accounts.coverage import SpanState, is_line
from bot.accounts.ears import Ear
from bot.accounts.jobs import Pollers
from bot.accounts.ledger import heard_counts
from bot.accounts.polling import Poller, Tools
from bot.accounts.rules import MAIN_STREAM
from bot.accounts.service import account_banners, change_options, get_account, start_account, stop_account
from bot.accounts.spans import as_line, spans_since
from bot.accounts.tables import Account
from bot.core.database import Database
from bot.core.live import LiveEvents
from bot.core.scheduler import Scheduler
from bot.settings import AccountSettings
from connectors.base import Budget
from connectors.errors import Throttled, Unauthorized, Unreachable
from tests.fakes.channel import FakeServer
from tests.fakes.clock import START, FakeClock
from tests.integration.accounts.conftest import ADMIN, OPTIONS, Inbox

SECOND, MINUTE, HOUR = timedelta(seconds=1), timedelta(minutes=1), timedelta(hours=1)
STREAMING = AccountSettings()
SETTINGS = AccountSettings(stream=False)


@asynccontextmanager
async def poller_of(
    database: Database,
    connectors: Connectors,
    account: Account,
    *ears: Ear,
    holder: str = "node-1",
    settings: AccountSettings = SETTINGS,
) -> AsyncIterator[Poller]:
    tools = Tools(database=database, connectors=connectors, ears=ears, settings=settings, holder=holder)
    woken = asyncio.Event()
    poller = Poller(account, tools, woken.set)
    poller.woken = woken
    try:
        yield poller
    finally:
        await poller.close()


async def read_account(database: Database, account: Account) -> Account:
    async with database.read() as work:
        return await get_account(work, account.id)


async def states(database: Database, account: Account) -> list[SpanState]:
    async with database.read() as work:
        line = as_line(await spans_since(work, account.id, MAIN_STREAM, None))
    assert is_line(line)
    return [span.state for span in line]


async def until(true: Callable[[], bool]) -> None:
    async with asyncio.timeout(20):
        while not true():
            await asyncio.sleep(0.01)


async def test_an_account_is_checked_before_its_first_poll_and_its_connector_stays_open(
    database: Database, connectors: Connectors, account: Account, server: FakeServer, inbox: Inbox
) -> None:
    server.say("hello", at=START)
    async with poller_of(database, connectors, account, inbox.hear) as poller:
        await poller.poll()
        await poller.poll()
        assert server.calls == ["open", "check", "fetch", "fetch"]
    assert server.calls[-1] == "close"
    found = await read_account(database, account)
    assert (found.handle, found.facts["text_limit"], found.facts["rules"]) == ("shop", 500, ["Be kind"])
    assert inbox.heard == ["hello"]


async def test_I3_everything_of_a_72_hour_outage_is_fetched_once_in_order_and_shown_as_late(
    database: Database,
    connectors: Connectors,
    account: Account,
    server: FakeServer,
    inbox: Inbox,
    clock: FakeClock,
) -> None:
    async with poller_of(database, connectors, account, inbox.hear) as poller:
        await poller.poll()
        with capture_logs() as logs:
            for hour in range(72):
                await clock.advance(HOUR)
                server.errors = [Unreachable("port 443")]
                for number in range(4):
                    server.say(f"{hour}-{number}", at=clock.now())
                await poller.poll()
            assert await states(database, account) == [SpanState.PENDING]
            for _ in range(6):
                await clock.advance(MINUTE)
                await poller.poll()
    assert inbox.heard == [f"{hour}-{number}" for hour in range(72) for number in range(4)]
    assert len(inbox.heard) == 288
    assert await states(database, account) == [SpanState.LATE, SpanState.HEARD]
    told = [entry["action"] for entry in logs]
    assert told == ["poll.failed", "poll.recovered"], "a failure is logged once and its recovery once"
    async with database.read() as work:
        counts = await heard_counts(work, account.id)
    assert (counts.heard, counts.routed, counts.duplicate) == (288, 288, 0)


async def test_failures_back_off_and_a_success_clears_them(
    database: Database, connectors: Connectors, account: Account, server: FakeServer, clock: FakeClock
) -> None:
    async with poller_of(database, connectors, account) as poller:
        server.errors = [Unreachable("down")] * 3
        for failures in range(1, 4):
            await poller.poll()
            found = await read_account(database, account)
            assert (found.failures, found.failing_since is not None) == (failures, True)
            assert found.quiet_until is not None
            assert SECOND <= found.quiet_until - clock.now() <= 2**failures * SECOND
            before = len(server.calls)
            await poller.poll()
            assert len(server.calls) == before, "nothing is asked while we are to be quiet"
            clock.set(found.quiet_until)
        await poller.poll()
    found = await read_account(database, account)
    assert (found.failures, found.failing_since, found.quiet_until, found.failure) == (0, None, None, "")
    assert server.open == 0


async def test_the_servers_own_wait_is_obeyed(
    database: Database, connectors: Connectors, account: Account, server: FakeServer, clock: FakeClock
) -> None:
    async with poller_of(database, connectors, account) as poller:
        server.errors = [Throttled("slow down", retry_after=15 * MINUTE)]
        await poller.poll()
        asked = server.calls.count("check")
        await clock.advance(14 * MINUTE)
        await poller.poll()
        assert server.calls.count("check") == asked
        await clock.advance(MINUTE)
        await poller.poll()
        assert server.calls[-1] == "fetch"


async def test_after_an_error_the_connector_is_opened_anew(
    database: Database, connectors: Connectors, account: Account, server: FakeServer, clock: FakeClock
) -> None:
    async with poller_of(database, connectors, account) as poller:
        await poller.poll()
        server.errors = [Unreachable("broken pipe")]
        await poller.poll()
        await clock.advance(MINUTE)
        await poller.poll()
    assert server.calls == ["open", "check", "fetch", "fetch", "close", "open", "fetch", "close"]


async def test_a_refused_token_stops_the_account_and_says_so_to_everybody(
    database: Database, connectors: Connectors, account: Account, server: FakeServer, clock: FakeClock
) -> None:
    async with poller_of(database, connectors, account) as poller:
        await poller.poll()
        server.token = "another-one"
        with capture_logs() as logs:
            await poller.poll()
            await poller.poll()
        assert [entry["action"] for entry in logs] == ["account.unauthorized"]
        assert server.calls.count("fetch") == 2
        async with database.read() as work:
            (banner,) = await account_banners(work)
        assert banner.level == "error"
        assert banner.text == (
            "@shop: the server refuses our access token; renew it on the account page; "
            "nothing in the queue is lost"
        )
        assert banner.url == f"/accounts/{account.id}"
        async with database.write() as work:
            read = connectors.read("fake", {**OPTIONS, "token": "another-one"}, now=clock.now())
            await change_options(work, ADMIN, account.id, read, connectors, None)
            assert await account_banners(work) == []
        await poller.poll()
        assert server.calls[-2:] == ["check", "fetch"]


async def test_a_long_silence_of_a_server_is_told_to_everybody(
    database: Database, connectors: Connectors, account: Account, server: FakeServer, clock: FakeClock
) -> None:
    async with poller_of(database, connectors, account) as poller:
        server.errors = [Unreachable("down")]
        await poller.poll()
        async with database.read() as work:
            assert await account_banners(work) == []
        await clock.advance(6 * MINUTE)
        async with database.read() as work:
            (banner,) = await account_banners(work)
    assert (banner.level, "not heard since 09:00 UTC" in banner.text) == ("warning", True)


async def test_a_mistake_of_a_connector_is_a_failure_like_any_other(
    database: Database, connectors: Connectors, account: Account, server: FakeServer
) -> None:
    async with poller_of(database, connectors, account) as poller:
        server.errors = [ZeroDivisionError("secret-in-the-text")]
        with capture_logs() as logs:
            await poller.poll()
    found = await read_account(database, account)
    assert "ZeroDivisionError" in found.failure
    assert "secret-in-the-text" not in found.failure
    assert logs[0]["action"] == "poll.failed"
    assert isinstance(logs[0]["exc_info"], ZeroDivisionError)


async def test_more_pages_than_one_turn_takes_are_all_heard(
    database: Database, connectors: Connectors, account: Account, server: FakeServer, inbox: Inbox
) -> None:
    server.page_size = 1
    for number in range(45):
        server.say(str(number), at=START)
    async with poller_of(database, connectors, account, inbox.hear) as poller:
        await poller.poll()
    assert inbox.heard == [str(number) for number in range(45)]


async def test_I11_a_daily_quota_is_spread_and_the_wait_is_in_the_coverage(
    database: Database, connectors: Connectors, account: Account, server: FakeServer, clock: FakeClock
) -> None:
    remaining = 100
    async with poller_of(database, connectors, account) as poller:
        for _ in range(24 * 60 // 6):  # every six minutes for a day
            server.budget = Budget(limit=100, remaining=remaining, resets_at=START + 24 * HOUR)
            before = server.calls.count("fetch")
            await poller.poll()
            remaining -= server.calls.count("fetch") - before
            await clock.advance(6 * MINUTE)
    assert 75 <= server.calls.count("fetch") <= 92
    assert SpanState.LATE in await states(database, account)
    async with database.read() as work:
        line = as_line(await spans_since(work, account.id, MAIN_STREAM, None))
    assert any("the server allows 100 calls" in span.reason for span in line)


async def test_I10_of_two_pollers_one_works_and_the_other_goes_on_when_it_leaves(
    database: Database, connectors: Connectors, account: Account, server: FakeServer, inbox: Inbox
) -> None:
    server.say("hello", at=START)
    server.delay = 0.2
    async with poller_of(database, connectors, account, inbox.hear, holder="node-2") as second:
        async with poller_of(database, connectors, account, inbox.hear) as first:
            # While the first is at it, not merely started before: the database decides who is first.
            working = asyncio.create_task(first.poll())
            await until(lambda: "fetch" in server.calls)
            await asyncio.gather(working, second.poll())
            await asyncio.gather(first.poll(), second.poll())
            assert (server.at_once, server.open) == (1, 1)
        assert server.open == 0
        await second.poll()
        assert server.open == 1
    assert inbox.heard == ["hello"]


async def test_I10_a_lease_that_ran_out_during_a_slow_answer_drops_the_answer(
    database: Database,
    connectors: Connectors,
    account: Account,
    server: FakeServer,
    inbox: Inbox,
    clock: FakeClock,
) -> None:
    server.say("hello", at=START)
    server.delay = 0.3
    async with (
        poller_of(database, connectors, account, inbox.hear) as first,
        poller_of(database, connectors, account, inbox.hear, holder="node-2") as second,
    ):
        slow = asyncio.create_task(first.poll())
        await until(lambda: "fetch" in server.calls)
        clock.set(START + HOUR)  # as if this process had been suspended
        await second.poll()
        await slow
    assert inbox.heard == ["hello"]
    async with database.read() as work:
        assert (await heard_counts(work)).duplicate == 0


async def test_a_slow_answer_does_not_cost_the_lease(
    database: Database,
    connectors: Connectors,
    account: Account,
    server: FakeServer,
    inbox: Inbox,
    clock: FakeClock,
) -> None:
    server.say("hello", at=START)
    server.delay = 4.0
    short = AccountSettings.model_construct(**{**SETTINGS.model_dump(), "lease": SECOND})

    async def time_passes() -> None:
        while True:
            await asyncio.sleep(0.1)
            clock.set(clock.now() + 0.1 * SECOND)

    passing = asyncio.create_task(time_passes())
    async with poller_of(database, connectors, account, inbox.hear, settings=short) as poller:
        await poller.poll()
    passing.cancel()
    assert inbox.heard == ["hello"]


async def test_a_stream_wakes_the_poll_and_only_the_holder_of_the_lease_streams(
    database: Database, connectors: Connectors, account: Account, server: FakeServer, clock: FakeClock
) -> None:
    server.streams = True
    async with (
        poller_of(database, connectors, account, settings=STREAMING) as first,
        poller_of(database, connectors, account, holder="node-2", settings=STREAMING) as second,
    ):
        await first.poll()
        await second.poll()
        await until(lambda: server.listening == 1)
        await first.poll()  # the first hint came during the poll before, or leads to this one
        first.woken.clear()
        server.wakes.put_nowait(None)
        await until(first.woken.is_set)
        assert not second.woken.is_set()
        clock.set(clock.now() + HOUR)
        await second.poll()  # the first one's lease ran out
        await first.poll()
        await until(lambda: server.listening == 1)
    assert server.listening == 0


async def test_a_stream_that_breaks_is_opened_again_after_a_while(
    database: Database, connectors: Connectors, account: Account, server: FakeServer, clock: FakeClock
) -> None:
    server.streams = True
    async with poller_of(database, connectors, account, settings=STREAMING) as poller:
        await poller.poll()
        await until(lambda: server.listening == 1)
        server.wakes.put_nowait(Unreachable("reset"))
        await until(lambda: clock.sleeping == 1)
        assert server.listening == 0
        await clock.advance(2 * SECOND)
        await until(lambda: server.listening == 1)
        server.wakes.put_nowait(Unauthorized("no"))
        await until(lambda: server.listening == 0)
        await poller.poll()
        assert server.calls.count("listen") == 2


async def test_a_server_without_a_stream_is_polled_in_peace(
    database: Database, connectors: Connectors, account: Account, server: FakeServer
) -> None:
    async with poller_of(database, connectors, account, settings=STREAMING) as poller:
        for _ in range(3):
            await poller.poll()
        await until(lambda: server.calls.count("listen") == 1)
        await poller.poll()
    assert server.calls.count("listen") == 1


async def test_what_wakes_during_a_poll_leads_to_another_poll(
    database: Database, connectors: Connectors, account: Account, server: FakeServer, inbox: Inbox
) -> None:
    server.delay = 0.1
    async with poller_of(database, connectors, account, inbox.hear) as poller:
        polling = asyncio.create_task(poller.poll())
        await until(lambda: "fetch" in server.calls)
        poller.poke()
        await polling
    assert server.calls.count("fetch") == 2


async def test_a_poll_that_is_closed_in_the_middle_leaves_nothing_behind(
    database: Database, connectors: Connectors, account: Account, server: FakeServer
) -> None:
    server.delay = 60
    async with poller_of(database, connectors, account) as poller:
        polling = asyncio.create_task(poller.poll())
        await until(lambda: "fetch" in server.calls)
        await poller.close()
        await polling
    assert server.open == 0


@asynccontextmanager
async def pollers_of(
    database: Database, connectors: Connectors, clock: FakeClock, *ears: Ear
) -> AsyncIterator[tuple[Pollers, Scheduler]]:
    async with (
        LiveEvents(database) as live,
        Scheduler(clock) as scheduler,
        Pollers(database, scheduler, connectors, ears, SETTINGS, "node-1", live) as pollers,
    ):
        yield pollers, scheduler


async def test_sync_polls_active_accounts_and_no_others(
    database: Database,
    connectors: Connectors,
    account: Account,
    server: FakeServer,
    inbox: Inbox,
    clock: FakeClock,
) -> None:
    server.say("hello", at=START)
    async with pollers_of(database, connectors, clock, inbox.hear) as (pollers, scheduler):
        await pollers.sync()
        await until(lambda: inbox.heard == ["hello"])
        assert pollers.polled() == {account.id: "shop"}
        async with database.write() as work:
            await stop_account(work, ADMIN, "shop", "holidays")
        await until(lambda: pollers.polled() == {})  # told by a live event, not by the next sync
        await until(lambda: server.open == 0)
        assert scheduler.names() == set()
        async with database.write() as work:
            await start_account(work, ADMIN, "shop")
        await until(lambda: server.open == 1)
    assert server.open == 0


async def test_sync_opens_an_account_anew_whose_options_were_changed(
    database: Database, connectors: Connectors, account: Account, server: FakeServer, clock: FakeClock
) -> None:
    async with pollers_of(database, connectors, clock) as (pollers, _):
        await pollers.sync()
        await until(lambda: server.calls.count("fetch") == 1)
        async with database.write() as work:
            read = connectors.read("fake", {**OPTIONS, "server": "https://new.example"}, now=clock.now())
            await change_options(work, ADMIN, account.id, read, connectors, None)
        await pollers.sync()
        await until(lambda: server.calls.count("open") == 2)
        assert server.open == 1


@pytest.mark.parametrize("stored", [{"server": 7, "unknown": True}])
async def test_options_that_no_longer_fit_the_channel_are_a_failure_in_words(
    database: Database, connectors: Connectors, account: Account, stored: dict[str, object]
) -> None:
    async with database.write() as work:
        (await get_account(work, account.id)).options = stored
    async with poller_of(database, connectors, account) as poller:
        await poller.poll()
    assert "Invalid" in (await read_account(database, account)).failure
