"""
The heard ledger: everything once, the broken ones apart, and numbers that add up at any moment.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlmodel import col

from bot.accounts import hearing
from bot.accounts.coverage import SpanState, is_line
from bot.accounts.ears import Ear, Heard, Routed
from bot.accounts.hearing import BEFORE_ADDED, FROM_BEFORE, Fetched, Outrun, lease_name, retry_quarantined
from bot.accounts.items import RAW_LIMIT
from bot.accounts.ledger import HeardFilter, heard_counts, list_heard
from bot.accounts.rules import MAIN_STREAM, HeardCounts, HeardState
from bot.accounts.spans import as_line, spans_since
from bot.accounts.store import open_stream
from bot.accounts.tables import Account, HeardItem
from bot.contacts.tables import Contact
from bot.core.database import Database, UnitOfWork
from bot.core.errors import Conflict
from bot.core.leases import drop_lease, take_lease
from bot.core.tables import LiveEvent
from connectors.base import BrokenItem, Budget, Cursor, Gap, HeardKind, Page
from connectors.base import HeardItem as Item
from tests.fakes.channel import FakeServer
from tests.fakes.clock import START, FakeClock
from tests.integration.accounts.conftest import ADMIN, Inbox

HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)
NODE = "node-1"


async def hear(
    database: Database,
    account: Account,
    page: Page,
    ears: Sequence[Ear],
    *,
    started_from: str | None = None,
    holder: str = NODE,
) -> HeardCounts:
    async with database.write() as work:
        await take_lease(work, lease_name(account.id), holder=NODE, length=HOUR)
        await open_stream(work, account.id, MAIN_STREAM)
    async with database.write() as work:
        fetched = Fetched(
            account=account,
            stream=MAIN_STREAM,
            page=page,
            started_from=started_from,
            asked_at=work.now,
            holder=holder,
            late_after=2 * MINUTE,
        )
        return await hearing.hear(work, fetched, ears)


def page_of(server: FakeServer, cursor: str | None = None, **more: object) -> Page:
    return Page(items=tuple(server.items), cursor=Cursor(cursor) if cursor else None, **more)  # type: ignore[arg-type]


async def rows_of(database: Database) -> Sequence[HeardItem]:
    async with database.read() as work:
        return (await list_heard(work, HeardFilter(), limit=200, after=None, oldest_first=True)).items


async def cursor_of(database: Database, account: Account) -> str | None:
    async with database.write() as work:
        return (await open_stream(work, account.id, MAIN_STREAM)).cursor


async def test_a_page_is_routed_and_the_cursor_moves(
    database: Database, account: Account, server: FakeServer, inbox: Inbox
) -> None:
    server.say("where is my parcel?", at=START)
    server.say("spam spam", at=START)
    became = await hear(database, account, page_of(server, "2"), [inbox.hear])
    assert became == HeardCounts(heard=2, routed=1, ignored=1)
    first, second = await rows_of(database)
    assert (first.state, first.excerpt, first.author_handle) == (
        "routed",
        "where is my parcel?",
        "kite@far.example",
    )
    assert first.routed_to.startswith("contact:")
    assert (second.state, second.reason, first.raw, first.item) == ("ignored", "spam", None, None)
    assert await cursor_of(database, account) == "2"
    assert inbox.heard == ["where is my parcel?", "spam spam"]


async def test_I1_a_page_that_comes_again_is_all_duplicates(
    database: Database, account: Account, server: FakeServer, inbox: Inbox
) -> None:
    server.say("hello", at=START)
    await hear(database, account, page_of(server, "1"), [inbox.hear])
    again = await hear(database, account, page_of(server, "1"), [inbox.hear], started_from="1")
    assert again == HeardCounts(heard=1, duplicate=1)
    assert inbox.heard == ["hello"]
    async with database.read() as work:
        assert await heard_counts(work, account.id) == HeardCounts(heard=2, routed=1, duplicate=1)


async def test_I1_a_crash_between_fetch_and_commit_changes_nothing_and_all_is_heard_once_afterwards(
    database: Database, account: Account, server: FakeServer, inbox: Inbox
) -> None:
    server.say("one", at=START)
    server.say("two", at=START)

    async def crash(work: UnitOfWork, heard: Heard) -> Routed | None:
        if heard.item.text == "two":
            raise KeyboardInterrupt  # as a kill would: nothing catches it
        return None

    with pytest.raises(KeyboardInterrupt):
        await hear(database, account, page_of(server, "2"), [crash, inbox.hear])
    assert (await rows_of(database), await cursor_of(database, account), inbox.heard) == ([], None, [])
    await hear(database, account, page_of(server, "2"), [inbox.hear])
    assert inbox.heard == ["one", "two"]


async def test_an_item_that_breaks_an_ear_is_undone_alone_and_kept(
    database: Database, account: Account, server: FakeServer, inbox: Inbox
) -> None:
    inbox.breaks_on = "BOOM"
    server.say("before", at=START, author=None)
    server.say("BOOM <script>alert(1)</script>", at=START)
    server.say("after", at=START, author=None)
    became = await hear(database, account, page_of(server, "3"), [inbox.hear])
    assert became == HeardCounts(heard=3, ignored=2, quarantined=1)
    broken = (await rows_of(database))[1]
    assert broken.state == "quarantined"
    assert broken.reason.startswith("RuntimeError: cannot understand")
    assert broken.raw == '{"text": "BOOM <script>alert(1)</script>"}'
    async with database.read() as work:
        assert await work.session.scalar(sa.select(sa.func.count()).select_from(Contact)) == 0, "undone"
        told = (await work.session.execute(sa.select(col(LiveEvent.topic)))).scalars().all()
    assert "queue" not in told, "nobody is told of what was undone"
    assert inbox.heard == []
    assert await cursor_of(database, account) == "3"


async def test_a_quarantined_item_is_routed_by_a_retry(
    database: Database, account: Account, server: FakeServer, inbox: Inbox
) -> None:
    inbox.breaks_on = "BOOM"
    server.say("BOOM 你好", at=START, reply_to={"id": "7"})
    await hear(database, account, page_of(server, "1"), [inbox.hear])
    (row,) = await rows_of(database)
    async with database.write() as work:
        still = await retry_quarantined(work, ADMIN, row.id, [inbox.hear])
    assert still.state == "quarantined"
    inbox.breaks_on = None
    seen: list[Item] = []

    async def look(work: UnitOfWork, heard: Heard) -> None:
        seen.append(heard.item)

    async with database.write() as work:
        done = await retry_quarantined(work, ADMIN, row.id, [look, inbox.hear])
    assert (done.state, done.item, done.raw, done.reason) == ("routed", None, None, "")
    assert seen == server.items
    async with database.write() as work:
        with pytest.raises(Conflict, match="routed"):
            await retry_quarantined(work, ADMIN, row.id, [inbox.hear])
    async with database.read() as work:
        assert await heard_counts(work) == HeardCounts(heard=1, routed=1)


async def test_I2_what_could_not_be_read_is_quarantined_once_bounded_and_the_page_goes_on(
    database: Database, account: Account, server: FakeServer, inbox: Inbox
) -> None:
    raw = "From: \x00 broken " + "x" * 2_000_000
    server.items.append(
        BrokenItem(kind=HeardKind.MESSAGE, remote_id="b\x00", occurred_at=START, raw=raw, error="no charset")
    )
    server.say("fine", at=START)
    for started_from in (None, "2", "2"):
        await hear(database, account, page_of(server, "2"), [inbox.hear], started_from=started_from)
    broken, fine = await rows_of(database)
    assert (broken.state, broken.reason, broken.deliveries) == ("quarantined", "no charset", 3)
    assert len((broken.raw or "").encode()) <= RAW_LIMIT
    assert fine.state == "routed"
    async with database.write() as work:
        with pytest.raises(Conflict, match="could not be read"):
            await retry_quarantined(work, ADMIN, broken.id, [inbox.hear])


async def test_text_that_no_database_stores_is_heard_all_the_same(
    database: Database, account: Account, server: FakeServer, inbox: Inbox
) -> None:
    server.say("zero \x00 and half \ud800", at=START, id="id\x00")
    await hear(database, account, page_of(server, "1"), [inbox.hear])
    assert inbox.heard == ["zero � and half �"]


async def test_a_very_long_message_is_heard(
    database: Database, account: Account, server: FakeServer, inbox: Inbox
) -> None:
    inbox.breaks_on = "x"
    server.say("x" * 1_000_000, at=START)
    await hear(database, account, page_of(server, "1"), [inbox.hear])
    (row,) = await rows_of(database)
    assert len(row.raw or "") <= RAW_LIMIT
    inbox.breaks_on = None
    async with database.write() as work:
        await retry_quarantined(work, ADMIN, row.id, [inbox.hear])
    assert inbox.heard == ["x" * 1_000_000], "the message itself is kept whole for the retry"


async def test_what_nobody_listens_for_is_ignored_with_a_reason(
    database: Database, account: Account, server: FakeServer
) -> None:
    server.say("", at=START, kind=HeardKind.LIKE)
    await hear(database, account, page_of(server, "1"), [])
    (row,) = await rows_of(database)
    assert (row.state, row.reason) == ("ignored", "nobody here listens for like")


async def test_what_happened_before_connecting_is_ignored_but_for_some_slack(
    database: Database, account: Account, server: FakeServer, inbox: Inbox
) -> None:
    server.say("old", at=START - HOUR)
    server.say("just before", at=START - MINUTE)
    await hear(database, account, page_of(server, "2"), [inbox.hear])
    assert [row.reason for row in await rows_of(database)] == [FROM_BEFORE, ""]
    assert inbox.heard == ["just before"]


async def test_I10_a_poll_that_lost_its_lease_commits_nothing(
    database: Database, account: Account, server: FakeServer, inbox: Inbox
) -> None:
    server.say("hello", at=START)
    with pytest.raises(Outrun):
        await hear(database, account, page_of(server, "1"), [inbox.hear], holder="node-2")
    async with database.write() as work:
        await drop_lease(work, lease_name(account.id), holder=NODE)
    assert (await rows_of(database), inbox.heard) == ([], [])


async def test_I10_a_poll_whose_cursor_was_moved_meanwhile_commits_nothing(
    database: Database, account: Account, server: FakeServer, inbox: Inbox
) -> None:
    server.say("hello", at=START)
    await hear(database, account, page_of(server, "5"), [])
    with pytest.raises(Outrun):
        await hear(database, account, page_of(server, "1"), [inbox.hear], started_from="0")
    assert await cursor_of(database, account) == "5"


async def test_a_page_without_a_cursor_keeps_the_old_one(
    database: Database, account: Account, server: FakeServer, inbox: Inbox
) -> None:
    await hear(database, account, page_of(server, "5"), [inbox.hear])
    await hear(database, account, page_of(server), [inbox.hear], started_from="5")
    assert await cursor_of(database, account) == "5"


async def test_trouble_of_the_database_quarantines_nothing(
    database: Database, account: Account, server: FakeServer
) -> None:
    server.say("hello", at=START)

    async def unlucky(work: UnitOfWork, heard: Heard) -> None:
        raise sa.exc.OperationalError("INSERT", {}, Exception("database is locked"))

    with pytest.raises(sa.exc.OperationalError):
        await hear(database, account, page_of(server, "1"), [unlucky])
    assert await rows_of(database) == []


async def test_what_breaks_a_constraint_is_the_items_own_fault(
    database: Database, account: Account, server: FakeServer, inbox: Inbox
) -> None:
    server.say("first", at=START)
    server.say("second", at=START)

    async def twice(work: UnitOfWork, heard: Heard) -> Routed | None:
        if heard.item.text == "first":
            values = {"id": account.id, "name": "x", "created_at": work.now, "seen_at": work.now}
            await work.session.execute(sa.insert(Contact), [values, values])
        return None

    became = await hear(database, account, page_of(server, "2"), [twice, inbox.hear])
    assert became == HeardCounts(heard=2, routed=1, quarantined=1)


async def _spans(database: Database, account: Account) -> list[tuple[SpanState, datetime, datetime, str]]:
    async with database.read() as work:
        line = as_line(await spans_since(work, account.id, MAIN_STREAM, None))
    assert is_line(line)
    return [(span.state, span.since, span.until, span.reason) for span in line]


async def test_I11_a_gap_is_in_the_ledger_of_coverage_in_the_same_unit(
    database: Database, account: Account, server: FakeServer, clock: FakeClock
) -> None:
    await clock.advance(MINUTE)
    await hear(database, account, Page(cursor=Cursor("1")), [])
    await clock.advance(MINUTE)
    gap = Gap(
        since=START + 30 * timedelta(seconds=1), until=START + 90 * timedelta(seconds=1), reason="quota used up"
    )
    budget = Budget(limit=100, remaining=9, resets_at=START + HOUR)
    await hear(database, account, Page(cursor=Cursor("2"), gaps=(gap,), budget=budget), [], started_from="1")
    assert await _spans(database, account) == [
        (SpanState.HEARD, START, gap.since, ""),
        (SpanState.LOST, gap.since, gap.until, "quota used up"),
        (SpanState.HEARD, gap.until, START + 2 * MINUTE, ""),
    ]
    async with database.write() as work:
        stream = await open_stream(work, account.id, MAIN_STREAM)
    assert (stream.budget_limit, stream.budget_remaining, stream.budget_resets_at) == (100, 9, START + HOUR)


async def test_coverage_waits_for_the_last_page(
    database: Database, account: Account, server: FakeServer, clock: FakeClock
) -> None:
    await clock.advance(10 * MINUTE)
    await hear(database, account, Page(cursor=Cursor("1"), more=True), [])
    ((state, *_),) = await _spans(database, account)
    assert state is SpanState.PENDING
    await hear(database, account, Page(cursor=Cursor("2")), [], started_from="1")
    ((state, since, until, _),) = await _spans(database, account)
    assert (state, since, until) == (SpanState.LATE, START, START + 10 * MINUTE)


async def test_what_was_before_the_account_was_added_is_late_with_its_own_reason(
    database: Database, account: Account, clock: FakeClock
) -> None:
    account.options = {**account.options, "hear_since": (START - HOUR).isoformat()}
    await clock.advance(MINUTE)
    await hear(database, account, Page(cursor=Cursor("1")), [])
    assert await _spans(database, account) == [
        (SpanState.LATE, START - HOUR, START, BEFORE_ADDED),
        (SpanState.HEARD, START, START + MINUTE, ""),
    ]


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(
        st.lists(
            st.tuples(st.integers(0, 12), st.sampled_from(["fine", "spam", "BOOM", "broken", "nobody"])),
            max_size=6,
        ),
        max_size=6,
    )
)
async def test_the_numbers_add_up_at_any_moment(
    database: Database, account: Account, pages: list[list[tuple[int, str]]]
) -> None:
    inbox = Inbox(breaks_on="BOOM")
    async with database.read() as work:
        before = await heard_counts(work)
    delivered = 0
    for page in pages:
        items = tuple(_some_item(number, what) for number, what in page)
        delivered += len(items)
        started_from = await cursor_of(database, account)
        became = await hear(database, account, Page(items=items), [inbox.hear], started_from=started_from)
        assert became.adds_up
        async with database.read() as work:
            counts = await heard_counts(work)
        assert counts.adds_up
        assert counts.heard - before.heard == delivered


def _some_item(number: int, what: str) -> Item | BrokenItem:
    if what == "broken":
        return BrokenItem(kind=HeardKind.MENTION, remote_id=str(number), occurred_at=START, raw="?", error="?")
    server = FakeServer()
    return server.say(what, at=START, id=str(number), **({"author": None} if what == "nobody" else {}))


async def test_the_ledger_is_paged_and_filtered(
    database: Database, account: Account, server: FakeServer, inbox: Inbox
) -> None:
    for number in range(25):
        server.say("spam" if number % 5 == 0 else f"message {number}", at=START)
    await hear(database, account, page_of(server, "25"), [inbox.hear])
    seen: list[str] = []
    after: str | None = None
    async with database.read() as work:
        while True:
            found = await list_heard(work, HeardFilter(account_id=account.id), limit=10, after=after)
            seen += [row.remote_id for row in found.items]
            if found.after is None:
                break
            after = found.after
        spam = await list_heard(work, HeardFilter(state=HeardState.IGNORED), limit=10, after=None)
    assert seen == [str(number) for number in range(25, 0, -1)]
    assert len(spam.items) == 5
