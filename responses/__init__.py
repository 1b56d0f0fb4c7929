"""
What we understand: language, mood, intent and priority of a message. Pure functions and our own data, no I/O but
reading that data once. Imports neither `bot` nor `connectors`.
"""

from __future__ import annotations

from responses.reading import read, warm_up
from responses.values import Intent, IntentJudgement, Language, Mood, Priority, Reading, Sentiment, Word

__all__ = [
    "Intent",
    "IntentJudgement",
    "Language",
    "Mood",
    "Priority",
    "Reading",
    "Sentiment",
    "Word",
    "read",
    "warm_up",
]
