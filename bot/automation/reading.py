"""
Rules between rows, values and wishes. Pure but for the row it reads.
"""

from __future__ import annotations

from bot.automation.rules import WITHOUT_VALUE, Action, Do, Rule, When
from bot.automation.tables import RuleRow
from bot.automation.wishes import Wish
from bot.core.labels import clean_label
from bot.inbox.matching import read_conditions


def rule_of(row: RuleRow) -> Rule:
    """
    Give a rule as it is decided by; what is stored was checked when it was written.
    """
    return Rule(
        id=row.id,
        name=row.name,
        when=frozenset(When(one) for one in row.when),
        tags=frozenset(row.tags),
        conditions=read_conditions(row.conditions),
        words=tuple(row.words),
        then=tuple(Action(do=Do(one["do"]), value=one["value"]) for one in row.then),
        stop_after=row.stop_after,
    )


def wish_of(row: RuleRow) -> Wish:
    """
    Give a rule as the form shows it.
    """
    return Wish(
        name=row.name,
        enabled=row.enabled,
        when=row.when,
        tags=row.tags,
        conditions=row.conditions,
        words=row.words,
        then=row.then,
        stop_after=row.stop_after,
    )


def rule_from(wish: Wish, rule_id: str) -> Rule:
    """
    Give a wish that was checked as a rule, in the form in which it is kept.
    """
    actions = [Action(do=Do(one["do"]), value=str(one.get("value", ""))) for one in wish.then]
    return Rule(
        id=rule_id,
        name=wish.name.strip(),
        when=frozenset(When(one) for one in wish.when),
        tags=frozenset(map(clean_label, wish.tags)),
        conditions=read_conditions(wish.conditions),
        words=tuple(dict.fromkeys(" ".join(word.split()) for word in wish.words)),
        then=tuple(_clean(action) for action in actions),
        stop_after=wish.stop_after,
    )


def _clean(action: Action) -> Action:
    match action.do:
        case Do.ADD_TAG | Do.REMOVE_TAG:
            return Action(do=action.do, value=clean_label(action.value))
        case _ if action.do in WITHOUT_VALUE:
            return Action(do=action.do)
        case _:
            return Action(do=action.do, value=action.value.strip())
