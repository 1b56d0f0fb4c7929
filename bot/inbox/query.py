"""
The language of the search: what people type, read into what is meant. Pure.

    lamp "not arrived" -refund from:kite account:shop in:notes state:open tag:vip after:2026-01-31 has:attachment

A word finds what begins with it; words in quotes find exactly these, one after the other; a minus in front finds
what does not hold it. Everything must hold. What cannot be understood is said with the place where it stands.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from difflib import get_close_matches
from typing import Any

import regex

from bot.core.errors import Invalid
from bot.core.tokens import to_find
from bot.inbox.rules import State

LONGEST_QUERY = 500
MOST_TERMS = 20
PLACES = ("messages", "notes", "subjects", "contacts")
THINGS = ("attachment", "link")
_TERM = regex.compile(r"\s*(?P<minus>-?)(?:(?P<field>[a-z]+):(?!//))?", regex.IGNORECASE)
_WORD = regex.compile(r'[^\s"]+')


@dataclass(frozen=True, slots=True, kw_only=True)
class Phrase:
    """
    Tokens that must follow one another.

    Args:
        begins: the last one may go on ("ship" finds "shipping").
    """

    tokens: tuple[str, ...]
    begins: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Query:
    """
    What is looked for: all of `wanted`, none of `unwanted`, under all conditions.

    Args:
        before, after: `after` counts, `before` does not; both from midnight in UTC.
    """

    wanted: tuple[Phrase, ...] = ()
    unwanted: tuple[Phrase, ...] = ()
    senders: tuple[str, ...] = ()
    accounts: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    places: tuple[str, ...] = ()
    states: tuple[str, ...] = ()
    things: tuple[str, ...] = ()
    before: datetime | None = None
    after: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Term:
    """
    One part of what was typed.

    Args:
        at: the place of its first character, from one.
    """

    minus: bool
    field: str
    value: str
    quoted: bool
    at: int


@dataclass(slots=True)
class SyntaxProblem(Exception):
    """
    What was typed cannot be understood.
    """

    at: int
    said: str = field(default="")


def read_query(typed: str) -> Query:
    """
    Read what somebody typed.

    Raises:
        Invalid: names the place and what to do, under the field `q`.
    """
    try:
        return _read(typed)
    except SyntaxProblem as problem:
        raise Invalid(fields={"q": f"character {problem.at}: {problem.said}"}) from problem


def _read(typed: str) -> Query:
    if len(typed) > LONGEST_QUERY:
        raise SyntaxProblem(LONGEST_QUERY, f"at most {LONGEST_QUERY} characters")
    terms = split_terms(typed)
    if len(terms) > MOST_TERMS:
        raise SyntaxProblem(terms[MOST_TERMS].at, f"at most {MOST_TERMS} words and filters")
    query = Query()
    for term in terms:
        query = _with_term(query, term)
    if query == Query():
        raise SyntaxProblem(1, "write at least one word to look for")
    return query


def split_terms(typed: str) -> list[Term]:
    """
    Split what was typed into words, quoted words and filters.
    """
    terms, here = list[Term](), 0
    while typed[here:].strip():
        begin = _TERM.match(typed, here)
        assert begin is not None  # every part of it may be empty
        here = begin.end()
        at = begin.start() + len(begin[0]) - len(begin[0].lstrip()) + 1
        value, here, quoted = _value(typed, here)
        name = (begin["field"] or "").lower()
        if not value.strip() and (name or quoted):
            raise SyntaxProblem(at, _nothing_said(name))
        terms.append(Term(minus=bool(begin["minus"]), field=name, value=value, quoted=quoted, at=at))
    return terms


def _nothing_said(name: str) -> str:
    if not name:
        return "there is nothing between the quotes"
    return f"{name}: needs a value, such as {FILTERS[name].example}" if name in FILTERS else _unknown(name)


def _value(typed: str, here: int) -> tuple[str, int, bool]:
    if typed[here : here + 1] == '"':
        end = typed.find('"', here + 1)
        if end < 0:
            raise SyntaxProblem(here + 1, 'this quote is not closed; write " at its end')
        return typed[here + 1 : end], end + 1, True
    word = _WORD.match(typed, here)
    return (word[0], word.end(), False) if word else ("", here, False)


def _with_term(query: Query, term: Term) -> Query:
    if term.field:
        if term.field not in FILTERS:
            raise SyntaxProblem(term.at, _unknown(term.field))
        if term.minus:
            raise SyntaxProblem(term.at, f"{term.field}: cannot be turned round; only words can have a minus")
        return FILTERS[term.field].read(query, term)
    tokens, single = to_find(term.value)
    if not tokens:
        if term.minus and not term.value:
            raise SyntaxProblem(term.at, "a minus needs a word behind it")
        raise SyntaxProblem(term.at, f"{term.value!r} holds no letter, number or symbol to look for")
    phrase = Phrase(tokens=tuple(tokens), begins=single or not term.quoted)
    if term.minus:
        return replace(query, unwanted=(*query.unwanted, phrase))
    return replace(query, wanted=(*query.wanted, phrase))


def _unknown(name: str) -> str:
    near = get_close_matches(name, FILTERS, n=1)
    meant = f"did you mean {near[0]}:?" if near else f"there are {', '.join(f'{one}:' for one in FILTERS)}"
    return f"there is no filter {name}: ({meant}); to look for it as text, write it in quotes"


Reader = Callable[[Query, Term], Query]


@dataclass(frozen=True, slots=True, kw_only=True)
class Filter:
    """
    One filter of the language.
    """

    read: Reader
    example: str
    means: str


def _adds(name: str, known: Sequence[str] = ()) -> Reader:
    def read(query: Query, term: Term) -> Query:
        value = term.value.strip()
        if known and value.lower() not in known:
            raise SyntaxProblem(term.at, f"{term.field}: takes {', '.join(known)}, not {value!r}")
        more: dict[str, Any] = {name: (*getattr(query, name), value.lower() if known else value)}
        return replace(query, **more)

    return read


def _day(term: Term) -> datetime:
    try:
        day = date.fromisoformat(term.value.strip())
        if not 1 < day.year < 9999:
            raise ValueError(day)
    except ValueError as error:
        said = f"{term.field}: takes a day such as 2026-01-31, not {term.value!r}"
        raise SyntaxProblem(term.at, said) from error
    return datetime(day.year, day.month, day.day, tzinfo=UTC)


def _before(query: Query, term: Term) -> Query:
    return replace(query, before=_day(term))


def _after(query: Query, term: Term) -> Query:
    return replace(query, after=_day(term))


FILTERS: dict[str, Filter] = {
    "from": Filter(read=_adds("senders"), example="from:kite", means="who wrote it: part of a name or handle"),
    "account": Filter(read=_adds("accounts"), example="account:shop", means="our account: its whole name"),
    "tag": Filter(read=_adds("tags"), example="tag:refund", means="a tag of the conversation"),
    "in": Filter(
        read=_adds("places", PLACES), example="in:notes", means="where: messages, notes, subjects or contacts"
    ),
    "state": Filter(
        read=_adds("states", tuple(State)),
        example="state:open",
        means="of the conversation: open, pending, snoozed or resolved",
    ),
    "before": Filter(read=_before, example="before:2026-02-01", means="written before a day (UTC)"),
    "after": Filter(read=_after, example="after:2026-01-31", means="written on a day (UTC) or later"),
    "has": Filter(
        read=_adds("things", THINGS), example="has:attachment", means="what it carries: attachment or link"
    ),
}
"""Several of the same filter mean any of them, but for `before:` and `after:`, of which the last one counts."""
