"""
The simulated crowd: decides what people do next, and when.

The functions decide and are pure, given a source of chance; `Crowd` keeps the plan and carries it out through the
world's own verbs; `live` is the loop around it.
"""

from __future__ import annotations

import heapq
import math
import random
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import assert_never

from connectors.playground.founding import profile_of
from connectors.playground.phrases import speak
from connectors.playground.shelf import NotThere
from connectors.playground.values import Event, Person, PersonId, Post, Posted, PostId, Reach
from connectors.playground.wishes import Wish
from connectors.playground.world import World


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """
    Write to a brand; `parent` is what it answers.
    """

    who: PersonId
    text: str
    language: str
    reach: Reach = Reach.PUBLIC
    parent: PostId | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Share:
    """
    Pass a post on; `depth` is how far down the cascade this is.
    """

    who: PersonId
    post: PostId
    depth: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Favour:
    """
    Favour a post.
    """

    who: PersonId
    post: PostId


@dataclass(frozen=True, slots=True, kw_only=True)
class Join:
    """
    Follow a brand.
    """

    who: PersonId
    brand: PersonId


Deed = Ask | Share | Favour | Join
Planned = tuple[timedelta, Deed]


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """
    What a decision looks at: who is there, and what brands posted lately.
    """

    people: tuple[Person, ...]
    brands: tuple[Person, ...]
    posts: tuple[Post, ...]


_WISHES = {
    Wish.SHIPPING: 14,
    Wish.STOCK: 10,
    Wish.SIZE: 8,
    Wish.REFUND: 8,
    Wish.ORDER: 12,
    Wish.COMPLAINT: 12,
    Wish.BUG: 8,
    Wish.REQUEST: 5,
    Wish.PRAISE: 10,
    Wish.PURCHASE: 7,
    Wish.SPAM: 2,
}
_DEEDS = {"ask": 72, "remark": 8, "share": 10, "join": 6, "favour": 4}
_DAY = (2, 1, 1, 1, 1, 2, 4, 6, 8, 9, 10, 11, 12, 11, 10, 10, 10, 11, 13, 14, 14, 12, 8, 4)
"""How busy each hour of the day is; shaped by hand after the evenings of consumer support, not measured."""
MOST_ROUNDS = 3
"""After so many answers of a brand in one conversation nobody asks on."""
DEEPEST = 4
"""How far a cascade goes."""
RECENT_POSTS = 12
MEMORY_FOR_WORDS = 200
"""Nobody says the same as one of so many texts before, if a few tries find other words."""
TRIES_FOR_FRESH_WORDS = 5


def day_weight(at: datetime) -> float:
    """
    Say how busy an hour is against the mean of the day.
    """
    return _DAY[at.hour] * len(_DAY) / sum(_DAY)


def gap(rng: random.Random, per_minute: float) -> timedelta:
    """
    Draw the time to the next deed, for deeds that come independently of each other.
    """
    return timedelta(minutes=rng.expovariate(per_minute))


def spontaneous(rng: random.Random, scene: Scene) -> Deed:
    """
    Decide what somebody does unasked.
    """
    who, brand = rng.choice(scene.people), rng.choice(scene.brands)
    kind = rng.choices(list(_DEEDS), weights=list(_DEEDS.values()))[0]
    if kind == "join":
        return Join(who=who.id, brand=brand.id)
    if kind == "ask" or not scene.posts:
        return _ask(rng, who, brand)
    post = rng.choice(scene.posts)
    if kind == "share":
        return Share(who=who.id, post=post.id)
    if kind == "favour":
        return Favour(who=who.id, post=post.id)
    author = next(each for each in scene.brands if each.id == post.author)
    return _reply(rng, who, author, post, Wish.REMARK)


def reaction(rng: random.Random, person: Person, brand: Person, answer: Post, *, rounds: int) -> Planned | None:
    """
    Decide what somebody does about an answer: thank, ask again, or stay silent.

    Args:
        rounds: how many answers of the brand this conversation has, this one included.
    """
    if person.bot:
        return None
    silent, thanks, again = (35, 45, 20) if rounds < MOST_ROUNDS else (60, 40, 0)
    wish = rng.choices((None, Wish.THANKS, Wish.AGAIN), weights=(silent, thanks, again))[0]
    if wish is None:
        return None
    return timedelta(seconds=rng.uniform(8, 90)), _reply(rng, person, brand, answer, wish)


