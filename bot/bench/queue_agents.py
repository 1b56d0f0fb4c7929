"""
The pages of agents who look at the queue, in a process of its own: `python -m bot.bench.queue_agents < WORK`.

Each page asks for its list, with the numbers of all its views, again a second after it asked before, as a busy
page does; every ten seconds for another of its views. Prints how long each answer took.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from typing import Any

import aiohttp

EVERY_SECONDS = 1.0
STAYS = 10
"""So often a page asks for one view before it goes to the next."""


async def _agent(http: aiohttp.ClientSession, agent: dict[str, Any], first: float, until: float) -> list[float]:
    took, cookies = list[float](), {agent["cookie_name"]: agent["cookie"]}
    await asyncio.sleep(first)
    for number in range(10**9):
        begin = time.perf_counter()
        if begin >= until:
            return took
        view = agent["views"][number // STAYS % len(agent["views"])]
        async with http.get(f"/queue/list?view={view}", cookies=cookies) as answer:
            text = await answer.text()
            if answer.status != 200 or "queue-views" not in text:
                raise RuntimeError(f"{answer.status}: {text[:300]}")
        took.append(time.perf_counter() - begin)
        await asyncio.sleep(max(0.0, begin + EVERY_SECONDS - time.perf_counter()))
    return took


async def _all(work: dict[str, Any]) -> list[float]:
    until = time.perf_counter() + work["seconds"]
    connector = aiohttp.TCPConnector(limit=0)
    async with aiohttp.ClientSession(
        work["url"], connector=connector, cookie_jar=aiohttp.DummyCookieJar()
    ) as http:
        # Agents neither look at the same instant nor go to their next view in the same second.
        over = min(STAYS * EVERY_SECONDS, work["seconds"] / 2)
        firsts = [over * place / len(work["agents"]) for place in range(len(work["agents"]))]
        pairs = zip(work["agents"], firsts, strict=True)
        found = await asyncio.gather(*(_agent(http, agent, first, until) for agent, first in pairs))
    return [one for took in found for one in took]


if __name__ == "__main__":
    json.dump(asyncio.run(_all(json.load(sys.stdin))), sys.stdout)
