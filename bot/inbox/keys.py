"""
What the inbox's handlers find in the application.
"""

from __future__ import annotations

from aiohttp import web

from bot.inbox.rules import Promise

PROMISE = web.AppKey("PROMISE", Promise)
