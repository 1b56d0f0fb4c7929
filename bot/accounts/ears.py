"""
What listens: plain coroutines that `bot.app` lists, and what they answer.

An ear is called inside the unit of work that stores the item, within a savepoint of its own: what it raises undoes
its own work alone. It must not commit and must not speak to a network.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from aiohttp import web

from bot.accounts.tables import Account
from bot.core.database import UnitOfWork
from connectors.base import HeardItem


@dataclass(frozen=True, slots=True, kw_only=True)
class Heard:
    """
    A new item, heard for the first time.

    Args:
        heard_id: its row in the heard ledger.
        stream: which stream of the account it came by.
    """

    heard_id: str
    account: Account
    stream: str
    item: HeardItem


@dataclass(frozen=True, slots=True, kw_only=True)
class Routed:
    """
    The ear took it; `to` names feature and id, as in `conversation:0192...`.
    """

    to: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Ignored:
    """
    The ear knows what it is and wants nothing done; `reason` is one line for a person.
    """

    reason: str


Ear = Callable[[UnitOfWork, Heard], Awaitable[Routed | Ignored | None]]
"""None: not mine, ask the next. The first answer decides."""

EARS: web.AppKey[Sequence[Ear]] = web.AppKey("EARS", Sequence)
"""The ears of this daemon, for retries from pages and the API."""
