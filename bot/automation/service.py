"""
The verbs about rules: write, order, switch on and off, delete, and try on last week. Running them is `acting`.
"""

from __future__ import annotations

from bot.automation import macros, store
from bot.automation.loops import find_loop, say_loop
from bot.automation.reading import rule_from, rule_of
from bot.automation.rules import Do, Rule
from bot.automation.tables import RuleRow
from bot.automation.wishes import MOST_RULES, Wish, wish_problems
from bot.core.actor import Actor
from bot.core.database import UnitOfWork
from bot.core.errors import Conflict, Invalid, NotFound
from bot.core.labels import clean_label, label_problem
from bot.inbox.matching import condition_problems
from bot.staff.rules import Permission, may
from bot.staff.service import audit, get_staff

TOPIC = "rules"


async def create_rule(work: UnitOfWork, actor: Actor, wish: Wish) -> RuleRow:
    """
    Add a rule; it is asked after all that are there.

    Raises:
        Invalid: with the fields that are wrong; rules that loop stand at `then`.
    """
    await store.lock_rules(work)
    row = RuleRow(
        id=work.new_id(), name="", position=0, when=[], then=[], created_at=work.now, changed_at=work.now
    )
    rule = await check(work, wish, row.id)
    known = await store.list_rules(work)
    if len(known) >= MOST_RULES:
        raise Conflict(f"at most {MOST_RULES} rules; delete one first")
    row.position = max((one.position for one in known), default=0) + 1
    _write(row, wish, rule)
    work.session.add(row)
    await _done(work, actor, "create", row)
    return row


async def change_rule(work: UnitOfWork, actor: Actor, rule_id: str, wish: Wish) -> RuleRow:
    """
    Change a rule; it holds from the next event.

    Raises:
        Invalid: as for a new one.
    """
    await store.lock_rules(work)
    row = await store.get_rule(work, rule_id)
    _write(row, wish, await check(work, wish, rule_id))
    row.problem, row.problem_at, row.problem_id = "", None, None
    await _done(work, actor, "change", row)
    return row


async def switch_rule(work: UnitOfWork, actor: Actor, rule_id: str, *, enabled: bool) -> RuleRow:
    """
    Switch a rule on or off.

    Raises:
        Conflict: on, it would make a loop; says which.
    """
    await store.lock_rules(work)
    row = await store.get_rule(work, rule_id)
    if enabled and (said := await _loop_problem(work, rule_of(row))):
        raise Conflict(said)
    row.enabled = enabled
    await _done(work, actor, "switch", row, enabled=enabled)
    return row


async def place_rule(work: UnitOfWork, actor: Actor, rule_id: str, before_id: str | None) -> None:
    """
    Ask a rule before another one; None: after all others.
    """
    await store.lock_rules(work)
    row = await store.get_rule(work, rule_id)
    others = [one for one in await store.list_rules(work) if one.id != row.id]
    places = [one.id for one in others]
    if before_id is not None and before_id not in places:
        raise NotFound("there is no such rule to stand before; it may have been deleted")
    others.insert(len(others) if before_id is None else places.index(before_id), row)
    for position, one in enumerate(others, 1):
        one.position = position
    await _done(work, actor, "place", row, position=row.position)


async def delete_rule(work: UnitOfWork, actor: Actor, rule_id: str) -> None:
    """
    Forget a rule; what it did stays.
    """
    await store.lock_rules(work)
    row = await store.get_rule(work, rule_id)
    await _done(work, actor, "delete", row)
    await work.session.delete(row)


async def check(work: UnitOfWork, wish: Wish, rule_id: str) -> Rule:
    """
    Give a wish as a rule.

    Raises:
        Invalid: with the fields that are wrong; rules that loop stand at `then`.
    """
    problems = {**condition_problems(wish.conditions), **wish_problems(wish)}
    if "name" not in problems and any(
        one.name == wish.name.strip() and one.id != rule_id for one in await store.list_rules(work)
    ):
        problems["name"] = "another rule has this name"
    if said := next((problem for tag in wish.tags if (problem := label_problem(clean_label(tag)))), None):
        problems.setdefault("tags", said)
    if "then" not in problems and (said := await _actions_problem(work, wish)):
        problems["then"] = said
    if problems:
        raise Invalid(fields=problems)
    rule = rule_from(wish, rule_id)
    if wish.enabled and (said := await _loop_problem(work, rule)):
        raise Invalid(fields={"then": said})
    return rule


async def _actions_problem(work: UnitOfWork, wish: Wish) -> str | None:
    for number, one in enumerate(wish.then, 1):
        said = await _action_problem(work, Do(one["do"]), str(one.get("value", "")))
        if said:
            return f"action {number}: {said}"
    return None


async def _action_problem(work: UnitOfWork, do: Do, value: str) -> str | None:
    if do in (Do.ADD_TAG, Do.REMOVE_TAG):
        return label_problem(clean_label(value))
    if do is Do.MACRO:
        return await macros.macro_problem(work, value)
    if do is not Do.ASSIGN:
        return None
    try:
        colleague = await get_staff(work, value)
    except NotFound:
        return "nobody here has this id; choose a colleague"
    able = colleague.disabled_at is None and may(colleague.role, Permission.CONVERSATIONS_ANSWER)
    return None if able else f"{colleague.name} does not answer conversations; choose somebody else"


async def _loop_problem(work: UnitOfWork, rule: Rule) -> str | None:
    others = [rule_of(row) for row in await store.list_rules(work, enabled_only=True) if row.id != rule.id]
    loop = find_loop([await macros.spelled_out(work, one) for one in (rule, *others)])
    return say_loop(loop) if loop else None


def _write(row: RuleRow, wish: Wish, rule: Rule) -> None:
    row.name, row.enabled, row.stop_after = rule.name, wish.enabled, rule.stop_after
    row.when = sorted(rule.when)
    row.tags, row.words = sorted(rule.tags), list(rule.words)
    row.conditions = rule.conditions.to_json()
    row.then = [action.to_json() for action in rule.then]


async def _done(work: UnitOfWork, actor: Actor, action: str, row: RuleRow, **detail: object) -> None:
    row.changed_at = work.now
    await audit(work, actor, f"rule.{action}", "rule", row.id, name=row.name, **detail)
    work.publish(TOPIC)
