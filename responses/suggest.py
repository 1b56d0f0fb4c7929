"""
Find saved replies as one types, and suggest answers: from saved replies, and from what was answered well before.

Pure; in memory. Nothing here sends anything: a suggestion says where it comes from and why, and a person decides.
"""

from __future__ import annotations

import math
import unicodedata
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from rapidfuzz import fuzz

from responses.alike import Print, fingerprint

LEAST_FUZZY = 70
"""Below this likeness (of 100) a word of the search was not meant."""
SHOWN_WORDS = 4
LEAST_OVERLAP = 0.18
"""Share of a question's weight that a saved reply must speak of, if its intent is not the question's."""
UNHEARD_OF = 0.6
"""Worth of a word that no saved reply holds: it says nothing about which one fits, only that none may."""
INTENT_WORTH, USE_WORTH = 0.25, 0.1
LEAST_LIKE = 0.4
"""Share of a question's own score that an earlier question must reach."""
SATURATION, LENGTH_WORTH = 1.2, 0.75
"""k1 and b of BM25, at the values that its authors recommend."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SavedReply:
    """
    A saved reply as far as finding it goes; one language of it.
    """

    id: str
    title: str
    shortcut: str
    text: str
    language: str | None = None
    intents: frozenset[str] = frozenset()
    uses: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """
    What a customer asks.
    """

    text: str
    language: str | None = None
    intent: str = "other"


@dataclass(frozen=True, slots=True, kw_only=True)
class Suggestion:
    """
    Something that may answer, the better the higher its score (0 to about 1).

    Args:
        words: what it shares with the question, the most telling first.
        same_intent: it is meant for what the writer wants.
    """

    id: str
    score: float
    words: tuple[str, ...] = ()
    same_intent: bool = False


def search(
    typed: str, replies: Iterable[SavedReply], *, language: str | None = None, limit: int = 8
) -> list[SavedReply]:
    """
    Find saved replies by what was typed after `/`: beginnings of shortcuts first, then titles, then texts,
    mistyped or not; of equals, the customer's language and the more used first. Nothing typed finds the most used.
    """
    wanted = plain(typed)
    found = [(rank, reply) for reply in replies if (rank := _rank(wanted, reply)) is not None]
    found.sort(
        key=lambda one: (
            one[0][0],
            not _speaks(one[1], language),
            -one[0][1],
            -one[1].uses,
            one[1].title,
            one[1].id,
        )
    )
    return [reply for _, reply in found[:limit]]


def plain(text: str) -> str:
    """
    Bring a text into the form in which it is searched.
    """
    return " ".join(unicodedata.normalize("NFKC", text).casefold().split())


def _rank(wanted: str, reply: SavedReply) -> tuple[int, float] | None:
    """
    Say how well a reply fits what was typed: the smaller the first number the better, then the greater the second.
    """
    shortcut, title = plain(reply.shortcut), plain(reply.title)
    if shortcut.startswith(wanted):
        return 0 if shortcut == wanted else 1, 100.0
    if wanted in title:
        return 2, 100.0 if title.startswith(wanted) else 90.0
    by_name = max(fuzz.ratio(wanted, shortcut), fuzz.partial_ratio(wanted, title) if len(wanted) > 2 else 0.0)
    if by_name >= LEAST_FUZZY:
        return 3, by_name
    return (4, 100.0) if wanted in plain(reply.text) else None


def _speaks(reply: SavedReply, language: str | None) -> bool:
    return language is None or reply.language is None or reply.language == language


def suggest(question: Question, replies: Sequence[SavedReply], *, limit: int = 3) -> list[Suggestion]:
    """
    Rank saved replies for a question: by the words they share with it, the intent they are for, and their use.

    Replies in another language than the customer's are left out.
    """
    ours = [one for one in replies if _speaks(one, question.language)]
    asked = fingerprint(question.text)
    prints = {one.id: fingerprint(f"{one.title}\n{one.shortcut}\n{one.text}") for one in ours}
    often = Counter(word for one in prints.values() for word in features(one))
    most = max((one.uses for one in ours), default=0) or 1
    found = [_suggestion(question, asked, one, prints[one.id], often, len(ours), one.uses / most) for one in ours]
    kept = [one for one in found if one is not None]
    return sorted(kept, key=lambda one: (-one.score, one.id))[:limit]


def _suggestion(
    question: Question, asked: Print, reply: SavedReply, its: Print, often: Counter[str], count: int, use: float
) -> Suggestion | None:
    weights = {
        word: weight * (_rarity(often[word], count) if often[word] else UNHEARD_OF)
        for word, weight in features(asked).items()
    }
    whole = math.fsum(weights.values())
    shared = {word: weights[word] for word in weights.keys() & features(its).keys()}
    overlap = math.fsum(shared.values()) / whole if whole else 0.0
    same_intent = question.intent in reply.intents
    if overlap < (LEAST_OVERLAP if same_intent else 2 * LEAST_OVERLAP):
        return None
    score = overlap + (INTENT_WORTH if same_intent else 0.0) + USE_WORTH * use
    return Suggestion(id=reply.id, score=score, words=_telling(shared), same_intent=same_intent)


def features(of: Print) -> dict[str, float]:
    """
    Give the words and pairs of a text that say what it is about, with their weights.
    """
    return {word: weight for word, weight in of.words.items() if weight >= 1} | dict.fromkeys(of.pairs, 0.5)


def _telling(shared: dict[str, float]) -> tuple[str, ...]:
    words = [word for word in shared if " " not in word]
    return tuple(sorted(words, key=lambda word: (-shared[word], word))[:SHOWN_WORDS])


def _rarity(holding: int, of: int) -> float:
    """
    Weigh a word by how few texts hold it (the idf of BM25, which is never negative).
    """
    return math.log(1 + (of - holding + 0.5) / (holding + 0.5))


class AnsweredWell:
    """
    Questions that were answered well, found again by BM25 over their words and pairs. Not safe between threads.
    """

    def __init__(self) -> None:
        self._features: dict[str, dict[str, float]] = {}
        self._holding: dict[str, set[str]] = {}
        self._weight = 0.0

    def __len__(self) -> int:
        return len(self._features)

    def add(self, answer_id: str, question: str) -> None:
        """
        Take a question in; the same id again replaces it.
        """
        self.remove(answer_id)
        mine = features(fingerprint(question))
        self._features[answer_id] = mine
        self._weight += math.fsum(mine.values())
        for word in mine:
            self._holding.setdefault(word, set()).add(answer_id)

    def remove(self, answer_id: str) -> None:
        """
        Forget a question; one that is not there changes nothing.
        """
        mine = self._features.pop(answer_id, {})
        self._weight -= math.fsum(mine.values())
        for word in mine:
            self._holding[word].discard(answer_id)
            if not self._holding[word]:
                del self._holding[word]

    def like(self, question: str, *, limit: int = 3) -> list[Suggestion]:
        """
        Find earlier questions that are much like this one, the nearest first.
        """
        asked = features(fingerprint(question))
        weights = {word: _rarity(len(self._holding.get(word, ())), len(self)) for word in asked}
        # Common words are looked up last and seldom decide; a question's own score is what perfect would be.
        perfect = math.fsum(weights[word] * weight for word, weight in asked.items())
        near = {
            one for word in sorted(asked, key=lambda w: -weights[w])[:12] for one in self._holding.get(word, ())
        }
        found = [self._judge(one, asked, weights, perfect) for one in near]
        kept = [one for one in found if one.score >= LEAST_LIKE]
        return sorted(kept, key=lambda one: (-one.score, one.id))[:limit]

    def _judge(
        self, answer_id: str, asked: dict[str, float], weights: dict[str, float], perfect: float
    ) -> Suggestion:
        theirs = self._features[answer_id]
        length = math.fsum(theirs.values()) / (self._weight / len(self))
        damping = (1 + SATURATION) / (1 + SATURATION * (1 - LENGTH_WORTH + LENGTH_WORTH * length))
        shared = {word: weights[word] * asked[word] for word in asked.keys() & theirs.keys()}
        score = math.fsum(shared.values()) * min(damping, 1.0) / perfect if perfect else 0.0
        return Suggestion(id=answer_id, score=score, words=_telling(shared))
