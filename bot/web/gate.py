"""
What the shell needs to know about people, without knowing the feature that knows it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from bot.core.actor import Actor
from bot.core.database import UnitOfWork


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedIn:
    """
    A live session: who it is and the token its forms must carry.

    Args:
        language: what they chose to read pages in; empty: what their browser asks for.
        presence: what they chose to be for those who hand out work; empty for who gets none.
    """

    actor: Actor
    csrf: str
    language: str = ""
    presence: str = ""


class Gate(Protocol):
    """
    Tells who is at the door and what they may do. `bot.staff` has the real one.
    """

    def may(self, role: str, permission: str) -> bool: ...

    async def session(self, work: UnitOfWork, cookie: str) -> SignedIn | None: ...

    async def token(self, work: UnitOfWork, bearer: str) -> Actor | None: ...
