"""
Read one message: language, then mood, then intent, then priority. Pure; the same text gives the same reading.
"""

from __future__ import annotations

from functools import cache

from responses import features, intent, learned, priority, sentiment
from responses.language import judge_language
from responses.text import Token, head, tokens
from responses.values import Reading


def read(text: str, *, stated_language: str | None = None, followers: int | None = None) -> Reading:
    """
    Say what a message is about and how soon it wants an answer.

    Only the first `text.JUDGED_CHARACTERS` are judged; the reason of the language says so when there were more.

    Args:
        text: plain text, as the writer wrote it; markup is not understood.
        stated_language: what the network says the text is in; evidence, not truth.
        followers: of the writer; None when unknown.
    """
    judged, parts = cut(text)
    language = judge_language(text, parts, stated_language)
    evidence = learned.weigh(judged, parts) if language.code in sentiment.LANGUAGES else None
    mood = sentiment.judge_sentiment(judged, parts, language.code, evidence)
    wish = intent.judge_intent(judged, parts, mood, evidence)
    rank, why = priority.judge_priority(judged, parts, wish.intent, mood.mood, followers)
    return Reading(language=language, sentiment=mood, intent=wish, priority=rank, priority_why=why)


def cut(text: str) -> tuple[str, list[Token]]:
    """
    Return the part of a text that is judged, and its tokens.
    """
    judged = head(text)
    return judged, tokens(judged, _known_words())


def warm_up() -> None:
    """
    Load the lexicons and models now, about a second, so that the first message need not wait for them.
    """
    read("Is the first message of the day a good one?")


@cache
def _known_words() -> frozenset[str]:
    return sentiment.known_words() | intent.known_words() | priority.known_words() | features.known_words()
