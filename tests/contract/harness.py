"""
What the contract suite needs of a channel: a real server, and a hand on both ends of it.

Adding a connector is adding one class that satisfies `Harness` and one line in `HARNESSES`. A harness talks to a
real server of its channel (ours or somebody else's), never to the connector: the suite does that.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from types import TracebackType
from typing import Protocol, Self

from pydantic import BaseModel

from connectors.registry import Channel


class Step(StrEnum):
    """
    Which verb of the connector a fault hits.
    """

    FETCH = "fetch"
    SEND = "send"


class Fault(StrEnum):
    """
    What goes wrong once, at the next request of a step, and what the connector must make of it.
    """

    THROTTLED = "throttled"  # too often, and how long to wait -> Throttled with a wait; nothing carried out
    BUSY = "busy"  # trouble at the server, before it did anything -> fetch: Unreachable; send: not a success
    UNAUTHORIZED = "unauthorized"  # credentials refused -> Unauthorized; nothing carried out
    REFUSED = "refused"  # this very message refused for good -> Rejected; nothing carried out
    GARBLED = "garbled"  # the answer is no answer -> fetch: Unreachable; send (carried out): Ambiguous
    DROPPED = "dropped"  # the connection breaks before anything is carried out
    LOST_ANSWER = "lost_answer"  # carried out, then the connection breaks -> send: Ambiguous


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivered:
    """
    An answer or post of ours as the customer's side sees it.

    Args:
        in_reply_to: the id (as `HeardItem.message_id`) of what it answers, None for a post.
        to: handles or addresses that get it.
    """

    text: str
    in_reply_to: str | None
    to: tuple[str, ...] = ()
    visibility: str | None = None


class Harness(Protocol):
    """
    One channel's server, entered once a test; every test gets an account with nothing in it.

    Args:
        channel: what is under test; the suite opens it with `options()`.
        faults: what `break_next` can do here.
        secrets: strings that must not turn up in any error, repr or log.
    """

    channel: Channel
    faults: frozenset[tuple[Step, Fault]]
    secrets: tuple[str, ...]

    async def __aenter__(self) -> Self: ...

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...

    def options(self, *, hear_since: datetime | None = None) -> BaseModel:
        """
        Give settings that work.
        """
        ...

    def wrong_options(self) -> BaseModel:
        """
        Give settings whose credentials the server refuses.
        """
        ...

    def nowhere_options(self) -> BaseModel:
        """
        Give settings of a loopback address where nobody listens.
        """
        ...

    async def somebody_writes(self, text: str) -> str:
        """
        Let a customer address our account, and return what `HeardItem.message_id` must be.
        """
        ...

    async def break_next(self, fault: Fault, step: Step) -> None:
        """
        Let the next request of `step` go wrong once.
        """
        ...

    async def delivered(self) -> Sequence[Delivered]:
        """
        List what our account sent and the server has, oldest first; look at the server, not at the connector.
        """
        ...


class PeerMissing(Exception):
    """
    The software that this harness needs is not on this machine: skipped locally, a failure in CI.
    """


@dataclass(frozen=True, slots=True, kw_only=True)
class Slot:
    """
    Where a harness is found; imported only when its tests run.
    """

    module: str
    factory: str

    def make(self) -> Harness:
        """
        Make a harness that is not entered yet.

        Raises:
            PeerMissing: with a sentence on what to install.
        """
        factory: Callable[[], Harness] = getattr(importlib.import_module(self.module), self.factory)
        return factory()


HARNESSES: dict[str, Slot] = {
    "mastodon-on-mock": Slot(module="tests.contract.mastodon_harness", factory="MastodonOnMock"),
    "mastodon-on-playground": Slot(module="tests.contract.playground_harness", factory="MastodonOnPlayground"),
    "email": Slot(module="tests.contract.email_harness", factory="EmailHarness"),
}
"""Every connector under contract, by the name its tests carry."""
