"""
The real daemon as a process of its own, started, asked over HTTP, and killed.
"""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp

START_SECONDS = 60.0


def free_port() -> int:
    """
    Give a port that nobody listens on at this moment.
    """
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@dataclass
class DaemonProcess:
    """
    `hubbub run` with its own data folder.

    Args:
        folder: data and log go there.
        settings: further `HUBBUB_*` variables, without the prefix.
    """

    folder: Path
    database_url: str = ""
    settings: Mapping[str, str] = field(default_factory=dict)
    port: int = field(default_factory=free_port)
    process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def stored_at(self) -> str:
        """
        Give the URL of its database, for a look past the daemon.
        """
        return self.database_url or f"sqlite+aiosqlite:///{self.folder / 'data' / 'hubbub.db'}"

    @property
    def environment(self) -> dict[str, str]:
        kept = {name: value for name, value in os.environ.items() if not name.startswith("HUBBUB_")}
        given = {
            "DATA_DIR": str(self.folder / "data"),
            "SERVER__PORT": str(self.port),
            "LOG__FORMAT": "json",
            **({"DATABASE__URL": self.database_url} if self.database_url else {}),
            **self.settings,
        }
        return kept | {f"HUBBUB_{name}": value for name, value in given.items()}

    def command(self, *words: str, given: str = "") -> str:
        """
        Run another `hubbub` command in this house; gives what it printed.
        """
        done = subprocess.run(
            [sys.executable, "-m", "bot", *words],
            input=given,
            capture_output=True,
            text=True,
            env=self.environment,
            cwd=self.folder,
            timeout=120,
            check=False,
        )
        assert done.returncode == 0, f"hubbub {' '.join(words)}: {done.stderr}"
        return done.stdout.strip()

    async def start(self) -> None:
        """
        Start it and wait until it answers.
        """
        self.process = self._spawn()
        deadline = time.monotonic() + START_SECONDS
        async with aiohttp.ClientSession() as session:
            while True:
                assert self.process.poll() is None, self.log()[-3000:]
                assert time.monotonic() < deadline, self.log()[-3000:]
                try:
                    async with session.get(f"{self.url}/healthz") as answer:
                        if answer.status == 200:
                            return
                except aiohttp.ClientError:
                    await asyncio.sleep(0.05)

    def _spawn(self) -> subprocess.Popen[bytes]:
        with (self.folder / "daemon.log").open("ab") as log:
            return subprocess.Popen(
                [sys.executable, "-m", "bot", "run"],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=self.environment,
                cwd=self.folder,
            )

    def kill(self) -> None:
        """
        SIGKILL it: nothing is flushed, nothing is said.
        """
        assert self.process is not None
        self.process.kill()
        self.process.wait(10)
        self.process = None

    def stop(self) -> int:
        """
        SIGTERM it and wait for its own end; gives its exit code.
        """
        assert self.process is not None
        self.process.send_signal(signal.SIGTERM)
        code = self.process.wait(30)
        self.process = None
        return code

    def close(self) -> None:
        """
        Make sure that nothing is left running.
        """
        if self.process is not None:
            self.kill()

    def log(self) -> str:
        return (self.folder / "daemon.log").read_text(errors="replace")


@dataclass
class ApiClient:
    """
    An agent at the API who goes on trying while the daemon is down.
    """

    daemon: DaemonProcess
    token: str
    session: aiohttp.ClientSession

    async def ask(self, method: str, path: str, *, key: str = "", **sent: Any) -> tuple[int, Any]:
        """
        Ask until there is an answer; gives its status and JSON.
        """
        headers = {"Authorization": f"Bearer {self.token}", **({"Idempotency-Key": key} if key else {})}
        while True:
            try:
                async with self.session.request(
                    method, f"{self.daemon.url}/api/v1{path}", headers=headers, **sent
                ) as answer:
                    return answer.status, await answer.json() if answer.content_length != 0 else None
            except (aiohttp.ClientError, ConnectionError, TimeoutError):
                await asyncio.sleep(0.05)
