"""
A channel whose server is a list in memory: for tests of those who use connectors, not of connectors.

A test appends to `server.items` and looks at `server.calls`; `server.errors` go wrong one after the other.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import datetime
from types import TracebackType
from typing import Self

from aiohttp import ClientSession
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, SecretStr

from connectors.base import (
    Author,
    BrokenItem,
    Budget,
    Checked,
    Cursor,
    Gap,
    HeardItem,
    HeardKind,
    Page,
    Profile,
    Wake,
)
from connectors.errors import Unauthorized, Unreachable, Unsupported
from connectors.registry import Channel

TOKEN = "good-token-3141"


class FakeOptions(BaseModel):
    """
    What an account there needs.
    """

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    server: str = Field(description="Where the server is")
    token: SecretStr = Field(description="The password of that server")
    folders: tuple[str, ...] = Field(default=("INBOX",), description="Which folders to hear")
    loud: bool = Field(default=False, description="Whether to shout")
    hear_since: AwareDatetime | None = Field(default=None, description="Hear from this instant on")


@dataclass(slots=True)
class FakeServer:
    """
    The server and what was done to it.

    Args:
        page_size: how many items one fetch brings.
        delay: seconds every fetch takes.
        at_once: the most fetches that were going on at one time.
    """

    items: list[HeardItem | BrokenItem] = field(default_factory=list)
    errors: list[Exception] = field(default_factory=list)
    gaps: list[Gap] = field(default_factory=list)
    budget: Budget | None = None
    page_size: int = 40
    delay: float = 0.0
    streams: bool = False
    token: str = TOKEN
    calls: list[str] = field(default_factory=list)
    wakes: asyncio.Queue[Exception | None] = field(default_factory=asyncio.Queue)
    open: int = 0
    listening: int = 0
    at_once: int = 0
    _going_on: int = 0

    def channel(self) -> Channel:
        """
        Give the channel whose connectors speak to this server.
        """
        return Channel(name="fake", title="Fake", options=FakeOptions, open=self._open)

    def _open(self, options: BaseModel, session: ClientSession) -> FakeConnector:
        assert isinstance(options, FakeOptions)
        return FakeConnector(server=self, options=options)

    def say(self, text: str, *, at: datetime, id: str | None = None, **more: object) -> HeardItem:
        """
        Let a customer say something.
        """
        kite = Author(key="https://far.example/users/kite", handle="kite@far.example", name="Kite")
        given: dict[str, object] = {"kind": HeardKind.MENTION, "author": kite, "raw": {"text": text}, **more}
        item = HeardItem(remote_id=id or str(len(self.items) + 1), occurred_at=at, text=text, **given)  # type: ignore[arg-type]
        self.items.append(item)
        return item


@dataclass(slots=True)
class FakeConnector:
    """
    Listens and Streams for one account of a `FakeServer`.
    """

    server: FakeServer
    options: FakeOptions

    async def __aenter__(self) -> Self:
        self.server.calls.append("open")
        self.server.open += 1
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.server.calls.append("close")
        self.server.open -= 1

    async def check(self) -> Checked:
        self.server.calls.append("check")
        self._admit()
        profile = Profile(key="https://example.social/users/shop", handle="shop", name="The Shop", followers=5)
        return Checked(profile=profile, text_limit=500, rules=("Be kind",), warnings=("Not marked as automated.",))

    async def fetch(self, since: Cursor | None, *, now: datetime) -> Page:
        self.server.calls.append("fetch")
        self.server._going_on += 1
        self.server.at_once = max(self.server.at_once, self.server._going_on)
        try:
            await asyncio.sleep(self.server.delay)
            self._admit()
            return self._page(int(since or 0))
        finally:
            self.server._going_on -= 1

    async def listen(self, since: Cursor | None) -> AsyncIterator[Wake | Page]:
        self.server.calls.append("listen")
        if not self.server.streams:
            raise Unsupported("no streaming here")
        self.server.listening += 1
        try:
            yield Wake()
            while True:
                error = await self.server.wakes.get()
                if error is not None:
                    raise error
                yield Wake()
        finally:
            self.server.listening -= 1

    def _admit(self) -> None:
        if self.server.errors:
            raise self.server.errors.pop(0)
        if self.options.token.get_secret_value() != self.server.token:
            raise Unauthorized("the server says: invalid token")
        if self.options.server == "nowhere":
            raise Unreachable("nobody listens there")

    def _page(self, start: int) -> Page:
        found = self.server.items[start : start + self.server.page_size]
        end = start + len(found)
        gaps, self.server.gaps = tuple(self.server.gaps), []
        more = end < len(self.server.items)
        return Page(items=tuple(found), cursor=Cursor(str(end)), more=more, gaps=gaps, budget=self.server.budget)
