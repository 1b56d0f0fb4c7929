"""
The Mastodon connector on mastodon-mock, which nobody here wrote: what the contract does not know of Mastodon.
"""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import aiohttp
import pytest

from connectors.base import Cursor, Draft, HeardItem, HeardKind, Media, Visibility
from connectors.errors import Ambiguous, Rejected, Unauthorized
from connectors.mastodon import MastodonConnector
from tests.contract.harness import Fault, PeerMissing, Step
from tests.contract.mastodon_harness import MastodonOnMock
from tests.fakes import mastodon_mock
from tests.fakes.fault_proxy import answer

pytestmark = pytest.mark.peer

PIXEL = bytes.fromhex(
    "89504e470d0a1a0a0000000d4948445200000001000000010806000000"
    "1f15c4890000000d49444154789c6360000002000001e221bc330000000049454e44ae426082"
)


@pytest.fixture
async def mock() -> AsyncIterator[MastodonOnMock]:
    try:
        made = MastodonOnMock()
    except PeerMissing as error:
        if os.environ.get("CI"):
            pytest.fail(str(error))
        pytest.skip(str(error))
    async with made as entered:
        yield entered


@pytest.fixture
async def connector(mock: MastodonOnMock) -> AsyncIterator[MastodonConnector]:
    async with aiohttp.ClientSession() as session, MastodonConnector(mock.options(), session) as opened:
        yield opened


def now() -> datetime:
    return datetime.now(UTC)


async def heard_after(connector: MastodonConnector, cursor: Cursor | None) -> list[HeardItem]:
    page = await connector.fetch(cursor, now=now())
    assert all(isinstance(item, HeardItem) for item in page.items)
    return [item for item in page.items if isinstance(item, HeardItem)]


async def first_look(connector: MastodonConnector) -> Cursor:
    cursor = (await connector.fetch(None, now=now())).cursor
    assert cursor is not None
    return cursor


async def test_every_kind_of_notification(mock, connector):
    cursor = await first_look(connector)
    post = await mock.brand.write("New boxes!")
    await mock.customer.ask("POST", f"/api/v1/statuses/{post['id']}/reblog")
    await mock.customer.ask("POST", f"/api/v1/statuses/{post['id']}/favourite")
    await mock.customer.ask("POST", f"/api/v1/accounts/{mock.brand.id}/follow")
    answered = await mock.customer.write(f"@{mock.brand.name} nice", in_reply_to_id=post["id"])
    await mock.customer.write(
        f"@{mock.brand.name} secret", visibility="direct", spoiler_text="order 5", language="no"
    )

    repost, like, follow, reply, direct = await heard_after(connector, cursor)

    assert [one.kind for one in (repost, like, follow)] == [HeardKind.REPOST, HeardKind.LIKE, HeardKind.FOLLOW]
    assert repost.subject_id == like.subject_id == post["id"]
    assert {one.author.handle for one in (repost, like, follow, reply)} == {reply.author.handle}
    assert (reply.kind, reply.in_reply_to, reply.message_id) == (HeardKind.MENTION, (post["id"],), answered["id"])
    assert (direct.visibility, direct.subject, direct.language) == (Visibility.DIRECT, "order 5", "no")


async def test_an_answer_to_a_direct_message_stays_direct_and_keeps_its_warning(mock, connector):
    cursor = await first_look(connector)
    await mock.customer.write(f"@{mock.brand.name} my order 5", visibility="direct", spoiler_text="order 5")
    (item,) = await heard_after(connector, cursor)
    draft = Draft(text="On its way.", visibility=Visibility.PUBLIC)

    sent = await connector.reply(item.reply_to, draft, key="direct-1")
    seen = await mock.customer.ask("GET", f"/api/v1/statuses/{sent.remote_id}")
    found = await connector.find("direct-1", draft, to=item.reply_to, since=now() - timedelta(minutes=1))

    assert (seen["visibility"], seen["spoiler_text"]) == ("direct", "order 5")
    assert [one["acct"] for one in seen["mentions"]] == [mock.customer.name]
    assert found.remote_id == sent.remote_id


async def test_the_customer_is_notified_of_the_answer(mock, connector):
    cursor = await first_look(connector)
    await mock.somebody_writes("anybody there?")
    (item,) = await heard_after(connector, cursor)

    sent = await connector.reply(item.reply_to, Draft(text="Yes."), key="notify-1")

    notices = await mock.customer.ask("GET", "/api/v1/notifications?types[]=mention")
    assert [notice["status"]["id"] for notice in notices] == [sent.remote_id]


