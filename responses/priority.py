"""
Judge who is answered first: a table, words of danger above it, reach beside it. Pure; decides, does nothing else.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

from responses import data
from responses.phrases import Phrases
from responses.text import Token
from responses.values import Intent, Mood, Priority

WIDELY_HEARD = 10_000
"""
From this many followers on, a message is heard by a crowd.
"""

_HIGH, _NORMAL, _LOW = Priority.HIGH, Priority.NORMAL, Priority.LOW
_MOODS = (Mood.NEGATIVE, Mood.MIXED, Mood.NEUTRAL, Mood.POSITIVE, Mood.NOT_JUDGED)
_ROWS: dict[Intent, tuple[Priority, ...]] = {
    #                 negative mixed    neutral  positive not judged
    Intent.COMPLAINT: (_HIGH, _HIGH, _NORMAL, _NORMAL, _HIGH),
    Intent.BUG: (_HIGH, _HIGH, _NORMAL, _NORMAL, _NORMAL),
    Intent.REQUEST: (_HIGH, _NORMAL, _NORMAL, _NORMAL, _NORMAL),
    Intent.QUESTION: (_HIGH, _NORMAL, _NORMAL, _NORMAL, _NORMAL),
    Intent.PURCHASE: (_HIGH, _NORMAL, _NORMAL, _NORMAL, _NORMAL),
    # A wish we did not see may still be there: nothing without evidence sinks, except plain good cheer.
    Intent.OTHER: (_NORMAL, _NORMAL, _NORMAL, _LOW, _NORMAL),
    Intent.PRAISE: (_LOW, _LOW, _LOW, _LOW, _LOW),
    Intent.SPAM: (_LOW, _LOW, _LOW, _LOW, _LOW),
}
TABLE: dict[tuple[Intent, Mood], Priority] = {
    (intent, mood): priority for intent, row in _ROWS.items() for mood, priority in zip(_MOODS, row, strict=True)
}


def judge_priority(
    text: str, tokens: Sequence[Token], intent: Intent, mood: Mood, followers: int | None
) -> tuple[Priority, str]:
    """
    Return the priority and the reason for it.

    A word of danger outranks all; many followers lift by one step, but never to urgent, and never spam.
    """
    danger = _danger(text, tokens)
    if danger:
        return Priority.URGENT, danger
    priority, why = TABLE[intent, mood], f"{intent.value}, mood {mood.value}"
    if (followers or 0) < WIDELY_HEARD or priority is Priority.HIGH or intent is Intent.SPAM:
        return priority, why
    return Priority(priority - 1), f"{why}, heard by {followers:,} followers"


def known_words() -> frozenset[str]:
    """
    Return the single keys of all phrases of danger.
    """
    return _dangers().words


def _danger(text: str, tokens: Sequence[Token]) -> str | None:
    keys = [token.key for token in tokens]
    for start in range(len(keys)):
        match = _dangers().longest(keys, start)
        if match:
            return f"{match[1]} (“{text[tokens[start].start : tokens[match[0] - 1].end]}”)"
    return None


@cache
def _dangers() -> Phrases[str]:
    return Phrases((phrase, row[0]) for row in data.rows("dangers.tsv") for phrase in row[1].split("; "))
