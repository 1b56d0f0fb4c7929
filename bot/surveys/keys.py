"""
What the pages of surveys find in the application.
"""

from __future__ import annotations

from aiohttp import web

from bot.core.secretbox import SecretBox

BOX = web.AppKey("SURVEY_BOX", SecretBox)
"""Opens the key that signs links."""
