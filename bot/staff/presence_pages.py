"""
Signs of life from open pages, the switch that everybody has, and what each agent takes.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass

from aiohttp import web

from bot.core.database import UnitOfWork
from bot.core.errors import Invalid
from bot.settings import PresenceSettings
from bot.staff import presence
from bot.staff.rules import Permission, Profile, profile_problems, read_codes
from bot.web.pages import Visit, page
from bot.web.translations import mark, word

PRESENCE = web.AppKey("PRESENCE", PresenceSettings)
ANSWER = Permission.CONVERSATIONS_ANSWER
SAID = {
    "here": mark("You are here: new work can come to you."),
    "busy": mark("You are busy: nothing new comes to you."),
    "away": mark("You are away: nothing new comes to you."),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class SkillChoices:
    """
    What there is to be skilled in, each as pairs of id and name.
    """

    accounts: Sequence[tuple[str, str]] = ()
    intents: Sequence[tuple[str, str]] = ()


SKILL_CHOICES: web.AppKey[Callable[[UnitOfWork], Awaitable[SkillChoices]]] = web.AppKey("SKILL_CHOICES")
"""Tells the form what there is; features above this one know."""


def settings_of(request: web.Request) -> PresenceSettings:
    """
    Give when agents count as here.
    """
    return request.app.get(PRESENCE) or PresenceSettings()


@page("POST", "/presence/beat", permission=ANSWER, unit="none")
async def take_beat(visit: Visit) -> web.StreamResponse:
    """
    Take a page's sign of life; most of them tell nothing new and are not written.
    """
    settings, touched = settings_of(visit.request), bool(visit.form.get("touched"))
    async with visit.database.read() as work:
        fresh = await presence.still_fresh(work, visit.person, settings, touched=touched)
    if fresh is not None:
        return web.json_response({"presence": fresh})
    async with visit.database.write() as work:
        return web.json_response({"presence": await presence.beat(work, visit.person, settings, touched=touched)})


@page("POST", "/presence", permission=ANSWER)
async def choose_presence(visit: Visit) -> web.StreamResponse:
    """
    Say oneself whether one is here, busy or away.
    """
    chosen = visit.form.get("presence", "")
    await presence.choose(visit.work, visit.person, chosen, settings_of(visit.request))
    return visit.go(visit.form.get("back", "") or "/", word(SAID[chosen]))


def read_profile(form: Mapping[str, str]) -> Profile:
    """
    Read a work profile from its form: `account:ID` and `intent:NAME` are check boxes.

    Raises:
        Invalid: with the fields that cannot be used.
    """
    capacity = form.get("capacity", "").strip()
    if not (capacity.isascii() and capacity.isdecimal() and len(capacity) < 10):
        raise Invalid(fields={"capacity": profile_problems(Profile(capacity=-1))["capacity"]})
    return Profile(
        capacity=int(capacity),
        languages=read_codes(form.get("languages", "")),
        account_ids=_chosen(form, "account:"),
        intents=_chosen(form, "intent:"),
        hand_out="hand_out" in form,
    )


def _chosen(form: Mapping[str, str], prefix: str) -> tuple[str, ...]:
    return tuple(name.removeprefix(prefix) for name in form if name.startswith(prefix))


async def choices_of(visit: Visit, work: UnitOfWork) -> SkillChoices:
    """
    Give what there is to be skilled in.
    """
    ask = visit.request.app.get(SKILL_CHOICES)
    return await ask(work) if ask is not None else SkillChoices()
