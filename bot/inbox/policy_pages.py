"""
Pages of policies: the list in the order in which they are asked, and one policy to write.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

from aiohttp import web

from bot.accounts.service import list_accounts
from bot.core.errors import Invalid
from bot.core.units import read_duration, show_duration
from bot.hours.service import list_hours
from bot.inbox import policies, policy_store
from bot.inbox.condition_form import condition_fields, conditions_from_form, said_shortly
from bot.inbox.escalation import Do, On
from bot.inbox.keys import PROMISE
from bot.inbox.matching import read_conditions
from bot.inbox.policies import LENGTHS, Wish
from bot.inbox.promises import DEFAULT_NAME, Terms, default_terms
from bot.inbox.rules import ClockKind
from bot.inbox.tables import Policy
from bot.staff.rules import Permission
from bot.staff.service import colleagues_who_may
from bot.web.pages import Visit, page
from bot.web.translations import gettext as _
from responses.values import Priority

READ, CHANGE = Permission.POLICIES_READ, Permission.POLICIES_CHANGE
NOTHING: Mapping[str, str] = {}
STEPS_SHOWN = 3
"""Empty steps at the end of the form; saving offers more."""

ON_LABELS = {On.WARNED: "at a warning", On.BREACHED: "when the promise is broken"}
DO_LABELS = {
    Do.NOTIFY_AGENT: "tell who has it",
    Do.NOTIFY_LEADS: "tell the leads",
    Do.NOTIFY: "tell a colleague",
    Do.RAISE_PRIORITY: "raise the priority to",
    Do.RETURN: "give it back to the queue",
    Do.REASSIGN: "hand it over to a colleague",
}
CLOCK_LABELS = {
    ClockKind.FIRST_RESPONSE: "first response",
    ClockKind.NEXT_RESPONSE: "next response",
    ClockKind.RESOLUTION: "resolution",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyRow:
    """
    A line of the list. `id` None: what holds where no policy matches.
    """

    id: str | None
    name: str
    enabled: bool
    conditions: Sequence[tuple[str, str]]
    hours: str
    lengths: Mapping[str, str]
    steps: int
    before_id: str | None = None  # to move it one up


@page("GET", "/policies", permission=READ)
async def show_policies(visit: Visit) -> web.StreamResponse:
    """
    List what is promised, the first that matches on top.
    """
    work = visit.work
    accounts = await list_accounts(work)
    hours = {one.id: one.name for one in (await list_hours(work, limit=200)).items}
    found = await policy_store.list_policies(work)
    above: list[str | None] = [None, *(one.id for one in found)]
    rows = [
        replace(
            _row(policy.id, policies.terms_of(policy), hours),
            enabled=policy.enabled,
            conditions=said_shortly(read_conditions(policy.conditions), accounts),
            steps=len(policy.escalations),
            before_id=before_id,
        )
        for policy, before_id in zip(found, above, strict=False)
    ]
    rest = _row(None, default_terms(visit.request.app[PROMISE]), hours)
    return await visit.render("inbox/policies.html", rows=[*rows, rest])


def _row(policy_id: str | None, terms: Terms, hours: Mapping[str, str]) -> PolicyRow:
    lengths = {LENGTHS[kind]: show_duration(length) for kind, length in terms.lengths.items()}
    return PolicyRow(
        id=policy_id,
        name=_(DEFAULT_NAME) if policy_id is None else terms.policy_name,
        enabled=True,
        conditions=(),
        hours=hours.get(terms.hours_id or "", "") or _("calendar time"),
        lengths=lengths,
        steps=0,
    )


@page("GET", "/policies/new", permission=CHANGE)
async def show_new_policy(visit: Visit) -> web.StreamResponse:
    """
    Ask what is to be promised.
    """
    minutes = visit.request.app[PROMISE].first_response
    lengths = {ClockKind.FIRST_RESPONSE: minutes, ClockKind.NEXT_RESPONSE: minutes}
    return await _form(visit, None, Wish(name="", lengths=lengths))


@page("POST", "/policies/new", permission=CHANGE)
async def create_policy(visit: Visit) -> web.StreamResponse:
    """
    Promise it; what was typed is kept when it cannot be.
    """
    try:
        wish = _wish(visit.form)
        policy = await policies.create_policy(visit.work, visit.person, wish)
    except Invalid as error:
        return await _form(visit, None, _typed(visit.form), problems=error.fields)
    return visit.go("/policies", _("%(name)s is promised from now on.", name=policy.name))


@page("GET", "/policies/{id}", permission=CHANGE)
async def show_policy(visit: Visit) -> web.StreamResponse:
    """
    Show one policy to change it.
    """
    policy = await policy_store.get_policy(visit.work, visit.path["id"])
    return await _form(visit, policy, _wish_of(policy))


@page("POST", "/policies/{id}", permission=CHANGE)
async def change_policy(visit: Visit) -> web.StreamResponse:
    """
    Promise something else, for running clocks too if it is said so.
    """
    also_running = bool(visit.form.get("also_running"))
    try:
        wish = _wish(visit.form)
        policy = await policies.change_policy(
            visit.work, visit.person, visit.path["id"], wish, also_running=also_running
        )
    except Invalid as error:
        policy = await policy_store.get_policy(visit.work, visit.path["id"])
        return await _form(visit, policy, _typed(visit.form), problems=error.fields)
    moved = (
        _("Saved. Running clocks are moved.") if also_running else _("Saved. Running clocks keep their deadline.")
    )
    return visit.go("/policies", moved)


@page("POST", "/policies/{id}/up", permission=CHANGE)
async def move_up(visit: Visit) -> web.StreamResponse:
    """
    Ask it before the one that is above it.
    """
    before_id = visit.form.get("before_id", "")
    await policies.place_policy(visit.work, visit.person, visit.path["id"], before_id or None)
    return visit.go("/policies")


@page("POST", "/policies/{id}/delete", permission=CHANGE)
async def delete_policy(visit: Visit) -> web.StreamResponse:
    """
    Promise it no more.
    """
    await policies.delete_policy(visit.work, visit.person, visit.path["id"])
    return visit.go("/policies", _("Deleted. Clocks that run under it run to their end."))


async def _form(
    visit: Visit, policy: Policy | None, wish: Wish, *, problems: Mapping[str, str] = NOTHING
) -> web.StreamResponse:
    work = visit.work
    colleagues = [(one.id, one.name) for one in await colleagues_who_may(work, Permission.CONVERSATIONS_READ)]
    hours = [("", _("calendar time: it always counts"))]
    hours += [(one.id, one.name) for one in (await list_hours(work, limit=200)).items]
    shown = {**{name: visit.form.get(name, "") for name in LENGTHS.values()}} if problems else {}
    return await visit.render(
        "inbox/policy.html",
        status=422 if problems else 200,
        policy=policy,
        wish=wish,
        lengths=shown or {LENGTHS[kind]: show_duration(length) for kind, length in wish.lengths.items()},
        warn_shares=visit.form.get("warn_shares") or ", ".join(f"{share:g}" for share in wish.warn_shares),
        condition_fields=condition_fields(read_conditions(wish.conditions), await list_accounts(work)),
        hours=hours,
        steps=[*wish.escalations, *[{}] * STEPS_SHOWN],
        ons=[(one.value, _(label)) for one, label in ON_LABELS.items()],
        dos=[(one.value, _(label)) for one, label in DO_LABELS.items()],
        clocks=[(one.value, _(label)) for one, label in CLOCK_LABELS.items()],
        targets=[*((one.name.lower(), _(one.name.lower())) for one in Priority), *colleagues],
        running=await policy_store.running_count(work, policy.id) if policy else 0,
        problems=problems,
    )


def _wish_of(policy: Policy) -> Wish:
    return Wish(
        name=policy.name,
        enabled=policy.enabled,
        conditions=policy.conditions,
        hours_id=policy.hours_id,
        lengths=policies.terms_of(policy).lengths,
        warn_shares=policy.warn_shares,
        escalations=policy.escalations,
    )


def _wish(form: Mapping[str, str]) -> Wish:
    """
    Read the form; raises Invalid with the fields that cannot be read.
    """
    problems: dict[str, str] = {}
    lengths: dict[ClockKind, timedelta] = {}
    for kind, name in LENGTHS.items():
        try:
            if form.get(name, "").strip():
                lengths[kind] = read_duration(form[name])
        except ValueError as error:
            problems[name] = str(error)
    try:
        shares = _shares(form.get("warn_shares", ""))
    except ValueError:
        problems["warn_shares"] = "numbers such as 0.5, 0.8"
    if problems:
        raise Invalid(fields=problems)
    return replace(_typed(form), lengths=lengths, warn_shares=shares)


def _shares(text: str) -> list[float]:
    return [float(part) for part in text.replace("，", ",").split(",") if part.strip()]


def _typed(form: Mapping[str, str]) -> Wish:
    """
    Read of the form what needs no understanding, to show it again.
    """
    return Wish(
        name=form.get("name", ""),
        enabled=bool(form.get("enabled")),
        conditions=conditions_from_form(form),
        hours_id=form.get("hours_id") or None,
        escalations=_steps(form),
    )


def _steps(form: Mapping[str, str]) -> list[dict[str, Any]]:
    numbers = sorted({int(key.split("-")[1]) for key in form if key.startswith("step-") and _is_step(key)})
    steps = (
        {name: form.get(f"step-{number}-{name}", "") for name in ("on", "do", "clock", "to")} for number in numbers
    )
    return [{name: value for name, value in step.items() if value} for step in steps if step["do"]]


def _is_step(key: str) -> bool:
    parts = key.split("-")
    return len(parts) == 3 and parts[1].isdecimal() and len(parts[1]) < 4
