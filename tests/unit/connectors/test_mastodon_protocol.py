"""
What Mastodon servers are asked and what their answers mean, without a server.
"""

from __future__ import annotations

import copy
import itertools
import json
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connectors.base import (
    Attachment,
    BrokenItem,
    Draft,
    HeardItem,
    HeardKind,
    Media,
    Visibility,
)
from connectors.mastodon import hearing, protocol, sending, streaming
from connectors.mastodon.fields import count, entries, sub, text, web_address
from connectors.mastodon.hearing import Found, Walk, after, newest_id, read_notification, read_page
from connectors.mastodon.protocol import Instance, Target, id_key, next_page

NOW = datetime(2026, 3, 4, 12, 0, tzinfo=UTC)
DOMAIN = "example.social"
SHOP = {
    "id": "1",
    "acct": "shop",
    "username": "shop",
    "uri": "https://example.social/users/shop",
    "url": "https://example.social/@shop",
    "display_name": "Shop",
    "bot": True,
    "followers_count": 7,
    "following_count": 3,
    "statuses_count": 20,
}
KITE = {
    "id": "42",
    "acct": "kite@far.example",
    "uri": "https://far.example/users/kite",
    "url": "https://far.example/@kite",
    "display_name": "Kite :blobcat:",
    "avatar": "https://files.example/a.png",
    "bot": False,
    "followers_count": 31,
}
STATUS = {
    "id": "700",
    "url": "https://far.example/@kite/3",
    "created_at": "2026-03-04T05:06:07.000Z",
    "account": KITE,
    "in_reply_to_id": "600",
    "spoiler_text": "parcels",
    "visibility": "unlisted",
    "language": "en",
    "content": '<p><a href="https://example.social/@shop" class="u-url mention">@<span>shop</span></a> lost?</p>',
    "mentions": [{"id": "1", "url": "https://example.social/@shop", "acct": "shop"}],
    "media_attachments": [
        {"type": "image", "url": "https://files.example/p%C3%A9.png?x=1", "description": "a box"},
        {"type": "unknown", "url": None, "remote_url": "https://far.example/f.bin"},
        {"type": "gifv", "url": "javascript:alert(1)"},
        "junk",
    ],
}
MENTION = {
    "id": "48210",
    "type": "mention",
    "created_at": "2026-03-04T05:06:08.120Z",
    "account": KITE,
    "status": STATUS,
}
ME = protocol.read_me(SHOP, DOMAIN)


def changed(raw: dict, **fields: object) -> dict:
    return {**copy.deepcopy(raw), **fields}


def heard(raw: object) -> HeardItem:
    item = read_notification(raw, me=ME, domain=DOMAIN, now=NOW)
    assert isinstance(item, HeardItem), item
    return item


def broken(raw: object) -> BrokenItem:
    item = read_notification(raw, me=ME, domain=DOMAIN, now=NOW)
    assert isinstance(item, BrokenItem), item
    return item


# --- fields


def test_fields_are_taken_leniently():
    raw = {"text": "a", "number": 5, "flag": True, "list": [{"a": 1}, "b"], "map": {"a": 1}, "below": -1}

    assert [text(raw, key) for key in ("text", "number", "flag", "list", "none")] == ["a", "5", "", "", ""]
    assert [count(raw, key) for key in ("number", "flag", "below", "text")] == [5, None, None, None]
    assert entries(raw, "list") == [{"a": 1}]
    assert entries(raw, "text") == []
    assert sub(raw, "map") == {"a": 1}
    assert sub(raw, "list") == {}


@pytest.mark.parametrize("address", ["javascript:alert(1)", "data:text/html,x", "//x.example", "", None, 5])
def test_only_web_addresses_become_links(address):
    assert web_address({"url": address}, "url") is None


# --- ids


@settings(deadline=None, max_examples=60)
@given(st.lists(st.integers(min_value=0, max_value=10**25), max_size=30))
def test_I9_numeric_ids_are_ordered_by_value_without_being_numbers(numbers):
    assert sorted(map(str, numbers), key=id_key) == [str(number) for number in sorted(numbers)]


