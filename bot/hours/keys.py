"""
What hours find in the application: who uses them. Feeds have their key beside `bot.hours.jobs`.
"""

from __future__ import annotations

from collections.abc import Sequence

from aiohttp import web

from bot.hours.service import Users

HOURS_USERS: web.AppKey[Sequence[Users]] = web.AppKey("HOURS_USERS", tuple)
