"""
What happens around every request: security headers, and errors as a page or a problem, never as a stack trace.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any
from urllib.parse import quote

import structlog
from aiohttp import web

from bot.core.database import database_is_away
from bot.core.errors import HubbubError, NotSignedIn, TooMany
from bot.core.ids import new_id
from bot.web.keys import DATABASE, LANGUAGE_COOKIE, SHELL
from bot.web.operations import API
from bot.web.problems import Problem, http_problem, problem_of, problem_response
from bot.web.translations import LANGUAGES, SOURCE, negotiate, speaking

log = structlog.get_logger(__name__)
Next = Callable[[web.Request], Awaitable[web.StreamResponse]]

AWAY_RETRY_SECONDS = 5
CONTENT_SECURITY_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "font-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
)
HEADERS = {
    "Content-Security-Policy": CONTENT_SECURITY_POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=()",
}


@web.middleware
async def secure(request: web.Request, handler: Next) -> web.StreamResponse:
    """
    Put the security headers on every answer; pages are never kept by caches.
    """
    response = await handler(request)
    if not response.prepared:
        for name, value in HEADERS.items():
            response.headers.setdefault(name, value)
        response.headers.setdefault("Cache-Control", "no-store")
    return response


@web.middleware
async def translate(request: web.Request, handler: Next) -> web.StreamResponse:
    """
    Speak the language the browser asks for, until a page knows the person; programs are spoken to in English.
    """
    with speaking(SOURCE if request.path.startswith(API) else asked_language(request)):
        return await handler(request)


def asked_language(request: web.Request) -> str:
    """
    Give what was chosen in this browser, or else what it asks for.
    """
    chosen = request.cookies.get(LANGUAGE_COOKIE, "")
    return chosen if chosen in LANGUAGES else negotiate(request.headers.get("Accept-Language", ""))


@web.middleware
async def explain(request: web.Request, handler: Next) -> web.StreamResponse:
    """
    Turn whatever went wrong into a clear answer of the right kind.
    """
    wants_json = request.path.startswith(API)
    try:
        return await handler(request)
    except web.HTTPException as error:
        if error.status < 400:
            raise
        return http_problem(error, request.path) if wants_json else _http_page(request, error)
    except HubbubError as error:
        return problem_of(error, request.path) if wants_json else _answer(request, error)
    except Exception as error:
        if request.transport is None or request.transport.is_closing():
            raise  # the browser went away; there is nobody to answer
        if database_is_away(error):
            cause = str(getattr(error, "orig", None) or error)[:200]
            log.warning("database away", action="request.database", path=request.path, error=cause)
            return _away(request, wants_json)
        number = new_id(request.app[DATABASE].clock.now())
        log.exception("request failed", action="request.failed", number=number, path=request.path)
        detail = f"This is our mistake, not yours. It is in the log under the number {number}."
        if not wants_json:
            return _page(request, 500, "Something broke.", detail)
        kind = "urn:hubbub:problem:broken"
        return problem_response(Problem(type=kind, title="Something broke.", status=500, detail=detail))


def _away(request: web.Request, wants_json: bool) -> web.Response:
    title, detail = "The database does not answer.", "Nothing was changed. Try again in a moment."
    if wants_json:
        problem = Problem(type="urn:hubbub:problem:away", title=title, status=503, detail=detail)
        response = problem_response(problem)
    else:
        response = _page(request, 503, title, detail)
    response.headers["Retry-After"] = str(AWAY_RETRY_SECONDS)
    return response


def _http_page(request: web.Request, error: web.HTTPException) -> web.Response:
    response = _page(request, error.status, error.reason, "")
    if "Allow" in error.headers:
        response.headers["Allow"] = error.headers["Allow"]
    return response


def _answer(request: web.Request, error: HubbubError) -> web.Response:
    if isinstance(error, NotSignedIn) and request.method == "GET":
        return web.Response(status=303, headers={"Location": f"/sign-in?next={quote(request.path_qs, safe='')}"})
    response = _page(request, error.status, error.title(), error.detail)
    if isinstance(error, TooMany):
        response.headers["Retry-After"] = str(error.retry_after_seconds)
    return response


def _page(request: web.Request, status: int, title: str, detail: str) -> web.Response:
    shell = request.app[SHELL]
    context: dict[str, Any] = {
        "person": None,
        "csrf": "",
        "nav": [],
        "banners": [],
        "simulated": shell.simulated,
        "now": request.app[DATABASE].clock.now(),
        "live_since": 0,
        "messages": [],
        "may": lambda _permission: False,
        "path": request.path,
        "here": request.path_qs if request.method == "GET" else "/",
        "status": status,
        "error_title": title,
        "error_detail": detail,
    }
    text = shell.render("web/error.html", context)
    return web.Response(text=text, status=status, content_type="text/html")
