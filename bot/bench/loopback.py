"""
A channel inside this process, for benchmarks: what is put in is heard, what is answered is noted with its time.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from types import TracebackType
from typing import Any, Self

from aiohttp import ClientSession
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from connectors.base import Author, Checked, Cursor, Draft, HeardItem, HeardKind, Page, Profile, Sent, Wake
from connectors.registry import Channel

NAME = "loopback"
PAGE = 40


class Options(BaseModel):
    """
    An account needs nothing.
    """

    model_config = ConfigDict(extra="forbid")

    hear_since: AwareDatetime | None = Field(default=None, description="Hear from this instant on")


@dataclass(slots=True)
class Loopback:
    """
    The network of one account: what was put in, and when; what was answered, and when.
    """

    items: list[HeardItem] = field(default_factory=list)
    put_at: dict[str, float] = field(default_factory=dict)
    answered_at: dict[str, float] = field(default_factory=dict)
    wake: asyncio.Event = field(default_factory=asyncio.Event)

    def channel(self) -> Channel:
        """
        Give the channel whose connectors speak to this network.
        """

        def open_connector(_: BaseModel, __: ClientSession) -> LoopbackConnector:
            return LoopbackConnector(self)

        return Channel(name=NAME, title="Loopback", options=Options, open=open_connector)

    def put(self, text: str, at: datetime) -> None:
        """
        Let a new customer write.
        """
        number = str(len(self.items) + 1)
        author = Author(key=f"c{number}", handle=f"customer{number}", name=f"Customer {number}")
        self.items.append(
            HeardItem(
                kind=HeardKind.MESSAGE,
                remote_id=number,
                message_id=number,
                author=author,
                text=text,
                occurred_at=at,
                reply_to={"id": number},
            )
        )
        self.put_at[number] = time.perf_counter()
        self.wake.set()


@dataclass(slots=True)
class LoopbackConnector:
    """
    Listens, Streams and Replies.
    """

    network: Loopback

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        return None

    async def check(self) -> Checked:
        return Checked(profile=Profile(key="shop", handle="shop", name="Shop", followers=0), text_limit=5_000)

    async def fetch(self, since: Cursor | None, *, now: datetime) -> Page:
        start = int(since or 0)
        found = self.network.items[start : start + PAGE]
        end = start + len(found)
        return Page(items=tuple(found), cursor=Cursor(str(end)), more=end < len(self.network.items))

    async def listen(self, since: Cursor | None) -> AsyncIterator[Wake | Page]:
        yield Wake()
        while True:
            await self.network.wake.wait()
            self.network.wake.clear()
            yield Wake()

    async def reply(self, to: Mapping[str, Any], draft: Draft, *, key: str) -> Sent:
        self.network.answered_at[str(to["id"])] = time.perf_counter()
        return Sent(remote_id=f"a{to['id']}")
