"""
What every connector promises (connectors/base.py), on a real server of its channel.

The tests know no channel: what a server can do wrong they learn from the harness.
"""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import AsyncIterator
from contextlib import aclosing
from datetime import UTC, datetime, timedelta

import aiohttp
import pytest

from connectors.base import (
    Cursor,
    Draft,
    Finds,
    HeardItem,
    HeardKind,
    Listens,
    Page,
    Publishes,
    Replies,
    Streams,
)
from connectors.errors import (
    Ambiguous,
    ConnectorError,
    Rejected,
    Throttled,
    Unauthorized,
    Unreachable,
    Unsupported,
)
from tests.contract.harness import Fault, Harness, Step

MANY = 95  # more than two pages of every server we know of
FEW = 5


def now() -> datetime:
    return datetime.now(UTC)


def squeezed(text: str) -> str:
    return " ".join(text.split())


@pytest.fixture
async def connector(harness: Harness, session: aiohttp.ClientSession) -> AsyncIterator[Listens]:
    async with harness.channel.open(harness.options(), session) as opened:
        assert isinstance(opened, Listens)
        yield opened


async def hear_all(connector: Listens, since: Cursor | None) -> tuple[list[HeardItem], Cursor]:
    """
    Fetch until nothing new comes, checking each page on the way.
    """
    heard: list[HeardItem] = []
    for _ in range(200):
        page = await connector.fetch(since, now=now())
        heard += [item for item in page.items if isinstance(item, HeardItem)]
        assert len(heard) == len({(item.kind, item.remote_id) for item in heard}), "replayed"
        since = page.cursor or since
        if not page.items and not page.more:
            assert since is not None
            return heard, since
    raise AssertionError("never ends")


async def from_now_on(connector: Listens) -> Cursor:
    heard, cursor = await hear_all(connector, None)
    assert heard == []
    return cursor


async def one_heard(harness: Harness, connector: Listens, text: str = "does it ship to Norway?") -> HeardItem:
    cursor = await from_now_on(connector)
    await harness.somebody_writes(text)
    (item,) = (await hear_all(connector, cursor))[0]
    return item


def needs(harness: Harness, step: Step, fault: Fault) -> None:
    if (step, fault) not in harness.faults:
        pytest.skip(f"this channel has no {fault.value} at {step.value}")


# --- check


async def test_check_says_who_we_are(harness, connector):
    checked = await connector.check()

    assert checked.profile.key
    assert checked.profile.handle
    assert all(isinstance(warning, str) and warning for warning in checked.warnings)
    json.dumps(dict(checked.facts))


async def test_wrong_credentials_are_unauthorized(harness, session):
    async with harness.channel.open(harness.wrong_options(), session) as connector:
        with pytest.raises(Unauthorized):
            await connector.check()
        with pytest.raises(Unauthorized):
            await connector.fetch(None, now=now())


async def test_nobody_there_is_unreachable(harness, session):
    async with harness.channel.open(harness.nowhere_options(), session) as connector:
        with pytest.raises(Unreachable):
            await connector.check()
        with pytest.raises(Unreachable):
            await connector.fetch(None, now=now())


# --- hearing


async def test_without_hear_since_only_what_comes_from_now_on_is_heard(harness, connector):
    await harness.somebody_writes("long ago")
    cursor = await from_now_on(connector)
    await harness.somebody_writes("just now")

    heard, _ = await hear_all(connector, cursor)

    assert ["just now" in item.text for item in heard] == [True]


async def test_what_comes_into_an_empty_inbox_after_the_first_look_is_heard(harness, connector):
    first = await connector.fetch(None, now=now())
    for number in range(FEW):
        await harness.somebody_writes(f"question {number}")

    heard, _ = await hear_all(connector, first.cursor)

    assert first.items == ()
    assert first.cursor is not None
    assert [f"question {number}" in item.text for number, item in enumerate(heard)] == [True] * FEW


async def test_hear_since_brings_what_is_already_there_oldest_first(harness, session):
    started = now() - timedelta(minutes=1)
    for number in range(FEW):
        await harness.somebody_writes(f"question {number}")

    async with harness.channel.open(harness.options(hear_since=started), session) as connector:
        heard, cursor = await hear_all(connector, None)
        await harness.somebody_writes("one more")
        later, _ = await hear_all(connector, cursor)

    assert [f"question {number}" in item.text for number, item in enumerate(heard)] == [True] * FEW
    assert ["one more" in item.text for item in later] == [True]


