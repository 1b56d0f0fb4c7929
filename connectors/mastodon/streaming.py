"""
The stream of a Mastodon server as a wake-up call: it says that something is there, never what.

The stream has no replay and no ids, so nothing is read from it but the word "notification". WebSocket first; where
a server or a proxy refuses that, server-sent events of the same host.
"""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing
from typing import Final
from urllib.parse import urlsplit

import aiohttp

from connectors.base import Wake
from connectors.errors import Throttled, Unauthorized, Unreachable, Unsupported
from connectors.http import cause_of
from connectors.mastodon.fields import text
from connectors.mastodon.options import is_loopback

HEARTBEAT: Final = 30.0  # seconds between our pings; no answer within half of it ends the connection
SILENCE: Final = 90.0  # seconds; event streams send a `:thump` every 15, so this long means a dead one
MAX_FRAME: Final = 4 * 1024 * 1024  # bytes
_WAKING: Final = frozenset({"notification", "notifications_merged"})


def stream_address(said: str | None, server: str) -> str | None:
    """
    Decide where to stream from, as an http(s) origin; None when the server has no stream we may use.

    Our token goes there, so it has to be TLS unless everything stays on this machine.
    """
    parts = urlsplit(said or "")
    schemes = {"wss": "https", "https": "https", "ws": "http", "http": "http"}
    scheme = schemes.get(parts.scheme)
    if scheme is None or not parts.hostname:
        return None
    local = is_loopback(parts.hostname) and is_loopback(urlsplit(server).hostname)
    return f"{scheme}://{parts.netloc}" if scheme == "https" or local else None


def wakes(frame: str) -> bool:
    """
    Decide whether a WebSocket frame says that there is something to fetch.
    """
    try:
        said = json.loads(frame)
    except (ValueError, RecursionError):
        return False
    return isinstance(said, dict) and text(said, "event") in _WAKING


class EventLines:
    """
    Count waking events in a stream of server-sent events that arrives in arbitrary pieces.

    Keeps the start of the line that is still coming in, never the data of events.
    """

    _KEPT = 64  # characters: longer than every line that matters

    def __init__(self) -> None:
        self._line = b""

    def feed(self, piece: bytes) -> int:
        """
        Take the next piece; say how many waking events it completed.
        """
        *whole, rest = piece.split(b"\n")
        count = 0
        for part in whole:
            count += self._is_waking((self._line + part)[: self._KEPT])
            self._line = b""
        self._line = (self._line + rest)[: self._KEPT]
        return count

    @staticmethod
    def _is_waking(line: bytes) -> bool:
        name, _, value = line.partition(b":")
        return name == b"event" and value.decode(errors="replace").strip() in _WAKING


async def listen(
    session: aiohttp.ClientSession, origin: str, headers: Mapping[str, str]
) -> AsyncGenerator[Wake, None]:
    """
    Connect and yield a `Wake` at once and at every notification, until the connection ends.

    Raises:
        Unreachable, Throttled, Unauthorized, Unsupported: as in `Streams.listen`.
    """
    try:
        try:
            async with aclosing(_websocket(session, origin, headers)) as frames:
                async for wake in frames:
                    yield wake
        except aiohttp.WSServerHandshakeError as error:
            _raise_for(error.status, refused_is_final=False)
            async with aclosing(_events(session, origin, headers)) as events:
                async for wake in events:
                    yield wake
    except (aiohttp.ClientError, TimeoutError, OSError) as error:
        raise Unreachable(cause_of(error)) from error
    raise Unreachable("the stream ended")


async def _websocket(
    session: aiohttp.ClientSession, origin: str, headers: Mapping[str, str]
) -> AsyncGenerator[Wake, None]:
    async with session.ws_connect(
        f"{origin}/api/v1/streaming",
        params={"stream": "user:notification"},
        headers=headers,
        heartbeat=HEARTBEAT,
        max_msg_size=MAX_FRAME,
        timeout=aiohttp.ClientWSTimeout(ws_close=5.0),
    ) as socket:
        yield Wake()
        async for message in socket:
            if message.type is aiohttp.WSMsgType.TEXT and wakes(message.data):
                yield Wake()


async def _events(
    session: aiohttp.ClientSession, origin: str, headers: Mapping[str, str]
) -> AsyncGenerator[Wake, None]:
    async with session.get(
        f"{origin}/api/v1/streaming/user/notification",
        headers={**headers, "Accept": "text/event-stream"},
        timeout=aiohttp.ClientTimeout(total=None, sock_connect=10, sock_read=SILENCE),
        allow_redirects=False,
    ) as response:
        if response.status != 200 or response.content_type != "text/event-stream":
            _raise_for(response.status, refused_is_final=True)
        yield Wake()
        lines = EventLines()
        async for piece in response.content.iter_any():
            for _ in range(lines.feed(piece)):
                yield Wake()


def _raise_for(status: int, *, refused_is_final: bool) -> None:
    if status == 401:
        raise Unauthorized(f"HTTP {status} from the stream")
    if status == 429:
        raise Throttled(f"HTTP {status} from the stream")
    if status >= 500:
        raise Unreachable(f"HTTP {status} from the stream")
    if refused_is_final:
        raise Unsupported(f"no stream there, HTTP {status}")
