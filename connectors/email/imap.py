"""
One IMAP connection, with what aioimaplib leaves open closed: STARTTLS, lost connections, read-only mailboxes.

Acts; the meaning of the answers is decided in `protocol`. Mailboxes are only ever opened read-only (EXAMINE) and
mail is read with BODY.PEEK[], so that nothing on the server can change by our reading, not even `\\Recent`.
"""

from __future__ import annotations

import asyncio
import logging
import ssl
from collections.abc import AsyncIterator, Awaitable, Coroutine, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Self, TypeVar

import aioimaplib
from aioimaplib.aioimaplib import SELECTED, Command
from pydantic import SecretStr

from connectors.email import protocol
from connectors.email.options import Security
from connectors.errors import Malformed, Rejected, Unauthorized, Unreachable

T = TypeVar("T")
ANSWER_WITHIN = timedelta(seconds=30)
"""Longest silence while we wait for an answer; a long answer may take longer as long as it flows."""

# At debug level the library logs whole mails, and a password that holds a quote or a backslash.
logging.getLogger("aioimaplib.aioimaplib").setLevel(logging.WARNING)


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """
    Where to sign in, and as whom. `context` holds the certificates to trust; None only where plain is allowed.
    """

    host: str
    port: int
    security: Security
    context: ssl.SSLContext | None
    user: str
    password: SecretStr


