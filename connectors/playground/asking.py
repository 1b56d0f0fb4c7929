"""
What comes in with a request: its parameters, whose it is and what it costs; and how the server refuses.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from aiohttp import BodyPartReader, web

from connectors.playground.index import Cut
from connectors.playground.meter import Spent
from connectors.playground.rules import Window
from connectors.playground.site import SITE
from connectors.playground.values import Person, Token

SPENT = web.RequestKey("spent", list[Spent])
PAGING = ("min_id", "max_id", "since_id", "page")


class ApiError(Exception):
    """
    The server refuses, with a status and a message in the words of a real one.
    """

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.message = message


NOT_FOUND = "Record not found"
BAD_TOKEN = "The access token is invalid"
NEEDS_PERSON = "This method requires an authenticated user"
OUT_OF_SCOPE = "This action is outside the authorized scopes"
TOO_MANY = "Too many requests"


class Params:
    """
    Parameters of query and body by name, whatever form they came in; `name[]` is a list called `name`.
    """

    def __init__(self, values: Mapping[str, list[str]], files: Mapping[str, tuple[bytes, str]]) -> None:
        self._values = values
        self.files = files

    def __contains__(self, name: str) -> bool:
        return name in self._values

    def text(self, name: str, default: str = "") -> str:
        return self._values.get(name, [default])[-1]

    def many(self, name: str) -> list[str]:
        return self._values.get(name, [])

    def flag(self, name: str) -> bool:
        return self.text(name).lower() in ("true", "1", "on")

    def number(self, name: str) -> int | None:
        """
        Read an id or a size; what is no number counts as absent, as in Mastodon's lenient reading.
        """
        text = self.text(name)
        return int(text) if text.isascii() and text.isdigit() and len(text) <= 19 else None

    def cut(self, *, default: int, most: int) -> Cut:
        """
        Read which page is asked for.
        """
        limit = self.number("limit")
        return Cut(
            limit=default if limit is None else max(1, min(limit, most)),
            max_id=self.number("max_id"),
            since_id=self.number("since_id"),
            min_id=self.number("min_id"),
        )


async def read_params(request: web.Request) -> Params:
    """
    Read query and body (JSON, form or multipart) of a request.

    Raises:
        ApiError: 400 for a body that cannot be read.
    """
    values: dict[str, list[str]] = {}
    files: dict[str, tuple[bytes, str]] = {}
    for name, value in request.query.items():
        _put(values, name, value)
    if request.content_type == "application/json":
        for name, value in (await read_object(request)).items():
            _put(values, name, value)
    elif request.content_type == "multipart/form-data":
        await _read_parts(request, values, files)
    else:
        try:
            form = await request.post()
        except ValueError as error:
            raise ApiError(400, "Bad request") from error
        for name, given in form.items():
            _put(values, name, given)
    return Params(values, files)


async def read_object(request: web.Request) -> dict[str, Any]:
    """
    Read a JSON object from the body; an empty body is an empty object.
    """
    raw = await request.read()
    try:
        body = json.loads(raw) if raw else {}
    except (ValueError, RecursionError) as error:
        raise ApiError(400, "Error occurred while parsing request parameters") from error
    if not isinstance(body, dict):
        raise ApiError(400, "Error occurred while parsing request parameters")
    return body


async def _read_parts(
    request: web.Request, values: dict[str, list[str]], files: dict[str, tuple[bytes, str]]
) -> None:
    try:
        async for part in await request.multipart():
            if not isinstance(part, BodyPartReader) or part.name is None:
                continue
            content = bytes(await part.read(decode=True))
            if part.filename is None:
                _put(values, part.name, content.decode("utf-8", "replace"))
            else:
                files[part.name] = (content, part.headers.get("Content-Type", "application/octet-stream"))
    except (ValueError, RuntimeError) as error:
        raise ApiError(400, "Bad request") from error


def _put(values: dict[str, list[str]], name: str, value: Any) -> None:
    kept = values.setdefault(name.removesuffix("[]"), [])
    for each in value if isinstance(value, list) else [value]:
        if each is None:
            continue
        if not isinstance(each, str | bool | int | float):
            raise ApiError(400, f"{name}: expected a plain value")
        kept.append(str(each).lower() if isinstance(each, bool) else clean(str(each)))
    if not kept:
        del values[name.removesuffix("[]")]


def clean(text: str) -> str:
    """
    Replace what is no Unicode text (lone surrogates) and drop NUL, as a database of text would force to.
    """
    return text.encode("utf-8", "replace").decode("utf-8").replace("\0", "")


def bearer(request: web.Request) -> str:
    """
    Give the token of a request, or an empty text.
    """
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" else ""


def find_token(request: web.Request) -> Token | None:
    """
    Give what the request's token stands for; None without a token.

    Raises:
        ApiError: 401 for a token that we do not know.
    """
    said = bearer(request)
    if not said:
        return None
    token = request.app[SITE].world.tokens.get(said)
    if token is None:
        raise ApiError(401, BAD_TOKEN)
    return token


def viewer(request: web.Request, scope: str) -> Person | None:
    """
    Give who is asking, or None for a stranger; a token without the scope is refused.
    """
    token = find_token(request)
    if token is None:
        return None
    if not {scope, scope.partition(":")[0]} & token.scopes:
        raise ApiError(403, OUT_OF_SCOPE)
    return request.app[SITE].world.people[token.owner]


def caller(request: web.Request, scope: str) -> Person:
    """
    Give who is asking.

    Raises:
        ApiError: 401 without a token, 403 when the token lacks the scope.
    """
    person = viewer(request, scope)
    if person is None:
        raise ApiError(401, NEEDS_PERSON)
    return person


def charge(request: web.Request, name: str, window: Window) -> None:
    """
    Count this request against a limit of the token, or of the address where there is no token.

    Raises:
        ApiError: 429 when it is used up; the headers are added where the answer leaves.
    """
    site = request.app[SITE]
    spent = site.meter.spend(name, window, bearer(request) or str(request.remote), now=site.now())
    request.setdefault(SPENT, []).append(spent)
    if spent.over:
        raise ApiError(429, TOO_MANY)


def page_links(request: web.Request, rows: list[int], *, limit: int, newer: str) -> dict[str, str]:
    """
    Make the Link header of a page whose rows are newest first.

    Args:
        newer: the parameter that leads to newer rows, `min_id` or `since_id`.
    """
    if not rows:
        return {}
    url = request.rel_url.without_query_params(*PAGING)
    older = f'<{request.app[SITE].base}{url.update_query(max_id=rows[-1])}>; rel="next"'
    links = [f'<{request.app[SITE].base}{url.update_query({newer: rows[0]})}>; rel="prev"']
    return {"Link": ", ".join([older, *links] if len(rows) == limit else links)}
