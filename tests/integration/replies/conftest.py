"""
The inbox's small house, with saved replies in it.
"""

from __future__ import annotations

import pytest

from bot.core.database import Database
from tests.integration.inbox.house import House


@pytest.fixture
async def house(database: Database) -> House:
    return await House(database).build()
