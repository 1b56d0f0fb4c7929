"""
Coming and going: signing in and out, the language of the pages, one's own password.
"""

from __future__ import annotations

from collections.abc import Mapping

from aiohttp import web

from bot.core.database import UnitOfWork
from bot.core.errors import Invalid, TooMany
from bot.staff import service
from bot.staff.passwords import prepare_password
from bot.staff.presence import leave as leave_work
from bot.staff.rules import Permission, Staff
from bot.staff.sign_in import ENTRANCE, Entrance, NewSession, sign_out
from bot.web.keys import CSRF_COOKIE, LANGUAGE_COOKIE, SESSION_COOKIE
from bot.web.pages import Visit, page
from bot.web.proxies import address_of
from bot.web.translations import LANGUAGES
from bot.web.translations import gettext as _

NO_FIELDS: Mapping[str, str] = {}


def _entrance(visit: Visit) -> Entrance:
    return visit.request.app[ENTRANCE]


def _browser(visit: Visit) -> str:
    # what a header may hold, a database may not
    return "".join(letter for letter in visit.request.headers.get("User-Agent", "") if letter.isprintable())


@page("GET", "/sign-in", permission=None)
async def show_sign_in(visit: Visit) -> web.StreamResponse:
    """
    Ask for name and password.
    """
    if visit.signed_in is not None:
        return visit.go(visit.query.get("next", "/"))
    return await visit.render("web/sign_in.html", login="", error="", next=visit.query.get("next", ""))


@page("POST", "/sign-in", permission=None, unit="none")
async def sign_in(visit: Visit) -> web.StreamResponse:
    """
    Sign in with a password.
    """
    login, onward = visit.form.get("login", ""), visit.form.get("next", "")
    try:
        session = await _entrance(visit).sign_in(
            login,
            visit.form.get("password", ""),
            address=address_of(visit.request),
            browser=_browser(visit),
            replaces=visit.request.cookies.get(SESSION_COOKIE, ""),
        )
    except (Invalid, TooMany) as error:
        response = await visit.render(
            "web/sign_in.html", status=error.status, login=login, error=error.detail, next=onward
        )
        if isinstance(error, TooMany):
            response.headers["Retry-After"] = str(error.retry_after_seconds)
        return response
    return _welcome(visit, session, onward)


@page("GET", "/sign-in/{link}", permission=None)
async def show_link(visit: Visit) -> web.StreamResponse:
    """
    Show a button that signs in: programs that preview links only look, and must not use them up.
    """
    return await visit.render("staff/sign_in_link.html", link=visit.path["link"])


@page("POST", "/sign-in/{link}", permission=None, unit="none")
async def sign_in_by_link(visit: Visit) -> web.StreamResponse:
    """
    Sign in with a link, once.
    """
    try:
        session = await _entrance(visit).sign_in_by_link(
            visit.path["link"],
            browser=_browser(visit),
            replaces=visit.request.cookies.get(SESSION_COOKIE, ""),
        )
    except Invalid as error:
        return await visit.render("web/sign_in.html", status=error.status, login="", error=error.detail, next="")
    return _welcome(visit, session, "")


def _welcome(visit: Visit, session: NewSession, onward: str) -> web.Response:
    visit.cookies[SESSION_COOKIE] = session.cookie
    visit.cookies[CSRF_COOKIE] = None
    return visit.go(onward or "/")


@page("POST", "/sign-out", permission=Permission.OWN_SESSION)
async def leave(visit: Visit) -> web.StreamResponse:
    """
    End this session.
    """
    await sign_out(visit.work, visit.person, visit.request.cookies.get(SESSION_COOKIE, ""))
    await leave_work(visit.work, visit.person)
    visit.cookies[SESSION_COOKIE] = None
    return visit.go("/sign-in", _("You are signed out."))


# Oneself


@page("POST", "/language", permission=None, unit="none")
async def choose_language(visit: Visit) -> web.StreamResponse:
    """
    Show pages in another language: to this browser, and to this person wherever they sign in.
    """
    chosen = visit.form.get("language", "")
    if chosen not in ("", *LANGUAGES):
        raise Invalid(fields={"language": "choose one of the languages in the menu"})
    if visit.signed_in is not None:
        async with visit.database.write() as work:
            await service.choose_language(work, visit.person, chosen)
    visit.cookies[LANGUAGE_COOKIE] = chosen or None
    return visit.go(visit.form.get("next") or "/")


@page("GET", "/me", permission=Permission.OWN_SESSION)
async def show_me(visit: Visit) -> web.StreamResponse:
    """
    Show who I am here.
    """
    return await _me(visit, visit.work)


async def _me(
    visit: Visit, work: UnitOfWork, errors: Mapping[str, str] = NO_FIELDS, status: int = 200
) -> web.Response:
    staff = await service.get_staff(work, visit.person.id)
    return await visit.render("staff/me.html", status=status, staff=staff, errors=errors)


@page("POST", "/me/password", permission=Permission.OWN_SESSION, unit="none")
async def change_own_password(visit: Visit) -> web.StreamResponse:
    """
    Set my own password; all my other browsers are signed out.
    """
    me = visit.person
    async with visit.database.read() as work:
        staff = await service.get_staff(work, me.id)
    try:
        hashed = await prepare_password(visit.form.get("password", ""), staff.login)
        if staff.has_password:
            await _confirm(visit, staff)
    except (Invalid, TooMany) as error:
        fields = (error.fields if isinstance(error, Invalid) else {}) or {"current": error.detail}
        async with visit.database.read() as work:
            return await _me(visit, work, fields, error.status)
    async with visit.database.write() as work:
        cookie = visit.request.cookies.get(SESSION_COOKIE, "")
        await service.change_password(work, me, me.id, hashed, keep_cookie=cookie)
    return visit.go("/me", _("Your password is changed. Your other browsers are signed out."))


async def _confirm(visit: Visit, staff: Staff) -> None:
    try:
        await _entrance(visit).confirm(staff, visit.form.get("current", ""), address=address_of(visit.request))
    except Invalid:
        raise Invalid(fields={"current": "this is not your password"}) from None
