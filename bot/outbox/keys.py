"""
What the outbox's handlers find in the application.
"""

from __future__ import annotations

from collections.abc import Sequence

from aiohttp import web

from bot.outbox.service import Receipt

RECEIPTS: web.AppKey[Sequence[Receipt]] = web.AppKey("RECEIPTS", Sequence[Receipt])
"""Who is told when a person changes an entry."""