@settings(deadline=None, max_examples=60)
@given(st.lists(st.text(max_size=30), max_size=30))
def test_I9_ids_of_any_kind_have_one_order(ids):
    ordered = sorted(ids, key=id_key)

    assert ordered == sorted(reversed(ids), key=id_key)
    assert [len(id) for id in ordered] == sorted(len(id) for id in ids)


# --- requests


def test_I9_polling_walks_forward_by_min_id():
    assert dict(protocol.notifications_after("5")) == {"min_id": "5", "limit": "80", "include_filtered": "true"}
    assert "max_id" not in dict(protocol.notifications_before(None))
    assert dict(protocol.notifications_before("5"))["max_id"] == "5"
    assert "max_id" not in dict(protocol.own_posts_before(None))
    assert dict(protocol.own_posts_before("5"))["max_id"] == "5"


@pytest.mark.parametrize(
    ("link", "expected"),
    [
        ('<https://a.example/x?max_id=7&limit=80>; rel="next", <https://a.example/x?min_id=9>; rel="prev"', "7"),
        ('<https://a.example/x?min_id=9>; rel="prev", <https://evil.example/y?max_id=8>; rel=next', "8"),
        ('<https://a.example/x?min_id=9>; rel="prev"', None),
        ("", None),
        ("nonsense", None),
        ('<https://a.example/x>; rel="nextish"', None),
    ],
)
def test_next_page_is_a_query_for_the_same_server(link, expected):
    assert dict(next_page(link)).get("max_id") == expected


# --- who is who


def test_our_own_account():
    assert ME.id == "1"
    assert ME.automated
    assert ME.profile.key == "https://example.social/users/shop"
    assert ME.profile.handle == "shop@example.social"
    assert (ME.profile.followers, ME.profile.following, ME.profile.posts) == (7, 3, 20)


@pytest.mark.parametrize("raw", [None, [], {}, {"id": "1"}, changed(SHOP, id=None), changed(SHOP, acct="a b")])
def test_what_is_no_account_is_none(raw):
    with pytest.raises(ValueError, match=r"account|object"):
        protocol.read_me(raw, DOMAIN)


def test_a_handle_always_has_a_domain_and_a_key_falls_back_to_the_url():
    local = protocol.read_author(changed(SHOP, uri=None, acct=""), DOMAIN)
    remote = protocol.read_author(KITE, DOMAIN)

    assert (local.handle, local.key) == ("shop@example.social", "https://example.social/@shop")
    assert (remote.handle, remote.key) == ("kite@far.example", "https://far.example/users/kite")
    assert remote.followers == 31
    assert remote.avatar_url == "https://files.example/a.png"


def test_instance_of_version_2():
    raw = {
        "domain": "example.social",
        "version": "4.5.0",
        "rules": [{"id": "1", "text": "Be kind."}, {"id": "2"}, "junk"],
        "configuration": {
            "urls": {"streaming": "wss://streaming.example.social"},
            "statuses": {"max_characters": 5000, "characters_reserved_per_url": 0, "max_media_attachments": 0},
            "media_attachments": {"description_limit": 1500},
        },
    }

    assert protocol.read_instance(raw, "host.example") == Instance(
        domain="example.social",
        streaming="wss://streaming.example.social",
        length=5000,
        per_url=0,
        media=0,
        description_length=1500,
        rules=("Be kind.",),
        version="4.5.0",
    )


def test_instance_of_version_1_and_of_forks():
    raw = {"uri": "https://far.example", "urls": {"streaming_api": "wss://far.example"}, "max_toot_chars": 7777}

    said = protocol.read_instance(raw, "host.example")

    assert (said.domain, said.streaming, said.length) == ("far.example", "wss://far.example", 7777)
    assert (said.per_url, said.media) == (23, 4)


@pytest.mark.parametrize("raw", [None, [], "x", {}, {"rules": 5, "configuration": []}])
def test_an_instance_that_says_nothing_has_no_limits(raw):
    assert protocol.read_instance(raw, "host.example") == Instance(domain="host.example")


