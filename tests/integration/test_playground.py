"""
The playground over real HTTP on loopback: what a Mastodon client sees, fault by fault.
"""

from __future__ import annotations

import asyncio
import json
import signal
import sys
import time
from datetime import UTC, datetime, timedelta

import aiohttp
import pytest

from connectors.limits import parse_instant
from connectors.playground.control import ControlToken
from connectors.playground.faults import FaultKind
from connectors.playground.rules import GENEROUS, Limits, Rules, Window
from connectors.playground.server import Playground
from connectors.playground.values import Reach, Token
from tests.fakes.clock import FakeClock

STATUSES = "/api/v1/statuses"
NOTIFICATIONS = "/api/v1/notifications"
PNG = b"\x89PNG\r\n\x1a\n" + b"\0" * 32


@pytest.fixture
def clock():
    return FakeClock()


@pytest.fixture
async def playground(clock):
    async with Playground(now=clock.now, rules=Rules(limits=GENEROUS)) as running:
        yield running


@pytest.fixture
async def shop(playground):
    """
    The brand's own client.
    """
    headers = {"Authorization": f"Bearer {playground.token}"}
    async with aiohttp.ClientSession(playground.url, headers=headers) as session:
        yield session


@pytest.fixture
async def stranger(playground):
    async with aiohttp.ClientSession(playground.url) as session:
        yield session


@pytest.fixture
async def director(playground):
    """
    A client of the control paths.
    """
    headers = {"Authorization": f"Bearer {playground.control_token}"}
    async with aiohttp.ClientSession(playground.url, headers=headers) as session:
        yield session


async def got(session, path, *, status=200, **params):
    async with session.get(path, params=params) as answer:
        assert answer.status == status, await answer.text()
        return await answer.json()


async def posted(session, path, body=None, *, status=200, **headers):
    async with session.post(path, json=body or {}, headers=headers) as answer:
        assert answer.status == status, await answer.text()
        return await answer.json()


def links(answer):
    return {name: str(link["url"]) for name, link in answer.links.items()}


# -- reading


async def test_whose_token_and_what_is_allowed(playground, shop):
    me = await got(shop, "/api/v1/accounts/verify_credentials")
    assert (me["acct"], me["source"]["privacy"], me["bot"]) == ("tidepool", "public", False)
    assert isinstance(me["id"], str)
    instance = await got(shop, "/api/v2/instance")
    assert instance["configuration"]["statuses"]["max_characters"] == 500
    assert instance["configuration"]["urls"]["streaming"] == playground.url.replace("http", "ws")
    assert (await got(shop, "/api/v1/instance"))["uri"] == playground.world.domain


async def test_the_account_can_call_itself_a_bot(shop):
    async with shop.patch("/api/v1/accounts/update_credentials", data={"bot": "true", "note": "we <3"}) as answer:
        assert (await answer.json())["bot"] is True
    me = await got(shop, "/api/v1/accounts/verify_credentials")
    assert (me["bot"], me["note"], me["source"]["note"]) == (True, "<p>we &lt;3</p>", "we <3")


async def test_min_id_walks_forward_through_more_than_two_pages_newest_first_inside(playground, shop):
    said = [playground.say("kite@far.example", f"number {n}", to="tidepool") for n in range(95)]
    heard, at, sizes = [], "0", []
    while page := await got(shop, NOTIFICATIONS, min_id=at, limit=40):
        assert [int(each["id"]) for each in page] == sorted((int(each["id"]) for each in page), reverse=True)
        heard += [each["status"]["id"] for each in reversed(page)]
        at = page[0]["id"]
        sizes.append(len(page))
    assert heard == [str(post.id) for post in said]
    assert sizes == [40, 40, 15]


async def test_since_id_gives_the_newest_page_and_limits_are_capped(playground, shop):
    for n in range(95):
        playground.say("kite@far.example", f"number {n}", to="tidepool")
    oldest = (await got(shop, NOTIFICATIONS, min_id="0", limit=1))[0]["id"]
    page = await got(shop, NOTIFICATIONS, since_id=oldest)
    assert len(page) == 40
    assert "number 94" in page[0]["status"]["content"]
    assert len(await got(shop, NOTIFICATIONS, limit=500)) == 80


async def test_link_headers_lead_through_all_pages_and_keep_other_parameters(playground, shop):
    for n in range(90):
        playground.say("kite@far.example", f"number {n}", to="tidepool")
    url, seen = f"{NOTIFICATIONS}?limit=40&types[]=mention", []
    while url:
        async with shop.get(url) as answer:
            page, found = await answer.json(), links(answer)
        seen += [each["id"] for each in page]
        assert "types" in found["prev"]
        assert "min_id" in found["prev"]
        url = found.get("next")
    assert len(seen) == len(set(seen)) == 90