async def test_hear_since_the_future_brings_nothing_old(harness, session):
    await harness.somebody_writes("before the brand was ours")

    async with harness.channel.open(harness.options(hear_since=now() + timedelta(days=2)), session) as connector:
        heard, _ = await hear_all(connector, None)

    assert heard == []


async def test_I9_many_new_come_oldest_first_without_gap_or_replay(harness, connector):
    cursor = await from_now_on(connector)
    written = [await harness.somebody_writes(f"number {number:03}") for number in range(MANY)]

    heard, _ = await hear_all(connector, cursor)

    assert [item.message_id for item in heard] == written


async def test_I9_many_that_were_there_at_the_first_look_come_oldest_first(harness, session):
    started = now() - timedelta(minutes=1)
    written = [await harness.somebody_writes(f"number {number:03}") for number in range(MANY)]

    async with harness.channel.open(harness.options(hear_since=started), session) as connector:
        heard, _ = await hear_all(connector, None)

    assert [item.message_id for item in heard] == written


async def test_I1_the_same_cursor_brings_the_same_again_until_it_is_moved(harness, session):
    async with harness.channel.open(harness.options(), session) as connector:
        cursor = await from_now_on(connector)
        for number in range(FEW):
            await harness.somebody_writes(f"question {number}")
        first, _ = await hear_all(connector, cursor)
    async with harness.channel.open(harness.options(), session) as restarted:
        second, end = await hear_all(restarted, cursor)
        nothing, _ = await hear_all(restarted, end)

    assert [(item.kind, item.remote_id) for item in first] == [(item.kind, item.remote_id) for item in second]
    assert len(first) == FEW
    assert nothing == []


async def test_an_item_says_all_that_the_others_need(harness, connector):
    cursor = await from_now_on(connector)
    message_id = await harness.somebody_writes("does it ship to Norway?")
    (item,) = (await hear_all(connector, cursor))[0]

    assert item.kind in (HeardKind.MENTION, HeardKind.MESSAGE)
    assert item.message_id == message_id
    assert item.occurred_at.utcoffset() == timedelta(0)
    assert item.occurred_at <= now()
    assert item.occurred_at > now() - timedelta(minutes=5)
    assert item.author is not None
    assert item.author.key
    assert item.author.handle
    assert item.automatic is None
    assert item.reply_to is not None
    assert json.loads(json.dumps(dict(item.reply_to))) == dict(item.reply_to)
    assert json.loads(json.dumps(item.raw)) == item.raw


@pytest.mark.parametrize(
    "text",
    [
        "请问可以寄到挪威吗？🙏🏽 ¿Sí? ‘curly’",
        "<script>alert('hi')</script> <b>bold</b> &amp; <img src=x onerror=alert(1)>",
        "'; DROP TABLE conversation; --",
        "first line\nsecond line",
    ],
    ids=["languages", "html", "sql", "lines"],
)
async def test_text_arrives_as_it_was_written(harness, connector, text):
    item = await one_heard(harness, connector, text)

    assert squeezed(text) in squeezed(item.text)


async def test_what_we_send_is_not_heard_as_a_customer(harness, connector):
    item = await one_heard(harness, connector)
    cursor = await from_now_on(connector)
    await connector.reply(item.reply_to, Draft(text="Yes, 3 to 5 days."), key="own-1")

    heard, _ = await hear_all(connector, cursor)

    assert [one for one in heard if one.automatic is None] == []


# --- answering


async def test_an_answer_arrives_once_under_what_it_answers(harness, connector):
    assert isinstance(connector, Replies)
    item = await one_heard(harness, connector)  # type: ignore[arg-type]

    sent = await connector.reply(item.reply_to, Draft(text="Yes, 3 to 5 days. 三到五天"), key="answer-1")  # type: ignore[arg-type]

    (delivered,) = await harness.delivered()
    assert "Yes, 3 to 5 days. 三到五天" in squeezed(delivered.text)
    assert delivered.in_reply_to == item.message_id
    assert delivered.to
    assert sent.remote_id


async def test_reply_to_survives_the_database(harness, connector):
    item = await one_heard(harness, connector)

    await connector.reply(json.loads(json.dumps(dict(item.reply_to))), Draft(text="Yes."), key="answer-2")  # type: ignore[arg-type]

    assert len(await harness.delivered()) == 1


