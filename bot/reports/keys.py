"""
What handlers of the reports are given.
"""

from __future__ import annotations

from aiohttp import web

from bot.reports.foretelling import Seer

SEER = web.AppKey("SEER", Seer)
"""Looks ahead; one for a process."""
