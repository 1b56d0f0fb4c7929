"""
`hubbub demo` as a process, read like a newcomer reads it: from what it prints.
"""

from __future__ import annotations

import asyncio
import os
import re
import signal
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Self

START_SECONDS = 60.0
LEAVE_SECONDS = 10.0
SAYS = re.compile(r"runs at (?P<url>http://\S+)\s+Sign in \(works once\): (?P<link>http://\S+)")


@dataclass
class DemoProcess:
    """
    Enter it to start it; it is ready when it has printed address and link. It leaves by Ctrl-C.

    Args:
        folder: everything that it leaves on disk would be in here.
        rate: deeds of the crowd a minute.
    """

    folder: Path
    rate: float = 20.0
    url: str = ""
    link: str = ""
    ready_after: float = 0.0
    code: int | None = None
    left_after: float = 0.0
    _lines: list[str] = field(default_factory=list)
    _process: asyncio.subprocess.Process | None = None
    _reader: asyncio.Task[None] | None = None

    @property
    def said(self) -> str:
        return "".join(self._lines)

    async def __aenter__(self) -> Self:
        began = time.monotonic()
        kept = {name: value for name, value in os.environ.items() if not name.startswith("HUBBUB_")}
        self._process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "bot", "demo", "--rate", str(self.rate)),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            cwd=self.folder,
            env={**kept, "TMPDIR": str(self.folder), "HUBBUB_SERVER__PORT": "0", "COLUMNS": "200"},
        )
        self._reader = asyncio.create_task(self._read(self._process))
        found = await self.wait_for(SAYS)
        self.url, self.link = found["url"], found["link"]
        self.ready_after = time.monotonic() - began
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.leave()

    async def wait_for(self, pattern: re.Pattern[str]) -> re.Match[str]:
        """
        Wait until it has printed something like this.
        """
        async with asyncio.timeout(START_SECONDS):
            while not (found := pattern.search(self.said)):
                assert self._process is not None
                assert self._process.returncode is None, self.said
                await asyncio.sleep(0.05)
        return found

    async def leave(self) -> None:
        """
        Press Ctrl-C; notes exit code and seconds.
        """
        if self._process is None or self._reader is None:
            return
        began = time.monotonic()
        self._process.send_signal(signal.SIGINT)
        try:
            self.code = await asyncio.wait_for(self._process.wait(), LEAVE_SECONDS)
        except TimeoutError:
            self._process.kill()
            await self._process.wait()
        self.left_after = time.monotonic() - began
        await self._reader
        self._process = None

    async def _read(self, process: asyncio.subprocess.Process) -> None:
        assert process.stdout is not None
        while line := await process.stdout.readline():
            self._lines.append(line.decode())
