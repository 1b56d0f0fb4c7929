"""
How the network begins: its brands with a few earlier posts, and its people. Deterministic by seed.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from datetime import datetime, timedelta

from connectors.playground.values import Person
from connectors.playground.wishes import Wish
from connectors.playground.world import World

BEGAN = timedelta(days=60)
"""How long before now the network began."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """
    What a brand is: how it calls itself, what it sells in each language, what it posted before, and what nobody
    would ask it.
    """

    name: str
    note: str
    products: dict[str, tuple[str, ...]]
    posts: tuple[str, ...]
    unfit: frozenset[Wish] = frozenset()


PROFILES: dict[str, Profile] = {
    "tidepool": Profile(
        name="Tidepool Outdoor",
        note="Jackets, packs and stoves for wet places. (A simulated brand.)",
        products={
            "en": ("rain jacket", "daypack", "camp stove", "wool hat", "dry bag", "two-person tent"),
            "zh": ("雨衣", "背包", "炉头", "羊毛帽", "防水袋", "双人帐篷"),
        },
        posts=(
            "The new rain jacket is here: lighter than two apples, and it packs into its own pocket. #rain",
            "Repair day on Saturday. Bring anything of ours that leaks, tears or squeaks, we fix it for free.",
            "Which colour next? 🟢 moss · 🔵 harbour · 🟠 buoy\n\nWe read every answer.",
            "新款双人帐篷到货，三分钟搭好，风大也不怕。⛺",
            "On Friday at noon: 200 dry bags, one per person, until they are gone. https://tidepool.example/friday?utm_source=social&utm_campaign=drybag",
        ),
    ),
    "lumentea": Profile(
        name="Lumen Tea 流明茶",
        note="Tea from small gardens, 中文 / English. (A simulated brand.)",
        products={
            "en": ("oolong tin", "jasmine pearls", "glass teapot", "tasting set"),
            "zh": ("乌龙茶", "茉莉花茶", "玻璃壶", "品鉴套装"),
        },
        posts=(
            "春茶到了。第一批茉莉花茶只有三百罐，喜欢清香的朋友别错过。🍵",
            "First flush jasmine is in: three hundred tins, picked in April, packed on Monday. 🍵",
            "How do you brew your oolong? Short and hot, or long and patient?",
            "客服时间：每天九点到二十一点，私信也可以。",
        ),
        unfit=frozenset({Wish.SIZE}),
    ),
    "brightpixel": Profile(
        name="Brightpixel Apps",
        note="A photo editor that stays out of your way. (A simulated brand.)",
        products={
            "en": ("photo editor", "Pro licence", "family plan", "filter pack"),
            "zh": ("修图软件", "专业版", "家庭套餐", "滤镜包"),
        },
        posts=(
            "Version 4.2: layers open twice as fast, and the export dialog finally remembers your choice. ✨",
            "We know about the login trouble this morning and are on it.",
            "Students get the Pro licence for half. Proof of enrolment, five minutes, done. #students",
        ),
        unfit=frozenset({Wish.SIZE, Wish.SHIPPING, Wish.STOCK}),
    ),
}

_PLAIN = Profile(
    name="",
    note="A simulated brand.",
    products={"en": ("gadget", "mug", "notebook"), "zh": ("小玩意", "杯子", "笔记本")},
    posts=("Hello, network! Ask us anything.",),
)

_FIRST = {
    "en": ("Kite", "Reed", "Maren", "Osk", "Juniper", "Tomasz", "Aoife", "Bex", "Noor", "Silas", "Wren", "Ida"),
    "zh": ("小雨", "阿禾", "子墨", "晓晨", "大白", "思远", "可可", "阿树", "一诺", "北北"),
}
_LAST = {
    "en": (
        "O’Hara",
        "Lindqvist",
        "van der Meer",
        "Okafor",
        "Brand-Newsome",
        "d’Aubigné",
        "Møller",
        "Featherstonehaugh of the Upper Valley, collector of very long names 🌿",
        "",
        ":blobcat:",
    ),
    "zh": ("", "在路上", "爱喝茶☕", "的日常", "（忙，晚点回）", "_2026"),
}
_ROOTS = {
    "en": ("kite", "reed", "maren", "osk", "juniper", "tomasz", "aoife", "bex", "noor", "silas", "wren", "ida"),
    "zh": ("xiaoyu", "ahe", "zimo", "chen", "dabai", "siyuan", "coco", "ashu", "yinuo", "beibei"),
}
_DOMAINS = (None, None, "far.example", "sea.example", "hill.example", "kuai.example", "old-town.social.example")


def profile_of(brand: str) -> Profile:
    """
    Give what we know of a brand by name; any other name gets a plain one.
    """
    return PROFILES.get(brand, _PLAIN)


def found(world: World, *, seed: int, brands: tuple[str, ...], people: int, now: datetime) -> None:
    """
    Fill an empty world. Notifications that this caused have been read and cleared, as after weeks of use.
    """
    rng = random.Random(f"founding:{seed}")
    began = now - BEGAN
    for name in brands:
        _brand(world, name, rng, began)
    for number in range(people):
        _person(world, number, rng, began)
    owners = [each for each in world.people.values() if each.brand]
    for person in [each for each in world.people.values() if not each.brand]:
        for brand in owners:
            if rng.random() < 0.4:
                world.follow(person.id, brand.id, now=began)
    _earlier_posts(world, owners, began, now)
    for brand in owners:
        world.notices.clear(brand.id)


def _brand(world: World, name: str, rng: random.Random, began: datetime) -> Person:
    profile = profile_of(name)
    return world.join(
        name,
        now=began,
        name=profile.name or name.title(),
        note=profile.note,
        brand=True,
        audience=rng.randint(300, 4000),
        created_at=began - timedelta(days=700),
    )


def _person(world: World, number: int, rng: random.Random, began: datetime) -> Person:
    language = "zh" if rng.random() < 0.35 else "en"
    chosen = rng.randrange(len(_ROOTS[language]))
    domain = rng.choice(_DOMAINS)
    username = f"{_ROOTS[language][chosen]}{number}"
    # Audiences are as uneven as on real networks: most have dozens, one in fifty has tens of thousands.
    audience = min(int(rng.paretovariate(0.9) * 12), 90_000)
    return world.join(
        f"{username}@{domain}" if domain else username,
        now=began,
        name=f"{_FIRST[language][chosen]} {rng.choice(_LAST[language])}".strip(),
        note="Simulated person.",
        language=language,
        bot=rng.random() < 0.03,
        audience=audience,
        created_at=began - timedelta(days=rng.randint(60, 1500)),
    )


def _earlier_posts(world: World, owners: list[Person], began: datetime, now: datetime) -> None:
    planned = []
    for brand in owners:
        posts = profile_of(brand.username).posts
        step = (now - began) / (len(posts) + 1)
        planned += [(began + step * number, brand.id, text) for number, text in enumerate(posts, start=1)]
    for at, author, text in sorted(planned):
        language = "zh" if any("\u4e00" <= letter <= "\u9fff" for letter in text) else "en"
        world.write(author, text, now=at, language=language)
