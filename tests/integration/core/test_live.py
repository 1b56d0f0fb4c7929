"""
Live events: what the process that follows them promises.
"""

from __future__ import annotations

import asyncio

from bot.core.database import Database
from bot.core.live import LiveEvents


async def test_a_stop_that_comes_together_with_news_still_stops(database: Database):
    async with asyncio.timeout(20):
        for _ in range(10):
            async with LiveEvents(database):
                await asyncio.sleep(0.02)
                async with database.write() as work:
                    work.publish("queue")
