"""
A client of a small feature, made for tests of the shell.
"""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from bot.core.database import Database
from bot.web.live import HEARTBEAT
from tests.fakes.web_app import WebClient, make_client
from tests.integration.web import things


@pytest.fixture
async def client(database: Database) -> AsyncIterator[WebClient]:
    async with make_client(database, pages=[things], apis=[things], extra={HEARTBEAT: 0.2}) as made:
        yield made
