"""
JSON handlers: `@operation` marks one, and its own types are its documentation.

A handler is a coroutine `(call, ...) -> Model`. Its other parameters are named by what they are: a part of the
URL, `body` (a pydantic model read from JSON), `query` (a pydantic model read from the query). One call is one
unit of work. A POST with an `Idempotency-Key` is carried out once; the same request again gets the same answer.
"""

from __future__ import annotations

import hashlib
import inspect
import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta
from types import ModuleType, NoneType, UnionType
from typing import Annotated, Any, Generic, TypeVar, get_args, get_type_hints

import sqlalchemy as sa
from aiohttp import web
from pydantic import AwareDatetime, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError
from sqlmodel import col

from bot.core.actor import Actor
from bot.core.database import UnitOfWork
from bot.core.errors import Conflict, HubbubError, Invalid, NotAllowed, NotSignedIn
from bot.web.keys import DATABASE, GATE
from bot.web.problems import invalid_from, problem_of
from bot.web.tables import ApiAnswer

API = "/api/v1"
NUL_ESCAPE = re.compile(rb"(?<!\\)(?:\\\\)*\\u0000")
ANSWER_KEPT = timedelta(days=1)
KEY_PATTERN = "^[!-~]{1,200}$"
"""Of an Idempotency-Key: printable ASCII without spaces."""
Handler = Callable[..., Awaitable[BaseModel | None]]
T = TypeVar("T")


def _no_number(value: object) -> object:
    # pydantic would take it for seconds since 1970; the document says a date and a time
    if isinstance(value, str) and value.strip().lstrip("+-").replace(".", "", 1).isdigit():
        raise ValueError("must be a date and a time with a zone, such as 2026-01-31T09:00:00Z")
    return value


Moment = Annotated[AwareDatetime, BeforeValidator(_no_number)]
"""An instant in a query. In a body `AwareDatetime` will do: it takes what the document says, and nothing else."""


class Body(BaseModel):
    """
    Base of request bodies: unknown fields are refused by name, text is UTF-8 without NUL.
    """

    # strict: a 0 is no false, and a number no duration; what the document says is what is taken
    model_config = ConfigDict(extra="forbid", strict=True, str_max_length=1_000_000)


class Listing(BaseModel, Generic[T]):
    """
    A page of things; hand `after` in again for the next one.
    """

    items: list[T]
    after: str | None = Field(default=None, description="mark of the next page; null at the end")


class Query(BaseModel):
    """
    Base of what stands behind the question mark: all of it is text, unknown names are refused.
    """

    model_config = ConfigDict(extra="forbid")


class PageQuery(Query):
    """
    Which page of a listing.
    """

    limit: int = Field(default=50, ge=1, le=200)
    after: str | None = Field(default=None, description="the mark that the page before gave", max_length=500)


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """
    One request to the API: who asks, and the unit of work it happens in.
    """

    request: web.Request
    work: UnitOfWork
    actor: Actor


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """
    One verb of the API, and what its signature says about it.
    """

    method: str
    url: str
    handler: Handler
    permission: str
    summary: str
    tag: str
    status: int
    path_names: tuple[str, ...]
    body: type[BaseModel] | None
    query: type[BaseModel] | None
    answer: type[BaseModel] | None
    may_be_empty: bool  # answers 204 when there is nothing
    shown_once: bool  # the answer holds a secret, so it is not kept for a repeated request

    @property
    def name(self) -> str:
        return self.handler.__name__


def operation(
    method: str, url: str, *, permission: str, tag: str, status: int = 200, shown_once: bool = False
) -> Callable[[Handler], Handler]:
    """
    Mark a coroutine as an operation under /api/v1. The first line of its docstring is its summary.

    Args:
        shown_once: the answer holds a secret: it is never stored, and the same request again is a conflict.
    """

    def mark(handler: Handler) -> Handler:
        vars(handler)["operation"] = (method, url, permission, tag, status, shown_once)
        return handler

    return mark


def operations(module: ModuleType) -> list[Operation]:
    """
    List the operations that a module defines, read from their signatures.
    """
    found = [thing for thing in vars(module).values() if hasattr(thing, "operation")]
    return [_describe(handler) for handler in found if handler.__module__ == module.__name__]


def _describe(handler: Any) -> Operation:
    method, url, permission, tag, status, shown_once = handler.operation
    hints = get_type_hints(handler)
    answer = hints.pop("return", NoneType)
    kinds = get_args(answer) if isinstance(answer, UnionType) else (answer,)
    summary = (inspect.getdoc(handler) or "").strip().splitlines()[0].rstrip(".")
    return Operation(
        method=method,
        url=API + url,
        handler=handler,
        permission=permission,
        summary=summary,
        tag=tag,
        status=status,
        path_names=tuple(name for name in hints if f"{{{name}}}" in url),
        body=hints.get("body"),
        query=hints.get("query"),
        answer=next((kind for kind in kinds if kind is not NoneType), None),
        may_be_empty=NoneType in kinds,
        shown_once=shown_once,
    )


