"""
What handlers find in the aiohttp application, by typed key. Features add keys of their own beside their pages.
"""

from __future__ import annotations

import asyncio
from typing import Any

from aiohttp import web

from bot.core.database import Database
from bot.core.live import LiveEvents
from bot.core.outward import Outward
from bot.web.gate import Gate
from bot.web.shell import Shell

DATABASE = web.AppKey("DATABASE", Database)
LIVE = web.AppKey("LIVE", LiveEvents)
OUTWARD = web.AppKey("OUTWARD", Outward)
"""What asks the addresses that people type, past the guard."""
SHELL = web.AppKey("SHELL", Shell)
CLOSING = web.AppKey("CLOSING", asyncio.Event)
"""Set when the daemon leaves; what streams must end."""
DOCUMENT = web.AppKey("DOCUMENT", dict[str, Any])
"""The OpenAPI document."""
GATE: web.AppKey[Gate] = web.AppKey("GATE", Gate)

SESSION_COOKIE = "hubbub_session"
CSRF_COOKIE = "hubbub_csrf"
FLASH_COOKIE = "hubbub_flash"
LANGUAGE_COOKIE = "hubbub_language"