async def test_O1_the_same_key_twice_is_one_post(mock, connector):
    first = await connector.publish(Draft(text="Once."), key="twice")
    second = await connector.publish(Draft(text="Once."), key="twice")

    assert first == second
    assert len(await mock.delivered()) == 1


async def test_O1_a_lost_answer_is_found_behind_many_later_posts(mock, connector):
    started = now()
    await mock.break_next(Fault.LOST_ANSWER, Step.SEND)
    with pytest.raises(Ambiguous):
        await connector.publish(Draft(text="The sale opens at noon."), key="buried")
    for number in range(45):
        await mock.brand.write(f"chatter {number}")

    found = await connector.find("buried", Draft(text="The sale opens at noon."), to=None, since=started)
    absent = await connector.find("never", Draft(text="The sale opens at one."), to=None, since=started)

    assert found is not None
    assert absent is None


async def test_I9_more_than_two_pages_arrive_in_steps_without_gap_or_replay(mock, connector):
    cursor = await first_look(connector)
    written = [await mock.somebody_writes(str(number)) for number in range(90)]
    ids, sizes, more = [], [], True
    while more:
        page = await connector.fetch(cursor, now=now())
        ids += [item.message_id for item in page.items]
        sizes.append(len(page.items))
        cursor, more = page.cursor, page.more

    assert ids == written
    assert len(sizes) >= 3


async def test_what_the_policy_sets_aside_is_heard_and_what_it_drops_is_warned_of(mock, connector):
    cursor = await first_look(connector)
    policy = {"for_not_following": "filter", "for_not_followers": "accept", "for_private_mentions": "drop"}
    await mock.brand.ask("PATCH", "/api/v2/notifications/policy", policy)
    await mock.somebody_writes("we do not know each other")

    checked = await connector.check()
    heard = await heard_after(connector, cursor)

    warnings = " ".join(checked.warnings)
    assert "drops mentions that will never be heard: for_private_mentions." in warnings
    assert "sets aside mentions, which we hear all the same: for_not_following." in warnings
    assert len(heard) == 1


async def test_too_long_is_refused_before_sending_with_the_count(mock, connector):
    mock.proxy.seen.clear()

    with pytest.raises(Rejected, match="501 characters, but the server takes 500"):
        await connector.publish(Draft(text="x" * 501), key="long-1")

    assert [line for line in mock.proxy.seen if line.startswith("POST")] == []


async def test_O13_a_refusal_is_told_as_a_refusal_with_the_servers_words(mock, connector):
    mock.proxy.break_next("POST", "/api/v1/statuses", answer(404, {"error": "Record not found"}))

    with pytest.raises(Rejected, match="HTTP 404: Record not found"):
        await connector.publish(Draft(text="Hello."), key="gone-1")


async def test_a_disabled_login_needs_a_human(mock, connector):
    mock.proxy.break_next(
        "GET", "/api/v1/notifications", answer(403, {"error": "Your login is currently disabled"})
    )

    with pytest.raises(Unauthorized, match="disabled"):
        await connector.fetch(Cursor("1"), now=now())


async def test_a_picture_goes_along_with_its_description(mock, connector):
    picture = Media(content=PIXEL, content_type="image/png", name="box.png", description="a box")

    sent = await connector.publish(Draft(text="Look.", media=(picture,)), key="picture-1")

    (shown,) = (await mock.customer.ask("GET", f"/api/v1/statuses/{sent.remote_id}"))["media_attachments"]
    assert (shown["type"], shown["description"]) == ("image", "a box")


async def test_who_reposted_and_our_own_figures(mock, connector):
    post = await mock.brand.write("New boxes!")
    fans = [await mastodon_mock.sign_up(mock.brand.url, "fan") for _ in range(3)]
    for fan in fans:
        await fan.ask("POST", f"/api/v1/statuses/{post['id']}/reblog")
        await fan.ask("POST", f"/api/v1/accounts/{mock.brand.id}/follow")

    reposts = [repost async for repost in connector.reposts(post["id"], None)]
    profile = await connector.profile()

    assert sorted(one.author.name for one in reposts) == sorted(fan.name for fan in fans)
    assert (profile.followers, profile.posts) == (3, 1)


async def test_a_server_without_the_newer_endpoints_will_do(mock, connector):
    gone = answer(404, {"error": "Record not found"})
    for path in ("/api/v2/instance", "/api/v2/notifications/policy", "/api/v1/apps/verify_credentials"):
        mock.proxy.break_next("GET", path, gone)

    checked = await connector.check()

    assert checked.text_limit == 500
    assert checked.profile.handle.startswith(f"{mock.brand.name}@")