def test_policies_that_keep_mentions_from_us_are_told():
    new = protocol.policy_warnings(
        {"for_new_accounts": "drop", "for_not_following": "filter", "for_not_followers": "accept"}
    )
    old = protocol.policy_warnings({"filter_new_accounts": True, "filter_private": False, "summary": {}})

    assert len(new) == 2
    assert new[0].endswith(": for_new_accounts.")
    assert new[1].endswith(": for_not_following.")
    assert len(old) == 1
    assert old[0].endswith(": filter_new_accounts.")
    assert len(protocol.policy_warnings({"for_new_accounts": "drop"})) == 1
    assert protocol.policy_warnings(None) == ()
    assert protocol.policy_warnings({"for_new_accounts": "accept"}) == ()


@pytest.mark.parametrize(
    ("raw", "told"),
    [
        (None, []),
        ({"scopes": []}, []),
        ({"scopes": ["read", "write"]}, []),
        ({"scopes": ["read", "write:statuses"]}, ["write:media"]),
        ({"scopes": ["read"]}, ["write:statuses", "write:media"]),
    ],
)
def test_missing_scopes_are_told(raw, told):
    said = " ".join(protocol.scope_warnings(raw))

    assert [scope for scope in ("write:statuses", "write:media") if scope in said] == told


def test_reposts_leave_out_what_names_nobody():
    (repost,) = protocol.read_reposts([KITE, {}, "junk"], DOMAIN)

    assert repost.author.handle == "kite@far.example"
    assert repost.at is None
    assert protocol.read_reposts({"error": "x"}, DOMAIN) == []


# --- heard


def test_a_mention():
    item = heard(MENTION)

    assert item.kind is HeardKind.MENTION
    assert item.remote_id == "48210"
    assert item.message_id == "700"
    assert item.occurred_at == datetime(2026, 3, 4, 5, 6, 8, 120000, tzinfo=UTC)
    assert item.text == "@shop lost?"
    assert item.html == STATUS["content"]
    assert item.subject == "parcels"
    assert item.language == "en"
    assert item.visibility is Visibility.UNLISTED
    assert item.in_reply_to == ("600",)
    assert item.thread_proof
    assert item.automatic is None
    assert item.url == "https://far.example/@kite/3"
    assert item.raw == MENTION
    assert item.attachments == (
        Attachment(kind="image", name="pé.png", url="https://files.example/p%C3%A9.png?x=1", description="a box"),
        Attachment(kind="file", name="f.bin", url="https://far.example/f.bin"),
        Attachment(kind="video"),
    )


def test_reply_to_is_plain_and_comes_back():
    reply_to = heard(MENTION).reply_to
    assert reply_to is not None

    assert Target.read(json.loads(json.dumps(reply_to))) == Target(
        id="700",
        acct="kite@far.example",
        handle="kite@far.example",
        visibility=Visibility.UNLISTED,
        warning="parcels",
        language="en",
    )


@pytest.mark.parametrize("plain", [{}, {"id": "1", "acct": "a"}, {"id": 1, "acct": "a", "handle": "b"}])
def test_a_foreign_reply_to_is_refused(plain):
    with pytest.raises(ValueError, match="names no post"):
        Target.read(plain)


def test_a_reply_to_of_unknown_visibility_is_refused():
    with pytest.raises(ValueError, match="Visibility"):
        Target.read({"id": "1", "acct": "a", "handle": "a@b", "visibility": "galaxy"})


@pytest.mark.parametrize(
    ("word", "visibility"),
    [
        ("public", Visibility.PUBLIC),
        ("private", Visibility.FOLLOWERS),
        ("direct", Visibility.DIRECT),
        ("mutuals_only", Visibility.DIRECT),
        (None, Visibility.DIRECT),
    ],
)
def test_a_visibility_we_do_not_know_is_the_narrowest(word, visibility):
    assert heard(changed(MENTION, status=changed(STATUS, visibility=word))).visibility is visibility


def test_a_post_without_parent_mentions_or_account():
    bare = {"id": "701", "content": "", "visibility": "public"}
    item = heard(changed(MENTION, status=bare))

    assert item.in_reply_to == ()
    assert item.reply_to is not None
    assert item.reply_to["acct"] == "kite@far.example"


