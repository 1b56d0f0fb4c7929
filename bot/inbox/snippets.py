"""
Cut the part of a text that shows why it was found. Pure.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

from bot.core.tokens import MOST_TOKENS, Token, tokens_of
from bot.inbox.query import Phrase

BEFORE, LENGTH = 60, 240
"""Characters shown before the first place that was found, and in all."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Piece:
    """
    A part of a text.

    Args:
        found: it is what was looked for.
    """

    text: str
    found: bool


def snippet_of(text: str, wanted: Sequence[Phrase]) -> list[Piece]:
    """
    Cut a text around the first place that was found; of a text in which nothing is found, its beginning.
    """
    tokens = list(islice(tokens_of(text), MOST_TOKENS))
    spans = _joined(sorted(span for phrase in wanted for span in _spans(tokens, phrase)))
    begin = max(0, spans[0][0] - BEFORE) if spans else 0
    end = min(len(text), begin + LENGTH)
    pieces, here = [Piece(text="…", found=False)] if begin else [], begin
    for start, stop in spans:
        if start >= end:
            break
        pieces += [Piece(text=text[here:start], found=False), Piece(text=text[start : min(stop, end)], found=True)]
        here = min(stop, end)
    pieces += [Piece(text=text[here:end], found=False)]
    pieces += [Piece(text="…", found=False)] if end < len(text) else []
    return [piece for piece in pieces if piece.text]


def _spans(tokens: Sequence[Token], phrase: Phrase) -> Iterator[tuple[int, int]]:
    size = len(phrase.tokens)
    for at in range(len(tokens) - size + 1):
        here = tokens[at : at + size]
        whole = all(token.text == word for token, word in zip(here[:-1], phrase.tokens[:-1], strict=True))
        last, word = here[-1], phrase.tokens[-1]
        if whole and (last.text == word or (phrase.begins and last.text.startswith(word))):
            # A single character of a script without spaces begins a pair; only itself was looked for.
            pair = phrase.begins and len(word) == 1 and last.end - last.start == 2
            yield here[0].start, last.start + 1 if pair and size == 1 and not word.isascii() else last.end


def _joined(spans: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    joined: list[tuple[int, int]] = []
    for start, stop in spans:
        if joined and start <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(stop, joined[-1][1]))
        else:
            joined.append((start, stop))
    return joined
