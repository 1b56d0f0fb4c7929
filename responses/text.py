"""
Cut a text into tokens: words, single Chinese characters, emoji, emoticons, marks and placeholders for links.

A token's `key` is what lexicons are asked for: lower case, straight apostrophes, simplified Chinese, one spelling
for a drawn-out word ("sooooo"). Its `text` is what the writer wrote. Nothing is judged here.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Container
from functools import cache
from typing import NamedTuple

from responses import data

JUDGED_CHARACTERS = 4_000
"""We judge this many characters from the start: a long mail says what it wants early, and time stays bounded."""

ENDERS = frozenset(".!?…\n")
"""Marks that end a sentence."""
CONTRARIES = frozenset({"but", "however", "although", "though"})
BREAKS = ENDERS | CONTRARIES | frozenset(",;:()")
"""What a negation or a degree word does not reach across."""

HAN = "\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"
KANA = "\u3040-\u30ff\uff66-\uff9d"
HANGUL = "\u1100-\u11ff\u3130-\u318f\uac00-\ud7af"
EMOJI = "\u2600-\u27bf\u2b50\u2b55\U0001f300-\U0001f3fa\U0001f400-\U0001faff"

_TOKEN = re.compile(
    rf"""
    (?P<link>https?://[!-~]+|www\.[!-~]+|(?<![\w.-])(?:[a-z0-9-]{{1,63}}\.){{1,4}}[a-z]{{2,24}}/[!-~]*)
    |(?P<mail>[\w.+-]{{1,64}}@[\w-]{{1,63}}(?:\.[\w-]{{1,63}}){{1,5}})
    |(?P<mention>[@][\w.@-]+)
    |(?P<emoticon><3|(?<![\w:;=])[:;=]['’]?-?[)(DPp/|\]\[](?!\w)|\bxD\b|/s\b)
    |(?P<han>[{HAN}])
    |(?P<word>[^\W_{HAN}]+(?:['’ʼ＇`´][^\W_{HAN}]+)*)
    |(?P<emoji>[{EMOJI}])
    |(?P<mark>[.!?…,;:()\n。！？，、；：（）])
    """,
    re.VERBOSE | re.IGNORECASE,
)
_MARKS = str.maketrans("。！？，、；：（）", ".!?,,;:()")
_APOSTROPHES = str.maketrans("’ʼ＇`´", "'" * 5)
_DRAWN_OUT = re.compile(r"([^\W\d_])\1{2,}")


class Token(NamedTuple):
    """
    One token; start and end are places in the text, end exclusive.
    """

    key: str
    text: str
    start: int
    end: int
    kind: str


def head(text: str) -> str:
    """
    Return the part of a text that is judged.
    """
    return text[:JUDGED_CHARACTERS]


def tokens(text: str, known: Container[str] = frozenset()) -> list[Token]:
    """
    Cut a text into tokens.

    Args:
        known: words of the lexicons; a drawn-out word becomes the known word it was drawn from.
    """
    return [
        Token(
            _key(match.group(), match.lastgroup or "", known), match.group(), *match.span(), match.lastgroup or ""
        )
        for match in _TOKEN.finditer(text)
    ]


def _key(text: str, kind: str, known: Container[str]) -> str:
    match kind:
        case "word":
            return _word_key(text, known)
        case "han":
            return simplified().get(text, text)
        case "mark":
            return text.translate(_MARKS)
        case "link" | "mail" | "mention":
            return f"<{kind}>"
        case _:
            return text.lower().replace("-", "").replace("’", "'")


def _word_key(text: str, known: Container[str]) -> str:
    if not text.isascii():
        text = unicodedata.normalize("NFKC", text.translate(_APOSTROPHES))
    key = text.lower().replace("`", "'")
    if key in known or not _DRAWN_OUT.search(key):
        return key
    twice = _DRAWN_OUT.sub(r"\1\1", key)
    return twice if twice in known else _DRAWN_OUT.sub(r"\1", key)


@cache
def simplified() -> dict[str, str]:
    """
    Map the traditional characters of our own lexicons to simplified ones.
    """
    return {pair[0]: pair[1] for row in data.rows("traditional.tsv") for pair in row[0].split()}