def first_wave(rng: random.Random, people: tuple[Person, ...], post: Post) -> list[Planned]:
    """
    Decide who passes a brand's new post on, likes it or remarks on it, in the minutes after it appeared.
    """
    planned: list[Planned] = []
    for person in people:
        chance = rng.random()
        if chance < 0.12:
            planned.append((_soon(rng, 180), Share(who=person.id, post=post.id)))
        elif chance < 0.2:
            planned.append((_soon(rng, 240), Favour(who=person.id, post=post.id)))
    return planned


def next_wave(rng: random.Random, people: tuple[Person, ...], sharer: Person, share: Share) -> list[Planned]:
    """
    Decide who passes a post on because `sharer` did: the larger the audience, the more.
    """
    if share.depth >= DEEPEST:
        return []
    most = round(rng.random() * math.log10(10 + sharer.audience))
    chosen = rng.sample(people, min(most, len(people)))
    return [
        (_soon(rng, 120), Share(who=person.id, post=share.post, depth=share.depth + 1))
        for person in chosen
        if rng.random() < 0.5
    ]


def _soon(rng: random.Random, mean_seconds: float) -> timedelta:
    return timedelta(seconds=min(rng.expovariate(1 / mean_seconds), 20 * mean_seconds))


def _ask(rng: random.Random, who: Person, brand: Person) -> Ask:
    unfit = profile_of(brand.username).unfit
    wishes = {wish: weight for wish, weight in _WISHES.items() if wish not in unfit}
    wish = rng.choices(list(wishes), weights=list(wishes.values()))[0]
    language = "en" if rng.random() < 0.05 else who.language
    text = _words(rng, wish, language, brand)
    private = 0.15 if wish in (Wish.ORDER, Wish.REFUND) else 0.02
    reach = rng.choices((Reach.DIRECT, Reach.UNLISTED, Reach.PUBLIC), weights=(private, 0.1, 0.9 - private))[0]
    placed = f"{text} @{brand.acct}" if rng.random() < 0.1 else f"@{brand.acct} {text}"
    return Ask(who=who.id, text=placed, language=language, reach=reach)


def _reply(rng: random.Random, who: Person, brand: Person, to: Post, wish: Wish) -> Ask:
    text = f"@{brand.acct} {_words(rng, wish, who.language, brand)}"
    return Ask(who=who.id, text=text, language=who.language, reach=to.reach, parent=to.id)


def _words(rng: random.Random, wish: Wish, language: str, brand: Person) -> str:
    products = profile_of(brand.username).products
    return speak(rng, wish, language, products.get(language, products["en"]))


