"""
The pages of rules: the list in the order in which they are asked, and one rule to write and to try.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from aiohttp import web

from bot.accounts.service import list_accounts
from bot.automation import macros, service, store
from bot.automation.reading import rule_of, wish_of
from bot.automation.rules import Action, Do, When
from bot.automation.tables import RuleRow
from bot.automation.trying import Trial, try_rule
from bot.automation.wishes import Wish
from bot.core.errors import Invalid
from bot.core.labels import split_labels
from bot.inbox.condition_form import condition_fields, conditions_from_form, said_shortly
from bot.inbox.matching import NAMES, read_conditions
from bot.staff.rules import Permission
from bot.staff.service import colleagues_who_may
from bot.web.pages import Visit, page
from bot.web.translations import gettext as _
from bot.web.translations import mark, word
from responses.values import Priority

READ, CHANGE = Permission.CONVERSATIONS_READ, Permission.RULES_CHANGE
NOTHING: Mapping[str, str] = {}
ACTIONS_SHOWN = 3
"""Empty actions at the end of the form; saving offers more."""
WHENS = {
    When.OPENED: mark("a conversation begins"),
    When.MESSAGE_IN: mark("the customer writes"),
    When.REOPENED: mark("it is re-opened"),
    When.REPLIED: mark("one of us answers"),
    When.ANSWERED: mark("an answer has arrived"),
    When.CLAIMED: mark("somebody takes it"),
    When.RELEASED: mark("it goes back to the queue"),
    When.HANDED_OVER: mark("it is handed over"),
    When.PENDING: mark("we wait for the customer"),
    When.SNOOZED: mark("it is snoozed"),
    When.WOKE: mark("it wakes up"),
    When.RESOLVED: mark("it is resolved"),
    When.CLOCK_WARNED: mark("a promise is in danger"),
    When.CLOCK_BREACHED: mark("a promise was broken"),
    When.TAGGED: mark("a tag is added"),
    When.UNTAGGED: mark("a tag is taken off"),
    When.PRIORITY_SET: mark("its priority is set"),
}
DOS = {
    Do.ADD_TAG: mark("add the tag"),
    Do.REMOVE_TAG: mark("take off the tag"),
    Do.SET_PRIORITY: mark("set the priority to"),
    Do.ASSIGN: mark("hand it over to"),
    Do.NOTE: mark("write a note"),
    Do.SNOOZE: mark("snooze it for"),
    Do.PENDING: mark("wait for the customer"),
    Do.RESOLVE: mark("resolve it"),
    Do.SPAM: mark("call it spam"),
    Do.MACRO: mark("run the macro"),
    Do.WEBHOOK: mark("tell the webhooks"),
}
CHOSEN = frozenset({Do.SET_PRIORITY, Do.ASSIGN, Do.MACRO})
"""Their value is chosen from a list; that of the others is written."""


@page("GET", "/rules", permission=READ)
async def show_rules(visit: Visit) -> web.StreamResponse:
    """
    List the rules in the order in which they are asked.
    """
    accounts = await list_accounts(visit.work)
    rows = await store.list_rules(visit.work)
    names = await _names(visit)
    above: list[str | None] = [None, *(row.id for row in rows)]
    shown = [
        (
            row,
            [word(WHENS[When(one)]) for one in row.when],
            said_shortly(read_conditions(row.conditions), accounts),
            [_said(action, names) for action in rule_of(row).then],
            before_id,
        )
        for row, before_id in zip(rows, above, strict=False)
    ]
    return await visit.render("automation/list.html", rows=shown)


@page("GET", "/rules/new", permission=CHANGE)
async def show_new(visit: Visit) -> web.StreamResponse:
    """
    Ask for a new rule.
    """
    return await _form(visit, None, Wish(name="", when=[], then=[]))


@page("POST", "/rules", permission=CHANGE)
async def create(visit: Visit) -> web.StreamResponse:
    """
    Keep a new rule, or only try it.
    """
    wish = _wish(visit.form)
    try:
        if visit.form.get("try"):
            return await _form(visit, None, wish, trial=await _try(visit, wish, ""))
        row = await service.create_rule(visit.work, visit.person, wish)
    except Invalid as error:
        return await _form(visit, None, wish, problems=error.fields)
    return visit.go("/rules", _("%(name)s is kept.", name=row.name))


@page("GET", "/rules/{rule_id}", permission=CHANGE)
async def show_rule(visit: Visit) -> web.StreamResponse:
    """
    Show one rule to change it or to try it.
    """
    row = await store.get_rule(visit.work, visit.path["rule_id"])
    return await _form(visit, row, wish_of(row))


@page("POST", "/rules/{rule_id}", permission=CHANGE)
async def change(visit: Visit) -> web.StreamResponse:
    """
    Change a rule, or only try what was written.
    """
    wish, rule_id = _wish(visit.form), visit.path["rule_id"]
    row = await store.get_rule(visit.work, rule_id)
    try:
        if visit.form.get("try"):
            return await _form(visit, row, wish, trial=await _try(visit, wish, rule_id))
        row = await service.change_rule(visit.work, visit.person, rule_id, wish)
    except Invalid as error:
        return await _form(visit, row, wish, problems=error.fields)
    return visit.go("/rules", _("%(name)s is kept.", name=row.name))


@page("POST", "/rules/{rule_id}/switch", permission=CHANGE)
async def switch(visit: Visit) -> web.StreamResponse:
    """
    Switch a rule on or off.
    """
    enabled = visit.form.get("enabled") == "yes"
    row = await service.switch_rule(visit.work, visit.person, visit.path["rule_id"], enabled=enabled)
    said = _("%(name)s is on.", name=row.name) if enabled else _("%(name)s is off.", name=row.name)
    return visit.go("/rules", said)


@page("POST", "/rules/{rule_id}/up", permission=CHANGE)
async def move_up(visit: Visit) -> web.StreamResponse:
    """
    Ask a rule before the one that is above it.
    """
    before_id = visit.form.get("before_id") or None
    await service.place_rule(visit.work, visit.person, visit.path["rule_id"], before_id)
    return visit.go("/rules")


@page("POST", "/rules/{rule_id}/delete", permission=CHANGE)
async def delete(visit: Visit) -> web.StreamResponse:
    """
    Forget a rule.
    """
    await service.delete_rule(visit.work, visit.person, visit.path["rule_id"])
    return visit.go("/rules", _("Deleted. What it did stays."))


async def _try(visit: Visit, wish: Wish, rule_id: str) -> Trial:
    return await try_rule(visit.work, await service.check(visit.work, wish, rule_id))


async def _form(
    visit: Visit,
    row: RuleRow | None,
    wish: Wish,
    *,
    problems: Mapping[str, str] = NOTHING,
    trial: Trial | None = None,
) -> web.StreamResponse:
    names = await _names(visit)
    ours = {"name", "when", "tags", "words", "then"}
    return await visit.render(
        "automation/rule.html",
        status=422 if problems else 200,
        row=row,
        wish=wish,
        whens=[(one.value, word(label), one in wish.when) for one, label in WHENS.items()],
        condition_fields=condition_fields(
            read_conditions({name: wish.conditions.get(name, ()) for name in NAMES}),
            await list_accounts(visit.work),
        ),
        dos=[("", _("nothing")), *((one.value, word(label)) for one, label in DOS.items())],
        choices=[("", "—"), *names.items()],
        actions=[*map(_shown, wish.then), *[_shown({})] * ACTIONS_SHOWN],
        problems=problems,
        others={name: said for name, said in problems.items() if name not in ours},
        trial=trial,
        tried=[(_said(action, names), count) for action, count in trial.actions] if trial else [],
        kinds={one.value: word(label) for one, label in WHENS.items()},
    )


async def _names(visit: Visit) -> dict[str, str]:
    """
    Name what actions can choose: priorities, colleagues, macros.
    """
    colleagues = await colleagues_who_may(visit.work, Permission.CONVERSATIONS_ANSWER)
    return {
        **{one.name.lower(): word(one.name.lower()) for one in Priority},
        **{one.id: one.name for one in colleagues},
        **{one.id: _("macro: %(name)s", name=one.name) for one in await macros.usable(visit.work)},
    }


def _said(action: Action, names: Mapping[str, str]) -> str:
    label = word(DOS[action.do])
    if not action.value:
        return label
    if action.do in CHOSEN:
        return f"{label} {names.get(action.value, action.value)}"
    return _("%(do)s “%(value)s”", do=label, value=action.value[:80])


def _shown(action: Mapping[str, Any]) -> dict[str, str]:
    do, value = str(action.get("do", "")), str(action.get("value", ""))
    chosen = do in CHOSEN
    return {"do": do, "chosen": value if chosen else "", "text": "" if chosen else value}


def _wish(form: Mapping[str, str]) -> Wish:
    return Wish(
        name=form.get("name", ""),
        enabled=bool(form.get("enabled")),
        when=[one.value for one in When if form.get(f"when-{one.value}")],
        tags=split_labels(form.get("tags", "")),
        conditions=conditions_from_form(form),
        words=[part.strip() for part in re.split("[,，、;；\n]", form.get("words", "")) if part.strip()],
        then=_actions(form),
        stop_after=bool(form.get("stop_after")),
    )


def _actions(form: Mapping[str, str]) -> Sequence[dict[str, str]]:
    numbers = sorted(int(found[1]) for key in form if (found := re.fullmatch(r"do-(\d{1,3})", key)))
    actions = []
    for number in numbers:
        do = form[f"do-{number}"]
        field = "choice" if do in CHOSEN else "text"
        if do:
            actions.append({"do": do, "value": form.get(f"{field}-{number}", "")})
    return actions
