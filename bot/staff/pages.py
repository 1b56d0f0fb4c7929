"""
The people who work here, API tokens, and the audit trail.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from urllib.parse import urlencode

from aiohttp import web

from bot.core.database import UnitOfWork
from bot.core.errors import Invalid
from bot.staff import service
from bot.staff.passwords import prepare_password
from bot.staff.presence import change_profile, find_agent
from bot.staff.presence_pages import choices_of, read_profile
from bot.staff.rules import Permission, Role, clean_login, read_validity
from bot.staff.sign_in import address_of_link, make_sign_in_link
from bot.web.pages import Visit, page
from bot.web.translations import gettext as _
from bot.web.translations import word

ROWS = 50
NO_FIELDS: Mapping[str, str] = {}


# People


@page("GET", "/staff", permission=Permission.STAFF_READ)
async def show_staff(visit: Visit) -> web.StreamResponse:
    """
    List everybody who works here.
    """
    return await _staff(visit, visit.work)


async def _staff(
    visit: Visit, work: UnitOfWork, errors: Mapping[str, str] = NO_FIELDS, status: int = 200
) -> web.Response:
    after = visit.query.get("after")
    found = await service.list_staff(work, limit=ROWS, after=after)
    return await visit.render(
        "staff/staff.html",
        status=status,
        people=found.items,
        newer="/staff" if after else None,
        older=f"/staff?after={found.after}" if found.after else None,
        roles=_roles(),
        errors=errors,
        typed=visit.form,
    )


@page("POST", "/staff", permission=Permission.STAFF_CHANGE, unit="none")
async def add_staff(visit: Visit) -> web.StreamResponse:
    """
    Let somebody work here.
    """
    form = visit.form
    try:
        password = form.get("password", "")
        hashed = await prepare_password(password, clean_login(form.get("login", ""))) if password else None
        async with visit.database.write() as work:
            staff = await service.add_staff(
                work,
                visit.person,
                login=form.get("login", ""),
                name=form.get("name", "").strip() or form.get("login", ""),
                role=form.get("role", ""),
                password_hash=hashed,
            )
    except Invalid as error:
        async with visit.database.read() as work:
            return await _staff(visit, work, error.fields, error.status)
    return visit.go(f"/staff/{staff.id}", _("%(name)s works here now.", name=staff.name))


@page("GET", "/staff/{staff_id}", permission=Permission.STAFF_READ)
async def show_person(visit: Visit) -> web.StreamResponse:
    """
    Show one person and what can be done about them.
    """
    return await _person(visit, visit.work)


async def _person(
    visit: Visit,
    work: UnitOfWork,
    errors: Mapping[str, str] = NO_FIELDS,
    link: str = "",
    status: int = 200,
) -> web.Response:
    staff = await service.get_staff(work, visit.path["staff_id"])
    return await visit.render(
        "staff/person.html",
        status=status,
        staff=staff,
        agent=await find_agent(work, staff.id),
        skills=await choices_of(visit, work),
        roles=_roles(),
        errors=errors,
        link=link,
    )


@page("POST", "/staff/{staff_id}/role", permission=Permission.STAFF_CHANGE)
async def change_role(visit: Visit) -> web.StreamResponse:
    """
    Give somebody another role.
    """
    role = visit.form.get("role", "")
    staff = await service.change_role(visit.work, visit.person, visit.path["staff_id"], role)
    return visit.go(f"/staff/{staff.id}", _("%(name)s is %(role)s now.", name=staff.name, role=word(staff.role)))


@page("POST", "/staff/{staff_id}/skills", permission=Permission.STAFF_SKILLS)
async def change_skills(visit: Visit) -> web.StreamResponse:
    """
    Set what somebody takes, and how much at once.
    """
    staff = await service.get_staff(visit.work, visit.path["staff_id"])
    try:
        await change_profile(visit.work, visit.person, staff.id, read_profile(visit.form))
    except Invalid as error:
        return await _person(visit, visit.work, error.fields, status=error.status)
    return visit.go(f"/staff/{staff.id}", _("Saved. It holds for the next conversation they get."))


@page("POST", "/staff/{staff_id}/disable", permission=Permission.STAFF_CHANGE)
async def disable_staff(visit: Visit) -> web.StreamResponse:
    """
    Shut somebody out.
    """
    staff = await service.disable_staff(visit.work, visit.person, visit.path["staff_id"])
    return visit.go(f"/staff/{staff.id}", _("%(name)s is shut out.", name=staff.name))


@page("POST", "/staff/{staff_id}/enable", permission=Permission.STAFF_CHANGE)
async def enable_staff(visit: Visit) -> web.StreamResponse:
    """
    Let somebody in again.
    """
    staff = await service.enable_staff(visit.work, visit.person, visit.path["staff_id"])
    return visit.go(f"/staff/{staff.id}", _("%(name)s may sign in again.", name=staff.name))


@page("POST", "/staff/{staff_id}/password", permission=Permission.STAFF_CHANGE, unit="none")
async def set_password(visit: Visit) -> web.StreamResponse:
    """
    Set somebody's password; they are signed out everywhere.
    """
    async with visit.database.read() as work:
        staff = await service.get_staff(work, visit.path["staff_id"])
    try:
        hashed = await prepare_password(visit.form.get("password", ""), staff.login)
    except Invalid as error:
        async with visit.database.read() as work:
            return await _person(visit, work, error.fields, status=error.status)
    async with visit.database.write() as work:
        await service.change_password(work, visit.person, staff.id, hashed)
    said = _("%(name)s has a new password and is signed out everywhere.", name=staff.name)
    return visit.go(f"/staff/{staff.id}", said)


@page("POST", "/staff/{staff_id}/link", permission=Permission.STAFF_CHANGE)
async def make_link(visit: Visit) -> web.StreamResponse:
    """
    Make a link that signs somebody in once, and show it once.
    """
    staff = await service.get_staff(visit.work, visit.path["staff_id"])
    secret = await make_sign_in_link(visit.work, visit.person, staff.id)
    return await _person(visit, visit.work, link=address_of_link(visit.request, secret))


# Tokens


@page("GET", "/tokens", permission=Permission.TOKENS_CHANGE)
async def show_tokens(visit: Visit) -> web.StreamResponse:
    """
    List API tokens.
    """
    return await _tokens(visit)


async def _tokens(
    visit: Visit, errors: Mapping[str, str] = NO_FIELDS, secret: str = "", status: int = 200
) -> web.Response:
    after = visit.query.get("after")
    found = await service.list_tokens(visit.work, limit=ROWS, after=after)
    return await visit.render(
        "staff/tokens.html",
        status=status,
        tokens=found.items,
        newer="/tokens" if after else None,
        older=f"/tokens?after={found.after}" if found.after else None,
        roles=_roles(),
        errors=errors,
        typed=visit.form,
        secret=secret,
    )


@page("POST", "/tokens", permission=Permission.TOKENS_CHANGE)
async def create_token(visit: Visit) -> web.StreamResponse:
    """
    Make a token and show its secret once.
    """
    form = visit.form
    try:
        valid_for = _validity(form.get("expires_in", ""))
        _, secret = await service.create_token(
            visit.work,
            visit.person,
            name=form.get("name", ""),
            role=form.get("role", ""),
            expires_at=visit.work.now + valid_for if valid_for else None,
        )
    except Invalid as error:
        return await _tokens(visit, error.fields, status=error.status)
    return await _tokens(visit, secret=secret)


@page("POST", "/tokens/{token_id}/revoke", permission=Permission.TOKENS_CHANGE)
async def revoke_token(visit: Visit) -> web.StreamResponse:
    """
    Make a token useless.
    """
    token = await service.revoke_token(visit.work, visit.person, visit.path["token_id"])
    return visit.go("/tokens", _("%(name)s no longer works.", name=token.name))


# The trail


@page("GET", "/audit", permission=Permission.AUDIT_READ)
async def show_audit(visit: Visit) -> web.StreamResponse:
    """
    List who changed what, newest first.
    """
    after, kind, subject = (visit.query.get(name, "").strip() for name in ("after", "kind", "id"))
    found = await service.list_audit(
        visit.work, limit=ROWS, after=after or None, subject_kind=kind, subject_id=subject
    )
    filtered = {name: value for name, value in (("kind", kind), ("id", subject)) if value}
    return await visit.render(
        "staff/audit.html",
        entries=found.items,
        kind=kind,
        subject=subject,
        newer=_url("/audit", filtered) if after else None,
        older=_url("/audit", {**filtered, "after": found.after}) if found.after else None,
    )


def _url(path: str, query: Mapping[str, str]) -> str:
    return f"{path}?{urlencode(query)}" if query else path


def _roles() -> list[tuple[str, str]]:
    return [(role.value, word(role)) for role in Role]


def _validity(text: str) -> timedelta | None:
    try:
        return read_validity(text)
    except ValueError as error:
        raise Invalid(fields={"expires_in": str(error)}) from None