async def test_an_answer_to_something_foreign_is_rejected(harness, connector):
    with pytest.raises(Rejected):
        await connector.reply({"of": "another channel"}, Draft(text="Yes."), key="answer-3")

    assert await harness.delivered() == []


async def test_a_post_arrives_once(harness, connector):
    if not isinstance(connector, Publishes):
        pytest.skip("this channel publishes nothing")

    await connector.publish(Draft(text="The sale opens at noon."), key="post-1")

    (delivered,) = await harness.delivered()
    assert "The sale opens at noon." in squeezed(delivered.text)
    assert delivered.in_reply_to is None


async def test_O1_find_tells_what_is_there_from_what_is_not(harness, connector):
    assert isinstance(connector, Finds)
    started = now()
    item = await one_heard(harness, connector)  # type: ignore[arg-type]
    draft, other = Draft(text="Yes, *3* to 5 days: https://a.example/?a=1&b=2"), Draft(text="Yes, 4 to 6 days.")

    before = await found_or_unsure(connector, "find-1", draft, item, started)
    sent = await connector.reply(item.reply_to, draft, key="find-1")
    after = await connector.find("find-1", draft, to=item.reply_to, since=started)
    never_sent = await found_or_unsure(connector, "find-2", other, item, started)

    assert before is None
    assert after is not None
    assert after.remote_id == sent.remote_id
    assert never_sent is None


async def found_or_unsure(connector: Finds, key: str, draft: Draft, item: HeardItem, since: datetime):
    # A channel may be unable to say that something is certainly not there; it must not say that it is.
    try:
        return await connector.find(key, draft, to=item.reply_to, since=since)
    except Ambiguous:
        return None


# --- faults


async def test_O1_an_answer_lost_after_sending_is_ambiguous_and_can_be_found(harness, connector):
    needs(harness, Step.SEND, Fault.LOST_ANSWER)
    started = now()
    item = await one_heard(harness, connector)
    draft = Draft(text="Yes, 3 to 5 days.")
    await harness.break_next(Fault.LOST_ANSWER, Step.SEND)

    with pytest.raises(Ambiguous):
        await connector.reply(item.reply_to, draft, key="lost-1")
    try:
        found = await connector.find("lost-1", draft, to=item.reply_to, since=started)
    except Ambiguous:
        found = None  # honest: it could not be made sure

    assert len(await harness.delivered()) == 1
    assert found is None or found.remote_id


async def test_O1_a_garbled_answer_to_a_send_is_ambiguous(harness, connector):
    needs(harness, Step.SEND, Fault.GARBLED)
    item = await one_heard(harness, connector)
    await harness.break_next(Fault.GARBLED, Step.SEND)

    with pytest.raises(Ambiguous):
        await connector.reply(item.reply_to, Draft(text="Yes."), key="garbled-1")

    assert len(await harness.delivered()) == 1


async def test_a_connection_that_breaks_before_is_never_a_success(harness, connector):
    needs(harness, Step.SEND, Fault.DROPPED)
    item = await one_heard(harness, connector)
    await harness.break_next(Fault.DROPPED, Step.SEND)

    with pytest.raises((Ambiguous, Unreachable)):
        await connector.reply(item.reply_to, Draft(text="Yes."), key="dropped-1")

    assert await harness.delivered() == []


async def test_a_busy_server_at_sending_is_never_a_success(harness, connector):
    needs(harness, Step.SEND, Fault.BUSY)
    item = await one_heard(harness, connector)
    await harness.break_next(Fault.BUSY, Step.SEND)

    with pytest.raises((Ambiguous, Unreachable)):
        await connector.reply(item.reply_to, Draft(text="Yes."), key="busy-1")

    assert await harness.delivered() == []


@pytest.mark.parametrize(
    ("fault", "expected"),
    [(Fault.THROTTLED, Throttled), (Fault.UNAUTHORIZED, Unauthorized), (Fault.REFUSED, Rejected)],
)
async def test_O3_what_was_refused_was_not_sent_and_is_told(harness, connector, fault, expected):
    needs(harness, Step.SEND, fault)
    item = await one_heard(harness, connector)
    await harness.break_next(fault, Step.SEND)

    with pytest.raises(expected) as raised:
        await connector.reply(item.reply_to, Draft(text="Yes."), key="refused-1")

    assert await harness.delivered() == []
    if isinstance(raised.value, Throttled):
        assert raised.value.wait(now()) is not None
    await connector.reply(item.reply_to, Draft(text="Yes."), key="refused-1")
    assert len(await harness.delivered()) == 1


