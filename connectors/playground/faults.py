"""
Switches that make the server misbehave as real ones do, for tests and for the demo.

A `Fault` is a plain value; `Faults` decides which request it hits; the middleware at the end carries it out.
"""

from __future__ import annotations

import asyncio
import json
import random
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import timedelta
from enum import StrEnum
from fnmatch import fnmatchcase
from typing import Any

from aiohttp import web
from aiohttp.typedefs import Handler

from connectors.playground.asking import BAD_TOKEN, TOO_MANY, bearer
from connectors.playground.meter import Spent
from connectors.playground.site import SITE

CONTROL_PATHS = "/playground/"


class FaultKind(StrEnum):
    """
    What goes wrong. `*_after` means that the request has been carried out before it goes wrong.
    """

    THROTTLE = "throttle"  # 429 with a reset
    SERVER_ERROR = "server_error"  # 500, nothing done
    ERROR_AFTER = "error_after"  # 500, yet done
    CDN_PAGE = "cdn_page"  # 503 with HTML from somebody in front of the server
    UNAUTHORIZED = "unauthorized"  # 401, as if the token had been revoked
    REFUSE_AFTER = "refuse_after"  # 422, yet done (catalogue O13)
    HANG_AFTER = "hang_after"  # done, but the answer never comes
    DROP_BEFORE = "drop_before"  # the connection ends, nothing done
    DROP_AFTER = "drop_after"  # done, then the connection ends
    SLOW_BODY = "slow_body"  # the answer trickles in over `seconds`
    TRUNCATED_BODY = "truncated_body"  # the connection ends in the middle of the answer
    MALFORMED_JSON = "malformed_json"  # 200 with something that is no JSON
    DUPLICATE = "duplicate"  # every item of a list comes twice
    REORDER = "reorder"  # the items of a list come in another order


class BadFault(ValueError):
    """
    That is no fault this server can have.
    """


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """
    One way to misbehave, and when.

    Args:
        method: an HTTP method, or `*`.
        path: a shell pattern on the path, `*` also matches slashes.
        account: only requests with a token of this account.
        times: how many requests it hits; None: all from now on.
        skip: how many matching requests pass before the first hit.
        probability: the chance of a hit for each request that matches.
        seconds: how long (to the reset, of the trickle, at most until a hanging request is let go).
    """

    kind: FaultKind
    method: str = "*"
    path: str = "/api/*"
    account: str | None = None
    times: int | None = 1
    skip: int = 0
    probability: float = 1.0
    seconds: float = 60.0


_TYPES: Mapping[str, tuple[type, ...]] = {
    "method": (str,),
    "path": (str,),
    "account": (str, type(None)),
    "times": (int, type(None)),
    "skip": (int,),
    "probability": (int, float),
    "seconds": (int, float),
}


def fault_from(said: Any) -> Fault:
    """
    Read a fault from JSON.

    Raises:
        BadFault: an unknown kind, an unknown field or a value of the wrong type.
    """
    if not isinstance(said, dict) or said.get("kind") not in list(FaultKind):
        raise BadFault(f"kind: expected one of {', '.join(FaultKind)}")
    more = {name: value for name, value in said.items() if name != "kind"}
    for name, value in more.items():
        if name not in _TYPES or not isinstance(value, _TYPES[name]) or isinstance(value, bool):
            raise BadFault(f"{name}: no such field or no such value")
    return Fault(kind=FaultKind(said["kind"]), **more)


@dataclass(slots=True)
class _Armed:
    fault: Fault
    met: int = 0
    hits: int = 0


class Faults:
    """
    The faults that are switched on, and how often each has struck. Chances are drawn from a seeded source.
    """

    def __init__(self, seed: int) -> None:
        self._armed: list[_Armed] = []
        self._random = random.Random(f"faults:{seed}")

    def arm(self, kind: FaultKind, **scope: Any) -> Fault:
        """
        Switch a fault on; `scope` are the further fields of `Fault`. Earlier ones go first.
        """
        fault = Fault(kind=kind, **scope)
        self.add(fault)
        return fault

    def add(self, fault: Fault) -> None:
        self._armed.append(_Armed(fault))

    def clear(self) -> None:
        """
        Switch everything off.
        """
        self._armed.clear()

    def listing(self) -> list[dict[str, Any]]:
        """
        Say what is or was switched on and how often it struck.
        """
        return [{**asdict(each.fault), "hits": each.hits} for each in self._armed]

    def strike(self, *, method: str, path: str, account: str | None) -> Fault | None:
        """
        Decide which fault hits a request, and count it.
        """
        for armed in self._armed:
            if self._hits(armed, method, path, account):
                armed.hits += 1
                return armed.fault
        return None

    def _hits(self, armed: _Armed, method: str, path: str, account: str | None) -> bool:
        fault = armed.fault
        if fault.times is not None and armed.hits >= fault.times:
            return False
        if fault.method not in ("*", method) or not fnmatchcase(path, fault.path):
            return False
        if fault.account is not None and fault.account != account:
            return False
        armed.met += 1
        return armed.met > fault.skip and self._random.random() < fault.probability

    def shuffled(self, items: list[Any]) -> list[Any]:
        """
        Give the items in another order; only equal ones can look the same.
        """
        mixed = self._random.sample(items, len(items))
        return mixed if mixed != items else items[1:] + items[:1]