def test_repost_like_follow_and_quote():
    repost = heard(changed(MENTION, type="reblog"))
    like = heard(changed(MENTION, type="favourite"))
    follow = heard({key: value for key, value in changed(MENTION, type="follow").items() if key != "status"})
    full = heard(changed(MENTION, type="quote", status=changed(STATUS, quote={"quoted_status": {"id": "500"}})))
    shallow = heard(changed(MENTION, type="quote", status=changed(STATUS, quote={"quoted_status_id": "500"})))
    hidden = heard(changed(MENTION, type="quote", status=changed(STATUS, quote={"state": "pending"})))

    assert (repost.kind, repost.subject_id, repost.text, repost.message_id) == (HeardKind.REPOST, "700", "", None)
    assert (like.kind, like.subject_id) == (HeardKind.LIKE, "700")
    assert (follow.kind, follow.subject_id, follow.reply_to) == (HeardKind.FOLLOW, None, None)
    assert [one.subject_id for one in (full, shallow, hidden)] == ["500", "500", None]
    assert full.kind is HeardKind.QUOTE
    assert full.text == "@shop lost?"


def test_unknown_kinds_are_kept_as_other():
    assert heard(changed(MENTION, type="poll")).kind is HeardKind.OTHER
    assert heard({"id": "9", "type": "severed_relationships", "created_at": "2026-03-04T05:06:08Z"}).author is None
    assert heard({"id": "9", "created_at": "2026-03-04T05:06:08Z", "status": STATUS}).text == ""


def test_I6_machines_and_ourselves_are_marked():
    assert heard(changed(MENTION, account=changed(KITE, bot=True))).automatic == "bot"
    assert heard(changed(MENTION, account=SHOP)).automatic == "own account"


def test_nothing_happens_later_than_it_is_heard():
    assert heard(changed(MENTION, created_at="2036-01-01T00:00:00Z")).occurred_at == NOW


@pytest.mark.parametrize(
    "raw",
    [
        None,
        "text",
        [],
        {},
        changed(MENTION, status=None),
        changed(MENTION, status="x"),
        changed(MENTION, status={"content": "no id"}),
        changed(MENTION, account=None),
        changed(MENTION, account={"id": "1"}),
        changed(MENTION, created_at="yesterday"),
        changed(MENTION, type="reblog", status=None),
        changed(MENTION, type="follow", account=[]),
    ],
)
def test_what_cannot_be_read_is_broken_under_a_stable_id(raw):
    first, again = broken(raw), broken(copy.deepcopy(raw))

    assert first.remote_id == again.remote_id
    assert first.error
    assert first.occurred_at == NOW
    if isinstance(raw, dict) and raw:
        assert first.remote_id == "48210"


def test_a_broken_item_is_bounded_and_keeps_its_kind():
    item = broken(changed(MENTION, status=None, junk="x" * 100_000))

    assert item.kind is HeardKind.MENTION
    assert len(item.raw) == hearing.RAW_LIMIT


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5) | st.floats(allow_nan=False),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)
MUTABLE = ("id", "type", "created_at", "account", "status")


@settings(deadline=None, max_examples=60)
@given(
    st.dictionaries(st.sampled_from(MUTABLE), json_values),
    st.dictionaries(st.sampled_from(list(STATUS)), json_values),
)
def test_I2_no_notification_stops_the_page(fields, status_fields):
    strange = {**MENTION, "id": "2", "status": {**STATUS, **status_fields}, **fields}

    page = read_page([MENTION, strange], me=ME, domain=DOMAIN, now=NOW)

    assert "48210" in {one.item.remote_id for one in page}
    assert all(one.item.occurred_at <= NOW for one in page)


def numbered(*ids: str, at: datetime = NOW) -> list[dict]:
    return [changed(MENTION, id=id, created_at=at.isoformat()) for id in ids]


def test_I9_a_page_is_oldest_first_whatever_its_order_and_has_nothing_twice():
    page = read_page([*numbered("10", "9", "11", "9"), {}], me=ME, domain=DOMAIN, now=NOW)

    assert [one.id for one in page] == [None, "9", "10", "11"]
    assert newest_id(page) == "11"
    assert newest_id([]) is None
    assert [one.id for one in after(page, "9")] == [None, "10", "11"]