@pytest.mark.parametrize(
    ("fault", "expected"),
    [
        (Fault.THROTTLED, Throttled),
        (Fault.BUSY, Unreachable),
        (Fault.GARBLED, Unreachable),
        (Fault.DROPPED, Unreachable),
        (Fault.LOST_ANSWER, Unreachable),
        (Fault.UNAUTHORIZED, Unauthorized),
    ],
)
async def test_a_failed_fetch_leaves_the_cursor_good(harness, connector, fault, expected):
    needs(harness, Step.FETCH, fault)
    cursor = await from_now_on(connector)
    written = await harness.somebody_writes("are you there?")
    await harness.break_next(fault, Step.FETCH)

    failure, page = await outcome_of_fetch(connector, cursor)
    # A client may ask again by itself where that cannot do harm; then it has to have succeeded.
    may_succeed = fault in (Fault.DROPPED, Fault.LOST_ANSWER)
    assert isinstance(failure, expected) or (may_succeed and page is not None and page.items)
    heard, _ = await hear_all(connector, cursor)

    assert [item.message_id for item in heard] == [written]


async def outcome_of_fetch(connector: Listens, cursor: Cursor) -> tuple[ConnectorError | None, Page | None]:
    try:
        return None, await connector.fetch(cursor, now=now())
    except ConnectorError as error:
        return error, None


async def test_a_throttled_fetch_says_how_long_to_wait(harness, connector):
    needs(harness, Step.FETCH, Fault.THROTTLED)
    cursor = await from_now_on(connector)
    await harness.break_next(Fault.THROTTLED, Step.FETCH)

    with pytest.raises(Throttled) as raised:
        await connector.fetch(cursor, now=now())

    wait = raised.value.wait(now())
    assert wait is not None
    assert timedelta(0) <= wait <= timedelta(days=1)


async def test_no_credential_shows_in_errors_reprs_or_logs(harness, connector, session, caplog):
    caplog.set_level(logging.DEBUG)
    shown = [repr(connector), str(connector), repr(harness.options()), str(harness.options())]
    item = await one_heard(harness, connector)
    cursor = await from_now_on(connector)
    shown.append(repr(item))
    for step, fault in sorted(harness.faults):
        await harness.break_next(fault, step)
        try:
            if step is Step.SEND:
                await connector.reply(item.reply_to, Draft(text=f"Yes, {fault}."), key=f"secret-{step}-{fault}")
            else:
                await connector.fetch(cursor, now=now())
        except ConnectorError as error:
            shown += _chain(error)
    for options in (harness.nowhere_options(), harness.wrong_options()):
        async with harness.channel.open(options, session) as other:
            with pytest.raises(ConnectorError) as raised:
                await other.check()
            shown += _chain(raised.value)
    shown += [f"{record.name} {record.getMessage()}" for record in caplog.records]

    leaks = [line for line in shown for secret in harness.secrets if secret in line]

    assert harness.secrets
    assert leaks == []


def _chain(error: BaseException | None) -> list[str]:
    lines = []
    while error is not None:
        lines += [str(error), repr(error)]
        error = error.__cause__ or error.__context__
    return lines


# --- streaming


async def test_a_stream_wakes_at_once_and_when_somebody_writes(harness, connector):
    if not isinstance(connector, Streams):
        pytest.skip("this channel has no stream")
    cursor = await from_now_on(connector)  # type: ignore[arg-type]

    async with aclosing(connector.listen(cursor)) as stream:
        try:
            first = await asyncio.wait_for(anext(stream), 20)
        except Unsupported as error:
            pytest.skip(str(error))
        waiting = asyncio.ensure_future(anext(stream))
        await asyncio.sleep(0.2)
        woken_too_early = waiting.done()
        written = await harness.somebody_writes("wake up")
        second = await asyncio.wait_for(waiting, 20)
    heard, _ = await hear_all(connector, cursor)  # type: ignore[arg-type]

    assert first is not None
    assert not woken_too_early
    assert second is not None
    assert [item.message_id for item in heard] == [written]


async def test_a_stream_with_wrong_credentials_does_not_wake(harness, session):
    async with harness.channel.open(harness.wrong_options(), session) as connector:
        if not isinstance(connector, Streams):
            pytest.skip("this channel has no stream")
        async with aclosing(connector.listen(None)) as stream:
            with pytest.raises(Unauthorized):
                await asyncio.wait_for(anext(stream), 20)
