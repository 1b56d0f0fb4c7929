"""
Say whether two requests ask the same, so that one answer serves both. Pure: texts in, judgement out.

Two requests are alike when they share enough of their words (of their characters, in Chinese) and stand under one
post or want the same kind of thing. What differs from person to person is left out before words are compared:
order numbers, amounts, dates, the writer's own name. What turns a request is not: "no refund" is never alike to
"refund".

Where each text has words that the other lacks, they may speak of different things, and more must be shared than
where one merely says more. Near ones are found by MinHash in bands, and then compared word for word.
"""

from __future__ import annotations

import hashlib
import math
import re
import struct
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from itertools import pairwise
from typing import NamedTuple

from responses import data
from responses.text import HAN, Token, head, tokens

SAID_MORE = 0.6
"""Least share where one request holds all that the other says. Chosen on the tuning half of the golden pairs."""
SAID_OTHERWISE = 0.72
"""Least share where each request holds words that the other lacks."""
NEARLY_THE_SAME = 0.85
"""From this share on the words alone are enough: the same text is not always read as the same intent."""
SMALL, PAIR, NAME = 0.1, 0.3, 2.0
"""Weights of a word that only helps to ask, of two neighbours, and of a name; any other word weighs 1."""
LEAST_WEIGHT = 1.0
"""Texts that weigh less say too little to be compared."""
KINDS = {"question": "asks", "purchase": "asks", "request": "asks", "complaint": "troubled", "bug": "troubled"}
"""Intents that are too near to tell requests apart; any other is a kind of its own."""
SAME = {
    "post": "both answer the same post",
    "intent": "both want the same kind of thing",
    "text": "hardly anything else is said",
}
BANDS, ROWS = 24, 3
"""Texts that share half of their features meet in some band with 96 %, those that share a tenth with 2 %."""