async def test_types_can_be_chosen_and_left_out(playground, shop):
    post = playground.say("tidepool", "news")
    reed = playground.person("reed")
    playground.world.repost(reed.id, post.id, now=playground.now())
    playground.world.follow(reed.id, post.author, now=playground.now())
    playground.say("reed", "hi", to="tidepool")
    kinds = [each["type"] for each in await got(shop, NOTIFICATIONS)]
    assert kinds == ["mention", "follow", "reblog"]
    chosen = await got(shop, f"{NOTIFICATIONS}?types[]=reblog&types[]=quote")
    assert [each["type"] for each in chosen] == ["reblog"]
    assert chosen[0]["status"]["id"] == str(post.id)
    assert chosen[0]["account"]["acct"] == "reed"
    left = await got(shop, f"{NOTIFICATIONS}?exclude_types[]=reblog&exclude_types[]=mention")
    assert [each["type"] for each in left] == ["follow"]
    assert "status" not in left[0]


async def test_numbered_notifications_pass_from_999_to_1000(clock):
    async with Playground(now=clock.now, first_notification=998) as running:
        for n in range(4):
            running.say("kite", f"number {n}", to="tidepool")
        headers = {"Authorization": f"Bearer {running.token}"}
        async with aiohttp.ClientSession(running.url, headers=headers) as session:
            page = await got(session, NOTIFICATIONS, min_id="998")
            assert [each["id"] for each in page] == ["1001", "1000", "999"]


async def test_diverted_notifications_show_only_with_the_flag_and_a_policy_can_let_them_in(playground, shop):
    playground.say("kite@far.example", "psst", to="tidepool", reach=Reach.DIRECT)
    assert await got(shop, NOTIFICATIONS) == []
    assert len(await got(shop, NOTIFICATIONS, include_filtered="true")) == 1
    policy = await got(shop, "/api/v2/notifications/policy")
    assert policy["for_private_mentions"] == "filter"
    assert policy["summary"]["pending_notifications_count"] == 1
    async with shop.patch("/api/v2/notifications/policy", json={"for_private_mentions": "accept"}) as answer:
        assert (await answer.json())["for_private_mentions"] == "accept"
    playground.say("reed", "psst", to="tidepool", reach=Reach.DIRECT)
    assert [each["account"]["acct"] for each in await got(shop, NOTIFICATIONS)] == ["reed"]
    async with shop.patch("/api/v2/notifications/policy", json={"for_private_mentions": "eat"}) as answer:
        assert answer.status == 422


async def test_one_notification_can_be_read_and_dismissed(playground, shop):
    playground.say("kite", "hi", to="tidepool")
    first = (await got(shop, NOTIFICATIONS))[0]
    assert (await got(shop, f"{NOTIFICATIONS}/{first['id']}"))["id"] == first["id"]
    await posted(shop, f"{NOTIFICATIONS}/{first['id']}/dismiss")
    await got(shop, f"{NOTIFICATIONS}/{first['id']}", status=404)
    assert await got(shop, NOTIFICATIONS) == []


async def test_accounts_are_found_by_id_and_name(playground, shop):
    kite = playground.person("kite@far.example", name="Kite :blobcat:")
    found = await got(shop, "/api/v1/accounts/lookup", acct="kite@far.example")
    assert found == await got(shop, f"/api/v1/accounts/{kite.id}")
    assert found["url"] == "https://far.example/@kite"
    assert found["emojis"][0]["shortcode"] == "blobcat"
    await got(shop, "/api/v1/accounts/lookup", acct="nobody", status=404)
    await got(shop, "/api/v1/accounts/1", status=404)
    await got(shop, "/api/v1/accounts/x", status=404)


async def test_followers_and_reposters_are_paged_by_rows_that_no_body_shows(playground, shop):
    post = playground.say("tidepool", "news")
    for n in range(95):
        who = playground.person(f"p{n}").id
        playground.world.follow(who, post.author, now=playground.now())
        playground.world.repost(who, post.id, now=playground.now())
    for path in (f"/api/v1/accounts/{post.author}/followers", f"{STATUSES}/{post.id}/reblogged_by"):
        url, seen, bodies = path, [], ""
        while url:
            async with shop.get(url) as answer:
                page, bodies = await answer.json(), bodies + await answer.text()
                url = links(answer).get("next")
            seen += [each["acct"] for each in page]
            assert url is None or url.rpartition("=")[2] not in bodies
        assert seen == [f"p{n}" for n in reversed(range(95))]
    following = await got(shop, f"/api/v1/accounts/{playground.person('p7').id}/following")
    assert [each["acct"] for each in following] == ["tidepool"]


