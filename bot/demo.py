"""
`hubbub demo`: the daemon on SQLite wired to the playground, over real HTTP through the ordinary connector.

Nothing is faked behind the connector's back; the crowd is simulated, and every page says so.
"""

from __future__ import annotations

import asyncio
import tempfile
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from pathlib import Path

import rich.console

from bot.accounts.checking import connect_account
from bot.app import Daemon, PortTaken, listen, running
from bot.core.actor import HUBBUB
from bot.core.clock import SystemClock
from bot.core.database import UnitOfWork
from bot.core.log import setup_logging
from bot.daemon import stop_signal
from bot.inbox.store import waiting_figures
from bot.outbox.store import count_by_state
from bot.settings import ServerSettings, Settings
from bot.staff.rules import Role
from bot.staff.service import add_staff
from bot.staff.sign_in import make_sign_in_link
from bot.web.shell import until
from connectors.playground.server import Playground

CAST = (
    ("demo", "Robin Demo", Role.ADMIN),
    ("mei", "Mei Lin", Role.AGENT),
    ("sam", "Sam Ortiz", Role.AGENT),
    ("lea", "Léa Fontaine", Role.LEAD),
)
PEOPLE = 160
DEEDS_A_MINUTE = 20.0
RUSH_A_MINUTE = 300.0
RUSH_SECONDS = 3.0
LINE_EVERY_SECONDS = 0.5


class Stages:
    """
    How long each part of starting took, since the process began to start the demo.
    """

    def __init__(self) -> None:
        self._since = time.perf_counter()
        self._said: list[str] = []

    def done(self, name: str) -> None:
        """
        Note that a part is done.
        """
        now = time.perf_counter()
        self._said.append(f"{name} {now - self._since:.1f} s")
        self._since = now

    def __str__(self) -> str:
        return " · ".join(self._said)


async def demo(settings: Settings, *, rate: float = DEEDS_A_MINUTE, seed: int = 1) -> None:
    """
    Run the demo until Ctrl-C. Its data lives in a folder that is gone afterwards.
    """
    console = rich.console.Console()
    stop = stop_signal()
    with tempfile.TemporaryDirectory(prefix="hubbub-demo-") as folder:
        own = settings.model_copy(
            update={
                "data_dir": Path(folder),
                "log": settings.log.model_copy(update={"level": "error"}),
                "accounts": settings.accounts.model_copy(update={"poll_every": settings.accounts.poll_every / 5}),
            }
        )
        own = own.model_copy(update={"server": _free(own.server)})
        setup_logging(own.log)
        stages = Stages()
        async with staged(own, stages, rate=rate, seed=seed) as (daemon, playground, link):
            console.print(f"[bold]Hubbub[/] runs at [link={daemon.url}]{daemon.url}[/]")
            console.print(f"Sign in (works once): [bold]{link}[/]", soft_wrap=True)
            console.print(f"The simulated network: {playground.url}   (Ctrl-C ends everything)\n")
            await _narrate(console, daemon, playground, stop, stages)
    console.print("\nDemo ended; nothing is left behind.")


@asynccontextmanager
async def staged(
    settings: Settings, stages: Stages, *, rate: float, seed: int
) -> AsyncIterator[tuple[Daemon, Playground, str]]:
    """
    Start playground and daemon, connect them, and make the cast; gives a sign-in link too.
    """
    clock = SystemClock()
    async with AsyncExitStack() as stack:
        playground = await stack.enter_async_context(
            Playground(now=clock.now, seed=seed, people=PEOPLE, rate=rate)
        )
        stages.done("playground")
        daemon = await stack.enter_async_context(running(settings, clock=clock, simulated=True))
        stages.done("daemon")
        for brand in playground.brands[:2]:
            options: Mapping[str, object] = {"server": playground.url, "access_token": playground.tokens[brand]}
            await connect_account(
                daemon.database, HUBBUB, daemon.connectors, channel="mastodon", name=brand, options=options
            )
        async with daemon.database.write() as work:
            link = await _cast(work)
        await daemon.pollers.sync()
        stages.done("accounts and staff")
        # A newcomer should not wait for the first customer: the crowd has something on its mind already.
        playground.crowd.set_rate(max(rate, RUSH_A_MINUTE), now=clock.now())
        opening = asyncio.create_task(_calm_down(playground, rate))
        stack.callback(opening.cancel)
        yield daemon, playground, f"{daemon.url}/sign-in/{link}"


async def _calm_down(playground: Playground, rate: float) -> None:
    await asyncio.sleep(RUSH_SECONDS)
    playground.crowd.set_rate(rate, now=playground.now())


def _free(server: ServerSettings) -> ServerSettings:
    # A demo beside a running house takes any free port instead of giving up.
    try:
        listen(server.host, server.port).close()
    except PortTaken:
        return server.model_copy(update={"port": 0})
    return server


async def _cast(work: UnitOfWork) -> str:
    people = [await add_staff(work, HUBBUB, login=login, name=name, role=role) for login, name, role in CAST]
    return await make_sign_in_link(work, HUBBUB, people[0].id)


async def _narrate(
    console: rich.console.Console, daemon: Daemon, playground: Playground, stop: asyncio.Event, stages: Stages
) -> None:
    """
    Keep one line of what is happening until the end.
    """
    first = True
    with console.status("waiting for the first customer") as status:
        while not stop.is_set():
            async with daemon.database.read() as work:
                waiting, late, earliest = await waiting_figures(work)
                sent = (await count_by_state(work)).get("confirmed", 0)
                left = until(earliest, work.now)
            if first and waiting:
                first = False
                stages.done("first conversation")
                console.print(f"Ready: {stages}")
            said = playground.facts()["counts"]
            status.update(
                f"{waiting} waiting, {late} late, next deadline {left or '-'} · {sent} answers delivered · "
                f"crowd: {said['people']} people, {said['posts']} posts, {said['reposts']} reposts"
            )
            with suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), LINE_EVERY_SECONDS)
