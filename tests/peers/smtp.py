"""
A real submission server (aiosmtpd) in the test's own loop, with sign-in, and with one fault at a time.
"""

from __future__ import annotations

import asyncio
import ssl
import warnings
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Self

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

PASSWORD = "sending sesame"


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """
    A mail that the server took: its envelope and its bytes.
    """

    sender: str
    recipients: tuple[str, ...]
    content: bytes


@dataclass
class SmtpPeer:
    """
    Enter it to start it.

    Args:
        fail: what happens to the next mail, once. A reply (`"451 later"`) at the stage before the colon
            (`"mail:..."`, `"rcpt:..."`, `"data:..."`), `"auth:454 ..."` at sign-in, `"drop"` to break the
            connection after taking the mail, `"drop-early"` to break it before taking it, `"garble"` to take it
            and answer with nonsense.
        size_limit: what EHLO announces, in bytes.
    """

    password: str = PASSWORD
    tls: ssl.SSLContext | None = None
    starttls: ssl.SSLContext | None = None
    size_limit: int = 30 * 1024 * 1024
    utf8: bool = True
    fail: str = ""
    taken: list[Taken] = field(default_factory=list)
    port: int = 0
    _server: asyncio.Server | None = None
    _open: set[SMTP] = field(default_factory=set)

    async def __aenter__(self) -> Self:
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(self._protocol, "127.0.0.1", 0, ssl=self.tls)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._server is not None
        self._server.close()
        for protocol in self._open:
            if protocol.transport is not None:
                protocol.transport.abort()
        await self._server.wait_closed()
        # The aborted connections' handlers end in the loop's next rounds.
        await asyncio.sleep(0.01)

    def _protocol(self) -> SMTP:
        with warnings.catch_warnings():
            # It advises against sign-in without TLS; on loopback a test may.
            warnings.simplefilter("ignore")
            protocol = SMTP(
                self,
                hostname="mx.shop.example",
                ident="test",
                data_size_limit=self.size_limit,
                enable_SMTPUTF8=self.utf8,
                tls_context=self.starttls,
                require_starttls=self.starttls is not None,
                authenticator=self._authenticate,
                auth_required=True,
                auth_require_tls=False,
                auth_exclude_mechanism=["LOGIN"],  # a client that is refused would try it next
                loop=asyncio.get_running_loop(),
            )
        self._open.add(protocol)
        return protocol

    def _authenticate(
        self, server: SMTP, session: Session, envelope: Envelope, mechanism: str, data: Any
    ) -> AuthResult:
        if fault := self._fault("auth"):
            return AuthResult(success=False, handled=False, message=fault)
        good = isinstance(data, LoginPassword) and data.password == self.password.encode()
        return AuthResult(success=good, handled=False)

    def _fault(self, stage: str) -> str:
        at, _, reply = self.fail.partition(":")
        if at != stage:
            return ""
        self.fail = ""
        return reply or stage

    async def handle_MAIL(
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        envelope.mail_from = address
        return self._fault("mail") or "250 OK"

    async def handle_RCPT(
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if fault := self._fault("rcpt"):
            return fault
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        if fault := self._fault("data"):
            return fault
        if not self._fault("drop-early"):
            content = envelope.content if isinstance(envelope.content, bytes) else b""
            recipients = tuple(envelope.rcpt_tos)
            self.taken.append(Taken(sender=envelope.mail_from or "", recipients=recipients, content=content))
            if self._fault("garble"):
                return "hello? is this thing on"
            if not self._fault("drop"):
                return f"250 2.0.0 queued as {len(self.taken)}"
        assert server.transport is not None
        server.transport.abort()
        return ""