async def test_own_statuses_with_filters(playground, shop):
    kite = playground.say("kite", "hello", to="tidepool")
    earlier = str(playground.world.written(playground.world.find_person("tidepool").id).newest)
    news = await posted(shop, STATUSES, {"status": "news"})
    reply = await posted(shop, STATUSES, {"status": "@kite hi", "in_reply_to_id": str(kite.id)})
    more = await posted(shop, STATUSES, {"status": "more on the news", "in_reply_to_id": news["id"]})
    wrapper = await posted(shop, f"{STATUSES}/{kite.id}/reblog")
    path = f"/api/v1/accounts/{news['account']['id']}/statuses"

    async def ids(**params):
        return [each["id"] for each in await got(shop, path, limit=4, **params)]

    assert await ids() == [wrapper["id"], more["id"], reply["id"], news["id"]]
    assert await ids(exclude_replies="true", exclude_reblogs="1", min_id=earlier) == [more["id"], news["id"]]
    assert await ids(min_id=news["id"], exclude_reblogs="true") == [more["id"], reply["id"]]
    assert await ids(max_id=reply["id"], min_id=earlier) == [news["id"]]
    assert await ids(only_media="true") == []


async def test_a_thread_is_told_above_and_below(playground, shop, stranger):
    first = playground.say("kite", "one", to="tidepool")
    second = await posted(shop, STATUSES, {"status": "@kite two", "in_reply_to_id": str(first.id)})
    third = playground.say("kite", "three", to="tidepool", parent=int(second["id"]))
    hidden = playground.say("kite", "secret", to="tidepool", parent=int(second["id"]), reach=Reach.DIRECT)
    context = await got(shop, f"{STATUSES}/{second['id']}/context")
    assert [each["id"] for each in context["ancestors"]] == [str(first.id)]
    assert [each["id"] for each in context["descendants"]] == [str(third.id), str(hidden.id)]
    context = await got(stranger, f"{STATUSES}/{first.id}/context")
    assert [each["id"] for each in context["descendants"]] == [second["id"], str(third.id)]
    await got(stranger, f"{STATUSES}/{hidden.id}", status=404)


async def test_many_statuses_at_once_leave_out_what_is_gone(playground, shop):
    first, second = playground.say("kite", "one"), playground.say("kite", "two")
    found = await got(shop, f"{STATUSES}?id[]={first.id}&id[]=12&id[]=x&id[]={second.id}")
    assert [each["id"] for each in found] == [str(first.id), str(second.id)]


async def test_a_post_of_another_server_has_its_traps(playground, shop):
    playground.say(
        "kite@far.example",
        "@tidepool does it ship?\nsee https://far.example/x?a=1&b=2 :blobcat:",
        spoiler_text="shipping",
        language="en",
        written_at=playground.now() - timedelta(hours=5),
    )
    status = (await got(shop, NOTIFICATIONS))[0]["status"]
    assert (
        f'<a href="{playground.url}/@tidepool" class="u-url mention">@<span>tidepool</span></a>'
        in status["content"]
    )
    assert "<br />see" in status["content"]
    assert 'href="https://far.example/x?a=1&amp;b=2"' in status["content"]
    assert status["uri"].startswith("https://far.example/users/kite/statuses/")
    assert status["mentions"][0]["acct"] == "tidepool"
    assert status["emojis"][0]["shortcode"] == "blobcat"
    assert status["spoiler_text"] == "shipping"
    assert parse_instant(status["created_at"]) == playground.now() - timedelta(hours=5)


# -- writing


async def test_a_reply_reaches_only_whom_it_mentions(playground, shop):
    asked = playground.say("kite@far.example", "hello?", to="tidepool")
    answer = await posted(
        shop, STATUSES, {"status": "hello", "in_reply_to_id": str(asked.id), "visibility": "unlisted"}
    )
    assert answer["in_reply_to_account_id"] == str(asked.author)
    assert playground.facts()["received"] == {}
    await posted(shop, STATUSES, {"status": "@kite@far.example hello", "in_reply_to_id": str(asked.id)})
    assert [each["text"] for each in playground.facts()["received"]["kite@far.example"]] == [
        "@kite@far.example hello"
    ]
    assert len(playground.facts()["asked"][0]["answers"]) == 2


