"""
Who is doing this: a person at a page, a token at the API, or the daemon itself.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True, kw_only=True)
class Actor:
    """
    Whoever acts. What a role may do is written in `bot.staff.rules`.

    Args:
        id: of the staff member or the token; `"hubbub"` for the daemon.
        role: agent, lead, marketer, admin, or system for the daemon.
    """

    id: str
    name: str
    role: str
    kind: Literal["staff", "token", "system"]


HUBBUB = Actor(id="hubbub", name="Hubbub", role="system", kind="system")
"""The daemon itself."""
