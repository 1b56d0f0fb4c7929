"""
What a message says about a topic, when a phrase becomes one, and how topics are counted. Pure.

A phrase grows into a topic when `GROWS_AT` messages within `GROWS_WITHIN` use it. From then on every message that
uses it is a mention. Of phrases that lie in one another only the longest that is a topic counts: who writes
"battery life" mentions battery life, not battery.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum


class Aspect(StrEnum):
    """
    Which column of the board.
    """

    PRAISED = "praised"
    ASKED = "asked"
    BROKEN = "broken"


class Order(StrEnum):
    """
    What stands first on the board.
    """

    COUNT = "count"
    RISING = "rising"


GROWS_AT = 3
GROWS_WITHIN = timedelta(days=7)
TAG_PREFIX = "#"
"""A tag is a topic at once: somebody has named it."""
LONGEST_NAME = 80
MOST_PRODUCTS = 200
MOST_WORDS = 30
WEEK = timedelta(days=7)

_BY_INTENT: Mapping[str, Aspect] = {
    "praise": Aspect.PRAISED,
    "question": Aspect.ASKED,
    "request": Aspect.ASKED,
    "purchase": Aspect.ASKED,
    "complaint": Aspect.BROKEN,
    "bug": Aspect.BROKEN,
}


def aspect_of(intent: str, mood: str) -> Aspect | None:
    """
    Say what a message does with its topics; None when it says nothing about a thing (spam, a greeting).
    """
    if intent == "spam":
        return None
    if intent in _BY_INTENT:
        return _BY_INTENT[intent]
    return {"positive": Aspect.PRAISED, "negative": Aspect.BROKEN}.get(mood)


def chosen(
    phrases: Sequence[str], is_topic: Callable[[str], bool], contains: Callable[[str, str], bool]
) -> list[str]:
    """
    Choose the phrases of a message that are topics, without those that lie in a longer one that is.

    Args:
        phrases: the longest first.
        contains: says whether the first holds the second.
    """
    found: list[str] = []
    for phrase in phrases:
        if is_topic(phrase) and not any(contains(longer, phrase) for longer in found):
            found.append(phrase)
    return found


@dataclass(frozen=True, slots=True, kw_only=True)
class Product:
    """
    Something we sell, and the words by which customers name it.
    """

    id: str
    name: str
    words: tuple[str, ...]


def product_of(text: str, products: Collection[Product]) -> str:
    """
    Give the id of the product that a text names by the longest word; empty when it names none.
    """
    plain = text.lower()
    found = [
        (-len(word), product.name, product.id)
        for product in products
        for word in product.words
        if _names(plain, word.lower())
    ]
    return min(found)[2] if found else ""


def _names(text: str, word: str) -> bool:
    # Words of letters stand alone; Chinese has no spaces to stand between.
    at = text.find(word)
    while at >= 0:
        before, after = text[at - 1 : at], text[at + len(word) : at + len(word) + 1]
        if not word.isascii() or not (_joins(before) or _joins(after)):
            return True
        at = text.find(word, at + 1)
    return False


def _joins(char: str) -> bool:
    return char.isascii() and (char.isalnum() or char == "_")


def read_words(text: str) -> tuple[str, ...]:
    """
    Read the words that name a product: separated by commas (also Chinese ones) or lines.
    """
    parts = text.replace("，", ",").replace("、", ",").replace("\n", ",").split(",")
    return tuple(dict.fromkeys(part.strip() for part in parts if part.strip()))


def product_problems(name: str, words: Sequence[str]) -> dict[str, str]:
    """
    Say what is wrong with a product, by field.
    """
    problems = {}
    if said := name_problem(name):
        problems["name"] = said
    if not words:
        problems["words"] = "give at least one word that names it"
    elif len(words) > MOST_WORDS or any(len(word) > LONGEST_NAME for word in words):
        problems["words"] = f"at most {MOST_WORDS} words of {LONGEST_NAME} characters"
    return problems


def name_problem(name: str) -> str | None:
    """
    Say what is wrong with the name of a topic or product, or nothing.
    """
    if not name.strip():
        return "must not be empty"
    return f"at most {LONGEST_NAME} characters" if len(name) > LONGEST_NAME else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Tally:
    """
    How often a topic was mentioned: this week, the week before, and in which mood this week.
    """

    topic_id: str
    name: str
    this_week: int = 0
    last_week: int = 0
    positive: int = 0
    negative: int = 0

    @property
    def rise(self) -> int:
        """
        Give mentions more than in the week before.
        """
        return self.this_week - self.last_week

    @property
    def positive_share(self) -> float | None:
        """
        Give the share of this week's mentions by messages in a positive mood; None without one.
        """
        return self.positive / self.this_week if self.this_week else None

    @property
    def negative_share(self) -> float | None:
        """
        Give the share of this week's mentions by messages in a negative mood; None without one.
        """
        return self.negative / self.this_week if self.this_week else None
