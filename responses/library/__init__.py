"""
The saved replies that a new house starts with: one Markdown file each, `SHORTCUT.LANGUAGE.md`, with front matter.

They promise nothing that a house may not keep, ask for nothing secret, and are there to be changed.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path

from responses.values import Intent

_HERE = Path(__file__).parent
_KEYS = {"title", "shortcut", "language", "intents"}


@dataclass(frozen=True, slots=True, kw_only=True)
class StarterReply:
    """
    One text in one language; those of one shortcut say the same.
    """

    title: str
    shortcut: str
    language: str
    intents: tuple[Intent, ...]
    text: str


@cache
def starter_replies() -> tuple[StarterReply, ...]:
    """
    Give all of them, by shortcut and language.
    """
    return tuple(parse(path.read_text(encoding="utf-8"), path.name) for path in sorted(_HERE.glob("*.md")))


def parse(text: str, name: str) -> StarterReply:
    """
    Read one file.

    Raises:
        ValueError: names the file and what is wrong with it.
    """
    opening, _, rest = text.partition("---\n")
    head, mark, body = rest.partition("\n---\n")
    if opening or not mark or not body.strip():
        raise ValueError(f"{name}: front matter between two lines of --- and a text are needed")
    facts = dict(line.split(": ", 1) for line in head.splitlines() if ": " in line)
    if facts.keys() != _KEYS:
        raise ValueError(f"{name}: the front matter needs {', '.join(sorted(_KEYS))} and nothing else")
    return StarterReply(
        title=facts["title"],
        shortcut=facts["shortcut"],
        language=facts["language"],
        intents=tuple(Intent(one.strip()) for one in facts["intents"].split(",")),
        text=body.strip(),
    )
