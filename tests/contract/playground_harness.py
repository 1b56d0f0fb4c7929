"""
The Mastodon connector on our own playground, whose faults are its own.
"""

from __future__ import annotations

import socket
from collections.abc import Sequence
from datetime import UTC, datetime
from types import TracebackType
from typing import Any, Self

import aiohttp

from connectors.mastodon import MastodonOptions, channel
from connectors.mastodon.text import html_to_text
from connectors.playground.faults import FaultKind
from connectors.playground.server import Playground
from tests.contract.harness import Delivered, Fault, Step

FAULTS = {
    Fault.THROTTLED: FaultKind.THROTTLE,
    Fault.BUSY: FaultKind.CDN_PAGE,
    Fault.UNAUTHORIZED: FaultKind.UNAUTHORIZED,
    Fault.GARBLED: FaultKind.MALFORMED_JSON,
    Fault.DROPPED: FaultKind.DROP_BEFORE,
    Fault.LOST_ANSWER: FaultKind.DROP_AFTER,
}
ROUTES = {Step.FETCH: ("GET", "/api/v1/notifications"), Step.SEND: ("POST", "/api/v1/statuses")}
BRAND, CUSTOMER = "tidepool", "kite@far.example"


class MastodonOnPlayground:
    """
    A brand and a customer from another server, without a crowd.
    """

    channel = channel
    faults = frozenset((step, fault) for step in Step for fault in FAULTS)

    async def __aenter__(self) -> Self:
        self.playground = Playground(now=lambda: datetime.now(UTC), brands=(BRAND,))
        await self.playground.__aenter__()
        self._before = {post["id"] for post in await self._posts()}  # brands have a past there
        self.secrets = (self.playground.token, self.playground.control_token)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.playground.__aexit__(kind, error, trace)

    def options(self, *, hear_since: datetime | None = None) -> MastodonOptions:
        return self._options(self.playground.url, self.playground.token, hear_since)

    def wrong_options(self) -> MastodonOptions:
        return self._options(self.playground.url, "nobody-gave-this-out", None)

    def nowhere_options(self) -> MastodonOptions:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        return self._options(f"http://127.0.0.1:{port}", self.playground.token, None)

    @staticmethod
    def _options(url: str, token: str, hear_since: datetime | None) -> MastodonOptions:
        return MastodonOptions.model_validate({"server": url, "access_token": token, "hear_since": hear_since})

    async def somebody_writes(self, text: str) -> str:
        return str(self.playground.say(CUSTOMER, text, to=BRAND).id)

    async def break_next(self, fault: Fault, step: Step) -> None:
        method, path = ROUTES[step]
        self.playground.faults.arm(FAULTS[fault], method=method, path=path)

    async def delivered(self) -> Sequence[Delivered]:
        return [
            Delivered(
                text=html_to_text(post["content"]),
                in_reply_to=post["in_reply_to_id"],
                to=tuple(one["acct"] for one in post["mentions"]),
                visibility=post["visibility"],
            )
            for post in reversed(await self._posts())
            if post["id"] not in self._before
        ]

    async def _posts(self) -> list[dict[str, Any]]:
        path = f"/api/v1/accounts/{self.playground.person(BRAND).id}/statuses?limit=40"
        headers = {"Authorization": f"Bearer {self.playground.token}"}
        async with (
            aiohttp.ClientSession(raise_for_status=True, headers=headers) as session,
            session.get(self.playground.url + path) as answer,
        ):
            posts: list[dict[str, Any]] = await answer.json()
        return posts
