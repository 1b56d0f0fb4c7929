"""
Weigh a text by what was learned from the training texts: evidence beside the rules, with the words that gave it.
Pure; decides nothing by itself.

A linear model (multinomial logistic regression, see training.py) over words, neighbours and kinds of phrases.
Because it is linear, every judgement is a sum over places in the text, and the largest of them can be named.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from typing import NamedTuple

from responses import data
from responses.features import KIND, SHAPE, features
from responses.text import Token
from responses.values import Intent, Mood, Word

INTENTS = tuple(Intent)
MOODS = (Mood.NEGATIVE, Mood.NEUTRAL, Mood.POSITIVE)
"""Mixed is not learned: too few texts have it. It is for the lexicons to see both sides."""
BIAS = "~bias"
UNIT = 100
"""The weights are stored in hundredths."""
WORTH = 2.0
"""How much more a kind or a shape tells than a word: it was met in more texts. Chosen by cross-validation."""
CALM = 10.0
"""What is added to the worth of a text's features before they share it, so that a short text says little."""
MARKS = " \n.,;:…()!！。，、；：（）"
NAMED, LEAST_SHARE = 4, 0.2
"""How many words are named at most, and what share of the strongest one's weight each must have."""


class Given(NamedTuple):
    """
    What one feature gives: its place in the text, and a number for each intent, then for each mood.
    """

    start: int
    end: int
    weights: tuple[float, ...]


class Learned(NamedTuple):
    """
    The evidence in one text.

    Args:
        intents: log odds; only differences between them mean something.
        moods: log odds, of MOODS only.
        share: what each number of `given` counts in this text; the more features, the less each.
        given: the parts of both sums.
    """

    intents: dict[Intent, float]
    moods: dict[Mood, float]
    share: float
    given: list[Given]


def weigh(text: str, tokens: Sequence[Token]) -> Learned:
    """
    Weigh the features of a text.

    Args:
        tokens: of the same text.
    """
    weights = _weights()
    known = [(place, name) for name, place in features(text, tokens).items() if name in weights]
    given = [Given(*place, weights[name]) for place, name in known]
    share = 1 / math.sqrt(CALM + sum(worth(name) for _, name in known))
    columns = zip(*(one.weights for one in given), strict=True) if given else [()] * len(weights[BIAS])
    sums = [bias + share * sum(column) for bias, column in zip(weights[BIAS], columns, strict=True)]
    return Learned(
        dict(zip(INTENTS, sums[: len(INTENTS)], strict=True)),
        dict(zip(MOODS, sums[len(INTENTS) :], strict=True)),
        share,
        given,
    )


def worth(feature: str) -> float:
    """
    Tell how much a feature counts against others.
    """
    return WORTH if feature[0] in (KIND, SHAPE) else 1.0


def words_for_intent(text: str, learned: Learned, intent: Intent) -> list[str]:
    """
    Name the words that speak most for an intent against the average one, strongest first, as in the text.
    """
    column, intents = INTENTS.index(intent), len(INTENTS)
    parts = [
        (start, end, weights[column] - sum(weights[:intents]) / intents) for start, end, weights in learned.given
    ]
    return [text[start:end] for start, end, _ in _strongest(text, parts)]


def words_for_mood(text: str, learned: Learned, mood: Mood, unit: float) -> tuple[Word, ...]:
    """
    Name the words that speak most for a good or a bad mood against a calm one, in the order of the text.

    Args:
        unit: what log odds are worth in the weights of a Word.
    """
    column, calm = (len(INTENTS) + MOODS.index(one) for one in (mood, Mood.NEUTRAL))
    share = learned.share * (unit if mood is Mood.POSITIVE else -unit)
    parts = [(start, end, weights[column] - weights[calm]) for start, end, weights in learned.given]
    return tuple(
        Word(text=text[start:end], weight=round(share * weight, 2))
        for start, end, weight in sorted(_strongest(text, parts))
    )


def _strongest(text: str, parts: Iterable[tuple[int, int, float]]) -> list[tuple[int, int, float]]:
    """
    Return the places that weigh most, strongest first; what stands at the same place is added, none overlap.

    What is nothing but marks, or has no place (the length of the text), counts but is not named.
    """
    sums: dict[tuple[int, int], float] = {}
    for start, end, weight in parts:
        sums[start, end] = sums.get((start, end), 0.0) + weight
    ranked = sorted(((sums[place], *place) for place in sums if sums[place] > 0), reverse=True)
    found: list[tuple[int, int, float]] = []
    for weight, start, end in ranked:
        if not text[start:end].strip(MARKS):
            continue
        if len(found) == NAMED or (found and weight < LEAST_SHARE * found[0][2]):
            break
        if all(end <= first or last <= start for first, last, _ in found):
            found.append((start, end, weight))
    return found


@cache
def _weights() -> Mapping[str, tuple[float, ...]]:
    return {
        feature: tuple(int(number) / UNIT for number in numbers.split())
        for feature, numbers in data.rows("learned.tsv")
    }
