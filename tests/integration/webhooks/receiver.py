"""
A receiver on loopback that answers as a test says and remembers what it got.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from aiohttp import web
from aiohttp.test_utils import TestServer
from multidict import CIMultiDict
from standardwebhooks.webhooks import Webhook


@dataclass(slots=True)
class Got:
    """
    One request as it came.
    """

    headers: CIMultiDict[str]
    body: bytes
    query: str = ""

    @property
    def webhook_id(self) -> str:
        return self.headers["webhook-id"]

    def verify(self, secret: str) -> Any:
        """
        Check it as a receiver does, by a library that is not ours.
        """
        return _Verifier(secret).verify(self.body, dict(self.headers))


class _Verifier(Webhook):
    # The tests' clock stands in another year; how old a delivery may be is the receiver's affair.
    def _Webhook__verify_timestamp(self, header: str) -> datetime:
        return datetime.fromtimestamp(int(header), UTC)


@dataclass
class Receiver:
    """
    Args:
        script: what it answers, one after the other; then 204.
    """

    url: str = ""
    got: list[Got] = field(default_factory=list)
    script: list[web.Response] = field(default_factory=list)
    go_on: asyncio.Event = field(default_factory=asyncio.Event)  # `?slow` is answered after this

    async def take(self, request: web.Request) -> web.StreamResponse:
        self.got.append(Got(CIMultiDict(request.headers), await request.read(), request.query_string))
        if request.query_string == "slow":
            await self.go_on.wait()
        return self.script.pop(0) if self.script else web.Response(status=204)


@asynccontextmanager
async def receiving() -> AsyncIterator[Receiver]:
    """
    Serve a receiver until the block ends.
    """
    receiver, app = Receiver(), web.Application()
    app.router.add_post("/hook", receiver.take)
    async with TestServer(app, host="127.0.0.1") as server:
        receiver.url = f"http://127.0.0.1:{server.port}/hook"
        yield receiver