class Crowd:
    """
    The plan of what people will do, carried out when it is due.

    The same seed, the same network and the same moments give the same deeds.

    Args:
        rate: deeds a minute that nobody caused; 0 is a crowd that only reacts.
        pace: factor on the time people take to react (0.1: ten times as fast).
        day_curve: let the rate follow the hours of a day.
    """

    def __init__(
        self, world: World, *, seed: int, rate: float, now: datetime, pace: float = 1.0, day_curve: bool = False
    ) -> None:
        self.done = 0
        self._world = world
        self._rng = random.Random(f"crowd:{seed}")
        self._rate = rate
        self._pace = pace
        self._day_curve = day_curve
        self._plan: list[tuple[datetime, int, Deed]] = []
        self._number = 0
        self._said: deque[str] = deque(maxlen=MEMORY_FOR_WORDS)
        self._next = self._draw_next(now)
        self._people = tuple(each for each in world.people.values() if not each.brand)
        self._brands = tuple(each for each in world.people.values() if each.brand)
        brands = {each.id for each in self._brands}
        self._posts = [
            post for post in world.posts.values() if post.author in brands and post.parent_author is None
        ][-RECENT_POSTS:]
        world.watchers.append(self._on_event)

    @property
    def rate(self) -> float:
        return self._rate

    def set_rate(self, rate: float, *, now: datetime) -> None:
        """
        Change how much happens by itself, from now on.
        """
        self._rate = rate
        self._next = self._draw_next(now)

    def due_at(self) -> datetime | None:
        """
        Say when the next deed is due; None when nothing is planned.
        """
        planned = [self._plan[0][0]] if self._plan else []
        return min([*planned, *([self._next] if self._next else [])], default=None)

    def act(self, now: datetime) -> None:
        """
        Carry out everything that is due. After a long sleep only one unasked deed is made up for, not a burst.
        """
        while self._plan and self._plan[0][0] <= now:
            self._do(heapq.heappop(self._plan)[2], now)
        if self._next is not None and self._next <= now and self._people:
            self._do(self._fresh_deed(), now)
            self._next = self._draw_next(max(self._next, now - timedelta(seconds=1)))

    def _fresh_deed(self) -> Deed:
        scene = Scene(people=self._people, brands=self._brands, posts=tuple(self._posts))
        for _ in range(TRIES_FOR_FRESH_WORDS):
            deed = spontaneous(self._rng, scene)
            if not isinstance(deed, Ask) or deed.text not in self._said:
                break
        if isinstance(deed, Ask):
            self._said.append(deed.text)
        return deed

    def _draw_next(self, now: datetime) -> datetime | None:
        weight = day_weight(now) if self._day_curve else 1.0
        return now + gap(self._rng, self._rate * weight) if self._rate > 0 else None

    def _do(self, deed: Deed, now: datetime) -> None:
        self.done += 1
        try:
            match deed:
                case Ask():
                    self._world.write(
                        deed.who,
                        deed.text,
                        now=now,
                        parent=deed.parent,
                        reach=deed.reach,
                        language=deed.language,
                    )
                case Share():
                    self._share(deed, now)
                case Favour():
                    self._world.like(deed.who, deed.post, now=now)
                case Join():
                    self._world.follow(deed.who, deed.brand, now=now)
                case _:
                    assert_never(deed)
        except NotThere:
            return  # the post has been deleted meanwhile, so there is nothing to do about it

    def _share(self, deed: Share, now: datetime) -> None:
        if self._world.reposts.find(deed.who, deed.post) is not None:
            return
        self._world.repost(deed.who, deed.post, now=now)
        sharer = self._world.people[deed.who]
        self._schedule(next_wave(self._rng, self._people, sharer, deed), now)
        if self._rng.random() < 0.15:
            brand = self._world.get_post(deed.post).author
            self._schedule([(_soon(self._rng, 60), Join(who=deed.who, brand=brand))], now)

    def _schedule(self, planned: list[Planned], now: datetime) -> None:
        for delay, deed in planned:
            self._number += 1
            heapq.heappush(self._plan, (now + delay * self._pace, self._number, deed))

    def _on_event(self, event: Event) -> None:
        if not isinstance(event, Posted) or not self._world.people[event.post.author].brand:
            return
        post = event.post
        if post.parent_author is None and not post.mentions:
            self._posts = [*self._posts, post][-RECENT_POSTS:]
            self._schedule(first_wave(self._rng, self._people, post), post.arrived_at)
            return
        brand, asker = self._world.people[post.author], post.parent_author
        if asker in post.mentions and not self._world.people[asker].brand:
            rounds = self._rounds(post)
            planned = reaction(self._rng, self._world.people[asker], brand, post, rounds=rounds)
            self._schedule([planned] if planned else [], post.arrived_at)

    def _rounds(self, post: Post) -> int:
        rounds, above = 1, post
        while above.parent is not None and rounds < MOST_ROUNDS:
            above = self._world.get_post(above.parent)
            rounds += above.author == post.author
        return rounds


LONGEST_SLEEP = 0.25
"""Seconds between two looks at the plan, since an answer can put something new in front."""


async def live(crowd: Crowd, *, now: Callable[[], datetime], sleep: Callable[[float], Awaitable[None]]) -> None:
    """
    Let the crowd act as time passes, until cancelled.
    """
    while True:
        crowd.act(now())
        due_at = crowd.due_at()
        wait = LONGEST_SLEEP if due_at is None else (due_at - now()).total_seconds()
        await sleep(min(max(wait, 0.0), LONGEST_SLEEP))
