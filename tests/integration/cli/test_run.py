"""
`hubbub run`: a port that is taken, a clean end in the middle of sending, and no credential in anything it says.
"""

from __future__ import annotations

import asyncio
import json
import socket
import time
from pathlib import Path

import pytest

from connectors.playground.faults import FaultKind
from tests.acceptance.lived_in import LivedIn, lived_in
from tests.acceptance.visitor import PASSWORD, visitor
from tests.integration.cli.conftest import Shell

pytestmark = pytest.mark.timeout(240)


def test_a_port_that_is_taken_is_one_line(fresh: Shell) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        done = fresh.spawn("run", SERVER__PORT=port)
    assert done.code == 1
    [line] = done.lines
    assert f"127.0.0.1:{port}" in line
    assert "server.port" in line
    assert "Traceback" not in done.err
    assert not (fresh.folder / "hubbub-data").exists(), "nothing was begun"


@pytest.mark.parametrize("host", ["256.256.256.256", "nowhere.invalid", "192.0.2.1"])
def test_an_address_that_is_not_ours_is_one_line(fresh: Shell, host: str) -> None:
    done = fresh.spawn("run", SERVER__HOST=host, SERVER__PORT="0")
    assert done.code == 1
    [line] = done.lines
    assert host in line
    assert "Traceback" not in done.err


@pytest.mark.parametrize("kind", [FaultKind.HANG_AFTER, FaultKind.SLOW_BODY])
async def test_a_stop_in_the_middle_of_sending_ends_cleanly_and_sends_once(
    tmp_path: Path, database_url: str, kind: FaultKind
) -> None:
    async with lived_in(tmp_path, database_url, {"OUTBOX__LEASE": "5s"}) as house:
        conversation = await house.heard("leaks")
        house.playground.faults.arm(kind, method="POST", path="/api/v1/statuses", seconds=60.0)
        entry = await house.reply(conversation, "Send it back, please.")
        await house.entry_is(entry, "attempting")
        await asyncio.sleep(0.5)
        async with house.session.get(f"{house.daemon.url}/healthz") as answer:
            assert answer.status == 200
        started = time.monotonic()
        assert await asyncio.to_thread(house.daemon.stop) == 0
        assert time.monotonic() - started < 20
        assert '"action": "daemon.stopped"' in house.daemon.log()
        assert "Traceback" not in house.daemon.log()

        house.playground.faults.clear()
        await house.daemon.start()
        await house.entry_is(entry, "confirmed")
        texts = [post.text for post in house.playground.world.posts.values()]
        assert sum("Send it back, please." in text for text in texts) == 1


async def _everything_happens(house: LivedIn) -> list[str]:
    """
    Use every credential there is, rightly and wrongly; gives them.
    """
    made = await asyncio.to_thread(
        house.daemon.command, *["token", "create", "--role", "agent", "--name", "debug"]
    )
    wrong = ("wrong-passphrase-7c1d", "hub_wrong-token-51aa", "wrong-network-token-99e0")
    async with visitor(house.daemon.url) as ann:
        await ann.sign_in("ann", wrong[0])
        await ann.sign_in("ann")
        cookies = [cookie.value for cookie in ann.session.cookie_jar]
        await ann.get("/queue")
    async with visitor(house.daemon.url) as root:
        await root.sign_in("root")
        link_page = await root.get("/staff")
        assert link_page.status == 200
        cookies += [cookie.value for cookie in root.session.cookie_jar]
    for token in (made, wrong[1]):
        await house.ask("GET", "/conversations", headers={"Authorization": f"Bearer {token}"})
    options = {"server": house.playground.url, "access_token": wrong[2]}
    status, _ = await house.ask("PUT", "/accounts/shop/options", json={"options": options})
    assert status == 200
    await asyncio.sleep(3)  # it is checked with the wrong token and stops
    return [*wrong, made, house.token, PASSWORD, house.playground.tokens[house.brand], *cookies]


async def test_no_credential_is_in_anything_it_says(tmp_path: Path, database_url: str) -> None:
    settings = {"LOG__LEVEL": "debug"}
    if "postgresql" in database_url:  # the server here trusts everybody, so any password will do
        database_url = database_url.replace("@", ":pg-sekret-3f2a@", 1).replace("postgres::", "postgres:")
    async with lived_in(tmp_path, database_url, settings) as house:
        secrets = await _everything_happens(house)
        answers = [json.dumps((await house.ask("GET", path))[1]) for path in ("/accounts", "/tokens", "/audit")]
        listings = [
            await asyncio.to_thread(house.daemon.command, *words, "--json")
            for words in (("account", "list"), ("token", "list"), ("staff", "list"))
        ]
        assert await asyncio.to_thread(house.daemon.stop) == 0
        key = (tmp_path / "data" / "secret.key").read_text().strip()
    said = "\n".join([house.daemon.log(), *answers, *listings])
    assert len(said) > 5_000, "it did say a lot"
    for secret in (*secrets, key, "pg-sekret-3f2a"):
        assert secret
        assert secret not in said
