"""
Judge what the writer wants. Pure; decides, does nothing else.

Each intent gathers evidence: phrases of intents.tsv, the mood, and in the languages we learned what was learned.
Learned log odds are added as they stand; other factors were tried in cross-validation and brought nothing. The
heaviest intent wins; on a tie the one whose neglect costs most. The reason names the phrases, so that an agent can
see why and disagree.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import NamedTuple

from responses import data
from responses.learned import Learned, words_for_intent
from responses.phrases import Phrases
from responses.text import BREAKS, Token
from responses.values import Intent, IntentJudgement, Mood, Sentiment

LEAST = 0.75
"""Evidence below this is none, where nothing was learned. Chosen on the tuning half of the golden texts."""
TIES = (
    Intent.BUG,
    Intent.COMPLAINT,
    Intent.REQUEST,
    Intent.PURCHASE,
    Intent.SPAM,
    Intent.QUESTION,
    Intent.PRAISE,
    Intent.OTHER,
)
MOOD_EVIDENCE: dict[Mood, dict[Intent, float]] = {
    Mood.POSITIVE: {Intent.PRAISE: 0.8, Intent.COMPLAINT: -1.0, Intent.BUG: -0.6},
    Mood.NEGATIVE: {Intent.COMPLAINT: 0.8, Intent.PRAISE: -2.0, Intent.PURCHASE: -0.8, Intent.QUESTION: -0.3},
    Mood.MIXED: {Intent.COMPLAINT: 0.6, Intent.PRAISE: -0.5},
    Mood.NEUTRAL: {},
    Mood.NOT_JUDGED: {},
}
"""What a mood adds to the evidence of an intent."""

OPENING = "opens with a "
OPENERS = BREAKS | {"and", "so", "hi", "hello", "hey", "also", "btw", "or", "please", "then", "just"}
"""Where a bare question or command word opens a sentence; elsewhere it joins ("impressed with how you ...")."""


class Rule(NamedTuple):
    """
    What a phrase is evidence for.
    """

    intent: Intent
    weight: float
    name: str


class Evidence(NamedTuple):
    """
    A rule that applies, and the words it saw.
    """

    rule: Rule
    words: str


def judge_intent(
    text: str, tokens: Sequence[Token], sentiment: Sentiment, learned: Learned | None = None
) -> IntentJudgement:
    """
    Judge what the writer of a text wants.

    Args:
        learned: evidence in the same text; None in a language nothing was learned of.
    """
    evidence = _evidence(text, tokens)
    scores = dict.fromkeys(TIES, 0.0)
    for one in evidence:
        scores[one.rule.intent] += one.rule.weight
    for intent, weight in MOOD_EVIDENCE[sentiment.mood].items():
        scores[intent] += weight
    if learned:
        scores = {intent: score + learned.intents[intent] for intent, score in scores.items()}
    best = max(TIES, key=lambda intent: scores[intent])
    if not learned and scores[best] < LEAST:
        best = Intent.OTHER
    reasons = _reasons(best, evidence, sentiment)
    if learned and best is not Intent.OTHER:
        reasons += _learned_reasons(text, learned, best)
    return IntentJudgement(intent=best, why="; ".join(reasons) or "nothing in it points to a wish")


def known_words() -> frozenset[str]:
    """
    Return the single keys of all phrases that are evidence.
    """
    return _rules().words


def _evidence(text: str, tokens: Sequence[Token]) -> list[Evidence]:
    """
    Gather each named evidence once, with the first words that gave it.
    """
    keys = [token.key for token in tokens]
    found: dict[tuple[Intent, str], Evidence] = {}
    for start in range(len(keys)):
        end, rules = _rules().longest(keys, start) or (start, ())
        for rule in rules:
            if rule.name.startswith(OPENING) and start and keys[start - 1] not in OPENERS:
                continue
            words = text[tokens[start].start : tokens[end - 1].end]
            found.setdefault((rule.intent, rule.name), Evidence(rule, words))
    return list(found.values())


def _reasons(intent: Intent, evidence: Sequence[Evidence], sentiment: Sentiment) -> list[str]:
    reasons = [f"{one.rule.name} (“{one.words}”)" for one in evidence if one.rule.intent is intent]
    if MOOD_EVIDENCE[sentiment.mood].get(intent, 0.0) > 0:
        reasons.append(f"its mood is {sentiment.mood.value}")
    return reasons


def _learned_reasons(text: str, learned: Learned, intent: Intent) -> list[str]:
    words = ", ".join(f"“{words}”" for words in words_for_intent(text, learned, intent))
    return [f"reads like a {intent.value} ({words})"] if words else []


@cache
def _rules() -> Phrases[tuple[Rule, ...]]:
    found: dict[str, list[Rule]] = {}
    for intent, weight, name, phrases in data.rows("intents.tsv"):
        for phrase in phrases.split("; "):
            found.setdefault(phrase, []).append(Rule(Intent(intent), float(weight), name))
    return Phrases((phrase, tuple(rules)) for phrase, rules in found.items())
