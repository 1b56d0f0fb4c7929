"""
Ask TextBlob. This is the only module that knows it; it is imported at first use because that takes half a second.

TextBlob's lexicon works without downloaded corpora. We take its words, not its sums: how it deals with negation,
curly apostrophes and neutral words is what our own layer is for.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache

TRUSTED = 0.3
"""
Weaker polarities of TextBlob's are noise in support messages ("new" 0.14, "other" -0.12).
"""


@cache
def polarities() -> Mapping[str, float]:
    """
    Return the polarity, from -1 to 1, of each single word that TextBlob judges clearly.

    Adverbs in -ly are left out: TextBlob derives them by rule, and "honestly" is no praise.
    """
    from textblob.en import sentiment as lexicon

    lexicon.load()
    found = {word: float(senses[None][0]) for word, senses in lexicon.items() if not word.endswith("ly")}
    return {word: polarity for word, polarity in found.items() if abs(polarity) >= TRUSTED}


def plain_polarity(text: str) -> float:
    """
    Return what TextBlob alone says of a text, from -1 to 1: the yardstick of the accuracy report.
    """
    from textblob import TextBlob

    return float(TextBlob(text).sentiment.polarity)
