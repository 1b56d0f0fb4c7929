"""
A server of calendar feeds on loopback, and what may ask it.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from ipaddress import ip_network

import pytest
from aiohttp import web
from aiohttp.test_utils import BaseTestServer, TestServer

from bot.core.outward import Outward, OutwardRules

HERE = OutwardRules(networks=(ip_network("127.0.0.1/32"),), http=True)


def ical(*events: str) -> str:
    """
    Make a calendar of events, each its lines without BEGIN and END.
    """
    told = "".join(
        f"BEGIN:VEVENT\nUID:{number}@feed\n{event}\nEND:VEVENT\n" for number, event in enumerate(events)
    )
    return f"BEGIN:VCALENDAR\nVERSION:2.0\nPRODID:-//tests//\n{told}END:VCALENDAR\n".replace("\n", "\r\n")


@dataclass
class FeedServer:
    """
    Serves what a test put into `text`; `/never` never answers, `/huge` does not end.
    """

    text: str = ical("DTSTART;VALUE=DATE:20260303\nSUMMARY:Stocktaking")
    status: int = 200
    asked: list[str] = field(default_factory=list)
    sent: int = 0
    http: BaseTestServer = field(init=False)

    def url(self, path: str = "/feed.ics") -> str:
        return f"http://127.0.0.1:{self.http.port}{path}"

    async def answer(self, request: web.Request) -> web.StreamResponse:
        self.asked.append(request.path)
        if request.path == "/never":
            await asyncio.sleep(60)
        if request.path == "/huge":
            return await self._huge(request)
        return web.Response(text=self.text, status=self.status, content_type="text/calendar")

    async def _huge(self, request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        piece = b"X-FILL:" + b"x" * 99_990 + b"\r\n"
        while self.sent < 50_000_000:
            await response.write(piece)
            self.sent += len(piece)
        return response


@pytest.fixture
async def feed_server() -> AsyncIterator[FeedServer]:
    served = FeedServer()
    app = web.Application()
    app.router.add_get("/{rest:.*}", served.answer)
    async with TestServer(app, host="127.0.0.1") as served.http:
        yield served


@pytest.fixture
async def outward() -> AsyncIterator[Outward]:
    async with Outward(HERE) as opened:
        yield opened
