"""
`python -m connectors.playground`: run the server until SIGTERM or SIGINT.

When it is ready it prints a line of JSON: `url`, `token` (of the first brand), `tokens` by brand, `control_token`.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import signal
from datetime import UTC, datetime

from connectors.playground.rules import GENEROUS, Rules
from connectors.playground.server import Playground


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m connectors.playground", description=__doc__)
    parser.add_argument("--port", type=int, default=0, help="0 takes any free one")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--people", type=int, default=120, help="simulated people")
    parser.add_argument("--rate", type=float, default=6.0, help="deeds a minute that nobody caused")
    parser.add_argument("--pace", type=float, default=1.0, help="factor on the time people take to react")
    parser.add_argument("--day-curve", action="store_true", help="let the rate follow the hours of a day")
    parser.add_argument("--no-limits", action="store_true", help="no rate limits that anybody reaches")
    return parser.parse_args()


async def run(arguments: argparse.Namespace) -> None:
    """
    Serve until told to stop.
    """
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for each in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(each, stop.set)
    playground = Playground(
        now=lambda: datetime.now(UTC),
        seed=arguments.seed,
        port=arguments.port,
        people=arguments.people,
        rate=arguments.rate,
        pace=arguments.pace,
        day_curve=arguments.day_curve,
        rules=Rules(limits=GENEROUS) if arguments.no_limits else Rules(),
    )
    async with playground:
        ready = {
            "url": playground.url,
            "token": playground.token,
            "tokens": playground.tokens,
            "control_token": playground.control_token,
        }
        print(json.dumps(ready), flush=True)
        await stop.wait()


if __name__ == "__main__":
    asyncio.run(run(_arguments()))
