"""
The replayed day: what the real queue does is what the simulation says, on both databases.
"""

from __future__ import annotations

import asyncio
import json

import pytest
from typer.testing import CliRunner

from bot.bench import day as day_bench
from bot.bench.day import NotEmpty, Settings
from bot.cli import app
from bot.reports.simulation import Order

SMALL = Settings(
    agents=1, requests=48, handling=540.0
)  # too much work for one person, as a day of 10,000 for thirty


async def replayed(settings: Settings, *orders: Order) -> dict[str, dict[str, float]]:
    # the benchmark opens loops of its own
    found = await asyncio.to_thread(day_bench.run, settings, orders)
    return dict(found["orders"])


async def test_the_real_queue_does_what_the_simulation_says(database_url: str) -> None:
    url = database_url if database_url.startswith("postgresql") else None
    settings = Settings(agents=SMALL.agents, requests=SMALL.requests, handling=SMALL.handling, url=url)
    orders = await replayed(settings, Order.FIFO, Order.OURS)
    assert [one["requests"] for one in orders.values()] == [SMALL.requests] * 2
    for figures in orders.values():
        assert figures["kept"] == pytest.approx(figures["kept_by_simulation"], abs=0.03)
    assert orders["ours"]["kept"] > orders["fifo"]["kept"]
    if url is not None:
        with pytest.raises(NotEmpty):
            await replayed(settings, Order.OURS)


def test_the_command_says_what_was_assumed_and_where_it_comes_from() -> None:
    options = ["--agents", "1", "--requests", "12", "--handling", "300", "--json"]
    done = CliRunner().invoke(app, ["bench", "day", *options])
    assert done.exit_code == 0, done.output
    figures = json.loads(done.stdout)
    assert set(figures["orders"]) == {order.value for order in Order}
    assert figures["handling"]["mean_seconds"] == 300
    assert all("source" in figures[name] for name in ("curve", "handling", "grouping"))
    assert {"average_seconds", "p95_seconds", "kept"} <= set(figures["orders"]["ours"])
