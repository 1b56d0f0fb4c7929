"""
What is written goes first; pages are put together one after another, and wait for nobody for long.
"""

from __future__ import annotations

import asyncio
from itertools import pairwise

from bot.core import precedence
from bot.core.precedence import Precedence


async def test_a_page_waits_for_the_end_of_a_unit_and_not_of_all_of_them() -> None:
    order, first, second = Precedence(), asyncio.Event(), asyncio.Event()
    done: list[str] = []

    async def write(until: asyncio.Event, name: str) -> None:
        with order.writing():
            await until.wait()
            done.append(name)

    async def look() -> None:
        await order.give_way()
        done.append("page")

    tasks = [asyncio.create_task(one) for one in (write(first, "first"), write(second, "second"), look())]
    for _ in range(5):
        await asyncio.sleep(0)
    assert done == []
    first.set()
    await tasks[2]
    assert done == ["first", "page"]
    second.set()
    await asyncio.gather(*tasks)


async def test_no_page_waits_for_long(monkeypatch) -> None:
    monkeypatch.setattr(precedence, "LONGEST_SECONDS", 0.01)
    order = Precedence()
    with order.writing():
        async with asyncio.timeout(5):
            await order.give_way()


async def test_between_two_pages_everybody_else_has_a_turn() -> None:
    order, done = Precedence(), list[str]()

    async def look(name: str) -> None:
        await order.give_way()
        done.append(name)

    async def others() -> None:
        for number in range(20):
            await asyncio.sleep(0)
            done.append(f"turn {number}")

    await asyncio.gather(others(), *(look(f"page {number}") for number in range(4)))
    places = [done.index(f"page {number}") for number in range(4)]
    assert all(after - before > 1 for before, after in pairwise(places)), done


async def test_a_unit_that_fails_lets_pages_pass() -> None:
    order = Precedence()
    try:
        with order.writing():
            raise RuntimeError("broken")
    except RuntimeError:
        pass
    async with asyncio.timeout(5):
        await order.give_way()
