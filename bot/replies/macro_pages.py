"""
The pages of macros: keep them, look at what one would do, run it.
"""

from __future__ import annotations

from collections.abc import Mapping

from aiohttp import web

from bot.core.errors import Conflict, Invalid
from bot.core.labels import split_labels
from bot.inbox import store as inbox_store
from bot.inbox.keys import PROMISE
from bot.inbox.rules import SNOOZE_CHOICES
from bot.replies import macros
from bot.replies.rules import Action, ActionKind, MacroWish, may_change
from bot.replies.tables import Macro
from bot.staff.rules import Permission
from bot.staff.service import colleagues_who_may
from bot.web.pages import Visit, page
from bot.web.translations import gettext as _
from bot.web.translations import word
from responses import Priority

ANSWER, CHANGE = Permission.CONVERSATIONS_ANSWER, Permission.REPLIES_CHANGE
SNOOZES = {choice.value: choice.label for choice in SNOOZE_CHOICES}


@page("GET", "/macros", permission=ANSWER)
async def list_all(visit: Visit) -> web.StreamResponse:
    """
    Show what one can run.
    """
    found = await macros.list_macros(visit.work, visit.person)
    names = await _names(visit)
    rows = [(one, [_said(action, names) for action in macros.actions_of(one)]) for one in found]
    return await visit.render("replies/macros.html", macros=rows)


@page("GET", "/macros/new", permission=ANSWER)
async def new_macro(visit: Visit) -> web.StreamResponse:
    """
    Show an empty form.
    """
    return await _form(visit, typed={"shared": "yes" if visit.shell.gate.may(visit.person.role, CHANGE) else ""})


@page("POST", "/macros", permission=ANSWER)
async def create_macro(visit: Visit) -> web.StreamResponse:
    """
    Keep a macro.
    """
    try:
        async with visit.work.savepoint():
            await macros.create_macro(visit.work, visit.person, _wish(visit.form))
    except Invalid as error:
        return await _form(visit, typed=visit.form, error=error)
    return visit.go("/macros", _("Saved."))


@page("GET", "/macros/{id}", permission=ANSWER)
async def show_macro(visit: Visit) -> web.StreamResponse:
    """
    Show one, to be changed by who may.
    """
    macro = await macros.get_macro(visit.work, visit.person, visit.path["id"])
    return await _form(visit, macro=macro, typed=_typed_of(macro))


@page("POST", "/macros/{id}", permission=ANSWER)
async def change_macro(visit: Visit) -> web.StreamResponse:
    """
    Change one.
    """
    try:
        async with visit.work.savepoint():
            await macros.change_macro(visit.work, visit.person, visit.path["id"], _wish(visit.form))
    except Invalid as error:
        macro = await macros.get_macro(visit.work, visit.person, visit.path["id"])
        return await _form(visit, macro=macro, typed=visit.form, error=error)
    return visit.go("/macros", _("Saved."))


@page("POST", "/macros/{id}/delete", permission=ANSWER)
async def delete_macro(visit: Visit) -> web.StreamResponse:
    """
    Forget one.
    """
    await macros.delete_macro(visit.work, visit.person, visit.path["id"])
    return visit.go("/macros", _("Deleted. What it did stays done."))


@page("GET", "/conversations/{id}/macros/{macro_id}", permission=ANSWER)
async def look_at_macro(visit: Visit) -> web.StreamResponse:
    """
    Show what a macro would do here, and the reply it would send, to be changed.
    """
    return await _look(visit)


@page("POST", "/conversations/{id}/macros/{macro_id}", permission=ANSWER)
async def run_macro(visit: Visit) -> web.StreamResponse:
    """
    Run it; what it cannot do is said, and nothing of it is done.
    """
    conversation_id, macro_id = visit.path["id"], visit.path["macro_id"]
    try:
        macro = await macros.run_macro(
            visit.work,
            visit.person,
            conversation_id,
            macro_id,
            promise=visit.request.app[PROMISE],
            seen=visit.form.get("seen", ""),
            text=visit.form.get("text"),
        )
    except (Conflict, Invalid) as error:
        return await _look(visit, text=visit.form.get("text"), error=error)
    return visit.go(f"/conversations/{conversation_id}", _("Done: %(name)s.", name=macro.name))


