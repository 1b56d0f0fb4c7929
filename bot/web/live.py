"""
The live stream: server-sent events over `LiveEvents`, replayed from the last id a browser saw.
"""

from __future__ import annotations

import asyncio
import json
from contextlib import suppress

from aiohttp import web

from bot.core.errors import Invalid
from bot.core.live import News
from bot.web.keys import LIVE
from bot.web.pages import Visit, page

HEARTBEAT_SECONDS = 15.0
MOST_TOPICS = 20


@page("GET", "/live", permission="live.follow", unit="none")
async def live(visit: Visit) -> web.StreamResponse:
    """
    Stream the events of `?topics=a,b`, from `Last-Event-ID` or `?since=`.
    """
    topics = frozenset(visit.query.get("topics", "").split(",")) - {""}
    if not topics or len(topics) > MOST_TOPICS:
        raise Invalid(fields={"topics": f"name 1 to {MOST_TOPICS} topics, separated by commas"})
    since = visit.request.headers.get("Last-Event-ID") or visit.query.get("since") or ""
    response = web.StreamResponse(
        headers={"Content-Type": "text/event-stream", "Cache-Control": "no-store", "X-Accel-Buffering": "no"}
    )
    await response.prepare(visit.request)
    with suppress(ConnectionError):
        await _follow(visit.request, response, topics, int(since) if since.isdecimal() else None)
    return response


async def _follow(
    request: web.Request, response: web.StreamResponse, topics: frozenset[str], since: int | None
) -> None:
    news = request.app[LIVE].subscribe(topics, since)
    waiting: asyncio.Task[News] | None = None
    try:
        while True:
            waiting = waiting or asyncio.ensure_future(anext(news))
            done, _ = await asyncio.wait({waiting}, timeout=HEARTBEAT_SECONDS)
            if not done:
                await response.write(b": still here\n\n")
                continue
            await response.write(frame(waiting.result()))
            waiting = None
    finally:
        if waiting is not None:
            waiting.cancel()
            with suppress(asyncio.CancelledError, StopAsyncIteration):
                await waiting
        await news.aclose()  # type: ignore[attr-defined]


def frame(news: News) -> bytes:
    """
    Write one server-sent event (WHATWG HTML, section 9.2).
    """
    return f"id: {news.id}\nevent: {news.topic}\ndata: {json.dumps(news.data)}\n\n".encode()