FAULTS = web.AppKey("faults", Faults)


@web.middleware
async def misbehave(request: web.Request, handler: Handler) -> web.StreamResponse:
    """
    Carry out the fault that hits this request, if any. The control paths never misbehave.
    """
    if request.path.startswith(CONTROL_PATHS):
        return await handler(request)
    token = request.app[SITE].world.tokens.get(bearer(request))
    account = request.app[SITE].world.people[token.owner].acct if token else None
    fault = request.app[FAULTS].strike(method=request.method, path=request.path, account=account)
    if fault is None:
        return await handler(request)
    return _instead(request, fault) or await _after(request, fault, await handler(request))


def _instead(request: web.Request, fault: Fault) -> web.StreamResponse | None:
    """
    Make the answer of a fault that keeps the request from being carried out.
    """
    match fault.kind:
        case FaultKind.THROTTLE:
            resets_at = request.app[SITE].now() + timedelta(seconds=fault.seconds)
            spent = Spent(limit=300, used=301, resets_at=resets_at)
            return web.json_response({"error": TOO_MANY}, status=429, headers=spent.headers)
        case FaultKind.SERVER_ERROR:
            return web.json_response({"error": "Internal Server Error"}, status=500)
        case FaultKind.CDN_PAGE:
            page = "<!DOCTYPE html><html><head><title>503</title></head><body><h1>Back soon</h1></body></html>"
            return web.Response(text=page, status=503, content_type="text/html")
        case FaultKind.UNAUTHORIZED:
            return web.json_response({"error": BAD_TOKEN}, status=401)
        case FaultKind.DROP_BEFORE:
            return _dropped(request)
        case _:
            return None


async def _after(request: web.Request, fault: Fault, answer: web.StreamResponse) -> web.StreamResponse:
    """
    Spoil the answer of a request that has been carried out, or its way back.
    """
    if not isinstance(answer, web.Response):
        return answer  # a WebSocket that has ended
    body = answer.body if isinstance(answer.body, bytes) else b""
    match fault.kind:
        case FaultKind.HANG_AFTER:
            await _pause(request, fault.seconds)
            return _dropped(request)
        case FaultKind.DROP_AFTER:
            return _dropped(request)
        case FaultKind.SLOW_BODY:
            return await _trickle(request, answer, body, fault.seconds)
        case FaultKind.TRUNCATED_BODY:
            return await _cut_short(request, answer, body)
        case _:
            return _spoiled(request, fault.kind, answer, body)


def _spoiled(request: web.Request, kind: FaultKind, answer: web.Response, body: bytes) -> web.Response:
    match kind:
        case FaultKind.ERROR_AFTER:
            return web.json_response({"error": "Internal Server Error"}, status=500)
        case FaultKind.REFUSE_AFTER:
            return web.json_response({"error": "Validation failed: Text is invalid"}, status=422)
        case FaultKind.MALFORMED_JSON:
            return web.Response(body=body[: len(body) // 2] + b'"}{', content_type="application/json")
        case FaultKind.DUPLICATE | FaultKind.REORDER:
            return _rearranged(request, kind, answer, body)
        case _:
            raise AssertionError(f"{kind} was dealt with before")


def _dropped(request: web.Request) -> web.Response:
    if request.transport is not None:
        request.transport.abort()
    return web.Response(status=500)  # nobody is there any more to read it


async def _pause(request: web.Request, seconds: float) -> None:
    try:
        await asyncio.wait_for(request.app[SITE].closing.wait(), seconds)
    except TimeoutError:
        return


async def _started(request: web.Request, answer: web.Response, size: int) -> web.StreamResponse:
    response = web.StreamResponse(status=answer.status, headers=answer.headers)
    response.content_length = size
    await response.prepare(request)
    return response


async def _trickle(request: web.Request, answer: web.Response, body: bytes, seconds: float) -> web.StreamResponse:
    response = await _started(request, answer, len(body))
    step = max(1, -(-len(body) // 10))
    for start in range(0, len(body), step):
        await _pause(request, seconds / 10)
        await response.write(body[start : start + step])
    return response


async def _cut_short(request: web.Request, answer: web.Response, body: bytes) -> web.StreamResponse:
    response = await _started(request, answer, len(body))
    await response.write(body[: len(body) // 2])
    if request.transport is not None:
        request.transport.close()
    return response


def _rearranged(request: web.Request, kind: FaultKind, answer: web.Response, body: bytes) -> web.Response:
    items = json.loads(body) if answer.content_type == "application/json" else None
    if not isinstance(items, list):
        return answer
    if kind is FaultKind.DUPLICATE:
        items = [item for item in items for _ in range(2)]
    else:
        items = request.app[FAULTS].shuffled(items)
    kept = {name: value for name, value in answer.headers.items() if name.startswith(("X-", "Link"))}
    return web.json_response(items, status=answer.status, headers=kept)