class ImapSession:
    """
    A signed-in connection. Not for two tasks at once.
    """

    def __init__(self, client: Any, lost: asyncio.Future[None]) -> None:
        self._client = client
        self._lost = lost
        self._mailbox: protocol.Mailbox | None = None

    @classmethod
    async def open(cls, server: Server) -> Self:
        """
        Connect and sign in.

        Raises:
            Unreachable, Throttled, Malformed: waiting may help.
            Unauthorized: the server does not take these credentials.
            Rejected: the server has no STARTTLS although the settings ask for it.
        """
        lost: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        client = aioimaplib.IMAP4(
            server.host,
            server.port,
            timeout=ANSWER_WITHIN.total_seconds(),
            conn_lost_cb=lambda _: _end(lost),
            ssl_context=server.context if server.security is Security.TLS else None,
        )
        session = cls(client, lost)
        try:
            await session._greet(server)
            await session._sign_in(server)
        except BaseException:
            session.close()
            raise
        return session

    async def _greet(self, server: Server) -> None:
        try:
            await self._ask(self._client.wait_hello_from_server())
            if server.security is Security.STARTTLS:
                await self._start_tls(server)
        except ssl.SSLCertVerificationError as error:
            raise Unreachable(f"the certificate is not trusted: {error.verify_message}") from error
        except OSError as error:
            raise Unreachable(f"no connection to the mail server: {type(error).__name__}") from error

    async def _start_tls(self, server: Server) -> None:
        wire = self._client.protocol
        if not self.has("STARTTLS"):
            raise Rejected("the mail server offers no STARTTLS")
        answer = await self._ask(wire.execute(Command("STARTTLS", wire.new_tag())))
        if answer.result != "OK":
            raise Rejected(f"STARTTLS: {protocol.words_of(answer.lines)}")
        # What came before the handshake was readable and writable by anybody on the way.
        wire.incomplete_line = b""
        wire.transport = await asyncio.get_running_loop().start_tls(
            wire.transport, wire, server.context or ssl.create_default_context(), server_hostname=server.host
        )

    async def _sign_in(self, server: Server) -> None:
        try:
            answer = await self._ask(
                self._client.login(protocol.quoted(server.user), server.password.get_secret_value())
            )
        except ValueError:
            raise Unauthorized("a line break in the user name or password") from None
        if answer.result != "OK":
            raise protocol.login_error(protocol.words_of(answer.lines))
        # Capabilities change with signing in.
        await self._ask(self._client.protocol.capability())

    @property
    def alive(self) -> bool:
        return not self._lost.done()

    def has(self, capability: str) -> bool:
        return bool(self._client.has_capability(capability))

    @property
    def capabilities(self) -> tuple[str, ...]:
        return tuple(sorted(self._client.protocol.capabilities))

    def close(self) -> None:
        """
        Drop the connection. No LOGOUT: it could hang, and nothing depends on it.
        """
        client, wire = self._client, self._client.protocol
        for task in (client._client_task, *client.tasks, *wire.tasks):
            task.cancel()
            task.add_done_callback(_looked_at)
        if wire.transport is not None:
            wire.transport.abort()
        _end(self._lost)

    async def _ask(self, asked: Coroutine[Any, Any, Any]) -> Any:
        """
        Wait for an answer, but not for one that a lost connection can no longer bring.
        """
        task = asyncio.ensure_future(asked)
        try:
            await asyncio.wait({task, self._lost}, return_when=asyncio.FIRST_COMPLETED)
            if not task.done():
                raise Unreachable("the mail server closed the connection")
            return task.result()
        except (TimeoutError, aioimaplib.CommandTimeout):
            # Its text may hold the command with the password: no cause, no words.
            raise Unreachable("the mail server stays silent") from None
        except (aioimaplib.Error, aioimaplib.AioImapException, UnicodeDecodeError) as error:
            raise Malformed(f"no IMAP: {type(error).__name__}") from None
        finally:
            task.cancel()
            task.add_done_callback(_looked_at)

    async def _did(self, asked: Coroutine[Any, Any, Any], what: str) -> Sequence[bytes | bytearray]:
        answer = await self._ask(asked)
        if answer.result != "OK":
            raise Unreachable(f"{what}: {protocol.words_of(answer.lines)}")
        lines: Sequence[bytes | bytearray] = answer.lines
        return lines

    async def examine(self, name: str) -> protocol.Mailbox:
        """
        Open a mailbox read-only.

        Args:
            name: as the server spells it (modified UTF-7).
        """
        lines = await self._did(self._client.examine(protocol.quoted(name)), f"mailbox {name!r}")
        self._client.protocol.state = SELECTED
        self._mailbox = protocol.read_mailbox(name, lines)
        return self._mailbox

    async def search(self, *criteria: str) -> list[int]:
        """
        List the UIDs that match, in rising order.
        """
        return protocol.read_search(await self._did(self._client.uid_search(*criteria, charset=None), "search"))

    async def describe(self, uids: Sequence[int]) -> list[protocol.Listed]:
        """
        Tell size and arrival of some mails; those that are gone are left out.
        """
        chosen = ",".join(str(uid) for uid in uids)
        return protocol.read_listing(
            await self._did(self._client.uid("FETCH", chosen, "(UID INTERNALDATE RFC822.SIZE)"), "list")
        )

    async def content(self, uid: int, most: int) -> bytes | None:
        """
        Read at most `most` bytes of a mail, marking nothing; None when it is gone.
        """
        asked = self._client.uid("FETCH", str(uid), f"(UID BODY.PEEK[]<0.{most}>)")
        return protocol.read_content(uid, await self._did(asked, "read"))

    async def special(self, use: str) -> str | None:
        """
        Find a mailbox by what it is for (`Sent`, `Junk`), as the server spells its name.
        """
        reference = '(SPECIAL-USE) ""' if self.has("SPECIAL-USE") else '""'
        return protocol.special_mailbox(await self._did(self._client.list(reference, '"*"'), "list"), use)

    async def append(self, mailbox: str, mail: bytes) -> None:
        """
        File a mail of ours, as read.
        """
        await self._did(
            self._client.append(mail, protocol.quoted(mailbox), flags="\\Seen"), f"file in {mailbox!r}"
        )

    async def pushes(self, stay: timedelta) -> AsyncIterator[None]:
        """
        Idle (RFC 2177), and yield once for every word from the server that there is more mail.

        Args:
            stay: how long one IDLE lasts before we ask anew, so that neither server nor router forgets us.

        Raises:
            Unreachable: the connection ended, or the server no longer answers.
        """
        loop = asyncio.get_running_loop()
        while True:
            idle = await self._ask(_in_time(self._client.idle_start(stay.total_seconds())))
            until = loop.time() + stay.total_seconds()
            while (left := until - loop.time()) > 0:
                if await self._more_mail_within(left):
                    yield
            self._client.idle_done()
            await self._ask(_in_time(idle))

    async def _more_mail_within(self, seconds: float) -> bool:
        try:
            lines = [bytes(line).upper() for line in await self._pushed_within(seconds)]
        except TimeoutError:
            return False
        if any(line.startswith(b"BYE") for line in lines):
            raise Unreachable("the mail server said goodbye")
        return any(line.endswith(b" EXISTS") for line in lines)

    async def _pushed_within(self, seconds: float) -> Sequence[bytes]:
        waiting = asyncio.ensure_future(self._client.wait_server_push(seconds))
        try:
            await asyncio.wait({waiting, self._lost}, return_when=asyncio.FIRST_COMPLETED)
            if not waiting.done():
                raise Unreachable("the mail server closed the connection")
            lines = waiting.result()
            return lines if isinstance(lines, list) else [lines]
        finally:
            waiting.cancel()
            waiting.add_done_callback(_looked_at)


async def _in_time(answer: Awaitable[T]) -> T:
    # Not wait_for: on Python 3.11 it swallows a cancellation that comes together with the answer.
    async with asyncio.timeout(ANSWER_WITHIN.total_seconds()):
        return await answer


def _end(lost: asyncio.Future[None]) -> None:
    if not lost.done():
        lost.set_result(None)


def _looked_at(task: asyncio.Future[Any]) -> None:
    # An answer nobody waits for any more is no error worth a warning.
    if not task.cancelled():
        task.exception()
