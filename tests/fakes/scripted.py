"""
An HTTP server on loopback that answers by a table, for answers that no good server gives.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from aiohttp import web


@dataclass(frozen=True, slots=True)
class Status:
    """
    An answer with another status than 200.
    """

    status: int
    body: object = field(default_factory=lambda: {"error": "no"})


Said = object | Callable[[web.Request], object]
"""JSON, a response, or a function of the request that gives either."""


@asynccontextmanager
async def scripted(script: Mapping[str, Said]) -> AsyncIterator[str]:
    """
    Serve `script`, from method and path to what is said; anything else is 404. Gives the URL.
    """

    async def handle(request: web.Request) -> web.StreamResponse:
        said = script.get(f"{request.method} {request.path}", Status(404))
        said = said(request) if callable(said) else said
        if isinstance(said, Status):
            return web.json_response(said.body, status=said.status)
        return said if isinstance(said, web.StreamResponse) else web.json_response(said)

    app = web.Application()
    app.router.add_route("*", "/{path:.*}", handle)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=1.0)
    await runner.setup()
    try:
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        host, port = runner.addresses[0][:2]
        yield f"http://{host}:{port}"
    finally:
        await runner.cleanup()
