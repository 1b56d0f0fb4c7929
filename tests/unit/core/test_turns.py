"""
What somebody waits for goes first, and nobody waits for ever.
"""

from __future__ import annotations

import asyncio
import random

from bot.core import turns as turns_module
from bot.core.turns import Turns


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
    monkeypatch.setattr(turns_module, "LONGEST_PATIENCE", -1)
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
