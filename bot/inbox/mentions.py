"""
Who is meant by an @ in a note. Pure.

`@ben`, `@Ben Okri` and `@周慧` mean whoever has that login or name; letters' case and width do not matter. An
address (`kite@ben.example`) mentions nobody. Where one name begins like another, the longest that fits is meant.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

MOST_MENTIONS = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Mentionable:
    """
    Somebody who can be mentioned.
    """

    id: str
    login: str
    name: str


def mentioned(text: str, people: Iterable[Mentionable]) -> list[str]:
    """
    Give the ids of those a text mentions, each once, in order; two of one name are both meant.
    """
    plain, spelled = _plain(text), _spellings(people)
    found: dict[str, None] = {}
    for at in re.finditer(r"(?<!\w)@", plain):
        after = plain[at.end() :]
        meant = next((ids for name, ids in spelled if _begins(after, name)), ())
        found.update(dict.fromkeys(meant))
    return list(found)[:MOST_MENTIONS]


def offered(typed: str, people: Iterable[Mentionable], *, limit: int = 8) -> Sequence[tuple[Mentionable, str]]:
    """
    Give whom an @ with some letters may be going to mean, each with what to put behind the @.
    """
    everybody, begun = list(people), _plain(typed)
    names = [_plain(one.name) for one in everybody]
    return [
        (one, one.name if names.count(name) == 1 and name else one.login)
        for one, name in zip(everybody, names, strict=True)
        if one.login.startswith(begun) or any(part.startswith(begun) for part in (name, *name.split()))
    ][:limit]


def _plain(text: str) -> str:
    return unicodedata.normalize("NFKC", text).casefold()


def _spellings(people: Iterable[Mentionable]) -> list[tuple[str, tuple[str, ...]]]:
    spelled: dict[str, tuple[str, ...]] = {}
    for one in people:
        for name in {_plain(one.login), _plain(" ".join(one.name.split()))} - {""}:
            spelled[name] = (*spelled.get(name, ()), one.id)
    return sorted(spelled.items(), key=lambda pair: -len(pair[0]))


def _begins(text: str, name: str) -> bool:
    if not text.startswith(name):
        return False
    # `@bend` is not `@ben`; Chinese puts no space behind a name.
    last, following = name[-1], text[len(name) : len(name) + 1]
    return not (last.isascii() and following.isascii() and (following.isalnum() or following == "_"))
