"""
What the handlers of webhooks find in the application.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from aiohttp import web

from bot.core.outward import OutwardRules
from bot.core.secretbox import SecretBox


@dataclass(frozen=True, slots=True, kw_only=True)
class Desk:
    """
    What it takes to look after endpoints.

    Args:
        both_secrets: how long the old secret signs after a rotation.
    """

    box: SecretBox
    outward: OutwardRules
    both_secrets: timedelta


DESK = web.AppKey("WEBHOOK_DESK", Desk)
