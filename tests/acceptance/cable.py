"""
The line between a browser and a daemon, to be pulled out or to fall silent. On loopback only.

A browser that is told to be offline knows it at once. A pulled cable it learns from refused connections, and a
silent line (a dead router, a tunnel) from nothing at all: connections stay open, and nothing comes.
"""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self

HOST = "127.0.0.1"
CHUNK = 65_536


@dataclass
class Cable:
    """
    Enter it to plug it in.

    Args:
        to: the daemon's port.
    """

    to: int
    port: int = 0
    _server: asyncio.Server | None = None
    _flows: asyncio.Event = field(default_factory=asyncio.Event)
    _carrying: set[asyncio.Task[None]] = field(default_factory=set)

    @property
    def url(self) -> str:
        return f"http://{HOST}:{self.port}"

    async def __aenter__(self) -> Self:
        await self.plug()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.pull()

    async def plug(self) -> None:
        """
        Let everything through again; what a silent line held back arrives now.
        """
        self._flows.set()
        if self._server is None:
            self._server = await asyncio.start_server(self._carry, HOST, self.port)
            self.port = self._server.sockets[0].getsockname()[1]

    async def pull(self) -> None:
        """
        Break every connection, and refuse new ones.
        """
        if self._server is None:
            return
        self._server.close()
        for task in self._carrying:
            task.cancel()
        await asyncio.gather(*self._carrying, return_exceptions=True)
        await self._server.wait_closed()
        self._server = None

    async def fall_silent(self) -> None:
        """
        Carry nothing any more, and break nothing.
        """
        self._flows.clear()

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._carrying.add(task)
        ends = [writer]
        with contextlib.suppress(OSError, asyncio.CancelledError):
            await self._flows.wait()
            behind, ahead = await asyncio.open_connection(HOST, self.to)
            ends.append(ahead)
            await asyncio.gather(self._pump(reader, ahead), self._pump(behind, writer))
        for end in ends:
            end.transport.abort()
        self._carrying.discard(task)

    async def _pump(self, source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
        while data := await source.read(CHUNK):
            await self._flows.wait()
            sink.write(data)
            await sink.drain()
        await self._flows.wait()
        # One side has said all it has to say: say so to the other.
        sink.close()
