"""
The live stream: server-sent events over `LiveEvents`, replayed from the last id a browser saw.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import aclosing

import sqlalchemy as sa
import structlog
from aiohttp import web

from bot.core.errors import Invalid
from bot.core.live import News
from bot.web.keys import CLOSING, DATABASE, GATE, LIVE, SESSION_COOKIE
from bot.web.pages import Visit, page

log = structlog.get_logger(__name__)

HEARTBEAT_SECONDS = 15.0
HEARTBEAT = web.AppKey("HEARTBEAT", float)
"""Seconds between signs of life on a stream; as often it is asked whether the session still lives."""
BEAT = b"event: beat\ndata: {}\n\n"
"""
No comment, which browsers keep to themselves: a page must notice a line that died without a word. It has no id, so
that the last one stays. WARNING: stream.js listens for it and waits 25 seconds.
"""

MOST_TOPICS = 20
LONGEST_ID = 18
"""Digits of an id; 64 bits hold them all."""


@page("GET", "/live", permission="live.follow", unit="none")
async def live(visit: Visit) -> web.StreamResponse:
    """
    Stream the events of `?topics=a,b`, from `Last-Event-ID` or `?since=`.
    """
    topics = frozenset(visit.query.get("topics", "").split(",")) - {""}
    if not topics or len(topics) > MOST_TOPICS:
        raise Invalid(fields={"topics": f"name 1 to {MOST_TOPICS} topics, separated by commas"})
    if any("\x00" in topic for topic in topics):
        raise Invalid(fields={"topics": "must not hold a NUL character"})
    since = visit.request.headers.get("Last-Event-ID") or visit.query.get("since") or ""
    known = int(since) if since.isdecimal() and len(since) <= LONGEST_ID else None
    response = web.StreamResponse(
        headers={"Content-Type": "text/event-stream", "Cache-Control": "no-store", "X-Accel-Buffering": "no"}
    )
    await response.prepare(visit.request)
    try:
        async with aclosing(visit.request.app[LIVE].subscribe(topics, known)) as news:
            await _follow(visit.request, response, news)
    except (sa.exc.SQLAlchemyError, OSError) as error:
        # The browser went away, or the database did: it reconnects and goes on from its last id.
        log.info("live stream ended", action="live.ended", error=type(error).__name__)
    return response


async def _follow(request: web.Request, response: web.StreamResponse, news: AsyncIterator[News]) -> None:
    """
    Write news until the browser, the session or the daemon leaves.
    """
    loop, beat = asyncio.get_running_loop(), request.app.get(HEARTBEAT, HEARTBEAT_SECONDS)
    closing = asyncio.ensure_future(request.app[CLOSING].wait())
    waiting = asyncio.ensure_future(_next(news))
    look_at = loop.time() + beat
    try:
        while not closing.done():
            left = max(0.0, look_at - loop.time())
            await asyncio.wait({waiting, closing}, timeout=left, return_when=asyncio.FIRST_COMPLETED)
            if waiting.done():
                await response.write(frame(waiting.result()))
                waiting = asyncio.ensure_future(_next(news))
            if loop.time() >= look_at:
                if not await _still_signed_in(request):
                    return
                await response.write(BEAT)
                look_at = loop.time() + beat
    finally:
        waiting.cancel()
        closing.cancel()
        await asyncio.gather(waiting, closing, return_exceptions=True)


async def _next(news: AsyncIterator[News]) -> News:
    return await anext(news)


async def _still_signed_in(request: web.Request) -> bool:
    # Somebody who was disabled or signed out elsewhere must not go on listening.
    async with request.app[DATABASE].read() as work:
        return await request.app[GATE].session(work, request.cookies.get(SESSION_COOKIE, "")) is not None


def frame(news: News) -> bytes:
    """
    Write one server-sent event (WHATWG HTML, section 9.2).
    """
    return f"id: {news.id}\nevent: {news.topic}\ndata: {json.dumps(news.data)}\n\n".encode()
