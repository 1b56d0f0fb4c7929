"""
The one place where connectors speak HTTP: time-outs, size limits and the translation of errors.

It does not retry and does not know any network's JSON.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, NoReturn

import aiohttp
from multidict import CIMultiDictProxy

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
        Read the body as JSON.

        Raises:
            Malformed: it is something else.
        """
        try:
            return json.loads(self.body)
        except (ValueError, RecursionError) as error:
            raise Malformed(f"not JSON: {self.body[:80]!r}") from error

    @property
    def budget(self) -> Budget | None:
        return ratelimit_budget(self.headers)


class Http:
    """
    An HTTP client for one server, bound to a session that somebody else opens and closes.

    Args:
        base: scheme and authority, without a trailing slash.
        headers: sent with every request (the credentials); never logged, never part of an error.
    """

    def __init__(
        self,
        session: aiohttp.ClientSession,
        base: str,
        headers: Mapping[str, str] | None = None,
        timeout: aiohttp.ClientTimeout = TIMEOUT,
    ) -> None:
        self._session = session
        self._base = base.rstrip("/")
        self._headers = {"User-Agent": USER_AGENT, **(headers or {})}
        self._timeout = timeout

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
            Ambiguous: the request left us and no answer came back.
            Unreachable, Throttled, Unauthorized, Rejected: certainly not carried out, except that a 5xx status
                is `Ambiguous` too, since servers answer 500 after having done the work.
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
                allow_redirects=not changes,
                **sent,
            ) as response:
                body = await _read_bounded(response)
                answer = Answer(status=response.status, headers=_plain(response.headers), body=body)
        except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError, aiohttp.InvalidURL) as error:
            # No connection was made, so nothing can have been carried out.
            raise Unreachable(_name(error)) from error
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise (Ambiguous if changes else Unreachable)(_name(error)) from error
        if answer.status >= 300:
            raise_for(answer, changes=changes)
        return answer


async def _read_bounded(response: aiohttp.ClientResponse) -> bytes:
    chunks: list[bytes] = []
    size = 0
    async for chunk in response.content.iter_chunked(64 * 1024):
        size += len(chunk)
        if size > MAX_ANSWER_BYTES:
            raise Malformed(f"an answer of more than {MAX_ANSWER_BYTES} bytes")
        chunks.append(chunk)
    return b"".join(chunks)


def _plain(headers: CIMultiDictProxy[str]) -> Mapping[str, str]:
    return headers


def _name(error: BaseException) -> str:
    # str(error) of aiohttp may hold the whole URL with its query: the class name is enough for a person.
    return type(error).__name__


def reason_of(answer: Answer) -> str:
    """
    Find the server's own words in an error answer: JSON `error`, else the status alone.
    """
    try:
        said = json.loads(answer.body)
        text = said.get("error_description") or said.get("error") or "" if isinstance(said, dict) else ""
    except (ValueError, RecursionError):
        text = ""
    return f"HTTP {answer.status}: {str(text)[:300]}" if text else f"HTTP {answer.status}"


def raise_for(answer: Answer, *, changes: bool) -> NoReturn:
    """
    Translate an error status into the error that says what helps.
    """
    raise error_for(answer, changes=changes)


def error_for(answer: Answer, *, changes: bool) -> ConnectorError:
    """
    Decide which error a status means. Pure.
    """
    reason = reason_of(answer)
    if answer.status == 401:
        return Unauthorized(reason)
    if answer.status in (429, 503):
        kind = Throttled if answer.status == 429 else Unreachable
        return kind(reason, **_wait(answer))
    if answer.status >= 500:
        return Ambiguous(reason) if changes else Unreachable(reason)
    return Rejected(reason)


def _wait(answer: Answer) -> dict[str, Any]:
    said = retry_after(answer.headers)
    if isinstance(said, timedelta):
        return {"retry_after": said}
    if isinstance(said, datetime):
        return {"until": said}
    return {"until": answer.budget.resets_at} if answer.budget else {}
