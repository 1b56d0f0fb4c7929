"""
Fill the phrases of the crowd: pure functions of a source of chance.
"""

from __future__ import annotations

import random

from connectors.playground import phrases_en, phrases_zh
from connectors.playground.wishes import Wish

BY_LANGUAGE: dict[str, dict[Wish, tuple[str, ...]]] = {"en": phrases_en.PHRASES, "zh": phrases_zh.PHRASES}

_EMOJI = ("😀", "🙏", "😡", "🎉", "💚", "🥲", "👍🏽", "👩🏾‍💻", "🤷‍♀️", "🔥", "😅", "✨")
_SIZES = ("XS", "S", "M", "L", "XL", "38", "42")
_LINKS = (
    "https://shop.example/returns?lang=en&step=2",
    "https://www.shop.example/a/very/long/path/that/nobody/can/read/at/once?ref=newsletter&id=82713",
    "https://far.example/x?a=1&b=2",
    "http://track.example/NX-99182",
)
_WORDS: dict[str, dict[str, tuple[str, ...]]] = {
    "en": {
        "city": ("Oslo", "Leeds", "Norway", "Montréal", "Gdańsk", "Lisbon", "Cork", "Hilo", "Reykjavík", "Perth"),
        "colour": ("green", "navy", "burnt orange", "grey", "the old blue", "sand"),
        "price": ("$39", "€24.90", "£120", "$1,249.00", "€8"),
        "order": ("order #{n}", "#{n}", "my order no. {n}", "order HB-{n}"),
    },
    "zh": {
        "city": ("成都", "上海", "台北", "西安", "新加坡", "广州", "哈尔滨", "墨尔本"),
        "colour": ("绿色", "藏青色", "橙色", "灰色", "米色"),
        "price": ("199元", "¥89", "¥1,299", "35块"),
        "order": ("订单{n}", "单号{n}", "订单号HB-{n}"),
    },
}


def count() -> int:
    """
    Count the phrases of all languages.
    """
    return sum(len(each) for phrases in BY_LANGUAGE.values() for each in phrases.values())


def speak(rng: random.Random, wish: Wish, language: str, products: tuple[str, ...]) -> str:
    """
    Choose a phrase for a wish and fill its slots.
    """
    spoken = language if language in BY_LANGUAGE else "en"
    words = _WORDS[spoken]
    phrase = rng.choice(BY_LANGUAGE[spoken][wish])
    return phrase.format(
        product=rng.choice(products),
        city=rng.choice(words["city"]),
        colour=rng.choice(words["colour"]),
        price=rng.choice(words["price"]),
        order=rng.choice(words["order"]).format(n=rng.randint(10_000, 99_999)),
        size=rng.choice(_SIZES),
        days=rng.randint(2, 9),
        link=rng.choice(_LINKS),
        emoji=rng.choice(_EMOJI),
    )