def serve_operation(op: Operation) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
    """
    Wrap an operation with all that is the same for every one.
    """

    async def handle(request: web.Request) -> web.StreamResponse:
        try:
            raw = await request.read()
            database = request.app[DATABASE]
            async with database.read() if request.method == "GET" else database.write() as work:
                return await _carry_out(op, request, work, raw)
        except HubbubError as error:
            return problem_of(error, request.path)

    return handle


async def _carry_out(op: Operation, request: web.Request, work: UnitOfWork, raw: bytes) -> web.Response:
    actor = await _who(request, work)
    if not request.app[GATE].may(actor.role, op.permission):
        raise NotAllowed(f"this needs the permission {op.permission!r}")
    arguments = _arguments(op, request, raw)
    call = Call(request=request, work=work, actor=actor)
    key = request.headers.get("Idempotency-Key") if request.method == "POST" else None
    if key is None:
        return await _answer(op, call, arguments)
    if not re.fullmatch(KEY_PATTERN, key):  # an empty one too: who sends it believes to be safe
        raise Invalid(fields={"Idempotency-Key": "1 to 200 printable ASCII characters without spaces"})
    return await _once(op, call, arguments, key, raw)


async def _who(request: web.Request, work: UnitOfWork) -> Actor:
    scheme, _, bearer = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not bearer:
        raise NotSignedIn("send `Authorization: Bearer TOKEN`; `hubbub token create` makes one")
    actor = await request.app[GATE].token(work, bearer.strip())
    if actor is None:
        raise NotSignedIn("this token is unknown, expired or revoked")
    return actor


def _arguments(op: Operation, request: web.Request, raw: bytes) -> dict[str, Any]:
    arguments: dict[str, Any] = {name: request.match_info[name] for name in op.path_names}
    if any("\x00" in part for part in arguments.values()):
        raise Invalid(fields={name: "must not hold a NUL character" for name in op.path_names})
    try:
        if op.query is not None:
            arguments["query"] = op.query.model_validate(dict(request.query))
        if op.body is not None:
            _refuse_nul(raw)
            arguments["body"] = op.body.model_validate_json(raw or b"{}")
    except ValidationError as error:
        raise invalid_from(error) from error
    for name, value in request.query.items():
        if "\x00" in value:
            raise Invalid(fields={name: "must not hold a NUL character"})
    return arguments


def _refuse_nul(raw: bytes) -> None:
    # PostgreSQL cannot store it, and no text of a person holds one.
    # An escape that is itself escaped is text: somebody may well write about \\u0000.
    if NUL_ESCAPE.search(raw) or b"\x00" in raw:
        raise Invalid(fields={"/": "text must not hold a NUL character"})


async def _answer(op: Operation, call: Call, arguments: dict[str, Any]) -> web.Response:
    result = await op.handler(call, **arguments)
    if result is None:
        return web.Response(status=204)
    return web.Response(text=result.model_dump_json(), status=op.status, content_type="application/json")


async def _once(op: Operation, call: Call, arguments: dict[str, Any], key: str, raw: bytes) -> web.Response:
    """
    Carry out a POST once per key: the row is taken first, so that of two at a time one waits for the other.
    """
    work = call.work
    asked = hashlib.sha256(b"\n".join([call.request.path_qs.encode(), raw])).hexdigest()
    row = {"actor_id": call.actor.id, "key": key, "request_hash": asked, "status": 0, "body": "", "at": work.now}
    took = work.insert(ApiAnswer).values(**row).on_conflict_do_nothing().returning(col(ApiAnswer.key))
    mine = sa.and_(col(ApiAnswer.actor_id) == call.actor.id, col(ApiAnswer.key) == key)
    if (await work.session.execute(took)).first() is None:
        before = (await work.session.execute(sa.select(ApiAnswer).where(mine))).scalar_one()
        if before.request_hash != asked:
            raise Conflict("this Idempotency-Key was used for another request; make a new one")
        return _again(op, before)
    response = await _answer(op, call, arguments)
    text = "" if op.shown_once else response.text or ""
    await work.session.execute(sa.update(ApiAnswer).where(mine).values(status=response.status, body=text))
    return response


def _again(op: Operation, before: ApiAnswer) -> web.Response:
    if op.shown_once:
        raise Conflict("this was carried out before; its answer holds a secret that is shown once only")
    headers = {"Idempotency-Replayed": "true"}
    if before.status == 204:
        return web.Response(status=204, headers=headers)
    return web.Response(text=before.body, status=before.status, content_type="application/json", headers=headers)


async def prune_answers(work: UnitOfWork) -> None:
    """
    Forget answers older than a day.
    """
    await work.session.execute(sa.delete(ApiAnswer).where(col(ApiAnswer.at) < work.now - ANSWER_KEPT))