async def test_a_key_makes_one_status_however_often_it_is_sent(playground, shop, clock):
    async def send(text):
        return (await posted(shop, STATUSES, {"status": text}, **{"Idempotency-Key": "job-1"}))["id"]

    same = set(await asyncio.gather(*(send("hello") for _ in range(20))))
    assert len(same) == 1
    assert await send("another text") in same
    await clock.advance(timedelta(minutes=61))
    assert await send("hello") not in same


async def test_form_json_and_multipart_are_all_understood(shop):
    for kind in ({"json": {"status": "hi", "sensitive": True}}, {"data": {"status": "hi", "sensitive": "true"}}):
        async with shop.post(STATUSES, **kind) as answer:
            assert (await answer.json())["sensitive"] is True
    form = aiohttp.FormData(default_to_multipart=True)
    form.add_field("status", "hi 你好")
    async with shop.post(STATUSES, data=form) as answer:
        assert (await answer.json())["content"] == "<p>hi 你好</p>"


@pytest.mark.parametrize(
    ("body", "status", "words"),
    [
        ({"status": "x" * 501}, 422, "limit of 500"),
        ({"status": "x" * 490, "spoiler_text": "y" * 11}, 422, "limit of 500"),
        ({"status": "  "}, 422, "blank"),
        ({}, 422, "blank"),
        ({"status": "hi", "visibility": "secret"}, 422, "Visibility"),
        ({"status": "hi", "in_reply_to_id": "12"}, 404, "Record not found"),
        ({"status": "hi", "in_reply_to_id": "abc"}, 404, "Record not found"),
        ({"status": {"a": 1}}, 400, "plain"),
        ({"status": "hi", "media_ids": ["1", "2", "3", "4", "5"]}, 422, "Cannot attach"),
        ({"status": "hi", "media_ids": ["1"]}, 404, "Record not found"),
        ({"status": "hi", "scheduled_at": "2027-01-01T00:00:00Z"}, 422, "scheduled"),
    ],
)
async def test_what_is_refused_and_how(shop, body, status, words):
    assert words in (await posted(shop, STATUSES, body, status=status))["error"]


async def test_links_and_far_names_count_short(shop):
    text = "@kite@a.very.long.domain.example " + "https://far.example/" + "x" * 600 + " " + "y" * 470
    await posted(shop, STATUSES, {"status": text})
    await posted(shop, STATUSES, {"status": "👩🏾‍💻" * 500})
    await posted(shop, STATUSES, {"status": "👩🏾‍💻" * 501}, status=422)


@pytest.mark.parametrize("body", [b"{", b"[]", b"\xff\xfe", b"[" * 100_000])
async def test_a_broken_body_is_400(shop, body):
    async with shop.post(STATUSES, data=body, headers={"Content-Type": "application/json"}) as answer:
        assert answer.status == 400
        assert "error" in await answer.json()


async def test_deleting_shows_the_source_once_and_then_nothing(playground, shop):
    kite = playground.say("kite", "mine")
    made = await posted(shop, STATUSES, {"status": "a & b"})
    async with shop.delete(f"{STATUSES}/{made['id']}") as answer:
        assert (await answer.json())["text"] == "a & b"
    await got(shop, f"{STATUSES}/{made['id']}", status=404)
    async with shop.delete(f"{STATUSES}/{kite.id}") as answer:
        assert answer.status == 404


async def test_passing_on_gives_a_wrapper(playground, shop):
    kite = playground.say("kite", "look")
    wrapper = await posted(shop, f"{STATUSES}/{kite.id}/reblog")
    assert wrapper["id"] != str(kite.id) == wrapper["reblog"]["id"]
    assert (wrapper["content"], wrapper["reblog"]["reblogs_count"]) == ("", 1)
    assert (await got(shop, f"{STATUSES}/{wrapper['id']}"))["reblog"]["reblogged"] is True
    assert (await posted(shop, f"{STATUSES}/{kite.id}/unreblog"))["reblogs_count"] == 0
    assert (await posted(shop, f"{STATUSES}/{kite.id}/favourite"))["favourites_count"] == 1
    assert [each["acct"] for each in await got(shop, f"{STATUSES}/{kite.id}/favourited_by")] == ["tidepool"]
    assert (await posted(shop, f"{STATUSES}/{kite.id}/unfavourite"))["favourited"] is False


def picture(description="a cat", kind="image/png"):
    form = aiohttp.FormData()
    form.add_field("file", PNG, filename="cat.png", content_type=kind)
    form.add_field("description", description)
    return form


