"""
Take a text apart into the features that learned weights are asked for. Pure; decides nothing.

A feature is a word, a pair of neighbours, a kind of phrase (kinds.tsv: "@delay") or a shape ("~money").
Training and reading take texts apart with this same function; a change here asks for new weights.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import cache

from responses import data
from responses.phrases import Phrases
from responses.text import Token

KIND, SHAPE = "@", "~"
"""How features that are not words begin; no key of a token begins so."""
START, END = "^", "$"
OPENING_KEYS = 2
"""A kind among the first keys of a text is also a feature of its own: a text often opens with its wish."""
LONGEST_NUMBER = 4
"""Numbers count by their length only, and no further than this."""

Features = dict[str, tuple[int, int]]
"""Each feature with the place in the text, end exclusive, where it was first met."""

_SHAPES = {
    "money": re.compile(r"[£$€¥]\s?\d|\d\s?(?:quid|dollars?|euros?|bucks|usd)\b|\d\s?[元块]", re.IGNORECASE),
    "hashtag": re.compile(r"#[^\W\d]"),
    "shouted word": re.compile(r"\b[A-Z]{4,}\b"),
    "exclamation marks": re.compile(r"[!！](?=[^!！]*[!！])"),
    "long number": re.compile(r"\d{5,}|\b[A-Z]{2,}-?\d+"),
    "question at the end": re.compile(r"[?？]\s*\Z"),
}
_LENGTHS = (4, 6, 10, 16, 25, 40, 64, 100)
"""Numbers of tokens at which a text counts as a step longer."""


def features(text: str, tokens: Sequence[Token]) -> Features:
    """
    Return the features of a text.

    Args:
        tokens: of the same text.
    """
    found: Features = {}
    for feature, start, end in (*_words(tokens), *_kinds_in(tokens), *_shapes_of(text)):
        found.setdefault(feature, (start, end))
    length = sum(len(tokens) >= step for step in _LENGTHS)
    found[f"{SHAPE}length {length}"] = (0, 0)
    return found


def known_words() -> frozenset[str]:
    """
    Return the single keys of all phrases that have a kind.
    """
    return _kinds().words


def _words(tokens: Sequence[Token]) -> Iterator[tuple[str, int, int]]:
    before, start = START, 0
    for token in tokens:
        key = _word_key(token.key)
        yield key, token.start, token.end
        yield f"{before} {key}", start, token.end
        before, start = key, token.start
    yield f"{before} {END}", start, tokens[-1].end if tokens else 0


def _word_key(key: str) -> str:
    if key.isdigit():
        return "0" * min(len(key), LONGEST_NUMBER)
    return "." if key == "\n" else key


def _kinds_in(tokens: Sequence[Token]) -> Iterator[tuple[str, int, int]]:
    keys = [token.key for token in tokens]
    met: set[str] = set()
    for at in range(len(keys)):
        end, kinds = _kinds().longest(keys, at) or (at, ())
        for kind in kinds:
            place = tokens[at].start, tokens[end - 1].end
            yield f"{KIND}{kind}", *place
            if at < OPENING_KEYS:
                yield f"{KIND}{kind} {START}", *place
            if kind in met:
                yield f"{KIND}{kind} twice", *place
            met.add(kind)


def _shapes_of(text: str) -> Iterator[tuple[str, int, int]]:
    for shape, pattern in _SHAPES.items():
        match = pattern.search(text)
        if match:
            yield f"{SHAPE}{shape}", *match.span()


@cache
def _kinds() -> Phrases[tuple[str, ...]]:
    found: dict[str, tuple[str, ...]] = {}
    for kind, phrases in data.rows("kinds.tsv"):
        for phrase in phrases.split("; "):
            found[phrase] = tuple(dict.fromkeys((*found.get(phrase, ()), kind)))
    return Phrases(found.items())