async def _look(
    visit: Visit, *, text: str | None = None, error: Conflict | Invalid | None = None
) -> web.StreamResponse:
    work = visit.work
    conversation = await inbox_store.get_conversation(work, visit.path["id"])
    macro = await macros.get_macro(work, visit.person, visit.path["macro_id"])
    filled = await macros.filled_reply(work, visit.person, conversation, macro)
    names = await _names(visit)
    return await visit.render(
        "replies/run_macro.html",
        status=error.status if error else 200,
        conversation=conversation,
        macro=macro,
        steps=[_said(action, names) for action in macros.actions_of(macro)],
        text=text if text is not None else filled.text if filled else None,
        missing=filled.missing if filled and text is None else (),
        error=error.detail if error else "",
    )


async def _form(
    visit: Visit, *, typed: Mapping[str, str], macro: Macro | None = None, error: Invalid | None = None
) -> web.StreamResponse:
    may_share = visit.shell.gate.may(visit.person.role, CHANGE)
    allowed = macro is None or may_change(macro.owner_id, visit.person.id, changes_shared=may_share)
    return await visit.render(
        "replies/macro.html",
        status=error.status if error else 200,
        macro=macro,
        typed=typed,
        errors=error.fields if error else {},
        priorities=[("", _("as it is")), *((one.name.lower(), word(one.name.lower())) for one in Priority)],
        agents=[("", _("as it is")), ("me", _("whoever runs it")), *(await _names(visit)).items()],
        endings=_endings(),
        may_share=may_share,
        may_change=allowed,
    )


def _endings() -> list[tuple[str, str]]:
    snoozes = [(f"snooze {value}", _("Snooze: %(time)s", time=word(label))) for value, label in SNOOZES.items()]
    ends = [("pending", _("Pending: wait for the customer")), ("resolve", _("Resolve"))]
    return [("", _("as it is")), *ends, *snoozes]


async def _names(visit: Visit) -> dict[str, str]:
    return {one.id: one.name for one in await colleagues_who_may(visit.work, ANSWER)}


def _wish(form: Mapping[str, str]) -> MacroWish:
    actions: list[Action] = []
    if form.get("reply", "").strip():
        actions.append(Action(kind=ActionKind.REPLY, value=form["reply"]))
    actions += [Action(kind=ActionKind.TAG, value=tag) for tag in split_labels(form.get("tags", ""))]
    if form.get("priority"):
        actions.append(Action(kind=ActionKind.PRIORITY, value=form["priority"]))
    if form.get("assign"):
        chosen = form["assign"]
        actions.append(Action(kind=ActionKind.ASSIGN, value="" if chosen == "me" else chosen))
    kind, _space, value = form.get("ending", "").partition(" ")
    if kind in set(ActionKind):
        actions.append(Action(kind=ActionKind(kind), value=value))
    return MacroWish(name=form.get("name", ""), actions=actions, shared=form.get("shared") == "yes")


def _typed_of(macro: Macro) -> dict[str, str]:
    actions = macros.actions_of(macro)
    by_kind = {action.kind: action.value for action in actions}
    ending = next((one for one in actions if f"{one.kind} {one.value}".strip() in dict(_endings())), None)
    return {
        "name": macro.name,
        "reply": by_kind.get(ActionKind.REPLY, ""),
        "tags": ", ".join(action.value for action in actions if action.kind is ActionKind.TAG),
        "priority": by_kind.get(ActionKind.PRIORITY, ""),
        "assign": (by_kind[ActionKind.ASSIGN] or "me") if ActionKind.ASSIGN in by_kind else "",
        "ending": f"{ending.kind} {ending.value}".strip() if ending else "",
    }


def _said(action: Action, names: Mapping[str, str]) -> str:
    """
    Say in words what a step does.
    """
    match action.kind:
        case ActionKind.REPLY:
            return _("replies")
        case ActionKind.TAG:
            return _("tags it %(tag)s", tag=action.value)
        case ActionKind.PRIORITY:
            return _("sets the priority to %(priority)s", priority=word(action.value))
        case ActionKind.ASSIGN if not action.value:
            return _("gives it to whoever runs it")
        case ActionKind.ASSIGN:
            return _("gives it to %(name)s", name=names.get(action.value, _("somebody who has left")))
        case ActionKind.PENDING:
            return _("waits for the customer")
        case ActionKind.SNOOZE:
            return _("snoozes it for %(time)s", time=word(SNOOZES.get(action.value, f"{action.value} s")))
        case ActionKind.RESOLVE:
            return _("resolves it")
