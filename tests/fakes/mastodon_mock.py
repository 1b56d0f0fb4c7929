"""
mastodon-mock, a Mastodon API server that is not ours, run as a process of its own on loopback.

It is installed in an environment of its own, since it brings its own web framework:
`python3 -m venv .peers/mastodon-mock && .peers/mastodon-mock/bin/pip install -r tests/peers/mastodon-mock.txt`.
"""

from __future__ import annotations

import atexit
import functools
import itertools
import os
import secrets
import socket
import subprocess
import tempfile
import time
import urllib.error
import urllib.request
from dataclasses import dataclass
from pathlib import Path

import aiohttp

from tests.contract.harness import PeerMissing

HERE = Path(__file__).resolve().parents[2]
COMMAND = HERE / ".peers" / "mastodon-mock" / "bin" / "mastodon_mock"
START_WITHIN = 60.0  # seconds; the machine may be busy

_numbers = itertools.count(1)


def command() -> Path:
    """
    Find the program.

    Raises:
        PeerMissing: it is not installed.
    """
    path = Path(os.environ.get("HUBBUB_MASTODON_MOCK") or COMMAND)
    if not path.is_file():
        raise PeerMissing(f"mastodon-mock is not at {path}: see tests/fakes/mastodon_mock.py")
    return path


@dataclass(frozen=True, slots=True)
class Person:
    """
    An account on the mock and the token that acts for it.
    """

    url: str
    id: str
    name: str
    token: str

    async def ask(self, method: str, path: str, body: object = None, **headers: str):
        """
        Call the API as this person; raises for an error status.
        """
        sent = {**headers, "Authorization": f"Bearer {self.token}"}
        async with (
            aiohttp.ClientSession(raise_for_status=True) as session,
            session.request(method, self.url + path, json=body, headers=sent) as answer,
        ):
            return await answer.json()

    async def write(self, text: str, **more: object):
        return await self.ask("POST", "/api/v1/statuses", {"status": text, **more})


@functools.cache
def shared() -> str:
    """
    Start one mock for this test process and give its URL; it ends with the process.

    Raises:
        PeerMissing: it is not installed.
    """
    program = command()
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    folder = tempfile.TemporaryDirectory(prefix="mastodon-mock-")
    conf = Path(folder.name) / "conf.toml"
    conf.write_text(f'domain = "127.0.0.1:{port}"\nmedia_storage_path = "{folder.name}/media"\n')
    with (Path(folder.name) / "log").open("wb") as log:
        process = subprocess.Popen(
            [program, "serve", "--config", conf, "--in-memory", "--host", "127.0.0.1", "--port", str(port)],
            stdout=log,
            stderr=log,
            stdin=subprocess.DEVNULL,
            cwd=folder.name,
        )

    def end() -> None:
        process.kill()
        process.wait()
        folder.cleanup()

    atexit.register(end)
    url = f"http://127.0.0.1:{port}"
    _wait_for(url + "/api/v1/streaming/health", process, Path(folder.name) / "log")
    return url


def _wait_for(url: str, process: subprocess.Popen[bytes], log: Path) -> None:
    until = time.monotonic() + START_WITHIN
    while time.monotonic() < until and process.poll() is None:
        try:
            with urllib.request.urlopen(url, timeout=2):
                return
        except (urllib.error.URLError, OSError):
            time.sleep(0.1)
    raise RuntimeError(f"mastodon-mock did not start: {log.read_text()[-2000:]}")


async def sign_up(url: str, name: str) -> Person:
    """
    Make a new local account whose name starts with `name`.
    """
    name = f"{name}{next(_numbers)}"
    form = {
        "username": name,
        "email": f"{name}@mail.example",
        "password": secrets.token_hex(8),
        "agreement": "true",
    }
    async with aiohttp.ClientSession(raise_for_status=True) as session:
        async with session.post(f"{url}/api/v1/accounts", data=form) as answer:
            token = (await answer.json())["access_token"]
        headers = {"Authorization": f"Bearer {token}"}
        async with session.get(f"{url}/api/v1/accounts/verify_credentials", headers=headers) as answer:
            return Person(url=url, id=(await answer.json())["id"], name=name, token=token)