async def test_media_at_once_or_after_a_while(playground, shop, director):
    async with shop.post("/api/v2/media", data=picture()) as answer:
        ready = await answer.json()
        assert (answer.status, ready["type"], ready["description"]) == (200, "image", "a cat")
    await posted(director, "/playground/rules", {"media_checks": 2})
    async with shop.post("/api/v2/media", data=picture()) as answer:
        slow = await answer.json()
        assert (answer.status, slow["url"]) == (202, None)
    refused = await posted(shop, STATUSES, {"status": "hi", "media_ids": [slow["id"]]}, status=422)
    assert refused["error"] == "Cannot attach files that have not finished processing. Try again in a moment!"
    for status in (206, 206, 200):
        await got(shop, f"/api/v1/media/{slow['id']}", status=status)
    async with shop.put(f"/api/v1/media/{slow['id']}", json={"description": "two cats"}) as answer:
        assert (await answer.json())["description"] == "two cats"
    made = await posted(shop, STATUSES, {"media_ids": [ready["id"], slow["id"]]})
    assert [each["description"] for each in made["media_attachments"]] == ["a cat", "two cats"]
    async with shop.get(made["media_attachments"][0]["url"]) as answer:
        assert await answer.read() == PNG


async def test_media_that_is_refused(shop):
    async with shop.post("/api/v2/media", data=picture(kind="text/html")) as answer:
        assert answer.status == 422
    async with shop.post("/api/v2/media", data=picture(description="x" * 1501)) as answer:
        assert answer.status == 422
    await posted(shop, "/api/v2/media", {}, status=422)


# -- who may


async def test_tokens_and_scopes(playground, shop, stranger):
    assert (await got(stranger, NOTIFICATIONS, status=401))[
        "error"
    ] == "This method requires an authenticated user"
    headers = {"Authorization": "Bearer wrong"}
    async with stranger.get(NOTIFICATIONS, headers=headers) as answer:
        assert (answer.status, (await answer.json())["error"]) == (401, "The access token is invalid")
    owner = playground.world.find_person("tidepool").id
    playground.world.tokens["narrow"] = Token(owner=owner, scopes=frozenset({"read:notifications"}))
    headers = {"Authorization": "Bearer narrow"}
    async with stranger.get(NOTIFICATIONS, headers=headers) as answer:
        assert answer.status == 200
    async with stranger.post(STATUSES, json={"status": "hi"}, headers=headers) as answer:
        assert answer.status == 403
        assert (await answer.json())["error"] == "This action is outside the authorized scopes"
    await got(stranger, "/api/v1/nowhere", status=404)


async def test_limits_are_told_and_kept(clock):
    limits = Limits(
        calls=Window(limit=5, period=timedelta(minutes=5)), posts=Window(limit=2, period=timedelta(hours=3))
    )
    async with Playground(now=clock.now, rules=Rules(limits=limits)) as running:
        headers = {"Authorization": f"Bearer {running.token}"}
        async with aiohttp.ClientSession(running.url, headers=headers) as session:
            for left in (1, 0):
                async with session.post(STATUSES, json={"status": "hi"}) as answer:
                    assert answer.headers["X-RateLimit-Remaining"] == str(left)
            async with session.post(STATUSES, json={"status": "hi"}) as answer:
                assert (answer.status, await answer.json()) == (429, {"error": "Too many requests"})
                assert "Retry-After" not in answer.headers
            for status in (200, 200, 429):
                async with session.get("/api/v2/instance") as answer:
                    assert answer.status == status
            reset = parse_instant(answer.headers["X-RateLimit-Reset"])
            assert reset is not None
            await clock.advance(reset - clock.now())
            await got(session, "/api/v2/instance")
    assert Rules().limits.calls == Window(limit=300, period=timedelta(minutes=5))


async def test_the_control_paths_ask_for_their_own_token(playground, shop, stranger, director):
    for session in (shop, stranger):
        await got(session, "/playground/facts", status=401)
        await posted(session, "/playground/faults", {"kind": "throttle"}, status=401)
        await posted(session, "/playground/say", {"as": "kite", "text": "hi"}, status=401)
    assert playground.control_token not in repr(ControlToken(playground.control_token))
    assert (await got(director, "/playground/facts"))["simulated"] is True