def test_a_page_that_is_no_list_is_refused():
    with pytest.raises(ValueError, match="no list"):
        read_page({"error": "x"}, me=ME, domain=DOMAIN, now=NOW)


# --- the walk back to where hearing starts


def found(*ids: str, at: datetime = NOW) -> list[Found]:
    return read_page(numbered(*ids, at=at), me=ME, domain=DOMAIN, now=NOW)


OLD = NOW - timedelta(days=2)
START = NOW - timedelta(days=1)


def test_a_walk_ends_within_a_page():
    walk = Walk(start=START).on(found("9", "8")).on([*found("6", at=OLD), *found("7")])

    assert walk.done
    assert [item.remote_id for item in walk.items] == ["7"]
    assert (walk.newest, walk.pages) == ("7", 2)


def test_a_walk_ends_between_pages():
    walk = Walk(start=START).on(found("9", "8"))
    assert not walk.done
    assert walk.older_than == "8"

    walk = walk.on(found("7", "6", at=OLD))

    assert walk.done
    assert [item.remote_id for item in walk.items] == ["8", "9"]


def test_a_walk_ends_where_there_is_nothing():
    nothing = Walk(start=None).on([])
    old = Walk(start=START).on(found("7", "6", at=OLD))

    assert (nothing.done, nothing.newest, nothing.items) == (True, None, ())
    assert (old.done, old.newest, old.items) == (True, "7", ())


def test_a_walk_ends_where_a_server_does_not_know_max_id():
    walk = Walk(start=None).on(found("9", "8")).on(found("9", "8"))

    assert walk.done
    assert [item.remote_id for item in walk.items] == ["8", "9"]


@settings(deadline=None, max_examples=60)
@given(st.integers(0, 120), st.integers(1, 80), st.integers(0, 120))
def test_I9_a_walk_and_the_pages_after_it_bring_all_since_the_start_once(total, size, first):
    dated = [(str(1000 + n), NOW - timedelta(minutes=total - n)) for n in range(total)]
    start = NOW - timedelta(minutes=total - first)
    walk, brought = Walk(start=start), []
    while not walk.done:
        older = [(id, at) for id, at in dated if walk.older_than is None or id < walk.older_than][-size:]
        walk = walk.on([one for id, at in older for one in _quick(id, at)])
    brought += [item.remote_id for item in walk.items]
    while newer := [id for id, _ in dated if id > (brought[-1] if brought else walk.newest or "0")][:size]:
        brought += newer

    assert brought == [id for id, at in dated if at >= start]


def _quick(id: str, at: datetime) -> list[Found]:
    item = BrokenItem(kind=HeardKind.OTHER, remote_id=id, occurred_at=at, raw="", error="")
    return [Found(id=id, item=item)]


# --- sent

PARENT = Target(
    id="700", acct="kite@far.example", handle="kite@far.example", visibility=Visibility.UNLISTED, language="en"
)
INSTANCE = Instance(domain=DOMAIN, length=50, media=1, description_length=5)


def test_an_answer_mentions_its_addressee_and_carries_on_the_warning_and_language():
    to = Target.read({**PARENT.plain(), "warning": "parcels"})

    assert sending.compose(Draft(text="Found."), to, ["5"]) == {
        "status": "@kite@far.example Found.",
        "in_reply_to_id": "700",
        "spoiler_text": "parcels",
        "visibility": "unlisted",
        "language": "en",
        "media_ids": ["5"],
    }


@pytest.mark.parametrize("parent", list(Visibility))
@pytest.mark.parametrize("wish", [None, *Visibility])
def test_an_answer_is_never_wider_than_what_it_answers(parent, wish):
    widest_first = ["public", "unlisted", "private", "direct"]
    to = Target.read({**PARENT.plain(), "visibility": parent.value})
    words = dict(zip(Visibility, widest_first, strict=True))

    said = sending.compose(Draft(text="x", visibility=wish), to)["visibility"]

    assert widest_first.index(said) >= widest_first.index(words[parent])
    assert wish is None or widest_first.index(said) >= widest_first.index(words[wish])
    assert said in (words[parent], words.get(wish))


