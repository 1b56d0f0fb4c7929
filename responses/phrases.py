"""
Find known phrases in a row of keys. Pure: phrases in, finder out, matches out.

A phrase is a row of keys; `~` in it stands for up to three keys of the same sentence.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Generic, TypeVar

from responses import text

GAP = "~"
LONGEST_GAP = 3

Entry = TypeVar("Entry")


class Phrases(Generic[Entry]):
    """
    A set of phrases, each with an entry; asked for the longest one that begins at a place.
    """

    __slots__ = ("_root", "words")

    def __init__(self, phrases: Iterable[tuple[str, Entry]]) -> None:
        self._root: dict[str, Any] = {}
        words: set[str] = set()
        for phrase, entry in phrases:
            keys = keys_of(phrase)
            words.update(keys)
            node = self._root
            for key in keys:
                node = node.setdefault(key, {})
            node[""] = entry
        self.words = frozenset(words)

    def longest(self, keys: Sequence[str], start: int) -> tuple[int, Entry] | None:
        """
        Return where the longest phrase that begins at `start` ends (exclusive) and its entry.
        """
        node = self._root.get(keys[start])
        return None if node is None else _longest(node, keys, start + 1)


def keys_of(phrase: str) -> list[str]:
    """
    Cut a phrase of a data file into the keys it matches.
    """
    keys: list[str] = []
    for part in phrase.split(GAP):
        keys += [token.key for token in text.tokens(part)] + [GAP]
    return keys[:-1]


def _longest(node: dict[str, Any], keys: Sequence[str], at: int) -> tuple[int, Any] | None:
    """
    Follow the phrases from `node` on; recursion is as deep as the longest phrase.
    """
    found: list[tuple[int, Any] | None] = [(at, node[""])] if "" in node else []
    if at < len(keys) and keys[at] in node:
        found.append(_longest(node[keys[at]], keys, at + 1))
    if GAP in node:
        found += [_longest(node[GAP], keys, there) for there in _after_gap(keys, at)]
    return max((one for one in found if one), key=lambda one: one[0], default=None)


def _after_gap(keys: Sequence[str], at: int) -> Iterable[int]:
    for there in range(at, min(at + LONGEST_GAP, len(keys)) + 1):
        yield there
        if there < len(keys) and keys[there] in text.ENDERS:
            return