async def test_directing_the_crowd(playground, shop, director):
    news = await posted(shop, STATUSES, {"status": "news"})
    said = await posted(
        director,
        "/playground/say",
        {"as": "kite@far.example", "text": "does it ship?", "to": "tidepool", "visibility": "unlisted"},
    )
    assert said["status"]["account"]["acct"] == "kite@far.example"
    await posted(director, "/playground/say", {"as": "reed", "text": "me too", "in_reply_to": said["id"]})
    for path, body in (
        ("repost", {"as": "reed", "id": news["id"]}),
        ("favourite", {"as": "reed", "id": news["id"]}),
        ("follow", {"as": "reed", "whom": "tidepool"}),
    ):
        await posted(director, f"/playground/{path}", body)
    kinds = [each["type"] for each in await got(shop, NOTIFICATIONS)]
    assert kinds == ["follow", "favourite", "reblog", "mention"]
    facts = await got(director, "/playground/facts")
    assert facts["brands"]["tidepool"]["notifications"]["mention"] == 1
    assert [each["id"] for each in facts["asked"]] == [said["id"]]
    await posted(director, "/playground/delete", {"id": said["id"]})
    assert (await got(director, "/playground/facts"))["asked"] == []


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        ("say", {"text": "hi"}, 422),
        ("say", {"as": "kite", "text": 5}, 422),
        ("say", {"as": "kite", "text": "hi", "visibility": "x"}, 422),
        ("say", {"as": "kite", "text": "hi", "in_reply_to": "99"}, 404),
        ("repost", {"as": "kite"}, 422),
        ("repost", {"as": "kite", "id": 1}, 404),
        ("follow", {"as": "kite", "whom": "nobody"}, 404),
        ("faults", {"kind": "gremlin"}, 422),
        ("faults", {"faults": 5}, 422),
        ("rules", {"max_characters": "x"}, 422),
        ("crowd", {"rate": -1}, 422),
    ],
)
async def test_directing_badly_is_explained(director, path, body, status):
    assert (await posted(director, f"/playground/{path}", body, status=status))["error"]


# -- faults


async def test_a_throttled_call_says_when_to_come_back(playground, shop):
    playground.faults.arm(FaultKind.THROTTLE, seconds=90)
    async with shop.get(NOTIFICATIONS) as answer:
        assert answer.status == 429
        assert answer.headers["X-RateLimit-Remaining"] == "0"
        reset = parse_instant(answer.headers["X-RateLimit-Reset"])
        assert reset == playground.now() + timedelta(seconds=90)
    await got(shop, NOTIFICATIONS)


async def test_failing_with_and_without_having_done_it(playground, shop):
    for kind, status, written in (
        (FaultKind.SERVER_ERROR, 500, 0),
        (FaultKind.ERROR_AFTER, 500, 1),
        (FaultKind.REFUSE_AFTER, 422, 2),
        (FaultKind.UNAUTHORIZED, 401, 2),
    ):
        playground.faults.arm(kind, method="POST", path=STATUSES)
        await posted(shop, STATUSES, {"status": f"{kind}"}, status=status)
        mine = [post for post in playground.world.posts.values() if post.text in list(FaultKind)]
        assert len(mine) == written


async def test_a_page_from_somebody_in_front(playground, shop):
    playground.faults.arm(FaultKind.CDN_PAGE)
    async with shop.get(NOTIFICATIONS) as answer:
        assert (answer.status, answer.content_type) == (503, "text/html")


@pytest.mark.parametrize(("kind", "written"), [(FaultKind.DROP_BEFORE, 0), (FaultKind.DROP_AFTER, 1)])
async def test_a_dropped_connection(playground, shop, kind, written):
    before = len(playground.world.posts)
    playground.faults.arm(kind, method="POST")
    with pytest.raises(aiohttp.ClientError):
        await posted(shop, STATUSES, {"status": "hi"})
    assert len(playground.world.posts) - before == written


async def test_done_but_the_answer_never_comes_and_the_key_finds_it(playground, shop):
    before = len(playground.world.posts)
    playground.faults.arm(FaultKind.HANG_AFTER, method="POST", seconds=3600)
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.3):
            await posted(shop, STATUSES, {"status": "hi"}, **{"Idempotency-Key": "k"})
    await posted(shop, STATUSES, {"status": "hi"}, **{"Idempotency-Key": "k"})
    assert len(playground.world.posts) - before == 1


async def test_a_hanging_answer_does_not_hold_up_the_end(clock):
    async with Playground(now=clock.now) as running:
        running.faults.arm(FaultKind.HANG_AFTER, seconds=3600)
        async with aiohttp.ClientSession(running.url) as session:
            hanging = asyncio.create_task(session.get("/api/v2/instance"))
            await asyncio.sleep(0.1)
            started = time.monotonic()
            await running.__aexit__(None, None, None)
            assert time.monotonic() - started < 3
            with pytest.raises(aiohttp.ClientError):
                await hanging


