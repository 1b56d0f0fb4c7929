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
NAMED, LEAST_SHARE = 4, 0.1
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
        given: the parts of both sums that have a place in the text.
    """

    intents: dict[Intent, float]
    moods: dict[Mood, float]
    given: tuple[Given, ...]


def weigh(text: str, tokens: Sequence[Token]) -> Learned:
    """
    Weigh the features of a text.

    Args:
        tokens: of the same text.
    """
    weights = _weights()
    known = [(place, weights[name], name) for name, place in features(text, tokens).items() if name in weights]
    share = 1 / math.sqrt(max(sum(worth(name) for _, _, name in known), 1.0))
    given = [Given(*place, tuple(weight * share for weight in row)) for place, row, _ in known]
    sums = [bias + sum(column) for bias, *column in zip(weights[BIAS], *(one.weights for one in given), strict=True)]
    moods = len(INTENTS)
    return Learned(
        dict(zip(INTENTS, sums[:moods], strict=True)),
        dict(zip(MOODS, sums[moods:], strict=True)),
        tuple(one for one in given if one.start < one.end),
    )


def worth(feature: str) -> float:
    """
    Tell how much a feature counts against others.
    """
    return WORTH if feature[0] in (KIND, SHAPE) else 1.0


def words_for_intent(text: str, learned: Learned, intent: Intent) -> list[str]:
    """
    Name the words that speak most for an intent against the average one, strongest first, as they stand in the text.
    """
    column, all_intents = INTENTS.index(intent), slice(len(INTENTS))
    parts = [
        (one.start, one.end, one.weights[column] - sum(one.weights[all_intents]) / len(INTENTS))
        for one in learned.given
    ]
    return [text[start:end] for start, end, _ in _strongest(parts)]


def words_for_mood(text: str, learned: Learned, mood: Mood) -> tuple[Word, ...]:
    """
    Name the words that speak most for a good or a bad mood against a calm one, in the order of the text.
    """
    column, calm = (len(INTENTS) + MOODS.index(one) for one in (mood, Mood.NEUTRAL))
    sign = 1 if mood is Mood.POSITIVE else -1
    parts = [(one.start, one.end, one.weights[column] - one.weights[calm]) for one in learned.given]
    return tuple(
        Word(text=text[start:end], weight=round(sign * weight, 2))
        for start, end, weight in sorted(_strongest(parts))
    )


def _strongest(parts: Iterable[tuple[int, int, float]]) -> list[tuple[int, int, float]]:
    """
    Return the places that weigh most, strongest first; what stands at the same place is added, none overlap.
    """
    sums: dict[tuple[int, int], float] = {}
    for start, end, weight in parts:
        sums[start, end] = sums.get((start, end), 0.0) + weight
    ranked = sorted(((weight, *place) for place, weight in sums.items() if weight > 0), reverse=True)
    found: list[tuple[int, int, float]] = []
    for weight, start, end in ranked:
        if len(found) == NAMED or weight < LEAST_SHARE * ranked[0][0]:
            break
        if all(end <= first or last <= start for first, last, _ in found):
            found.append((start, end, weight))
    return found


@cache
def _weights() -> Mapping[str, tuple[float, ...]]:
    return {
        feature: tuple(int(number) / UNIT for number in numbers.split()) for feature, numbers in data.rows("learned.tsv")
    }
