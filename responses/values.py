"""
The values a reading is made of. No decision is taken here.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum, StrEnum


class Intent(StrEnum):
    """
    What the writer wants from us.
    """

    QUESTION = "question"
    COMPLAINT = "complaint"
    BUG = "bug"
    REQUEST = "request"
    PRAISE = "praise"
    PURCHASE = "purchase"
    SPAM = "spam"
    OTHER = "other"


class Mood(StrEnum):
    """
    How the writer feels, as far as the words tell.
    """

    POSITIVE = "positive"
    NEGATIVE = "negative"
    NEUTRAL = "neutral"
    MIXED = "mixed"
    NOT_JUDGED = "not judged"


class Priority(IntEnum):
    """
    Who is answered first; the smaller number goes first.
    """

    URGENT = 0
    HIGH = 1
    NORMAL = 2
    LOW = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Language:
    """
    The language a text is written in.

    Args:
        code: base subtag of BCP 47 ("en", "zh", "de"), or None when it was not judged.
        confidence: from 0 to 1; 0 when not judged.
        why: one sentence for people.
    """

    code: str | None
    confidence: float
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Word:
    """
    A word or phrase that decided, as it stands in the text, with the weight it was given there.
    """

    text: str
    weight: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Sentiment:
    """
    The mood of a text and the words that decided it.

    Args:
        value: from -1 to 1; None when not judged, never a false 0.
        words: in the order of the text; empty when no word spoke.
    """

    mood: Mood
    value: float | None
    words: tuple[Word, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class IntentJudgement:
    """
    What the writer wants, and the evidence for it in one sentence.
    """

    intent: Intent
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """
    All we understood of one text.
    """

    language: Language
    sentiment: Sentiment
    intent: IntentJudgement
    priority: Priority
    priority_why: str