async def test_a_slow_body_comes_in_the_end(playground, shop):
    playground.faults.arm(FaultKind.SLOW_BODY, seconds=0.5)
    started = time.monotonic()
    assert (await got(shop, "/api/v2/instance"))["domain"]
    assert time.monotonic() - started >= 0.4


async def test_a_body_that_ends_too_early(playground, shop):
    playground.faults.arm(FaultKind.TRUNCATED_BODY)
    with pytest.raises(aiohttp.ClientPayloadError):
        await got(shop, "/api/v2/instance")


async def test_what_is_no_json(playground, shop):
    playground.faults.arm(FaultKind.MALFORMED_JSON)
    async with shop.get("/api/v2/instance") as answer:
        assert answer.status == 200
        with pytest.raises(json.JSONDecodeError):
            await answer.json()


async def test_duplicates_and_disorder_keep_the_links(playground, shop):
    for n in range(10):
        playground.say("kite", f"number {n}", to="tidepool")
    right = [each["id"] for each in await got(shop, NOTIFICATIONS, limit=10)]
    playground.faults.arm(FaultKind.DUPLICATE)
    playground.faults.arm(FaultKind.REORDER)
    doubled = [each["id"] for each in await got(shop, NOTIFICATIONS, limit=10)]
    assert doubled == [each for each in right for _ in range(2)]
    async with shop.get(NOTIFICATIONS, params={"limit": 10}) as answer:
        mixed = [each["id"] for each in await answer.json()]
        assert "next" in links(answer)
    assert mixed != right
    assert sorted(mixed) == sorted(right)


async def test_faults_over_http_are_listed_and_cleared(shop, director):
    await posted(
        director,
        "/playground/faults",
        {"faults": [{"kind": "unauthorized", "times": None, "account": "tidepool"}, {"kind": "throttle"}]},
    )
    for _ in range(3):
        await got(shop, NOTIFICATIONS, status=401)
    listed = await got(director, "/playground/faults")
    assert [(each["kind"], each["hits"]) for each in listed] == [("unauthorized", 3), ("throttle", 0)]
    async with director.delete("/playground/faults") as answer:
        assert await answer.json() == []
    await got(shop, NOTIFICATIONS)


# -- streaming


async def frames(socket, count):
    return [json.loads((await socket.receive(timeout=5)).data) for _ in range(count)]


@pytest.mark.parametrize("way", ["header", "protocol", "query"])
async def test_streaming_tells_notifications_in_a_string_of_json(playground, stranger, way):
    headers = {"Authorization": f"Bearer {playground.token}"} if way == "header" else {}
    protocols = (playground.token,) if way == "protocol" else ()
    params = {"stream": "user:notification", **({"access_token": playground.token} if way == "query" else {})}
    async with stranger.ws_connect(
        "/api/v1/streaming", headers=headers, protocols=protocols, params=params
    ) as socket:
        post = playground.say("kite", "hello", to="tidepool")
        (frame,) = await frames(socket, 1)
    assert (frame["stream"], frame["event"]) == (["user:notification"], "notification")
    assert json.loads(frame["payload"])["status"]["id"] == str(post.id)


async def test_the_user_stream_tells_updates_and_deletes_too(playground, shop):
    async with shop.ws_connect("/api/v1/streaming") as socket:
        await socket.send_json({"type": "subscribe", "stream": "user"})
        await socket.send_json({"type": "subscribe", "stream": "nonsense"})
        assert "error" in (await frames(socket, 1))[0]
        made = await posted(shop, STATUSES, {"status": "mine"})
        playground.say("kite", "hello", to="tidepool")
        async with shop.delete(f"{STATUSES}/{made['id']}"):
            pass
        told = await frames(socket, 3)
        assert [each["event"] for each in told] == ["update", "notification", "delete"]
        assert told[2]["payload"] == made["id"]
        await socket.send_json({"type": "unsubscribe", "stream": "user"})
        await socket.send_str("{broken")
        assert "error" in (await frames(socket, 1))[0]
        playground.say("kite", "hello again", to="tidepool")
        with pytest.raises(TimeoutError):
            await socket.receive(timeout=0.2)


async def test_streams_end_and_nothing_is_replayed(playground, shop, director):
    async with shop.ws_connect("/api/v1/streaming?stream=user") as socket:
        assert await posted(director, "/playground/streams/drop") == {"dropped": 1}
        message = await socket.receive(timeout=5)
        assert message.type in (aiohttp.WSMsgType.CLOSE, aiohttp.WSMsgType.CLOSED)
    playground.say("kite", "while nobody listened", to="tidepool")
    async with shop.ws_connect("/api/v1/streaming?stream=user") as socket:
        with pytest.raises(TimeoutError):
            await socket.receive(timeout=0.2)


