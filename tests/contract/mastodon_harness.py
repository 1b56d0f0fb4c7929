"""
The Mastodon connector on mastodon-mock, behind a proxy that makes the faults.
"""

from __future__ import annotations

import socket
from collections.abc import Sequence
from contextlib import AsyncExitStack
from datetime import UTC, datetime, timedelta
from types import TracebackType
from typing import Self

from connectors.mastodon import MastodonOptions, channel
from connectors.mastodon.text import html_to_text
from tests.contract.harness import Delivered, Fault, Step
from tests.fakes import mastodon_mock
from tests.fakes.fault_proxy import Breaks, FaultProxy, answer, drop, garble

ROUTES = {
    Step.FETCH: ("GET", r"/api/v1/notifications"),
    Step.SEND: ("POST", r"/api/v1/statuses"),
}


def breaks(fault: Fault) -> Breaks:
    """
    What a Mastodon server says, or does not say, when this goes wrong.
    """
    match fault:
        case Fault.THROTTLED:
            reset = (datetime.now(UTC) + timedelta(seconds=90)).isoformat().replace("+00:00", "Z")
            limits = {"X_RateLimit_Limit": "300", "X_RateLimit_Remaining": "0", "X_RateLimit_Reset": reset}
            return answer(429, {"error": "Too many requests"}, **limits)
        case Fault.BUSY:
            return answer(503, "<h1>Back soon</h1>", Content_Type="text/html", Retry_After="30")
        case Fault.UNAUTHORIZED:
            return answer(401, {"error": "The access token is invalid"})
        case Fault.REFUSED:
            return answer(422, {"error": "Validation failed: no"})
        case Fault.GARBLED:
            return garble()
        case Fault.DROPPED:
            return drop(carried_out=False)
        case Fault.LOST_ANSWER:
            return drop(carried_out=True)


class MastodonOnMock:
    """
    A brand and a customer on one mock, and a proxy through which the connector alone goes.
    """

    channel = channel
    faults = frozenset((step, fault) for step in Step for fault in Fault) - {(Step.FETCH, Fault.REFUSED)}

    def __init__(self) -> None:
        self._url = mastodon_mock.shared()
        self._stack = AsyncExitStack()

    async def __aenter__(self) -> Self:
        self.proxy = await self._stack.enter_async_context(FaultProxy(self._url))
        self.brand = await mastodon_mock.sign_up(self._url, "brand")
        self.customer = await mastodon_mock.sign_up(self._url, "kite")
        self.secrets = (self.brand.token,)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._stack.aclose()

    def options(self, *, hear_since: datetime | None = None) -> MastodonOptions:
        return self._options(self.proxy.url, self.brand.token, hear_since)

    def wrong_options(self) -> MastodonOptions:
        return self._options(self.proxy.url, "nobody-gave-this-out", None)

    def nowhere_options(self) -> MastodonOptions:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        return self._options(f"http://127.0.0.1:{port}", self.brand.token, None)

    @staticmethod
    def _options(url: str, token: str, hear_since: datetime | None) -> MastodonOptions:
        return MastodonOptions.model_validate({"server": url, "access_token": token, "hear_since": hear_since})

    async def somebody_writes(self, text: str) -> str:
        status = await self.customer.write(f"@{self.brand.name} {text}")
        return str(status["id"])

    async def break_next(self, fault: Fault, step: Step) -> None:
        method, path = ROUTES[step]
        self.proxy.break_next(method, path, breaks(fault))

    async def delivered(self) -> Sequence[Delivered]:
        posts = await self.customer.ask("GET", f"/api/v1/accounts/{self.brand.id}/statuses?limit=40")
        return [
            Delivered(
                text=html_to_text(post["content"]),
                in_reply_to=post["in_reply_to_id"],
                to=tuple(one["acct"] for one in post["mentions"]),
                visibility=post["visibility"],
            )
            for post in reversed(posts)
        ]
