"""
The crowd: deterministic, varied, and reacting. Time is handed in, so hours pass at once.
"""

from __future__ import annotations

import random
from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest

from connectors.playground import phrases
from connectors.playground.crowd import Crowd, Share, day_weight, gap, next_wave, reaction
from connectors.playground.founding import PROFILES, found
from connectors.playground.markup import counted_length
from connectors.playground.rules import Rules
from connectors.playground.values import Notice, Reach
from connectors.playground.wishes import Wish
from connectors.playground.world import World

NOW = datetime(2026, 3, 4, 5, 6, 7, tzinfo=UTC)


def town(seed=3, people=80):
    world = World(domain="here.example", rules=Rules())
    found(world, seed=seed, brands=("tidepool", "lumentea"), people=people, now=NOW)
    return world


def let_live(world, crowd, span, *, start=NOW):
    end, now = start + span, start
    while (due_at := crowd.due_at()) is not None and due_at <= end:
        now = max(now, due_at)
        crowd.act(now)


def diary(seed, *, rate=30.0):
    world = town()
    crowd = Crowd(world, seed=seed, rate=rate, now=NOW)
    let_live(world, crowd, timedelta(minutes=30))
    return [(post.author, post.text, post.reach, post.arrived_at) for post in world.posts.values()]


def test_the_same_seed_lives_the_same_half_hour():
    assert diary(5) == diary(5)
    assert diary(5) != diary(6)


def test_there_are_enough_phrases_for_a_demo():
    assert phrases.count() >= 120
    texts = [text for _, text, _, _ in diary(5, rate=12.0)]
    assert len(texts) > 200
    assert max(Counter(texts).values()) <= 3


@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize("wish", list(Wish))
def test_every_phrase_fills_and_fits_a_post(language, wish):
    rng = random.Random(1)
    for _ in range(150):
        text = phrases.speak(rng, wish, language, PROFILES["tidepool"].products[language])
        assert "{" not in text
        assert 0 < counted_length(f"@brightpixel {text}", url_characters=23) <= 500


def test_people_speak_english_and_chinese_from_here_and_elsewhere_with_curly_apostrophes():
    world = town()
    crowd = Crowd(world, seed=1, rate=30, now=NOW)
    let_live(world, crowd, timedelta(minutes=20))
    said = [post for post in world.posts.values() if post.arrived_at > NOW]
    assert {post.language for post in said} == {"en", "zh"}
    assert {world.people[post.author].domain is None for post in said} == {True, False}
    assert any("’" in post.text for post in said)
    assert any("https://" in post.text for post in said)
    assert {post.reach for post in said} == {Reach.PUBLIC, Reach.UNLISTED, Reach.DIRECT}


def test_all_that_people_do_reaches_the_brands():
    world = town()
    crowd = Crowd(world, seed=1, rate=60, now=NOW)
    let_live(world, crowd, timedelta(minutes=20))
    for brand in ("tidepool", "lumentea"):
        owner = world.find_person(brand).id
        assert all(world.notices.count(owner, kind) for kind in Notice)


def test_the_rate_is_what_was_asked_for():
    world = town()
    crowd = Crowd(world, seed=1, rate=10, now=NOW)
    let_live(world, crowd, timedelta(hours=2))
    assert 1000 < crowd.done < 1700  # 1200 unasked, and the reposts that they cause


def test_after_a_long_sleep_there_is_no_burst():
    world = town()
    crowd = Crowd(world, seed=1, rate=60, now=NOW)
    crowd.act(NOW + timedelta(hours=8))
    assert crowd.done == 1


def test_a_crowd_without_a_rate_only_reacts():
    world = town()
    crowd = Crowd(world, seed=1, rate=0, now=NOW)
    assert crowd.due_at() is None
    brand = world.find_person("tidepool")
    world.write(brand.id, "New things are here", now=NOW)
    let_live(world, crowd, timedelta(hours=2))
    assert world.notices.count(brand.id, Notice.REBLOG) > 3
    assert world.notices.count(brand.id, Notice.FAVOURITE) > 1
    assert crowd.due_at() is None


