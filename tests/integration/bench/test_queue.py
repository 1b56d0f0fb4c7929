"""
S10: thirty agents with thirty live views each, at ten times the peak hour, and nobody starves.

The bounds are those of a machine that does a lot besides; `hubbub bench queue` measures, this only notices ruin.
"""

from __future__ import annotations

import asyncio

from bot.bench import queue as queue_bench
from bot.bench.queue_house import PEAK_SHARE, Settings


async def test_S10_views_stay_quick_and_the_watch_is_not_starved(database_url: str) -> None:
    settings = Settings(
        conversations=2_000, agents=30, views=30, seconds=3.0, times=10.0, reads=10, claims=20, url=database_url
    )
    figures = await asyncio.to_thread(queue_bench.run, settings)
    load = figures["load"]
    assert figures["board"]["conversations"] >= 2_000
    assert figures["next_50_with_board"]["count_ms"]["p50"] < 20
    assert load["refresh_ms"]["count"] >= settings.agents, "every page was refreshed"
    assert load["refresh_ms"]["p95"] < 10_000
    assert load["answers"] == load["questions"] > 0, "what came in was heard and answered, and the answers left"
    assert load["breaches"] == load["breaches_recorded_of"] > 0, "every breach is on record"
    assert load["breach_lag_ms"]["p99"] < 10_000


def test_the_peak_hour_is_that_of_the_daily_curve() -> None:
    assert 0.08 < PEAK_SHARE < 0.15
    assert 2.5 < Settings().per_second < 4.0
