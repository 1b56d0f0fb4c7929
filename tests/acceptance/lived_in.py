"""
A real daemon that has been at work: an account on the playground, customers who wrote, and answers under way.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import aiohttp

from bot.core.actor import HUBBUB
from bot.core.clock import SystemClock
from bot.core.database import open_database
from bot.core.migrate import upgrade
from bot.staff.passwords import prepare_password
from bot.staff.service import add_staff, create_token
from connectors.playground.rules import GENEROUS, Rules
from connectors.playground.server import Playground
from tests.acceptance.daemon import DaemonProcess
from tests.acceptance.visitor import PASSWORD

QUICK = {
    "ACCOUNTS__POLL_EVERY": "1s",
    "ACCOUNTS__POLL_JITTER": "0s",
    "OUTBOX__FIRST_WAIT": "1s",
    "LOG__LEVEL": "info",
}
WAIT_SECONDS = 60.0
MUTE = 1e5
"""So slowly do people react to answers: they say only what a test lets them say, however long it takes."""
PEOPLE = (("root", "admin"), ("ann", "agent"), ("ben", "agent"), ("lea", "lead"), ("mia", "marketer"))
"""Who works there, all with `PASSWORD`."""


@dataclass(kw_only=True)
class LivedIn:
    """
    The daemon, the network it listens to, and an admin at its API.
    """

    daemon: DaemonProcess
    playground: Playground
    token: str
    session: aiohttp.ClientSession

    @property
    def brand(self) -> str:
        return self.playground.brands[0]

    async def ask(self, method: str, path: str, **sent: Any) -> tuple[int, Any]:
        """
        Call the API; gives the status and what the JSON says.
        """
        headers = {"Authorization": f"Bearer {self.token}", **sent.pop("headers", {})}
        url = f"{self.daemon.url}/api/v1{path}"
        async with self.session.request(method, url, headers=headers, **sent) as answer:
            return answer.status, await answer.json() if await answer.read() else None

    async def heard(self, text: str) -> dict[str, Any]:
        """
        Wait until a conversation with these words is in the queue.
        """
        found: list[dict[str, Any]] = []

        async def is_there() -> bool:
            _, page = await self.ask("GET", "/conversations", params={"q": text, "tab": "waiting"})
            found[:] = page["items"]
            return bool(found)

        await until(is_there, f"hearing {text!r}")
        return found[0]

    async def reply(self, conversation: Mapping[str, Any], text: str) -> str:
        """
        Answer a conversation; gives the outbox entry's id.
        """
        sent = {"text": text, "seen": conversation["newest_message_id"]}
        status, said = await self.ask("POST", f"/conversations/{conversation['id']}/reply", json=sent)
        assert status == 201, said
        return str(said["outbox_id"])

    async def entry_is(self, entry_id: str, state: str) -> None:
        """
        Wait until an outbox entry has a state.
        """

        async def so() -> bool:
            _, entry = await self.ask("GET", f"/outbox/{entry_id}")
            return bool(entry["state"] == state)

        await until(so, f"entry {entry_id} becoming {state}")


async def until(condition: Callable[[], Any], what: str, seconds: float = WAIT_SECONDS) -> None:
    """
    Wait until something is so; fails with its name when it takes too long.
    """
    deadline = time.monotonic() + seconds
    while not await condition():
        assert time.monotonic() < deadline, f"waited {seconds:g} s for {what}"
        await asyncio.sleep(0.1)


@asynccontextmanager
async def lived_in(
    folder: Path, database_url: str, settings: Mapping[str, str] | None = None
) -> AsyncIterator[LivedIn]:
    """
    Start daemon and playground, let three customers write and one be answered; end both at the end.
    """
    daemon = DaemonProcess(folder, database_url=database_url, settings={**QUICK, **(settings or {})})
    async with (
        Playground(now=lambda: datetime.now(UTC), rules=Rules(limits=GENEROUS), pace=MUTE) as playground,
        aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=60)) as session,
    ):
        token = await _hire(daemon.stored_at, folder)
        house = LivedIn(daemon=daemon, playground=playground, token=token, session=session)
        server, secret = f"server={playground.url}", playground.tokens[house.brand]
        add = ("account", "add", "mastodon", "--name", "shop", "--secret-stdin", "--option", server)
        # Commands run in threads: the playground answers from this very loop.
        await asyncio.to_thread(daemon.command, *add, given=f"{secret}\n")
        try:
            await daemon.start()
            await _happen(house)
            yield house
        finally:
            daemon.close()


async def _hire(url: str, folder: Path) -> str:
    """
    Let people work here, and give the secret of an admin's token. By hand, since each command takes a second.
    """
    (folder / "data").mkdir(mode=0o700)
    database = open_database(url, SystemClock())
    await upgrade(database)
    hashed = await prepare_password(PASSWORD, "root")
    async with database.write() as work:
        for login, role in PEOPLE:
            await add_staff(work, HUBBUB, login=login, name=login.title(), role=role, password_hash=hashed)
        _, secret = await create_token(work, HUBBUB, name="acceptance", role="admin")
    await database.close()
    return secret


CUSTOMERS = (
    ("kite@far.example", "Kite", "where is my parcel?"),
    ("zhou@far.example", "周慧", "请问雨衣什么时候到货？"),
    ("reed@far.example", "Reed", "it leaks!"),
)


async def _happen(house: LivedIn) -> None:
    for handle, name, words in CUSTOMERS:
        house.playground.person(handle, name=name)
        house.playground.say(handle, f"@{house.brand} {words}")
    answered = await house.heard("parcel")
    await house.heard("leaks")
    await house.entry_is(await house.reply(answered, "On its way."), "confirmed")
