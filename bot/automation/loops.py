"""
Whether rules could set each other off in a circle. Pure.

It walks from each rule to those that its actions would set off, without asking whether they would hold: what
cannot be ruled out counts. A way that comes back is refused and named.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import assert_never

from bot.automation.rules import Action, Do, Happened, Rule, When, waits_for


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """
    A rule that sets another one off, and by what.
    """

    rule: Rule
    by: str
    sets_off: Rule


@dataclass(frozen=True, slots=True, kw_only=True)
class Effect:
    """
    An event that an action brings about.

    Args:
        by: the action in words, said of the rule: "adds the tag “vip”".
    """

    kind: When
    by: str
    tag: str = ""
    priority: str = ""


def effects(action: Action) -> tuple[Effect, ...]:
    """
    Give the events that an action brings about, at once or later.
    """
    value = action.value
    match action.do:
        case Do.ADD_TAG:
            return (Effect(kind=When.TAGGED, by=f"adds the tag “{value}”", tag=value),)
        case Do.REMOVE_TAG:
            return (Effect(kind=When.UNTAGGED, by=f"takes off the tag “{value}”", tag=value),)
        case Do.SET_PRIORITY:
            return (Effect(kind=When.PRIORITY_SET, by=f"sets the priority to {value}", priority=value),)
        case Do.ASSIGN:
            return (Effect(kind=When.HANDED_OVER, by="hands the conversation over"),)
        case Do.SNOOZE:
            by = "snoozes the conversation"
            return (Effect(kind=When.SNOOZED, by=by), Effect(kind=When.WOKE, by=f"{by}, which wakes later"))
        case Do.PENDING:
            return (Effect(kind=When.PENDING, by="waits for the customer"),)
        case Do.RESOLVE:
            return (Effect(kind=When.RESOLVED, by="resolves the conversation"),)
        case Do.NOTE | Do.WEBHOOK | Do.SPAM | Do.MACRO:
            return ()  # no rule waits for spam; a macro is looked at as the actions that it stands for
        case _:
            assert_never(action.do)


def sets_off(effect: Effect, rule: Rule) -> bool:
    """
    Say whether an effect could set a rule off. When in doubt, yes.
    """
    if not waits_for(rule, Happened(kind=effect.kind, tag=effect.tag)):
        return False
    wanted = rule.conditions.priorities
    return not (effect.priority and wanted and effect.priority not in wanted)


def find_loop(rules: Sequence[Rule]) -> tuple[Link, ...]:
    """
    Find rules that set each other off in a circle; gives the shortest way round, or nothing.
    """
    links = {
        rule.id: [
            Link(rule=rule, by=effect.by, sets_off=other)
            for action in rule.then
            for effect in effects(action)
            for other in rules
            if sets_off(effect, other)
        ]
        for rule in rules
    }
    ways = (_way_back(rule.id, links) for rule in rules)
    return min((way for way in ways if way), key=len, default=())


def _way_back(start: str, links: Mapping[str, Sequence[Link]]) -> tuple[Link, ...]:
    # breadth first: the first way that comes back is the shortest
    ways: list[tuple[Link, ...]] = [(link,) for link in links[start]]
    seen: set[str] = set()
    while ways:
        ahead: list[tuple[Link, ...]] = []
        for way in ways:
            here = way[-1].sets_off.id
            if here == start:
                return way
            if here not in seen:
                seen.add(here)
                ahead += [(*way, link) for link in links[here]]
        ways = ahead
    return ()


def say_loop(loop: Sequence[Link]) -> str:
    """
    Name a loop for a person, and say what to do.
    """
    steps = [f"“{link.rule.name}” {link.by}, which sets off “{link.sets_off.name}”" for link in loop]
    return (
        f"these rules would set each other off for ever: {'; '.join(steps)}. "
        "Narrow the events or the tag that one of them waits for, or take that action away"
    )
