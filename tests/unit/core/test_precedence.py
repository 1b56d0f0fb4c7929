"""
What somebody waits for goes first; pages are put together one after another, and wait for nobody for long.
"""

from __future__ import annotations

import asyncio
import random
from itertools import pairwise

from bot.core import precedence
from bot.core.precedence import Precedence, Turns


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


async def _line(turns: Turns, *, patient: str, first: str) -> list[str]:
    """
    Have one turn taken, let others line up in the order of their letters, and say in which order they come.
    """
    came: list[str] = []

    async def one(name: str) -> None:
        await turns.take(patient=name in patient)
        came.append(name)
        await asyncio.sleep(0)
        turns.pass_on()

    await turns.take()
    tasks = []
    for name in sorted(patient + first):
        tasks.append(asyncio.create_task(one(name)))
        await asyncio.sleep(0)
    turns.pass_on()
    await asyncio.gather(*tasks)
    return came


async def test_who_is_patient_lets_others_pass_and_nobody_else_does() -> None:
    assert await _line(Turns(), patient="ace", first="bdf") == list("bdface")


async def test_who_has_been_patient_for_long_goes_first(monkeypatch) -> None:
    monkeypatch.setattr(precedence, "LONGEST_PATIENCE", -1)
    assert await _line(Turns(), patient="ace", first="bdf") == list("acebdf")


async def test_a_turn_is_never_two_peoples_nor_lost_whoever_is_cancelled() -> None:
    turns, choice, inside, done = Turns(), random.Random(7), 0, 0

    async def one() -> None:
        nonlocal inside, done
        await turns.take(patient=choice.random() < 0.5)
        try:
            inside += 1
            assert inside == 1
            await asyncio.sleep(0)
            done += 1
        finally:
            inside -= 1
            turns.pass_on()

    for _ in range(200):
        tasks = [asyncio.create_task(one()) for _ in range(6)]
        for task in choice.sample(tasks, 3):
            for _ in range(choice.randrange(4)):
                await asyncio.sleep(0)
            task.cancel()
        ended = await asyncio.gather(*tasks, return_exceptions=True)
        assert all(one is None or isinstance(one, asyncio.CancelledError) for one in ended)
    assert done >= 200 * 3
    async with asyncio.timeout(5):
        await turns.take()
