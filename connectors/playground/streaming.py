"""
The streaming WebSocket, `/api/v1/streaming`: tells at once, keeps nothing, replays nothing.
"""

from __future__ import annotations

import asyncio
import json
from typing import Any, assert_never

from aiohttp import WSMsgType, web

from connectors.playground.asking import BAD_TOKEN, NEEDS_PERSON, OUT_OF_SCOPE, ApiError, bearer
from connectors.playground.site import SITE, Site
from connectors.playground.values import Deleted, Event, Notified, PersonId, Post, Posted, Token

STREAMS = ("user", "user:notification")
BACKLOG = 1000
"""Frames that may wait for a slow listener before we cut it off."""
PING_SECONDS = 30.0


class Listener:
    """
    One open connection: who listens to what, and the frames that wait to be sent.
    """

    def __init__(self, owner: PersonId) -> None:
        self.owner = owner
        self.streams: set[str] = set()
        self.frames: asyncio.Queue[str | None] = asyncio.Queue(BACKLOG)

    def tell(self, stream: str, event: str, payload: str) -> None:
        """
        Put a frame in line if this listener wants it; whoever is too slow is cut off, as on a real server.
        """
        if stream not in self.streams:
            return
        frame = json.dumps({"stream": [stream], "event": event, "payload": payload})
        if self.frames.qsize() >= BACKLOG - 1:
            self.stop()
        else:
            self.frames.put_nowait(frame)

    def stop(self) -> None:
        """
        End the connection; frames that wait are lost.
        """
        while not self.frames.empty():
            self.frames.get_nowait()
        self.frames.put_nowait(None)


class Streams:
    """
    All open connections. It watches the world and tells each listener what concerns them.
    """

    def __init__(self, site: Site) -> None:
        self._site = site
        self._listeners: dict[PersonId, set[Listener]] = {}
        site.world.watchers.append(self._on_event)

    @property
    def count(self) -> int:
        return sum(len(each) for each in self._listeners.values())

    def open(self, owner: PersonId) -> Listener:
        """
        Begin to tell somebody.
        """
        listener = Listener(owner)
        self._listeners.setdefault(owner, set()).add(listener)
        return listener

    def close(self, listener: Listener) -> None:
        """
        Stop telling.
        """
        remaining = self._listeners[listener.owner]
        remaining.discard(listener)
        if not remaining:
            del self._listeners[listener.owner]

    def drop_all(self) -> int:
        """
        End every connection, as a restarting server does; says how many there were.
        """
        dropped = [listener for each in self._listeners.values() for listener in each]
        for listener in dropped:
            listener.stop()
        return len(dropped)

    def _on_event(self, event: Event) -> None:
        if not self._listeners:
            return
        match event:
            case Notified(notification=new):
                if new.owner in self._listeners:
                    payload = json.dumps(self._site.entities.notification(new))
                    self._tell(new.owner, STREAMS, "notification", payload)
            case Posted(post=post):
                for owner in self._at_home(post):
                    payload = json.dumps(self._site.entities.post(post, owner))
                    self._tell(owner, ("user",), "update", payload)
            case Deleted(post=post):
                for owner in self._at_home(post):
                    self._tell(owner, ("user",), "delete", str(post.id))
            case _:
                assert_never(event)

    def _at_home(self, post: Post) -> list[PersonId]:
        world = self._site.world
        return [
            owner
            for owner in self._listeners
            if owner == post.author or (world.is_following(owner, post.author) and world.may_see(post, owner))
        ]

    def _tell(self, owner: PersonId, streams: tuple[str, ...], event: str, payload: str) -> None:
        for listener in tuple(self._listeners.get(owner, ())):
            for stream in streams:
                listener.tell(stream, event, payload)


HUB = web.AppKey("streams", Streams)


async def health(request: web.Request) -> web.Response:
    """
    Say that streaming is alive.
    """
    _check_offered(request)
    return web.Response(text="OK")


async def stream(request: web.Request) -> web.StreamResponse:
    """
    Keep a connection open and tell what happens until one side ends it.
    """
    _check_offered(request)
    said = request.headers.get("Sec-WebSocket-Protocol", "")
    token = _token(request, bearer(request) or said or request.query.get("access_token", ""))
    socket = web.WebSocketResponse(heartbeat=PING_SECONDS, protocols=(said,) if said else ())
    if not socket.can_prepare(request).ok:
        raise ApiError(400, "Only WebSocket connections are served here")
    hub = request.app[HUB]
    listener = hub.open(token.owner)
    try:
        await _converse(request, socket, listener, token)
    finally:
        hub.close(listener)
    return socket


async def _converse(request: web.Request, socket: web.WebSocketResponse, listener: Listener, token: Token) -> None:
    await socket.prepare(request)
    asked = request.query.get("stream")
    if asked:
        await _obey(socket, listener, token, {"type": "subscribe", "stream": asked})
    sending = asyncio.create_task(_send(socket, listener))
    try:
        async for message in socket:
            if message.type is WSMsgType.TEXT:
                await _obey(socket, listener, token, _order(message.data))
    finally:
        sending.cancel()
        await asyncio.gather(sending, return_exceptions=True)


async def _send(socket: web.WebSocketResponse, listener: Listener) -> None:
    while (frame := await listener.frames.get()) is not None:
        await socket.send_str(frame)
    await socket.close(code=1012)  # "service restart"


async def _obey(socket: web.WebSocketResponse, listener: Listener, token: Token, order: Any) -> None:
    wanted = order.get("stream") if isinstance(order, dict) else None
    needs = "read:notifications" if wanted == "user:notification" else "read:statuses"
    if wanted not in STREAMS or not {"read", needs} & token.scopes:
        await socket.send_json({"error": "Unknown stream type" if wanted not in STREAMS else OUT_OF_SCOPE})
    elif order.get("type") == "subscribe":
        listener.streams.add(wanted)
    elif order.get("type") == "unsubscribe":
        listener.streams.discard(wanted)


def _order(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def _token(request: web.Request, said: str) -> Token:
    if not said:
        raise ApiError(401, NEEDS_PERSON)
    token = request.app[SITE].world.tokens.get(said)
    if token is None:
        raise ApiError(401, BAD_TOKEN)
    return token


def _check_offered(request: web.Request) -> None:
    if not request.app[SITE].world.rules.streaming:
        raise ApiError(404, "Not found")


ROUTES = (
    web.get("/api/v1/streaming/health", health),
    web.get("/api/v1/streaming", stream),
)
