"""
The one place that puts routes into an aiohttp application. It knows no feature: modules are handed in.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from importlib.metadata import PackageNotFoundError, version
from types import ModuleType
from typing import Any

from aiohttp import web

import bot.web.live
from bot.core.database import Database
from bot.core.live import LiveEvents
from bot.web.gate import Gate
from bot.web.keys import CLOSING, DATABASE, DOCUMENT, GATE, LIVE, SHELL
from bot.web.middleware import explain, secure, translate
from bot.web.openapi import openapi_document
from bot.web.operations import API, Operation, operations, serve_operation
from bot.web.pages import page_routes, serve
from bot.web.shell import Shell

START_PAGE = "/queue"
NOTHING: Mapping[web.AppKey[Any], object] = {}


def build_application(
    database: Database,
    live: LiveEvents,
    shell: Shell,
    gate: Gate,
    pages: Sequence[ModuleType],
    apis: Sequence[ModuleType],
    *,
    max_body: int,
    extra: Mapping[web.AppKey[Any], object] = NOTHING,
) -> web.Application:
    """
    Build the application that serves these pages and operations.

    Args:
        live: entered by the caller, who also leaves it after the application is closed.
        max_body: bytes; a larger body is answered 413.
        extra: what features' handlers look up by keys of their own.
    """
    app = web.Application(middlewares=[secure, translate, explain], client_max_size=max_body)
    app[DATABASE], app[LIVE], app[SHELL], app[GATE] = database, live, shell, gate
    app[CLOSING] = asyncio.Event()
    for key, value in extra.items():
        app[key] = value
    _add_pages(app, [bot.web.live, *pages])
    _add_operations(app, [op for module in apis for op in operations(module)])
    app.router.add_routes(shell.assets.routes())
    app.on_shutdown.append(_end_streams)
    return app


def _add_pages(app: web.Application, modules: Sequence[ModuleType]) -> None:
    app.router.add_get("/", _to_start, allow_head=False)
    for module in modules:
        for route in page_routes(module):
            app.router.add_route(route.method, route.url, serve(route))


def _add_operations(app: web.Application, ops: Sequence[Operation]) -> None:
    names = [op.name for op in ops]
    if twice := {name for name in names if names.count(name) > 1}:
        raise ValueError(f"operations of one name cannot be told apart in the document: {sorted(twice)}")
    for op in ops:
        app.router.add_route(op.method, op.url, serve_operation(op))
    app[DOCUMENT] = openapi_document(ops, version=_version())
    app.router.add_get(f"{API}/openapi.json", _document, allow_head=False)


async def _document(request: web.Request) -> web.Response:
    # For everybody: it says what Hubbub can do, nothing about anybody.
    return web.json_response(request.app[DOCUMENT])


def _version() -> str:
    try:
        return version("hubbub")
    except PackageNotFoundError:  # run from a checkout that was not installed
        return "0"


async def _to_start(_: web.Request) -> web.Response:
    return web.Response(status=303, headers={"Location": START_PAGE})


async def _end_streams(app: web.Application) -> None:
    # Live streams never end by themselves, and aiohttp would wait a minute for them.
    app[CLOSING].set()
