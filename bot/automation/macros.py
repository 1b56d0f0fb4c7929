"""
Macros in rules: a macro stands for the actions that it is made of.

Rules answer no customer, so a macro with a reply in it is refused; whoever runs a rule is nobody who could take a
conversation, so one that assigns to whoever runs it is refused too.
"""

from __future__ import annotations

from dataclasses import replace

from bot.automation.rules import Action, Do, Rule
from bot.core.database import UnitOfWork
from bot.core.errors import Invalid, NotFound
from bot.replies import store as replies
from bot.replies.macros import actions_of
from bot.replies.rules import Action as Step
from bot.replies.rules import ActionKind
from bot.replies.tables import Macro

KINDS = {
    ActionKind.TAG: Do.ADD_TAG,
    ActionKind.PRIORITY: Do.SET_PRIORITY,
    ActionKind.ASSIGN: Do.ASSIGN,
    ActionKind.PENDING: Do.PENDING,
    ActionKind.SNOOZE: Do.SNOOZE,
    ActionKind.RESOLVE: Do.RESOLVE,
}


async def usable(work: UnitOfWork) -> list[Macro]:
    """
    List the macros that rules can run, by name: everybody's, without a reply.
    """
    return [one for one in await replies.macros_of(work, "") if not _problem(one)]


async def macro_problem(work: UnitOfWork, macro_id: str) -> str | None:
    """
    Say why a rule cannot run a macro, or nothing.
    """
    try:
        macro = await replies.get_macro(work, macro_id)
    except NotFound:
        return "there is no such macro any more; choose another one"
    return _problem(macro)


async def steps_of(work: UnitOfWork, macro_id: str) -> tuple[Action, ...]:
    """
    Give what a macro does, as actions of rules.

    Raises:
        Invalid: a rule cannot run it, or no longer.
    """
    if said := await macro_problem(work, macro_id):
        raise Invalid(said)
    return tuple(map(_action, actions_of(await replies.get_macro(work, macro_id))))


async def spelled_out(work: UnitOfWork, rule: Rule) -> Rule:
    """
    Give a rule with the actions of its macros in their place; a macro that cannot run does nothing.
    """
    actions: list[Action] = []
    for action in rule.then:
        if action.do is not Do.MACRO:
            actions.append(action)
        elif await macro_problem(work, action.value) is None:
            actions += await steps_of(work, action.value)
    return replace(rule, then=tuple(actions))


async def count_use(work: UnitOfWork, macro_id: str) -> None:
    await replies.count_use(work, Macro, macro_id)


def _problem(macro: Macro) -> str | None:
    steps = actions_of(macro)
    if macro.owner_id:
        return "this macro is somebody's own; rules run those that are everybody's"
    if any(step.kind is ActionKind.REPLY for step in steps):
        return f"{macro.name} answers the customer, and rules do not; take the reply out or use another macro"
    if any(step.kind is ActionKind.ASSIGN and not step.value for step in steps):
        return f"{macro.name} gives the conversation to whoever runs it; name a colleague in it"
    return None


def _action(step: Step) -> Action:
    # A macro keeps seconds, a rule a duration as people write it.
    value = f"{step.value}s" if step.kind is ActionKind.SNOOZE else step.value
    return Action(do=KINDS[step.kind], value=value)
