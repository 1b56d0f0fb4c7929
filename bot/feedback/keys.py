"""
What the handlers of feedback find in the application.
"""

from __future__ import annotations

from aiohttp import web

BASE_URL = web.AppKey("FEEDBACK_BASE_URL", str)
"""Where people reach our pages, for links that go out."""
