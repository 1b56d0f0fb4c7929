"""
The one place where connectors speak HTTP: time-outs, size limits and the translation of errors.

It does not retry, does not follow redirects and does not know any network's JSON.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, NoReturn

import aiohttp
from multidict import CIMultiDict

from connectors.base import Budget, Json
from connectors.errors import (
    Ambiguous,
    ConnectorError,
    Malformed,
    Rejected,
    Throttled,
    Unauthorized,
    Unreachable,
)
from connectors.limits import ratelimit_budget, retry_after

USER_AGENT = "Hubbub/0.1 (+support bot)"
MAX_ANSWER_BYTES = 16 * 1024 * 1024
TIMEOUT = aiohttp.ClientTimeout(total=60, sock_connect=10, sock_read=30)

# JSON may spell halves of surrogate pairs and NUL, which neither UTF-8 nor PostgreSQL can store.
_UNSTORABLE_ESCAPE = re.compile(rb"\\u(?:[dD][89a-fA-F]|0000)")
_UNSTORABLE = re.compile("[\ud800-\udfff\x00]")


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """
    What the server said: status, headers and the whole body (at most `MAX_ANSWER_BYTES`).
    """

    status: int
    headers: Mapping[str, str]
    body: bytes

    def json(self) -> Json:
        """
        Read the body as JSON; characters that no database stores become U+FFFD.

        Raises:
            Malformed: it is something else.
        """
        try:
            value = json.loads(self.body, parse_constant=_refuse)
            return _storable(value) if _UNSTORABLE_ESCAPE.search(self.body) else value
        except (ValueError, RecursionError) as error:
            kind = self.headers.get("Content-Type", "nothing named").split(";")[0][:60]
            raise Malformed(f"not JSON but {kind}, {len(self.body)} bytes") from error

    @property
    def budget(self) -> Budget | None:
        return ratelimit_budget(self.headers)


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is not JSON")


def _storable(value: Json) -> Json:
    if isinstance(value, str):
        return _UNSTORABLE.sub("\ufffd", value)
    if isinstance(value, list):
        return [_storable(item) for item in value]
    if isinstance(value, dict):
        return {_storable(key): _storable(item) for key, item in value.items()}
    return value


class Http:
    """
    An HTTP client for one server, bound to a session that somebody else opens and closes.

    Args:
        base: scheme and authority, without a trailing slash.
        headers: sent with every request (the credentials); never logged, never part of an error.
        max_answer: bytes of an unpacked answer that are taken; more is an error.
    """

    def __init__(
        self,
        session: aiohttp.ClientSession,
        base: str,
        headers: Mapping[str, str] | None = None,
        timeout: aiohttp.ClientTimeout = TIMEOUT,
        max_answer: int = MAX_ANSWER_BYTES,
    ) -> None:
        self._session = session
        self._base = base.rstrip("/")
        self._headers = {"User-Agent": USER_AGENT, **(headers or {})}
        self._secrets = _secrets_in(headers or {})
        self._timeout = timeout
        self._max_answer = max_answer

    async def read(self, path: str, params: Sequence[tuple[str, str]] = ()) -> Answer:
        """
        GET something; nothing on the server changes.

        Raises:
            Unreachable, Throttled, Unauthorized, Rejected, Malformed.
        """
        return await self._ask("GET", path, params=list(params))

    async def change(
        self,
        method: str,
        path: str,
        *,
        body: Json | None = None,
        form: aiohttp.FormData | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        """
        Ask for a change; when the answer is lost after the request went out, say so.

        Raises:
            Ambiguous: the request left us and no answer came back, or none that can be read. Every 5xx status is
                ambiguous too, since servers answer 500 after having done the work, and gateways answer 502 to
                504 for servers that go on working.
            Unreachable, Throttled, Unauthorized, Rejected: certainly not carried out.
        """
        sent = {"json": body} if form is None else {"data": form}
        return await self._ask(method, path, headers=headers, **sent)

    async def _ask(
        self, method: str, path: str, *, headers: Mapping[str, str] | None = None, **sent: Any
    ) -> Answer:
        changes = method != "GET"
        try:
            async with self._session.request(
                method,
                self._base + path,
                headers={**self._headers, **(headers or {})},
                timeout=self._timeout,
                allow_redirects=False,  # credentials go to the server that they are for, and nowhere else
                **sent,
            ) as response:
                body = await _read_bounded(response, self._max_answer)
                answer = Answer(status=response.status, headers=CIMultiDict(response.headers), body=body)
        except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError) as error:
            # No connection was made, so nothing can have been carried out.
            raise Unreachable(cause_of(error)) from error
        except aiohttp.InvalidURL as error:
            raise Rejected("the address of the server is no URL") from error
        except (aiohttp.ClientError, TimeoutError, OSError, _TooBig) as error:
            raise (Ambiguous if changes else _lost(error))(cause_of(error)) from error
        if answer.status >= 300:
            raise error_for(answer, changes=changes, secrets=self._secrets)
        return answer


class _TooBig(Exception):
    """
    An answer of more bytes than are taken; holds that limit.
    """


async def _read_bounded(response: aiohttp.ClientResponse, limit: int) -> bytes:
    chunks: list[bytes] = []
    size = 0
    async for chunk in response.content.iter_chunked(64 * 1024):
        size += len(chunk)
        if size > limit:
            raise _TooBig(limit)
        chunks.append(chunk)
    return b"".join(chunks)


def _lost(error: Exception) -> type[Unreachable]:
    # Protocol errors and bodies that cannot be decoded are the server's doing; the rest is the way there.
    garbled = isinstance(error, _TooBig | aiohttp.ClientPayloadError | aiohttp.ClientResponseError)
    return Malformed if garbled else Unreachable


def cause_of(error: BaseException) -> str:
    """
    Name what went wrong on the way, without the URL that the text of aiohttp's own errors may hold.
    """
    match error:
        case aiohttp.ClientConnectorCertificateError():
            return "the server's certificate is not trusted"
        case aiohttp.ClientSSLError():
            return "no TLS connection could be made"
        case aiohttp.ClientConnectorDNSError():
            return "the server's name is not known"
        case aiohttp.ClientConnectorError() if isinstance(error.os_error, ConnectionRefusedError):
            return "connection refused"
        case aiohttp.ConnectionTimeoutError():
            return "no connection in time"
        case TimeoutError():
            return "no answer in time"
        case aiohttp.ServerDisconnectedError() | ConnectionResetError():
            return "the server broke off the connection"
        case aiohttp.ClientPayloadError():
            return "the answer broke off or cannot be decoded"
        case _TooBig():
            return f"an answer of more than {error.args[0]} bytes"
        case _:
            return type(error).__name__


def reason_of(answer: Answer) -> str:
    """
    Find the server's own words in an error answer: JSON `error_description` or `error`, else the status alone.
    """
    if 300 <= answer.status < 400:
        return f"HTTP {answer.status}: the server sends us elsewhere; is its address right?"
    words = _words_of(answer)
    return f"HTTP {answer.status}: {words}" if words else f"HTTP {answer.status}"


def _words_of(answer: Answer) -> str:
    try:
        said = answer.json()
    except Malformed:
        return ""
    if not isinstance(said, dict):
        return ""
    words = said.get("error_description") or said.get("error") or ""
    readable = "".join(char if char.isprintable() else " " for char in str(words)[:1000])
    return " ".join(readable.split())[:300]


def error_for(answer: Answer, *, changes: bool, secrets: Sequence[str] = ()) -> ConnectorError:
    """
    Decide which error a status means. Pure.

    Args:
        secrets: blotted out of the server's words, should it echo our credentials.
    """
    reason = reason_of(answer)
    for secret in secrets:
        reason = reason.replace(secret, "***")
    status = answer.status
    if status == 401:
        return Unauthorized(reason)
    if status == 403:
        # A server that speaks JSON forbids; a page of HTML is a gate before it that let nothing through.
        return Unauthorized(reason) if _words_of(answer) else Unreachable(f"{reason}, not from the server itself")
    if status == 429:
        return Throttled(reason, **_wait(answer))
    if status >= 500:
        return Ambiguous(reason) if changes else Unreachable(reason, **_wait(answer))
    if status in (408, 425):  # request time-out and too early: not carried out, the same may be asked again
        return Unreachable(reason, **_wait(answer))
    return Rejected(reason, status=status)


def _wait(answer: Answer) -> dict[str, Any]:
    said = retry_after(answer.headers)
    if isinstance(said, timedelta):
        return {"retry_after": said}
    if isinstance(said, datetime):
        return {"until": said}
    spent = answer.budget
    return {"until": spent.resets_at} if spent and answer.status == 429 else {}


def _secrets_in(headers: Mapping[str, str]) -> tuple[str, ...]:
    # "Bearer abc" is a secret as a whole and in its last word.
    words = {word for value in headers.values() for word in (value, value.split(" ")[-1])}
    return tuple(sorted((word for word in words if len(word) >= 8), key=len, reverse=True))
