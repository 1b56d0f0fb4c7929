"""
Pages of saved views: all that one sees, and the form of one.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from aiohttp import web

from bot.accounts.service import list_accounts
from bot.accounts.tables import Account
from bot.core.errors import Conflict, Invalid
from bot.inbox import saved_views
from bot.inbox.condition_form import condition_fields, conditions_from_form, said_shortly
from bot.inbox.listing import Count, count
from bot.inbox.matching import NAMES, read_conditions
from bot.inbox.queue import asked_of, board_for
from bot.inbox.rules import State
from bot.inbox.saved_views import may_change, selection_of
from bot.inbox.selection import FLAGS, ME, NOBODY, Order, Selection
from bot.inbox.view_tables import SavedView
from bot.staff.rules import Permission
from bot.staff.service import colleagues_who_may
from bot.web.pages import Visit, page
from bot.web.translations import gettext as _
from bot.web.translations import word

READ = Permission.CONVERSATIONS_READ
NOTHING: Mapping[str, str] = {}
BACK = "/queue/views"


@dataclass(frozen=True, slots=True, kw_only=True)
class ViewRow:
    """
    A line of the list of views.
    """

    view: SavedView
    count: Count
    said: Sequence[tuple[str, str]]
    mine: bool
    may_change: bool


@page("GET", "/queue/views", permission=READ)
async def show_views(visit: Visit) -> web.StreamResponse:
    """
    List all views that one sees.
    """
    accounts, (board, _snapshot) = await list_accounts(visit.work), await board_for(visit)
    rows = [
        ViewRow(
            view=view,
            count=await count(visit.work, selection_of(view), actor_id=visit.person.id, board=board),
            said=_said(selection_of(view), accounts),
            mine=view.owner_id == visit.person.id,
            may_change=may_change(view, visit.person),
        )
        for view in await saved_views.views_of(visit.work, visit.person.id)
    ]
    return await visit.render("inbox/views.html", rows=rows)


def _said(selection: Selection, accounts: Sequence[Account]) -> list[tuple[str, str]]:
    """
    Say in short what a view lists.
    """
    agents = {ME: _("me"), NOBODY: _("nobody")}
    more = [
        (_("State"), ", ".join(word(state.value) for state in selection.states)),
        (_("Agent"), ", ".join(agents.get(agent, _("a colleague")) for agent in selection.agents)),
        (_("Late"), _("yes") if selection.breached else ""),
        (_("Unanswered"), _("yes") if selection.waiting else ""),
        (_("Words"), selection.text),
    ]
    said = [(word(label), values) for label, values in said_shortly(selection.conditions, accounts)]
    return [*((label, value) for label, value in more if value), *said]


@page("GET", "/queue/views/new", permission=READ)
async def show_new_view(visit: Visit) -> web.StreamResponse:
    """
    Ask for a name for the list that the address tells.
    """
    asked = await asked_of(visit)
    return await _form(visit, None, {**asked.selection.to_json(), "order": asked.order.value})


@page("POST", "/queue/views/new", permission=READ)
async def create_view(visit: Visit) -> web.StreamResponse:
    """
    Keep it; what was typed is kept when it cannot be.
    """
    form = visit.form
    try:
        async with visit.work.savepoint():
            view = await saved_views.create_view(
                visit.work,
                visit.person,
                name=form.get("name", ""),
                selection=_selection(form),
                order=_order(form),
                shared="shared" in form,
            )
    except (Invalid, Conflict) as error:
        return await _again(visit, None, error)
    return visit.go(f"/queue?view={view.id}", _("“%(name)s” is kept.", name=view.name))


@page("GET", "/queue/views/{id}", permission=READ)
async def show_view(visit: Visit) -> web.StreamResponse:
    """
    Show one view to change it.
    """
    view = await saved_views.get_view(visit.work, visit.person.id, visit.path["id"])
    said = {**view.selection, "name": view.name, "shared": view.shared, "order": view.order}
    return await _form(visit, view, said)


@page("POST", "/queue/views/{id}", permission=READ)
async def change_view(visit: Visit) -> web.StreamResponse:
    """
    Save what was changed.
    """
    form, view_id = visit.form, visit.path["id"]
    before = await saved_views.get_view(visit.work, visit.person.id, view_id)
    try:
        async with visit.work.savepoint():
            view = await saved_views.change_view(
                visit.work,
                visit.person,
                view_id,
                name=form.get("name", ""),
                selection=_selection(form),
                order=_order(form),
                shared="shared" in form,
            )
    except (Invalid, Conflict) as error:
        return await _again(visit, before, error)
    return visit.go(f"/queue?view={view.id}", _("“%(name)s” is saved.", name=view.name))


@page("POST", "/queue/views/{id}/delete", permission=READ)
async def delete_view(visit: Visit) -> web.StreamResponse:
    """
    Delete a view.
    """
    view = await saved_views.delete_view(visit.work, visit.person, visit.path["id"])
    return visit.go(BACK, _("“%(name)s” is deleted. Its conversations are where they were.", name=view.name))


@page("POST", "/queue/views/{id}/move", permission=READ)
async def move_view(visit: Visit) -> web.StreamResponse:
    """
    Move one's own view up or down.
    """
    by = -1 if visit.form.get("way") == "up" else 1
    await saved_views.move_view(visit.work, visit.person, visit.path["id"], by)
    return visit.go(BACK)


def _selection(form: Mapping[str, str]) -> dict[str, Any]:
    """
    Read what the form says; it is checked by the verb.
    """
    states = [state.value for state in State if f"state-{state.value}" in form]
    agents = [form["agent"]] if form.get("agent") else []
    flags = {flag: True for flag in FLAGS if flag in form}
    return {
        **conditions_from_form(form),
        "states": states,
        "agents": agents,
        **flags,
        "text": form.get("text", ""),
    }


def _order(form: Mapping[str, str]) -> Order:
    return Order(form["order"]) if form.get("order") in set(Order) else Order.DEADLINE


async def _again(visit: Visit, view: SavedView | None, error: Invalid | Conflict) -> web.StreamResponse:
    fields = error.fields if isinstance(error, Invalid) else {}
    problems = dict(fields) or {"name": error.detail}
    said = {**_selection(visit.form), "name": visit.form.get("name", ""), "order": _order(visit.form).value}
    said["shared"] = "shared" in visit.form
    return await _form(visit, view, said, problems, status=error.status)


async def _form(
    visit: Visit,
    view: SavedView | None,
    said: Mapping[str, Any],
    problems: Mapping[str, str] = NOTHING,
    status: int = 200,
) -> web.StreamResponse:
    accounts = await list_accounts(visit.work)
    colleagues = await colleagues_who_may(visit.work, Permission.CONVERSATIONS_ANSWER)
    chosen = "".join(list(said.get("agents") or [])[:1])
    agents = [("", _("anybody")), (ME, _("me, whoever looks")), (NOBODY, _("nobody"))]
    conditions = read_conditions({name: said[name] for name in NAMES if name in said})
    return await visit.render(
        "inbox/view.html",
        status=status,
        view=view,
        kept=defaultdict(str, said),
        states=[(state.value, state.value in (said.get("states") or [])) for state in State],
        agents=[*agents, *((one.id, one.name) for one in colleagues)],
        agent=chosen,
        orders=[
            (Order.DEADLINE.value, _("earliest deadline first")),
            (Order.NEWEST.value, _("newest word first")),
        ],
        condition_fields=condition_fields(conditions, accounts),
        problems=defaultdict(str, problems),
        may_change=view is None or may_change(view, visit.person),
    )
