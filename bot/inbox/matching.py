"""
What a conversation is like, and conditions on it: the one language of policies, views, rules and skills. Pure.

A condition that names nothing holds for everything; one that names several values holds for any of them; several
conditions must all hold. Whoever needs more (words of a text, whose it is) adds that beside, not in here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any

from responses.values import Intent, Mood, Priority

NO_LANGUAGE = "none"
"""Stands for "not judged" among languages."""
MOST_VALUES = 200
LONGEST_VALUE = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """
    What is known of a conversation when something is decided about it.

    Args:
        priority: name of a `responses.Priority` in lower case.
        language: base subtag of BCP 47; None when not judged.
        segments: of its contact.
        text: of the newest inbound message.
    """

    account_id: str
    channel: str
    language: str | None = None
    intent: str = "other"
    priority: str = "normal"
    mood: str = "not judged"
    state: str = "open"
    agent_id: str | None = None
    tags: frozenset[str] = frozenset()
    segments: frozenset[str] = frozenset()
    text: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Conditions:
    """
    Which conversations are meant: any value of each field that names some.
    """

    account_ids: tuple[str, ...] = ()
    channels: tuple[str, ...] = ()
    languages: tuple[str, ...] = ()
    intents: tuple[str, ...] = ()
    priorities: tuple[str, ...] = ()
    moods: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    segments: tuple[str, ...] = ()

    def matches(self, facts: Facts) -> bool:
        """
        Say whether a conversation is meant.
        """
        single = (
            (self.account_ids, facts.account_id),
            (self.channels, facts.channel),
            (self.languages, facts.language or NO_LANGUAGE),
            (self.intents, facts.intent),
            (self.priorities, facts.priority),
            (self.moods, facts.mood),
        )
        several = ((self.tags, facts.tags), (self.segments, facts.segments))
        return all(not wanted or value in wanted for wanted, value in single) and all(
            not wanted or not values.isdisjoint(wanted) for wanted, values in several
        )

    def to_json(self) -> dict[str, list[str]]:
        """
        Give what is kept of them: the fields that name something.
        """
        return {one.name: list(getattr(self, one.name)) for one in fields(self) if getattr(self, one.name)}


NAMES = tuple(one.name for one in fields(Conditions))
KNOWN: Mapping[str, frozenset[str]] = {
    "intents": frozenset(Intent),
    "moods": frozenset(Mood),
    "priorities": frozenset(one.name.lower() for one in Priority),
}
"""Fields whose values are a closed set; the others are names that people give or networks have."""


def read_conditions(given: Mapping[str, Any]) -> Conditions:
    """
    Read conditions that are kept or were handed in; unknown fields are left out by `condition_problems` first.
    """
    return Conditions(**{name: tuple(dict.fromkeys(map(str, given.get(name) or ()))) for name in NAMES})


def condition_problems(given: Mapping[str, Any]) -> dict[str, str]:
    """
    Say what is wrong with conditions that somebody handed in, by field.
    """
    problems = {name: f"unknown; choose from {', '.join(NAMES)}" for name in given if name not in NAMES}
    for name in NAMES:
        said = _problem(name, given.get(name) or ())
        if said:
            problems[name] = said
    return problems


def _problem(name: str, values: Sequence[Any]) -> str:
    if isinstance(values, str) or not all(isinstance(value, str) and value for value in values):
        return "must be a list of texts that are not empty"
    if len(values) > MOST_VALUES or any(len(value) > LONGEST_VALUE for value in values):
        return f"at most {MOST_VALUES} values of {LONGEST_VALUE} characters"
    known = KNOWN.get(name)
    strange = sorted(set(values) - known) if known else []
    return f"unknown: {', '.join(strange)}; choose from {', '.join(sorted(known or ()))}" if strange else ""
