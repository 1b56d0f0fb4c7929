"""
What every handler of the server needs, in one value.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

from aiohttp import web

from connectors.playground.entities import Entities
from connectors.playground.meter import Meter
from connectors.playground.world import World


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """
    A running server: its world, how it shows it, its rate limits and its clock.

    Args:
        now: gives the present instant, aware UTC.
        closing: set when the server goes down, so that answers which are held back let go.
    """

    world: World
    entities: Entities
    now: Callable[[], datetime]
    meter: Meter = field(default_factory=Meter)
    closing: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def base(self) -> str:
        return self.entities.base


SITE = web.AppKey("site", Site)
