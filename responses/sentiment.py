"""
Judge the mood of a text and name the words that decided it. Pure; decides, does nothing else.

English: our own lexicon goes before TextBlob's words. Chinese: our own lexicon, for TextBlob answers 0 to it.
Any other language is not judged, unless its emoji speak clearly. A value of 0 means "read, and neutral".

How a weight comes about: the word's own weight, turned by a negation before it, changed by a degree word,
capitals and exclamation marks, and damped in a question; sarcasm turns praise. The weights are added; `tanh`
brings the sum between -1 and 1. Where the lexicon is silent or unsure, what was learned is asked too.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from functools import cache
from typing import NamedTuple

from responses import data, english
from responses.learned import Learned, words_for_mood
from responses.phrases import Phrases
from responses.text import BREAKS, CONTRARIES, ENDERS, Token
from responses.values import Intent, Mood, Sentiment, Word

LANGUAGES = frozenset({"en", "zh"})
"""The languages whose words we can weigh."""

CLEAR = 0.15
"""Sums of weights below this are neutral. Chosen on the tuning half of the golden texts."""
MIXED_AT_LEAST, MIXED_SHARE = 0.3, 0.4
"""Mixed: both sides weigh this much, and the lighter one at least this share of the heavier."""
SURE = 0.75
"""From this weight on one side, or where it sees both sides, the lexicon alone decides."""
LEARNED = 0.4
"""What learned log odds are worth in weights of the lexicon. Chosen, like SURE, by cross-validation."""
ADVERT = 0.5
"""By how much learned log odds must favour spam over all else for a text to have no mood of its own."""
PHRASE_WORDS, PHRASE_HAN = 2, 3
"""Lexicon entries of so many words, or Chinese characters, are phrases."""
TURNED_GOOD, TURNED_BAD = -0.7, -0.4
"""What is left of a good or a bad word after a negation: "not good" is bad, "not bad" only half good."""
SHOUTED = 1.25
IN_QUESTION = 0.25
COURTESY = 0.2
"""What is left of a thank-you that merely closes a longer message."""
SARCASTIC = -0.6

_COURTESIES = frozenset({"thanks", "thank you", "thx", "cheers", "many thanks", "谢谢", "多谢", "谢了", "感谢"})
_ASKING_ENDS = frozenset("吗呢么")
_LONGEST_REACH = 4
"""The farthest any word of negations.tsv reaches."""


class Entry(NamedTuple):
    """
    What a lexicon says of a phrase: its weight, and its weight when negated.
    """

    weight: float
    negated: float


class Hit(NamedTuple):
    """
    A phrase found: tokens from start to end (exclusive), the weight it has in this place, and whether a negation
    turned it.
    """

    start: int
    end: int
    weight: float
    turned: bool = False


class Sentence(NamedTuple):
    """
    What the marks of one sentence tell about its words.
    """

    exclamations: int
    asks: bool


def judge_sentiment(
    text: str, tokens: Sequence[Token], language: str | None, learned: Learned | None = None
) -> Sentiment:
    """
    Judge the mood of a text.

    Args:
        tokens: of the judged part of the same text.
        language: base subtag; None when not judged.
        learned: evidence in the same text; None when none is to be asked.
    """
    hits = _hits(tokens) if language in LANGUAGES else _clear_emoji(tokens)
    if not hits and language not in LANGUAGES:
        return Sentiment(mood=Mood.NOT_JUDGED, value=None, words=())
    words = tuple(
        Word(text=text[tokens[hit.start].start : tokens[hit.end - 1].end], weight=round(hit.weight, 2))
        for hit in hits
    )
    good = sum(hit.weight for hit in hits if hit.weight > 0)
    bad = -sum(hit.weight for hit in hits if hit.weight < 0)
    told = Sentiment(mood=mood_of(good, bad), value=round(math.tanh(good - bad), 3), words=words)
    if learned is None:
        return told
    if _advertises(learned):
        return Sentiment(mood=Mood.NEUTRAL, value=0.0, words=())
    if told.mood is Mood.MIXED or max(good, bad) >= SURE or any(_understood(hit, tokens) for hit in hits):
        return told
    return _with_learned(text, told, good, bad, learned)


def _advertises(learned: Learned) -> bool:
    """
    Tell whether a text is plainly an advert: its praise and its fears are not about us.
    """
    return all(
        learned.intents[Intent.SPAM] - odds >= ADVERT
        for intent, odds in learned.intents.items()
        if intent is not Intent.SPAM
    )


def _understood(hit: Hit, tokens: Sequence[Token]) -> bool:
    """
    Tell whether the lexicon saw more than a word: a negation or a whole phrase.
    """
    phrase = PHRASE_HAN if tokens[hit.start].kind == "han" else PHRASE_WORDS
    return hit.turned or hit.end - hit.start >= phrase


def _with_learned(text: str, told: Sentiment, good: float, bad: float, learned: Learned) -> Sentiment:
    """
    Ask what was learned, beside the two sums of the lexicon; words that it cannot name decide nothing.
    """
    calm = learned.moods[Mood.NEUTRAL]
    good = max(good + LEARNED * (learned.moods[Mood.POSITIVE] - calm), 0.0)
    bad = max(bad + LEARNED * (learned.moods[Mood.NEGATIVE] - calm), 0.0)
    mood = Mood.POSITIVE if good > bad else Mood.NEGATIVE
    if good == bad:
        return told if told.mood is Mood.NEUTRAL else Sentiment(mood=Mood.NEUTRAL, value=0.0, words=())
    if mood is told.mood:
        return told
    words = words_for_mood(text, learned, mood, LEARNED)
    if not words:
        return told
    size = math.tanh(max(abs(good - bad), CLEAR))
    return Sentiment(mood=mood, value=round(size if mood is Mood.POSITIVE else -size, 3), words=words)


def mood_of(good: float, bad: float) -> Mood:
    """
    Name the mood from the two sums of weights, both 0 or more.
    """
    lighter, heavier = sorted((good, bad))
    if lighter >= MIXED_AT_LEAST and lighter >= MIXED_SHARE * heavier:
        return Mood.MIXED
    if good - bad >= CLEAR:
        return Mood.POSITIVE
    return Mood.NEGATIVE if bad - good >= CLEAR else Mood.NEUTRAL


def known_words() -> frozenset[str]:
    """
    Return the single keys of all phrases that tell a mood.
    """
    return _lexicon().words


def _clear_emoji(tokens: Sequence[Token]) -> list[Hit]:
    """
    Return the emoji that speak in any language; none when they contradict each other.
    """
    hits = [Hit(at, at + 1, _emoji()[token.key]) for at, token in enumerate(tokens) if token.key in _emoji()]
    return hits if len({hit.weight > 0 for hit in hits}) == 1 else []


def _hits(tokens: Sequence[Token]) -> list[Hit]:
    keys = [token.key for token in tokens]
    sentences = _sentences(keys)
    taken: set[int] = set()
    hits: list[Hit] = []
    for start, end, entry in _matches(keys):
        turned = _negated(keys, taken, start)
        weight = _weight(entry.negated if turned else entry.weight, keys, start)
        taken.update(range(start, end) if weight else _negating(keys, start, end))
        if weight:
            courtesy = COURTESY if _closes(keys, start, end) else 1.0
            voice = _voice(tokens[start:end], weight, sentences[start])
            hits.append(Hit(start, end, weight * courtesy * voice, turned))
    return _without_sarcasm(hits, keys, sentences)


def _matches(keys: Sequence[str]) -> Iterator[tuple[int, int, Entry]]:
    """
    Go through the text once; the longest phrase wins, our own lexicon goes before TextBlob's.
    """
    at, lexicon, borrowed = 0, _lexicon(), english.polarities()
    while at < len(keys):
        end, entry = lexicon.longest(keys, at) or (at + 1, None)
        if entry is None and keys[at] in borrowed:
            entry = _entry(borrowed[keys[at]])
        if entry:
            yield at, end, entry
        at = end


def _weight(weight: float, keys: Sequence[str], start: int) -> float:
    degree = _degrees().get(keys[start - 1], 1.0) if start else 1.0
    pair = _degrees().get("".join(keys[max(start - 2, 0) : start]), 1.0)
    return weight * (degree if degree != 1.0 else pair)


def _negating(keys: Sequence[str], start: int, end: int) -> list[int]:
    """
    Return the negations inside a silenced phrase: in "not only" they turn nothing outside it.
    """
    return [at for at in range(start, end) if keys[at] in _negations()]


def _negated(keys: Sequence[str], taken: set[int], start: int) -> bool:
    """
    Tell whether a negation within reach turns the word; one that is part of another phrase does not.
    """
    for at in range(start - 1, -1, -1):
        if keys[at] in BREAKS or at in taken:
            return False
        if start - at <= _negations().get(keys[at], 0):
            return True
        if start - at >= _LONGEST_REACH:
            return False
    return False


def _voice(tokens: Sequence[Token], weight: float, sentence: Sentence) -> float:
    """
    Return the factor for how a word is said: shouted, with exclamation marks, or asked.
    """
    shouted = SHOUTED if any(len(token.text) > 2 and token.text.isupper() for token in tokens) else 1.0
    asked = IN_QUESTION if sentence.asks and weight > 0 else 1.0
    return shouted * asked * (1 + 0.15 * min(sentence.exclamations, 3))


def _closes(keys: Sequence[str], start: int, end: int) -> bool:
    """
    Tell whether this is a mere "thanks" at the end of a message that was about something else.
    """
    phrase = (" " if keys[start].isascii() else "").join(keys[start:end])
    return phrase in _COURTESIES and start >= 3 and all(key in BREAKS for key in keys[end:])


def _sentences(keys: Sequence[str]) -> list[Sentence]:
    """
    Return for each token what is known of its sentence.
    """
    found: list[Sentence] = []
    start = 0
    for at in range(len(keys)):
        more = at + 1 < len(keys)
        if more and (keys[at] not in ENDERS or keys[at + 1] in ENDERS):
            continue
        part = keys[start : at + 1]
        spoken = next((key for key in reversed(part) if key not in ENDERS), "")
        sentence = Sentence(part.count("!"), "?" in part or spoken in _ASKING_ENDS)
        found += [sentence] * len(part)
        start = at + 1
    return found


def _without_sarcasm(hits: list[Hit], keys: Sequence[str], sentences: Sequence[Sentence]) -> list[Hit]:
    if not _sarcastic(hits, keys):
        return hits
    return [hit._replace(weight=hit.weight * SARCASTIC) if hit.weight > 0 else hit for hit in hits]


def _sarcastic(hits: Sequence[Hit], keys: Sequence[str]) -> bool:
    """
    Tell whether praise is plainly not meant.
    """
    bad = [hit.start for hit in hits if hit.weight < 0]
    for at in range(len(keys)):
        mark = _sarcasm().longest(keys, at)
        if mark and mark[1] == "strong":
            return True
        if mark and any(at <= place < _clause_end(keys, mark[0]) for place in bad):
            return True
    return False


def _clause_end(keys: Sequence[str], start: int) -> int:
    """
    Return where the sentence goes over into its contrary ("but") or ends.
    """
    stops = ENDERS | CONTRARIES
    return next((at for at in range(start, len(keys)) if keys[at] in stops), len(keys))


def _entry(weight: float, negated: str = "-") -> Entry:
    derived = weight * (TURNED_GOOD if weight > 0 else TURNED_BAD)
    return Entry(weight, derived if negated == "-" else float(negated))


@cache
def _emoji() -> dict[str, float]:
    return {
        sign.lower().replace("-", ""): float(row[0]) for row in data.rows("emoji.tsv") for sign in row[1].split()
    }


@cache
def _lexicon() -> Phrases[Entry]:
    rows = data.rows("sentiment_en.tsv") + data.rows("sentiment_zh.tsv")
    words = [(phrase, _entry(float(row[0]), row[1])) for row in rows for phrase in row[2].split("; ")]
    return Phrases([*words, *((sign, Entry(weight, weight)) for sign, weight in _emoji().items())])


@cache
def _sarcasm() -> Phrases[str]:
    return Phrases((phrase, row[0]) for row in data.rows("sarcasm.tsv") for phrase in row[1].split("; "))


@cache
def _degrees() -> dict[str, float]:
    return {word: float(row[0]) for row in data.rows("degrees.tsv") for word in row[1].split("; ")}


@cache
def _negations() -> dict[str, int]:
    return {word: int(row[0]) for row in data.rows("negations.tsv") for word in row[1].split("; ")}
