"""
An HTTP proxy on loopback that lets the next matching request go wrong, whatever server stands behind it.

So the same faults can be shown to a connector on software that is not ours. Everything else passes unchanged.
"""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self

import aiohttp
from aiohttp import web

Breaks = Callable[["FaultProxy", web.Request], Awaitable[web.StreamResponse]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """
    The next request of this method whose path matches is answered by `breaks`; then the rule is used up.
    """

    method: str
    path: re.Pattern[str]
    breaks: Breaks


@dataclass(slots=True)
class FaultProxy:
    """
    Stands before `upstream` (scheme and authority); enter it to get `url`.

    Args:
        seen: method and path with query of every request, in the order of arrival.
    """

    upstream: str
    url: str = ""
    seen: list[str] = field(default_factory=list)
    _rules: list[Rule] = field(default_factory=list)
    _runner: web.AppRunner | None = None
    _session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Self:
        app = web.Application(client_max_size=64 * 1024 * 1024)
        app.router.add_route("*", "/{path:.*}", self._handle)
        self._session = aiohttp.ClientSession(auto_decompress=False)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=1.0)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        host, port = self._runner.addresses[0][:2]
        self.url = f"http://{host}:{port}"
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._runner is not None
        assert self._session is not None
        await self._runner.cleanup()
        await self._session.close()

    def break_next(self, method: str, path: str, breaks: Breaks) -> None:
        """
        Add a rule; `path` is a regular expression that the whole path matches.
        """
        self._rules.append(Rule(method=method, path=re.compile(path), breaks=breaks))

    async def pass_on(self, request: web.Request) -> web.Response:
        """
        Ask the server behind and give its whole answer.
        """
        assert self._session is not None
        headers = {k: v for k, v in request.headers.items() if k.lower() not in ("host", "connection")}
        async with self._session.request(
            request.method,
            self.upstream + request.raw_path,
            headers=headers,
            data=await request.read(),
            allow_redirects=False,
        ) as answer:
            kept = {
                k: v
                for k, v in answer.headers.items()
                if k.lower() not in ("transfer-encoding", "connection", "content-length")
            }
            return web.Response(status=answer.status, headers=kept, body=await answer.read())

    async def _handle(self, request: web.Request) -> web.StreamResponse:
        self.seen.append(f"{request.method} {request.raw_path}")
        for rule in self._rules:
            if rule.method == request.method and rule.path.fullmatch(request.path):
                self._rules.remove(rule)
                return await rule.breaks(self, request)
        return await self.pass_on(request)


def answer(status: int, body: object = None, **headers: str) -> Breaks:
    """
    Answer instead of the server, which never sees the request.
    """

    async def breaks(proxy: FaultProxy, request: web.Request) -> web.Response:
        await request.read()
        text = body if isinstance(body, str) else json.dumps(body)
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return web.Response(status=status, text=text, headers={"Content-Type": "application/json", **named})

    return breaks


def drop(*, carried_out: bool) -> Breaks:
    """
    Break off the connection without an answer, before or after the server did what was asked.
    """

    async def breaks(proxy: FaultProxy, request: web.Request) -> web.StreamResponse:
        await request.read()
        if carried_out:
            await proxy.pass_on(request)
        assert request.transport is not None
        request.transport.abort()
        raise asyncio.CancelledError

    return breaks


def garble(body: bytes = b'{"id": "1', *, carried_out: bool = True) -> Breaks:
    """
    Let the server do what was asked, and answer 200 with something that is no answer.
    """

    async def breaks(proxy: FaultProxy, request: web.Request) -> web.Response:
        await request.read()
        if carried_out:
            await proxy.pass_on(request)
        return web.Response(status=200, body=body, content_type="application/json")

    return breaks
