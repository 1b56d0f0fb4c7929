"""
What the page of a contact finds in the application: parts that features above it add.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from aiohttp import web

from bot.web.pages import Visit


@dataclass(frozen=True, slots=True, kw_only=True)
class Panel:
    """
    A part of the page of a contact.

    Args:
        template: what shows it; it finds `values` as `panel`.
    """

    template: str
    values: Mapping[str, Any]


PanelSource = Callable[[Visit, str], Awaitable[Panel | None]]
"""Makes the part for the contact of an id; None for whoever may not see it."""

PANELS = web.AppKey("PANELS", Sequence[PanelSource])