_MONEY = (
    r"[£$€¥]\s?\d[\d.,]*|\b\d[\d.,]*\s?(?:usd|eur|gbp|pounds?|euros?|dollars?|quid|bucks|yuan|rmb)\b"
    r"|\d[\d.,]*\s?[元块塊]"
)
_ORDER = (
    r"#\s?[\w-]+|\b[a-z]{0,4}-?\d{4,}\b|\b[a-z]{2,4}-\d{3,}\b|\b(?:order|number|no\.?|ref|ticket)\s*:?\s*\d+\b"
)
_ORDER_ZH = r"(?:订单号?|訂單號?|单号|單號|尾号|尾號|编号)[:：]?\s*\w*\d+"
_DATE = r"\b\d{1,2}[./-]\d{1,2}(?:[./-]\d{2,4})?\b|\d{1,2}月\d{1,2}[日号]?"
_DAY_ZH = r"(?:星期|周|礼拜)[一二三四五六日天](?!.?[天周月])"
_SPAN_ZH = r"[一二两兩三四五六七八九十几幾\d]+\s?个?個?多?(?:星期|礼拜|小时|小時|分钟|分鐘|月|天|周|年|次)"
_PERSONAL = re.compile("|".join((_MONEY, _ORDER, _ORDER_ZH, _DATE, _DAY_ZH, _SPAN_ZH)), re.IGNORECASE)
_ASKED_TWICE = re.compile(rf"([{HAN}])[不没]\1")
"""`能不能` asks like `能...吗`; nothing is negated."""
_POLITE = re.compile("不好意思|对不起|對不起|没关系|沒關係|不知道|no problem|no worries", re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """
    A request, as far as likeness goes.

    Args:
        intent: what the writer wants (`responses.Intent`).
        post: what it was written under; None when it stands alone.
    """

    text: str
    language: str | None = None
    intent: str = "other"
    post: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Print:
    """
    What is compared of a text.

    Args:
        words: weight by word (by character, in Chinese); personal matters are left out.
        pairs: neighbours.
        names: words that name a thing or a place, and small numbers.
        asks: what is asked for: when, where, who.
        turns: how often something turns the request: negations, "without", "off".
        bands: texts with an equal one may be near; stable over processes and versions of Python.
    """

    words: Mapping[str, float]
    pairs: frozenset[str]
    names: frozenset[str]
    asks: frozenset[str]
    turns: tuple[tuple[str, int], ...]
    by_character: bool
    bands: tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Likeness:
    """
    What two requests have in common.

    Args:
        share: of the weight of both, from 0 to 1.
        shared, of: words (or characters) in both, and in either.
        same: what else they have in common: "post", "intent", or "text" (hardly anything is left that differs);
            empty when nothing.
        against: why they are not alike; empty when they are.
    """

    share: float
    shared: int
    of: int
    by_character: bool
    same: str
    against: str

    @property
    def alike(self) -> bool:
        return not self.against

    @property
    def why(self) -> str:
        """
        Say in one sentence what they share, or what stands against them.
        """
        if self.against:
            return self.against
        unit = "characters" if self.by_character else "words"
        return f"shares {self.shared} of {self.of} {unit}; {SAME[self.same]}"


def compare(one: Asked, other: Asked) -> Likeness:
    """
    Judge whether two requests are alike; which one is handed in first makes no difference.
    """
    return judge(one, fingerprint(one.text), other, fingerprint(other.text))


def judge(one: Asked, first: Print, other: Asked, second: Print) -> Likeness:
    """
    Judge two requests whose prints are known.
    """
    share, unshared = _share(first, second)
    same = _same(one, other, share)
    return Likeness(
        share=share,
        shared=len(first.words.keys() & second.words.keys()),
        of=len(first.words.keys() | second.words.keys()),
        by_character=first.by_character and second.by_character,
        same=same,
        against=_against(one, first, other, second, share, unshared, same),
    )


def _same(one: Asked, other: Asked, share: float) -> str:
    if one.post and one.post == other.post:
        return "post"
    if KINDS.get(one.intent, one.intent) == KINDS.get(other.intent, other.intent):
        return "intent"
    return "text" if share >= NEARLY_THE_SAME else ""


def _against(
    one: Asked, first: Print, other: Asked, second: Print, share: float, unshared: tuple[float, float], same: str
) -> str:
    if one.language and other.language and one.language != other.language:
        return "they are in different languages"
    if not same:
        return "they neither answer the same post nor want the same kind of thing"
    if first.turns != second.turns:
        return "one says what the other denies"
    for mine, theirs in ((first.names, second.names), (first.asks, second.asks)):
        if mine - theirs and theirs - mine:
            return "they ask about different things"
    if min(math.fsum(one.words.values()) for one in (first, second)) < LEAST_WEIGHT:
        return "they say too little"
    least = SAID_OTHERWISE if min(unshared) >= 1 else SAID_MORE
    return "" if share >= least else f"they share too little ({share:.0%}, at least {least:.0%} is needed)"


def _share(first: Print, second: Print) -> tuple[float, tuple[float, float]]:
    """
    Give the weighted Jaccard index of words and pairs, and the weight of the words that only one of them holds.
    """
    both = first.words.keys() & second.words.keys()
    # fsum: the same sum in whatever order, so that the judgement does not depend on it
    shared = math.fsum(min(first.words[word], second.words[word]) for word in both)
    alone = [
        math.fsum(weight for word, weight in one.words.items() if word not in both) for one in (first, second)
    ]
    pairs, all_pairs = len(first.pairs & second.pairs), len(first.pairs | second.pairs)
    whole = math.fsum([shared, *alone, PAIR * all_pairs])
    return ((shared + PAIR * pairs) / whole if whole else 0.0), (alone[0], alone[1])


@lru_cache(maxsize=20_000)
def fingerprint(text: str) -> Print:
    """
    Make the print of a text.
    """
    parts = _parts(text)
    words: dict[str, float] = {}
    for part in parts:
        words[part.key] = max(words.get(part.key, 0.0), part.weight)
    keys = [part.key for part in parts]
    pairs = frozenset(f"{one} {two}" for one, two in pairwise(keys) if words[one] + words[two] >= 1)
    turning = sorted(part.turn for part in parts if part.turn)
    return Print(
        words=words,
        pairs=pairs,
        names=frozenset(part.key for part in parts if part.weight == NAME),
        asks=frozenset(keys) & _lists()["asks"],
        turns=tuple((word, turning.count(word)) for word in sorted(set(turning))),
        by_character=2 * sum(part.han for part in parts) > len(parts),
        bands=_bands(sorted({word for word, weight in words.items() if weight >= 1} or words) + sorted(pairs)),
    )


class _Part(NamedTuple):
    key: str
    weight: float
    turn: str
    han: bool


def _parts(text: str) -> list[_Part]:
    """
    Cut a text into what is compared, without what is personal.
    """
    plain = _POLITE.sub(" ", _PERSONAL.sub(" ", unicodedata.normalize("NFKC", head(text))))
    plain = _ASKED_TWICE.sub(r"\1", plain)
    cut = [one for one in tokens(plain) if one.kind in ("word", "han")]
    return [_part(plain, cut, at) for at in range(len(cut)) if not _is_personal(cut, at)]


def _is_personal(cut: Sequence[Token], at: int) -> bool:
    """
    Say whether a word differs from person to person: a day, a span of time, the writer's name.
    """
    lists, key = _lists(), cut[at].key
    after = cut[at + 1].key if at + 1 < len(cut) else ""
    before = cut[at - 1].key if at else ""
    if key in lists["day"] or (key in lists["unit"] and (before.isdigit() or before in lists["many"])):
        return True
    if (key.isdigit() or key in lists["many"]) and after in lists["unit"]:
        return True
    # "I'm Anna", "my name is Anna", "Regards, Anna"
    introduced = before in lists["self"] or (before == "is" and at > 1 and cut[at - 2].key == "name")
    return introduced and _is_capitalised(cut[at].text)


def _part(plain: str, cut: Sequence[Token], at: int) -> _Part:
    token, lists = cut[at], _lists()
    if token.key in lists["negation"]:
        return _Part("not", SMALL, "not", token.kind == "han")
    if token.key in lists["turns"]:
        return _Part(token.key, 1.0, token.key, han=False)
    if token.key in lists["small"]:
        return _Part(token.key, SMALL, "", token.kind == "han")
    key = _stem(token.key) if token.kind == "word" else token.key
    named = token.kind == "word" and (_names(plain, token, at) or any(letter.isdigit() for letter in token.text))
    return _Part(key, NAME if named else 1.0, "", token.kind == "han")


def _names(plain: str, token: Token, at: int) -> bool:
    """
    Say whether a word is written like a name: with a capital where no sentence begins.
    """
    before = plain[: token.start].rstrip(" \t\"'“‘(*_")
    return at > 0 and _is_capitalised(token.text) and before[-1:] not in ("", ".", "!", "?", "\n", ":", "…")


def _is_capitalised(word: str) -> bool:
    return word[:1].isupper() and any(letter.islower() for letter in word)


def _stem(word: str) -> str:
    """
    Cut what only grammar asks for.
    """
    word = _SAME.get(word, word).removesuffix("'s")
    for ending, least in (("ies", 6), ("ing", 7), ("ed", 6), ("es", 6), ("s", 4)):
        if word.endswith(ending) and len(word) >= least and not word.endswith(("ss", "us", "is")):
            stem = word.removesuffix(ending)
            return stem + "y" if ending == "ies" else stem.removesuffix("e")
    return word.removesuffix("e") if len(word) > 4 else word


_SAME = {"mail": "email", "emails": "email", "mails": "email", "package": "parcel", "packages": "parcel"}


def _bands(features: Iterable[str]) -> tuple[int, ...]:
    """
    Give the MinHash bands of some features.
    """
    least = [min(column) for column in zip(*map(_hashes, features), strict=True)]
    return tuple(_band(f"{at} {least[at : at + ROWS]}") for at in range(0, len(least), ROWS))


@lru_cache(maxsize=50_000)
def _hashes(feature: str) -> tuple[int, ...]:
    """
    Hash a feature in as many ways as there are rows, the same on every machine.
    """
    count = BANDS * ROWS
    return struct.unpack(f"<{count}I", hashlib.shake_128(_bytes(feature)).digest(4 * count))


def _band(rows: str) -> int:
    """
    Hash to 63 bits: a positive number that fits a column of any database.
    """
    return int.from_bytes(hashlib.blake2b(_bytes(rows), digest_size=8).digest()) >> 1


def _bytes(text: str) -> bytes:
    return text.encode(errors="surrogatepass")


@cache
def _lists() -> Mapping[str, frozenset[str]]:
    found: dict[str, set[str]] = {}
    for what, words in data.rows("alike.tsv"):
        found.setdefault(what, set()).update(words.split())
    found["negation"] = {word for _, words in data.rows("negations.tsv") for word in words.split("; ")}
    found["negation"] -= found["turns"]
    return {what: frozenset(words) for what, words in found.items()}


@dataclass(frozen=True, slots=True, kw_only=True)
class Match:
    """
    The group that a request belongs to, and why.
    """

    id: str
    likeness: Likeness


def best_match(asked: Asked, leaders: Mapping[str, Asked]) -> Match | None:
    """
    Find the leader that a request is most like; of equals, the one with the smaller id.

    Args:
        leaders: the first request of each group, by the group's id.
    """
    mine = fingerprint(asked.text)
    found = [
        Match(id=leader_id, likeness=judge(asked, mine, leader, fingerprint(leader.text)))
        for leader_id, leader in leaders.items()
    ]
    alike = [one for one in found if one.likeness.alike]
    return min(alike, key=lambda one: (-one.likeness.share, one.id), default=None)


class Gathering:
    """
    Groups of alike requests in memory, one request at a time. Each is compared with the first of a group, never
    with the latest: so a group cannot drift from one question to another.
    """

    def __init__(self) -> None:
        self.groups: dict[str, list[str]] = {}
        self._leaders: dict[str, Asked] = {}
        self._bands: dict[int, list[str]] = {}

    def add(self, request_id: str, asked: Asked) -> Match | None:
        """
        Put a request into the group it belongs to; None: it begins one of its own.
        """
        bands = fingerprint(asked.text).bands
        near = {leader_id for band in bands for leader_id in self._bands.get(band, ())}
        match = best_match(asked, {leader_id: self._leaders[leader_id] for leader_id in near})
        if match is not None:
            self.groups[match.id].append(request_id)
            return match
        self._leaders[request_id], self.groups[request_id] = asked, [request_id]
        for band in bands:
            self._bands.setdefault(band, []).append(request_id)
        return None
