"""
Fill saved replies: `{{ contact.name }}`, with a fall-back `{{ contact.name | "there" }}`. Pure.

A variable is one of a closed list; nothing of a text is ever evaluated. What has no value and no fall-back stays
visible as it was written and is named, so that a person writes it before the text goes out; `holes` finds it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from typing import NamedTuple

from responses.text import HAN, HANGUL, KANA


class Variable(NamedTuple):
    """
    Something that a text may stand for.
    """

    name: str
    meaning: str
    example: str


VARIABLES = (
    Variable("contact.name", "the customer's name, as the channel says it", "Mara Lindt"),
    Variable(
        "contact.first_name", "the first word of it; a Chinese, Japanese or Korean name is kept whole", "Mara"
    ),
    Variable("contact.handle", "the customer's handle or address", "mara@far.example"),
    Variable("agent.name", "whoever sends the reply", "Ann Reed"),
    Variable("agent.first_name", "the first word of that name", "Ann"),
    Variable("account.name", "our account that was written to", "Kite Shop"),
    Variable("account.handle", "its handle or address", "shop@example.com"),
    Variable("conversation.subject", "the subject, where the channel has one", "Order 4711"),
    Variable("hours.next_opening", "when we are back; only while we are closed", "Monday 09:00"),
)
NAMES = frozenset(variable.name for variable in VARIABLES)
LONGEST_VALUE = 200
"""A customer chooses their own name; more of it than this is not repeated."""

_HOLE = re.compile(r"\{\{((?:(?!\{\{|\}\}).)*)\}\}", re.DOTALL)
_INSIDE = re.compile(r"\s*([\w.]+)\s*(?:[|｜]\s*(?:\"([^\"]*)\"|“([^”]*)”|'([^']*)')\s*)?")
_ONE_WORD = re.compile(rf"[{HAN}{KANA}{HANGUL}]")
EXAMPLE = '{{ contact.name }} or {{ contact.name | "there" }}'


@dataclass(frozen=True, slots=True, kw_only=True)
class Filled:
    """
    A text with its values.

    Args:
        missing: variables without a value and without a fall-back, in the order of the text; they stand in it.
    """

    text: str
    missing: tuple[str, ...] = ()


class _Hole(NamedTuple):
    name: str
    fallback: str | None


def problems(text: str) -> list[str]:
    """
    Say what is wrong with a text before it is saved: variables that do not exist, by name, and broken braces.
    """
    found = [_problem(match.group(1)) for match in _HOLE.finditer(text)]
    outside = _HOLE.sub("", text)
    if "{{" in outside or "}}" in outside:
        found.append(f"braces are not closed; a variable is written {EXAMPLE}")
    return list(dict.fromkeys(one for one in found if one))


def fill(text: str, values: Mapping[str, str | None]) -> Filled:
    """
    Put values into a text. A value is data: braces in it are not looked at again.
    """
    missing: list[str] = []

    def value_of(match: re.Match[str]) -> str:
        hole = _read(match.group(1))
        if hole is None:
            return match.group()
        value = _clean(values.get(hole.name) or "") or hole.fallback
        if value is None:
            missing.append(hole.name)
            return match.group()
        return value

    return Filled(text=_HOLE.sub(value_of, text), missing=tuple(dict.fromkeys(missing)))


def holes(text: str) -> list[str]:
    """
    Name the variables that stand in a text as if it had been filled: it must not go out like that.
    """
    found = [hole.name for match in _HOLE.finditer(text) if (hole := _read(match.group(1)))]
    return list(dict.fromkeys(name for name in found if name in NAMES))


def used(text: str) -> frozenset[str]:
    """
    Give the variables of a text.
    """
    return frozenset(holes(text))


def first_name(name: str) -> str:
    """
    Give what somebody is called by.
    """
    words = name.split()
    return name.strip() if _ONE_WORD.search(name) or not words else words[0]


def values_of(
    *,
    contact: str,
    handle: str,
    agent: str,
    account: str,
    account_handle: str,
    subject: str,
    next_opening: str | None = None,
) -> dict[str, str | None]:
    """
    Give the value of every variable.
    """
    return {
        "contact.name": contact,
        "contact.first_name": first_name(contact),
        "contact.handle": handle,
        "agent.name": agent,
        "agent.first_name": first_name(agent),
        "account.name": account,
        "account.handle": account_handle,
        "conversation.subject": subject,
        "hours.next_opening": next_opening,
    }


def _read(inside: str) -> _Hole | None:
    match = _INSIDE.fullmatch(inside)
    if match is None:
        return None
    return _Hole(match[1], next((text for text in match.groups()[1:] if text is not None), None))


def _problem(inside: str) -> str | None:
    hole = _read(inside)
    if hole is None:
        return f"“{{{{{inside[:60]}}}}}” cannot be read; a variable is written {EXAMPLE}"
    if hole.name in NAMES:
        return None
    near: Iterable[str] = get_close_matches(hole.name, sorted(NAMES), n=1)
    meant = f"; did you mean {next(iter(near))}?" if near else f"; there are {', '.join(sorted(NAMES))}"
    return f"there is no variable {hole.name[:60]}{meant}"


def _clean(value: str) -> str:
    """
    Bring a value onto one line and take the meaning out of its braces.
    """
    return " ".join(value.split())[:LONGEST_VALUE].replace("{{", "{ {").replace("}}", "} }")
