"""
A channel to send on, with a memory of what was delivered: for tests of those who send.

`server.script` says how the next requests end, one after the other; after that everything is delivered.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum, auto
from types import TracebackType
from typing import Any, Self

from aiohttp import ClientSession
from pydantic import BaseModel, ConfigDict

from connectors.base import Checked, Draft, Profile, Sent
from connectors.errors import Ambiguous, Rejected, Unreachable
from connectors.registry import Channel


class Ends(Enum):
    """
    How a request to send ends.
    """

    WELL = auto()
    ANSWER_LOST = auto()  # delivered, but the answer got lost
    REQUEST_LOST = auto()  # not delivered, and nobody knows
    HANGS = auto()  # delivered, and the answer never comes
    BREAKS = auto()  # delivered, then the connector fails in a way nobody thought of
    CLOSES_BADLY = auto()  # delivered and answered; closing the connection fails
    REFUSED_AFTER = auto()  # delivered, and refused all the same


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivered:
    """
    What a customer has got.
    """

    id: str
    key: str
    text: str
    to: Mapping[str, Any] | None


class NoOptions(BaseModel):
    model_config = ConfigDict(extra="forbid")


@dataclass(slots=True)
class SendingServer:
    """
    The server and what it was asked.

    Args:
        finds: whether its connectors can be asked what arrived.
        script: how the next requests to send end; an exception means: not delivered, and this is said.
        looks: errors of the next looks.
        lag: looks that do not show yet what was delivered.
        gate: when set, requests wait for it after they were delivered.
        on_open, on_request: called when a connection is opened, when a request comes in.
        at_once: the most requests that went on at one time.
    """

    finds: bool = True
    script: list[Ends | Exception] = field(default_factory=list)
    looks: list[Exception] = field(default_factory=list)
    lag: int = 0
    honours_keys: bool = False
    gate: asyncio.Event | None = None
    open_fails: Exception | None = None
    on_open: Callable[[], Awaitable[None]] | None = None
    delivered: list[Delivered] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)
    looked: list[str] = field(default_factory=list)
    on_request: Callable[[], None] | None = None
    at: datetime | None = None
    at_once: int = 0
    _going_on: int = 0

    @property
    def texts(self) -> list[str]:
        return [one.text for one in self.delivered]

    def channel(self, name: str = "pigeon") -> Channel:
        """
        Give the channel whose connectors speak to this server.
        """
        return Channel(name=name, title=name.title(), options=NoOptions, open=self._open)

    def _open(self, options: BaseModel, session: ClientSession) -> SendingConnector:
        return FindingConnector(self) if self.finds else SendingConnector(self)

    async def take(self, key: str, draft: Draft, to: Mapping[str, Any] | None) -> Sent:
        """
        Take a request as the script says.
        """
        self.asked.append(draft.text)
        if self.on_request is not None:
            self.on_request()
        self._going_on += 1
        self.at_once = max(self.at_once, self._going_on)
        try:
            return await self._answer(self.script.pop(0) if self.script else Ends.WELL, key, draft, to)
        finally:
            self._going_on -= 1

    async def _answer(self, ends: Ends | Exception, key: str, draft: Draft, to: Mapping[str, Any] | None) -> Sent:
        if isinstance(ends, Exception):
            raise ends
        if ends is Ends.REQUEST_LOST:
            raise Ambiguous("the connection broke")
        sent = self._deliver(key, draft, to)
        if self.gate is not None:
            await self.gate.wait()
        match ends:
            case Ends.ANSWER_LOST:
                raise Ambiguous("the connection broke")
            case Ends.HANGS:
                await asyncio.Event().wait()
            case Ends.BREAKS:
                raise KeyError("id")
            case Ends.REFUSED_AFTER:
                raise Rejected("no")
        return sent

    def _deliver(self, key: str, draft: Draft, to: Mapping[str, Any] | None) -> Sent:
        known = [one for one in self.delivered if one.key == key] if self.honours_keys else []
        one = known[0] if known else Delivered(id=f"d{len(self.delivered) + 1}", key=key, text=draft.text, to=to)
        if not known:
            self.delivered.append(one)
        return Sent(remote_id=one.id, url=f"https://pigeon.example/{one.id}", at=self.at)


@dataclass(slots=True)
class SendingConnector:
    """
    Replies and Publishes for one account of a `SendingServer`.
    """

    server: SendingServer
    closes_badly: bool = False

    async def __aenter__(self) -> Self:
        if self.server.on_open is not None:
            await self.server.on_open()
        if self.server.open_fails is not None:
            raise self.server.open_fails
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.closes_badly:
            raise Unreachable("gone before the good-bye")

    async def check(self) -> Checked:
        return Checked(profile=Profile(key="pigeon:shop", handle="shop"))

    async def reply(self, to: Mapping[str, Any], draft: Draft, *, key: str) -> Sent:
        self.closes_badly = self.server.script[:1] == [Ends.CLOSES_BADLY]
        return await self.server.take(key, draft, to)

    async def publish(self, draft: Draft, *, key: str) -> Sent:
        return await self.server.take(key, draft, None)


@dataclass(slots=True)
class FindingConnector(SendingConnector):
    """
    One that can also be asked what arrived; like most, it goes by the text.
    """

    async def find(self, key: str, draft: Draft, *, to: Mapping[str, Any] | None, since: datetime) -> Sent | None:
        self.server.looked.append(draft.text)
        if self.server.looks:
            raise self.server.looks.pop(0)
        if self.server.lag:
            self.server.lag -= 1
            return None
        found = [one for one in self.server.delivered if one.text == draft.text and one.to == to]
        return Sent(remote_id=found[0].id, at=self.server.at) if found else None