@pytest.mark.parametrize(
    ("language", "said"), [("no", "no"), ("zh-CN", "zh-CN"), ("not judged", None), (None, None), ("english", None)]
)
def test_a_post_says_only_what_is_known(language, said):
    body = sending.compose(Draft(text="Hello.", language=language), None)

    assert body == {"status": "Hello.", **({"language": said} if said else {})}


def test_a_post_may_be_narrow():
    assert sending.compose(Draft(text="x", visibility=Visibility.FOLLOWERS), None)["visibility"] == "private"


def picture(description: str = "") -> Media:
    return Media(content=b"x", content_type="image/png", name="box.png", description=description)


@pytest.mark.parametrize(
    ("draft", "words"),
    [
        (Draft(text="x" * 44), None),
        (Draft(text="x" * 45), "51 characters, but the server takes 50"),
        (Draft(text=" \n"), "nothing to say"),
        (Draft(text="", media=(picture(),)), None),
        (Draft(text="x", media=(picture(), picture())), "2 files, but the server takes 1"),
        (Draft(text="x", media=(picture("123456"),)), "box.png has 6 characters, but the server takes 5"),
        (Draft(text="x", media=(picture("12345"),)), None),
    ],
)
def test_what_the_server_would_refuse_is_told_before(draft, words):
    # "@kite " is counted, its domain is not.
    reason = sending.refusal(draft, PARENT, INSTANCE)

    assert reason is None if words is None else reason is not None and words in reason


def test_a_server_without_limits_refuses_nothing_beforehand():
    loose = Instance(domain=DOMAIN)

    assert sending.refusal(Draft(text="x" * 10_000, media=(picture("y" * 5000),)), None, loose) is None


def test_the_receipt():
    sent = sending.read_sent({"id": "9", "url": "https://e.example/9", "created_at": "2026-03-04T05:09:00.412Z"})

    assert (sent.remote_id, sent.url) == ("9", "https://e.example/9")
    assert sent.at == datetime(2026, 3, 4, 5, 9, 0, 412000, tzinfo=UTC)


@pytest.mark.parametrize("raw", [None, [], {}, {"id": ""}, {"id": "9", "scheduled_at": "2026-03-04T05:09:00Z"}])
def test_what_is_no_receipt(raw):
    with pytest.raises(ValueError, match=r"post|object"):
        sending.read_sent(raw)


def test_the_id_of_an_upload():
    assert sending.read_upload({"id": "5", "url": None}) == "5"
    with pytest.raises(ValueError, match="without id"):
        sending.read_upload({})


# --- looking for what may have been sent


def own_post(id: str, content: str, at: datetime = NOW, parent: str | None = "700", **more: object) -> dict:
    return {"id": id, "content": content, "created_at": at.isoformat(), "in_reply_to_id": parent, **more}


ANSWER = Draft(text="Yes, *3* days: https://a.example/?a=1&b=2")
AS_STORED = (
    '<p><span><a href="https://far.example/@kite" class="u-url mention">@<span>kite</span></a></span> '
    'Yes, 3 days: <a href="https://a.example/?a=1&amp;b=2"><span class="invisible">https://</span>'
    '<span class="ellipsis">a.example/?a=1&amp;</span><span class="invisible">b=2</span></a></p>'
)


def test_O1_an_answer_is_found_as_the_server_shows_it():
    page = [own_post("902", "<p>other</p>"), own_post("901", AS_STORED), own_post("900", "x", NOW - timedelta(1))]

    assert sending.look_through(page, ANSWER, PARENT, NOW).sent.remote_id == "901"


@pytest.mark.parametrize(
    "post",
    [
        own_post("901", AS_STORED, parent="701"),
        own_post("901", AS_STORED, parent=None),
        own_post("901", AS_STORED.replace("3 days", "4 days")),
        own_post("901", AS_STORED, at=NOW - timedelta(hours=1)),
    ],
)
def test_O1_what_is_not_the_same_is_not_found(post):
    page = [post, own_post("800", "old", at=NOW - timedelta(days=1))]

    assert sending.look_through(page, ANSWER, PARENT, NOW) == sending.Look()


