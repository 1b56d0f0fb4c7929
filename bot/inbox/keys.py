"""
What the inbox's handlers find in the application.
"""

from __future__ import annotations

from datetime import timedelta

from aiohttp import web

from bot.inbox import order
from bot.inbox.board import Board
from bot.inbox.rules import Promise

PROMISE = web.AppKey("PROMISE", Promise)
BOARD = web.AppKey("BOARD", Board)


def reach_of(request: web.Request) -> timedelta:
    """
    Say how near its deadline a conversation may be and still be answered in time.
    """
    return order.reach_of(request.app[PROMISE].first_response)
