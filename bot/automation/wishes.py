"""
Rules as people write them, and what is wrong with that, in words. Pure.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, assert_never

from bot.automation.rules import OF_TAGS, Do, When, plain
from bot.core.units import read_duration
from responses.values import Priority

LONGEST_NAME = 100
MOST_RULES = 200
MOST_ACTIONS = 20
MOST_WORDS = 100
LONGEST_WORD = 200
LONGEST_NOTE = 2_000
LONGEST_SNOOZE = timedelta(days=365)


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """
    A rule as somebody writes it. `then`: mappings with `do` and `value`.
    """

    name: str
    when: Sequence[str]
    then: Sequence[Mapping[str, Any]]
    enabled: bool = True
    tags: Sequence[str] = ()
    conditions: Mapping[str, Sequence[str]] = field(default_factory=dict)
    words: Sequence[str] = ()
    stop_after: bool = False


def wish_problems(wish: Wish) -> dict[str, str]:
    """
    Say what is wrong with a rule, by field, as far as no database is needed to know.
    """
    found = {
        "name": "" if 0 < len(wish.name.strip()) <= LONGEST_NAME else f"from 1 to {LONGEST_NAME} characters",
        "when": _when_problem(wish.when),
        "words": _words_problem(wish.words),
        "then": _then_problem(wish.then),
    }
    if wish.tags and not OF_TAGS & {str(one) for one in wish.when}:
        found["tags"] = "only for rules that wait for a tag; choose such an event, or leave it empty"
    return {name: text for name, text in found.items() if text}


def _when_problem(when: Collection[str]) -> str:
    if not when:
        return "choose at least one event"
    strange = [one for one in when if one not in set(When)]
    return f"there is no event {strange[0][:40]!r}; choose from {', '.join(When)}" if strange else ""


def _words_problem(words: Sequence[str]) -> str:
    if len(words) > MOST_WORDS or any(len(word) > LONGEST_WORD for word in words):
        return f"at most {MOST_WORDS} words or phrases of {LONGEST_WORD} characters"
    return "" if all(plain(word) for word in words) else "a word must not be empty"


def _then_problem(then: Sequence[Mapping[str, Any]]) -> str:
    if not then:
        return "choose at least one thing to do"
    if len(then) > MOST_ACTIONS:
        return f"at most {MOST_ACTIONS} actions"
    problems = (action_problem(str(one.get("do", "")), str(one.get("value", ""))) for one in then)
    return next((f"action {number}: {said}" for number, said in enumerate(problems, 1) if said), "")


def action_problem(do: str, value: str) -> str:
    """
    Say what is wrong with an action; whether the person or the macro exists is not known here.
    """
    if do not in set(Do):
        return f"there is nothing called {do[:40]!r} to do; choose from {', '.join(Do)}"
    match Do(do):
        case Do.ADD_TAG | Do.REMOVE_TAG:
            return "" if value.strip() else "write the tag"
        case Do.SET_PRIORITY:
            names = [one.name.lower() for one in Priority]
            return "" if value in names else f"choose from {', '.join(names)}"
        case Do.ASSIGN:
            return "" if value else "choose a colleague"
        case Do.MACRO:
            return "" if value else "choose a macro"
        case Do.NOTE:
            fits = 0 < len(value.strip()) <= LONGEST_NOTE
            return "" if fits else f"write a note of up to {LONGEST_NOTE:,} characters"
        case Do.SNOOZE:
            return _snooze_problem(value)
        case Do.WEBHOOK:
            return "" if len(value) <= LONGEST_WORD else f"at most {LONGEST_WORD} characters"
        case Do.PENDING | Do.RESOLVE | Do.SPAM:
            return ""
        case _:
            assert_never(Do(do))


def _snooze_problem(value: str) -> str:
    try:
        length = read_duration(value)
    except ValueError as error:
        return str(error)
    return "" if timedelta(minutes=1) <= length <= LONGEST_SNOOZE else "from a minute to a year"
