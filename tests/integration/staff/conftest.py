"""
A client of the staff pages and operations.
"""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

import bot.staff.api
import bot.staff.entrance_pages
import bot.staff.pages
from bot.core.database import Database
from tests.fakes.web_app import WebClient, make_client


@pytest.fixture
async def client(database: Database) -> AsyncIterator[WebClient]:
    async with make_client(
        database, pages=[bot.staff.entrance_pages, bot.staff.pages], apis=[bot.staff.api]
    ) as made:
        yield made
