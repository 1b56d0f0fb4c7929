"""
What a message is about: short phrases that could name a topic, the longest first. Pure; judges nothing.

A grammar that finds noun phrases needs a corpus per language, which we do not carry; so this is shallow on
purpose. English: a text is cut at words that are no content (articles, verbs of every day, opinions) and at
punctuation; what is left between the cuts are runs of content words, and their last one, two or three words are
phrases, in singular. Chinese has no spaces: a text is cut at function words, and the n-grams of two to six
characters of what is left are phrases. Most of these mean nothing; which ones do shows when several people use
them (`bot.feedback`).
"""

from __future__ import annotations

import re
import unicodedata
from functools import cache

from responses import data
from responses.text import simplified

MOST_PHRASES = 40
JUDGED = 1_000
"""Characters of a message that are looked at."""
LONGEST_RUN = 3
LONGEST_GRAM = 6

_LINK = re.compile(r"https?://\S+|\S+@\S+|[@#]\w+")
_WORD = re.compile(r"[^\W\d_][\w'’-]*", re.UNICODE)
_HAN = re.compile(r"[㐀-䶿一-鿿]+")
_CUT = re.compile(r"[.,;:!?()\[\]\"“”…/\n]|\s[-–—]\s")


@cache
def _words(kind: str) -> frozenset[str]:
    rows = data.rows("topics.tsv")
    return frozenset(word for named, words in rows if named == kind for word in words.split())


@cache
def _function_words() -> re.Pattern[str]:
    return re.compile("|".join(sorted(_words("function"), key=len, reverse=True)))


def phrases(text: str) -> list[str]:
    """
    Give what could name the topics of a text, the longest first, each once; at most `MOST_PHRASES`.
    """
    plain = _LINK.sub(" . ", unicodedata.normalize("NFKC", text[:JUDGED]).lower().replace("’", "'"))
    found = dict.fromkeys([*_spaced(plain), *_han(plain)])
    return sorted(found, key=lambda phrase: (-weight(phrase), phrase))[:MOST_PHRASES]


def weight(phrase: str) -> int:
    """
    Say how much a phrase says: words of a spaced language, characters of Chinese (two are about one word).
    """
    return 2 * len(phrase.split()) if phrase.isascii() or not _HAN.search(phrase) else len(phrase)


def contains(longer: str, shorter: str) -> bool:
    """
    Say whether a phrase is a part of another one, by whole words where words are spaced.
    """
    if _HAN.search(longer):
        return shorter in longer
    return f" {shorter} " in f" {longer} "


def _spaced(text: str) -> list[str]:
    found = []
    for part in _CUT.split(text):
        run: list[str] = []
        for match in [*_WORD.finditer(part), None]:
            word = match[0].strip("'-") if match else ""
            if word and not _HAN.search(word) and _is_content(word):
                run.append(word)
                continue
            found += _endings(run)
            run = []
    return found


def _is_content(word: str) -> bool:
    return len(word) > 2 and word not in _words("empty") and word not in _words("opinion")


def _endings(run: list[str]) -> list[str]:
    """
    Name a run of content words by its last words: "new phone battery life" is about battery life, and about life.
    """
    if not run:
        return []
    named = [*run[:-1], singular(run[-1])]
    return [" ".join(named[-length:]) for length in range(1, min(len(named), LONGEST_RUN) + 1)]


def singular(word: str) -> str:
    """
    Bring an English noun into singular, roughly; what is no plural stays.

    >>> singular("batteries"), singular("boxes"), singular("shoes"), singular("glass")
    ('battery', 'box', 'shoe', 'glass')
    """
    if len(word) < 4 or not word.isascii() or word.endswith(("ss", "us", "is", "'s")):
        return word.removesuffix("'s")
    if word.endswith("ies") and len(word) > 4:
        return word[:-3] + "y"
    if word.endswith(("xes", "ches", "shes", "sses", "zes")):
        return word[:-2]
    return word[:-1] if word.endswith("s") else word


def _han(text: str) -> list[str]:
    table = simplified()
    found = []
    for run in _HAN.findall(text):
        plain = "".join(table.get(char, char) for char in run)
        for part in _function_words().split(plain):
            lengths = range(2, min(len(part), LONGEST_GRAM) + 1)
            found += [part[at : at + size] for size in lengths for at in range(len(part) - size + 1)]
    return found