def test_O1_a_server_whose_clock_is_behind_is_forgiven():
    page = [own_post("901", AS_STORED, at=NOW - timedelta(minutes=4))]

    assert sending.look_through(page, ANSWER, PARENT, NOW).sent is not None


def test_O1_the_look_goes_on_until_everything_since_then_was_seen():
    going_on = sending.look_through([own_post("100", "b"), own_post("99", "a")], ANSWER, PARENT, NOW)
    ended = sending.look_through([own_post("99", "a", at=NOW - timedelta(1))], ANSWER, PARENT, NOW)

    assert (going_on.sent, going_on.older_than) == (None, "99")
    assert ended == sending.Look()
    assert sending.look_through([], ANSWER, PARENT, NOW) == sending.Look()


def test_O1_in_a_thread_only_our_own_posts_count():
    foreign = own_post("901", AS_STORED, account={"id": "42"})
    ours = own_post("902", AS_STORED, account={"id": "1"})

    assert sending.look_through([foreign], ANSWER, PARENT, NOW, "1").sent is None
    assert sending.look_through([foreign, ours], ANSWER, PARENT, NOW, "1").sent.remote_id == "902"


def test_O1_a_picture_without_words_is_known_by_their_number():
    draft = Draft(text="", media=(picture(),))

    assert sending.look_through([own_post("9", "", parent=None)], draft, None, NOW).sent is None
    with_one = own_post("9", "", parent=None, media_attachments=[{"id": "1"}])
    assert sending.look_through([with_one], draft, None, NOW).sent is not None


@pytest.mark.parametrize("raw", [None, {"error": "x"}, ["x"], [{"id": "1"}], [own_post("", "x")]])
def test_O1_a_page_that_cannot_be_read_proves_nothing(raw):
    with pytest.raises(ValueError, match=r"list|object|without id or time"):
        sending.look_through(raw, ANSWER, PARENT, NOW)


# --- streaming


@pytest.mark.parametrize(
    ("said", "server", "origin"),
    [
        ("wss://s.example.social", "https://example.social", "https://s.example.social"),
        ("wss://s.example.social/api/v1/streaming", "https://example.social", "https://s.example.social"),
        ("https://s.example.social:4000", "https://example.social", "https://s.example.social:4000"),
        ("ws://127.0.0.1:5", "http://localhost:4", "http://127.0.0.1:5"),
        ("ws://s.example.social", "https://example.social", None),
        ("ws://127.0.0.1:5", "https://example.social", None),
        ("ftp://s.example.social", "https://example.social", None),
        ("wss://", "https://example.social", None),
        ("", "https://example.social", None),
        (None, "https://example.social", None),
    ],
)
def test_the_token_goes_only_where_it_travels_sealed(said, server, origin):
    assert streaming.stream_address(said, server) == origin


@pytest.mark.parametrize(
    ("frame", "expected"),
    [
        ('{"stream":["user:notification"],"event":"notification","payload":"{}"}', True),
        ('{"event":"notifications_merged"}', True),
        ('{"event":"update"}', False),
        ('{"event":["notification"]}', False),
        ("[]", False),
        ("not json", False),
        ("[" * 100_000, False),
    ],
)
def test_only_notifications_wake(frame, expected):
    assert streaming.wakes(frame) is expected


EVENTS = b':thump\n\nevent: notification\ndata: {"x": "event: notification"}\n\nevent: update\ndata: {}\n\n' + (
    b"event:notification\r\ndata: " + b"y" * 500 + b"\n\n"
)


@settings(deadline=None, max_examples=60)
@given(st.lists(st.integers(0, len(EVENTS)), max_size=20))
def test_events_are_counted_however_they_are_cut(cuts):
    lines, places = streaming.EventLines(), [0, *sorted(cuts), len(EVENTS)]

    counted = [lines.feed(EVENTS[start:end]) for start, end in itertools.pairwise(places)]

    assert sum(counted) == 2
