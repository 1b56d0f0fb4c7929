"""
Cut text into the pieces that the search index holds, the same for both databases. Pure.

Words of scripts with spaces are one token each, in one form (NFKC, case folded). Chinese, Japanese, Thai and other
scripts without spaces become pairs of characters that overlap, and the last character alone, so that any word of
two characters or more is a phrase of pairs and a single character is the beginning of one. An emoji or another
symbol is a token of its own. Punctuation is not searched.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice

import regex

_NO_SPACES = r"\p{Han}\p{Hiragana}\p{Katakana}\p{Thai}\p{Lao}\p{Khmer}\p{Myanmar}"
_PIECES = regex.compile(
    rf"(?P<run>[{_NO_SPACES}][{_NO_SPACES}\p{{M}}]*)"
    rf"|(?P<word>[[\p{{L}}\p{{N}}]--[{_NO_SPACES}]][[\p{{L}}\p{{N}}\p{{M}}]--[{_NO_SPACES}]]*)"
    r"|(?P<symbol>[[\p{So}\p{Sc}\p{Sm}]--[\x00-\x7f]])",
    regex.VERSION1,
)
_PUNCTUATION = regex.compile(r"[^\P{ASCII}0-9A-Za-z]+")
MOST_TOKENS = 16_000
MOST_BYTES = 700_000
"""Of one text; PostgreSQL takes no more (tsvector: 16,383 positions, 1 MB). What stands behind is not found."""
LONGEST_TOKEN = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Token:
    """
    One piece of a text, and where it stands.
    """

    text: str
    start: int
    end: int


def tokens_of(text: str) -> Iterator[Token]:
    """
    Cut a text into tokens, in order.
    """
    for piece in _PIECES.finditer(text):
        step = 1 if piece["run"] is not None else len(piece[0])
        for at in range(0, len(piece[0]), step):
            part = piece[0][at : at + 2] if step == 1 else piece[0]
            plain = _plain(part)
            if plain:
                start = piece.start() + at
                yield Token(text=plain, start=start, end=start + len(part))


def _plain(part: str) -> str:
    form = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", part).casefold())
    # Some numbers have a form with punctuation (⑴ is "(1)"), which the index would cut again.
    return str(_PUNCTUATION.sub("", form))[:LONGEST_TOKEN]


def indexed(text: str) -> list[str]:
    """
    Give the tokens of a text that the index holds.
    """
    found, size = list[str](), 0
    for token in islice(tokens_of(text), MOST_TOKENS):
        size += len(token.text.encode()) + 8
        if size > MOST_BYTES:
            break
        found.append(token.text)
    return found


def to_find(text: str) -> tuple[list[str], bool]:
    """
    Give the tokens that must follow one another where a text is found, and whether the last one may always go on.

    The last pair of a run may be followed by more of it, so the lone last character is not asked for; a run of one
    character is only ever the beginning of a pair.
    """
    pieces = list(_PIECES.finditer(text))
    found = [token.text for token in tokens_of(text)]
    if not pieces or pieces[-1]["run"] is None:
        return found, False
    single = len(pieces[-1][0]) == 1
    return (found if single else found[:-1]), single
