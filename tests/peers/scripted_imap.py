"""
A tiny IMAP server that answers by a table, for servers that Dovecot cannot play: poor, rude or silent ones.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping
from contextlib import suppress
from types import TracebackType
from typing import Self

_SELECTED = "* 1 EXISTS\r\n* OK [UIDVALIDITY 7] ok\r\n* OK [UIDNEXT 2] ok\r\n"


class ScriptedImap:
    """
    Enter it to start it.

    Args:
        answers: by a word of the command, what comes before its tagged OK; text that begins with `NO` or `BAD` is
            the tagged answer itself, and `BYE` ends the connection.
    """

    def __init__(self, answers: Mapping[str, str], greeting: str = "* OK ready") -> None:
        self._answers = {
            "CAPABILITY": "* CAPABILITY IMAP4rev1\r\n",
            "LOGIN": "",
            "EXAMINE": _SELECTED,
            "LIST": "",
            "SEARCH": "* SEARCH 1\r\n",
            **answers,
        }
        self._greeting = greeting
        self._serving: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.close()
        # The clients are gone by now, so that every conversation ends by itself.
        await asyncio.gather(*self._serving)
        await self._server.wait_closed()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._serving.add(task)
        with suppress(ConnectionError):
            writer.write(f"{self._greeting}\r\n".encode())
            while " BYE" not in self._greeting and (line := (await reader.readline()).decode("latin-1")):
                tag = line.split(" ")[0]
                known = (self._answers[word] for word in re.findall(r"[A-Z]+", line) if word in self._answers)
                answer = next(known, "")
                if answer == "BYE":
                    break
                refused = answer.startswith(("NO", "BAD"))
                writer.write(f"{tag} {answer}\r\n".encode() if refused else f"{answer}{tag} OK done\r\n".encode())
        writer.close()
        with suppress(ConnectionError):
            await writer.wait_closed()
