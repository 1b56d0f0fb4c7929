"""
The verbs of the simulated network: who is told what, and what goes away with what.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from connectors.playground.index import Cut
from connectors.playground.rules import Rules
from connectors.playground.shelf import NotReady, NotThere
from connectors.playground.values import Notice, Policy, Reach, Verdict
from connectors.playground.world import World

NOW = datetime(2026, 3, 4, 5, 6, 7, tzinfo=UTC)
OLD = NOW - timedelta(days=400)
ALL = Cut(limit=80)


@pytest.fixture
def world():
    return World(domain="here.example", rules=Rules())


@pytest.fixture
def shop(world):
    return world.join("shop", now=NOW, brand=True, created_at=OLD).id


@pytest.fixture
def kite(world):
    return world.join("kite@far.example", now=NOW, created_at=OLD).id


def told(world, owner, *, filtered=False):
    return [each.kind for each in world.notices.page(owner, ALL, Notice, filtered=filtered)]


def test_only_a_mention_notifies_not_the_reply_itself(world, shop, kite):
    asked = world.write(kite, "@shop hello?", now=NOW)
    assert told(world, shop) == [Notice.MENTION]
    world.join("reed", now=NOW, created_at=OLD)
    reed = world.find_person("@Reed@here.example").id
    world.write(reed, "me too", now=NOW, parent=asked.id)
    world.write(reed, "@reed talks to himself", now=NOW)
    assert told(world, shop) == [Notice.MENTION]
    assert told(world, reed) == []


def test_a_reply_to_what_is_gone_or_hidden_is_refused(world, shop, kite):
    hidden = world.write(kite, "psst", now=NOW, reach=Reach.DIRECT)
    with pytest.raises(NotThere):
        world.write(shop, "hm", now=NOW, parent=hidden.id)
    world.delete(hidden.id)
    with pytest.raises(NotThere):
        world.write(kite, "hm", now=NOW, parent=hidden.id)


def test_a_key_gives_the_same_post_for_an_hour_whatever_the_text(world, shop):
    first = world.write(shop, "one", now=NOW, key="k")
    assert world.write(shop, "other", now=NOW + timedelta(minutes=59), key="k") == first
    assert world.write(shop, "other", now=NOW + timedelta(minutes=60), key="k") != first


def test_a_key_belongs_to_one_account(world, shop, kite):
    assert world.write(shop, "one", now=NOW, key="k").id != world.write(kite, "two", now=NOW, key="k").id


def test_a_server_that_knows_no_keys_writes_twice(world, shop):
    world.rules = Rules(keeps_keys=timedelta(0))
    assert world.write(shop, "a", now=NOW, key="k") != world.write(shop, "a", now=NOW, key="k")


def test_the_key_of_a_deleted_post_finds_nothing(world, shop):
    world.delete(world.write(shop, "one", now=NOW, key="k").id)
    with pytest.raises(NotThere):
        world.write(shop, "one", now=NOW, key="k")


def test_deleting_takes_notifications_and_reposts_along_and_leaves_replies(world, shop, kite):
    asked = world.write(kite, "@shop hello?", now=NOW)
    reply = world.write(shop, "@kite@far.example hi", now=NOW, parent=asked.id)
    world.repost(shop, asked.id, now=NOW)
    world.like(shop, asked.id, now=NOW)
    world.delete(asked.id)
    assert told(world, shop) == []
    assert world.wrappers == {}
    left = world.get_post(reply.id)
    assert (left.parent, left.parent_author) == (None, kite)
    assert list(world.written(kite)) == []


def test_reposts_and_follows_and_favourites_count_once(world, shop, kite):
    post = world.write(shop, "news", now=NOW)
    for _ in range(2):
        world.repost(kite, post.id, now=NOW)
        world.follow(kite, shop, now=NOW)
        world.like(kite, post.id, now=NOW)
    assert sorted(told(world, shop)) == ["favourite", "follow", "reblog"]
    assert len(world.reposts.into(post.id)) == len(world.follows.into(shop)) == 1
    world.unrepost(kite, post.id)
    world.unfollow(kite, shop)
    world.unlike(kite, post.id)
    world.unrepost(kite, post.id)
    assert len(world.reposts.into(post.id)) == len(world.follows.into(shop)) == len(world.likes.into(post.id)) == 0


def test_nobody_is_told_of_what_they_do_themselves(world, shop):
    post = world.write(shop, "news", now=NOW)
    world.repost(shop, post.id, now=NOW)
    world.like(shop, post.id, now=NOW)
    world.follow(shop, shop, now=NOW)
    assert told(world, shop) == []


@pytest.mark.parametrize(
    ("reach", "stranger", "mentioned", "follower"),
    [
        (Reach.PUBLIC, True, True, True),
        (Reach.UNLISTED, True, True, True),
        (Reach.PRIVATE, False, True, True),
        (Reach.DIRECT, False, True, False),
    ],
)
def test_who_sees_what(world, shop, kite, reach, stranger, mentioned, follower):
    reed = world.join("reed", now=NOW).id
    world.follow(reed, kite, now=NOW)
    post = world.write(kite, "@shop hello", now=NOW, reach=reach)
    assert world.may_see(post, None) is stranger
    assert world.may_see(post, shop) is mentioned
    assert world.may_see(post, reed) is follower
    assert world.may_see(post, kite)


def test_a_direct_post_cannot_be_passed_on(world, shop, kite):
    post = world.write(kite, "@shop psst", now=NOW, reach=Reach.DIRECT)
    with pytest.raises(NotThere):
        world.repost(shop, post.id, now=NOW)


def test_unasked_direct_mentions_are_diverted_and_answers_are_not(world, shop, kite):
    first = world.write(kite, "@shop psst", now=NOW, reach=Reach.DIRECT)
    assert told(world, shop) == []
    assert told(world, shop, filtered=True) == [Notice.MENTION]
    mine = world.write(shop, "@kite@far.example yes?", now=NOW, reach=Reach.DIRECT, parent=first.id)
    world.write(kite, "@shop this", now=NOW, reach=Reach.DIRECT, parent=mine.id)
    assert told(world, shop) == [Notice.MENTION]


@pytest.mark.parametrize(
    ("policy", "age", "limited", "seen", "seen_with_flag"),
    [
        (Policy(for_new_accounts=Verdict.FILTER), timedelta(days=3), False, 0, 1),
        (Policy(for_new_accounts=Verdict.FILTER), timedelta(days=31), False, 1, 1),
        (Policy(for_not_following=Verdict.DROP), timedelta(days=31), False, 0, 0),
        (Policy(for_not_followers=Verdict.DROP), timedelta(days=31), False, 0, 0),
        (Policy(), timedelta(days=31), True, 0, 1),
        (Policy(for_limited_accounts=Verdict.ACCEPT), timedelta(days=31), True, 1, 1),
    ],
)
def test_a_policy_diverts_or_drops_strangers(world, shop, policy, age, limited, seen, seen_with_flag):
    world.policies[shop] = policy
    who = world.join("new", now=NOW, created_at=NOW - age, limited=limited).id
    world.write(who, "@shop hi", now=NOW)
    assert (len(told(world, shop)), len(told(world, shop, filtered=True))) == (seen, seen_with_flag)


def test_whom_one_follows_is_always_let_through(world, shop, kite):
    world.policies[shop] = Policy(for_not_followers=Verdict.DROP)
    world.follow(shop, kite, now=NOW)
    world.write(kite, "@shop hi", now=NOW)
    assert told(world, shop) == [Notice.MENTION]


def test_a_file_can_be_taken_once_by_its_owner_when_it_is_ready(world, shop, kite):
    world.rules = Rules(media_checks=1)
    medium = world.upload(shop, b"x", "image/png", now=NOW, text="a cat")
    with pytest.raises(NotReady):
        world.write(shop, "look", now=NOW, media=(medium.id,))
    assert world.shelf.check(shop, medium.id).checks_left == 1
    assert world.shelf.check(shop, medium.id).checks_left == 0
    with pytest.raises(NotThere):
        world.write(kite, "look", now=NOW, media=(medium.id,))
    assert world.write(shop, "look", now=NOW, media=(medium.id,)).media == (medium.id,)
    with pytest.raises(NotThere):
        world.write(shop, "again", now=NOW, media=(medium.id,))


def test_many_reposts_do_not_slow_a_page_down(world, shop):
    post = world.write(shop, "news", now=NOW)
    for number in range(20_000):
        world.repost(world.join(f"p{number}", now=NOW).id, post.id, now=NOW)
    world.write(world.join("late", now=NOW, created_at=OLD).id, "@shop hi", now=NOW)
    looked = 0

    def keep(row):
        nonlocal looked
        looked += 1
        return True

    assert len(world.reposts.into(post.id).page(Cut(limit=80, min_id=1), keep)) == 80
    assert looked == 80
    mentions = world.notices.page(shop, Cut(limit=80, min_id=1), [Notice.MENTION], filtered=True)
    assert [world.people[each.by].username for each in mentions] == ["late"]