async def test_streaming_that_is_refused(playground, stranger, shop, director):
    for headers in ({}, {"Authorization": "Bearer wrong"}):
        with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
            await stranger.ws_connect("/api/v1/streaming?stream=user", headers=headers)
        assert refused.value.status == 401
    await got(shop, "/api/v1/streaming", status=400)
    async with stranger.get("/api/v1/streaming/health") as answer:
        assert await answer.text() == "OK"
    await posted(director, "/playground/rules", {"streaming": False})
    await got(shop, "/api/v1/streaming/health", status=404)
    assert (await got(shop, "/api/v2/instance"))["configuration"]["urls"]["streaming"] is None


# -- as a whole


async def test_five_hundred_messages_and_answers_take_seconds(playground, shop):
    started = time.monotonic()
    for n in range(500):
        playground.say(f"person{n}@far.example", f"question {n}", to="tidepool")
    at, answered = "0", 0
    while page := await got(shop, NOTIFICATIONS, min_id=at, limit=80):
        for each in reversed(page):
            body = {"status": f"@{each['account']['acct']} answer", "in_reply_to_id": each["status"]["id"]}
            await posted(shop, STATUSES, body, **{"Idempotency-Key": each["id"]})
            answered += 1
        at = page[0]["id"]
    assert answered == 500
    assert all(len(each["answers"]) == 1 for each in playground.facts()["asked"])
    assert time.monotonic() - started < 30


async def test_the_crowd_reacts_to_an_answer_over_http(clock):
    async with Playground(
        now=clock.now, people=60, rate=0, sleep=clock.sleep, rules=Rules(limits=GENEROUS)
    ) as town:
        headers = {"Authorization": f"Bearer {town.token}"}
        person = next(each for each in town.world.people.values() if not each.brand and not each.bot)
        async with aiohttp.ClientSession(town.url, headers=headers) as session:
            for n in range(12):
                asked = town.say(person.acct, f"question {n}", to="tidepool")
                await posted(session, STATUSES, {"status": f"@{person.acct} yes", "in_reply_to_id": str(asked.id)})
            await clock.advance(120)
            heard = await got(session, NOTIFICATIONS, limit=80)
    assert 12 < len(heard) <= 24


async def test_pages_say_that_all_is_simulated_and_show_text_as_text(playground, stranger):
    post = playground.say("kite@far.example", "<script>alert(1)</script> <b>hi</b> @tidepool")
    secret = playground.say("reed", "psst", to="tidepool", reach=Reach.DIRECT)
    foreign = playground.say("kite@far.example", "plain", html="<img src=x onerror=alert(1)>")
    playground.world.alter(post.author, name="<i>Kite</i> :blobcat:")
    for path in ("/", "/@kite@far.example", f"/@kite@far.example/{post.id}", f"/@kite@far.example/{foreign.id}"):
        async with stranger.get(path) as answer:
            text = await answer.text()
            assert answer.status == 200
            assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
        assert "Simulated network" in text
        assert "<script" not in text
        assert "onerror" not in text
        assert "<i>" not in text
        assert "psst" not in text
    for path in (f"/@reed/{secret.id}", "/@nobody", f"/@reed/{post.id}", "/avatars/1.svg", "/files/x"):
        async with stranger.get(path) as answer:
            assert answer.status == 404
    for path in ("/playground.css", f"/avatars/{post.author}.svg", "/emoji/blobcat.svg", "/header.svg"):
        async with stranger.get(path) as answer:
            assert answer.status == 200


async def test_the_command_runs_and_stops_cleanly():
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-W", "error", "-m", "connectors.playground", "--people", "20", "--rate", "600"),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        assert process.stdout is not None
        ready = json.loads(await asyncio.wait_for(process.stdout.readline(), 30))
        headers = {"Authorization": f"Bearer {ready['token']}"}
        async with aiohttp.ClientSession(ready["url"], headers=headers) as session:
            for _ in range(200):
                heard = await got(session, NOTIFICATIONS, limit=1)
                if heard:
                    break
                await asyncio.sleep(0.1)
            newest = heard[0]
            assert parse_instant(newest["created_at"]) <= datetime.now(UTC)
            process.send_signal(signal.SIGTERM)
            _, errors = await asyncio.wait_for(process.communicate(), 10)
        assert (process.returncode, errors) == (0, b"")
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