def test_people_react_to_answers_by_thanks_or_more_or_silence_and_conversations_end():
    world = town()
    crowd = Crowd(world, seed=2, rate=0, now=NOW)
    brand, askers = world.find_person("tidepool"), [p for p in world.people.values() if not p.brand and not p.bot]
    for person in askers:
        asked = world.write(person.id, "@tidepool hello?", now=NOW)
        world.write(brand.id, f"@{person.acct} yes", now=NOW, parent=asked.id)
    let_live(world, crowd, timedelta(minutes=5))
    replies = [post for post in world.posts.values() if post.arrived_at > NOW]
    assert len(askers) * 0.4 < len(replies) < len(askers) * 0.9
    assert {post.parent_author for post in replies} == {brand.id}
    assert all(brand.id in post.mentions for post in replies)


def test_after_three_answers_nobody_asks_on_and_machines_say_nothing():
    world = town()
    brand = world.find_person("tidepool")
    answer = world.write(brand.id, "yes", now=NOW)
    person = next(each for each in world.people.values() if not each.brand and not each.bot)
    again = {text for table in phrases.BY_LANGUAGE.values() for text in table[Wish.AGAIN] if "{" not in text}
    for number in range(200):
        planned = reaction(random.Random(number), person, brand, answer, rounds=3)
        assert planned is None or planned[1].text.removeprefix("@tidepool ") not in again
    robot = world.join("robot", now=NOW, bot=True)
    assert all(reaction(random.Random(n), robot, brand, answer, rounds=1) is None for n in range(50))


def test_cascades_go_further_from_those_with_a_large_audience_and_end():
    world = town()
    people = tuple(each for each in world.people.values() if not each.brand)
    quiet = world.join("quiet", now=NOW, audience=5)
    loud = world.join("loud", now=NOW, audience=80_000)
    post = next(iter(world.posts))

    def passed_on(who, depth):
        share = Share(who=who.id, post=post, depth=depth)
        return sum(len(next_wave(random.Random(n), people, who, share)) for n in range(300))

    assert passed_on(loud, 0) > 2 * passed_on(quiet, 0) > 0
    assert passed_on(loud, 4) == 0


def test_a_deed_about_a_deleted_post_is_let_go():
    world = town()
    crowd = Crowd(world, seed=1, rate=0, now=NOW)
    brand = world.find_person("tidepool")
    post = world.write(brand.id, "gone soon", now=NOW)
    world.delete(post.id)
    let_live(world, crowd, timedelta(hours=1))
    assert world.notices.count(brand.id, Notice.REBLOG) == 0


def test_the_rate_can_change_while_it_lives():
    world = town()
    crowd = Crowd(world, seed=1, rate=0, now=NOW)
    crowd.set_rate(60, now=NOW)
    let_live(world, crowd, timedelta(minutes=2))
    assert crowd.done > 50
    assert crowd.rate == 60


def test_a_day_has_quiet_and_busy_hours_around_its_mean():
    weights = [day_weight(NOW.replace(hour=hour)) for hour in range(24)]
    assert sum(weights) / 24 == pytest.approx(1)
    assert weights[3] < 0.3 < 1.5 < weights[20]
    world = town()
    night = Crowd(world, seed=1, rate=60, now=NOW.replace(hour=3), day_curve=True)
    let_live(world, night, timedelta(minutes=30), start=NOW.replace(hour=3))
    assert night.done < 400  # a third of what the mean would bring


def test_gaps_have_the_mean_that_the_rate_says():
    rng = random.Random(1)
    mean = sum((gap(rng, 6) for _ in range(2000)), timedelta()) / 2000
    assert timedelta(seconds=9) < mean < timedelta(seconds=11)


def test_the_town_begins_with_earlier_posts_and_nothing_unread():
    world = town()
    brand = world.find_person("tidepool")
    assert len(world.written(brand.id)) >= 4
    assert all(post.written_at < NOW for post in world.posts.values())
    ids = list(world.posts)
    assert ids == sorted(ids)
    assert [world.posts[each].written_at for each in ids] == sorted(p.written_at for p in world.posts.values())
    assert all(world.notices.count(brand.id, kind) == 0 for kind in Notice)
    assert len(world.follows.into(brand.id)) > 10
