"""
Hand one mail to the submission server, and say for certain whether it took it.

Acts; the meaning of the replies is decided in `protocol`. One connection and one recipient a mail, so that every
reply is about that mail alone.
"""

from __future__ import annotations

import contextlib
import ssl
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from datetime import timedelta

import aiosmtplib
from aiosmtplib.response import SMTPResponse
from pydantic import SecretStr

from connectors.email import protocol
from connectors.email.compose import Outgoing
from connectors.email.options import Security
from connectors.errors import Ambiguous, Rejected, Unreachable

ANSWER_WITHIN = timedelta(seconds=60)


@dataclass(frozen=True, slots=True, kw_only=True)
class Submission:
    """
    Where to sign in, as whom, and how we call ourselves (`hello`, a domain).
    """

    host: str
    port: int
    security: Security
    context: ssl.SSLContext | None
    user: str
    password: SecretStr
    hello: str


@contextlib.asynccontextmanager
async def connected(server: Submission) -> AsyncIterator[aiosmtplib.SMTP]:
    """
    Connect, protect the connection and sign in; nothing is sent.

    Raises:
        Unreachable, Throttled, Malformed, Unauthorized, Rejected.
    """
    client = aiosmtplib.SMTP(
        hostname=server.host,
        port=server.port,
        username=server.user,
        password=server.password.get_secret_value(),
        local_hostname=server.hello,
        timeout=ANSWER_WITHIN.total_seconds(),
        use_tls=server.security is Security.TLS,
        start_tls=server.security is Security.STARTTLS,
        tls_context=server.context,
    )
    with _nothing_sent():
        await client.connect()
        await client.ehlo()
    try:
        yield client
    finally:
        client.close()


@contextlib.contextmanager
def _nothing_sent() -> Iterator[None]:
    """
    Translate what goes wrong before the mail itself has left us.
    """
    try:
        yield
    except aiosmtplib.SMTPResponseException as error:
        raise protocol.smtp_error(error.code, error.message) from None
    except aiosmtplib.SMTPNotSupported as error:
        raise Rejected(f"the mail server cannot do that: {error.message}") from None
    except (aiosmtplib.SMTPException, OSError, UnicodeError) as error:
        cause = error.__cause__ or error
        if isinstance(cause, ssl.SSLCertVerificationError):
            raise Unreachable(f"the certificate is not trusted: {cause.verify_message}") from None
        raise Unreachable(f"no connection to the mail server: {type(cause).__name__}") from None


def size_limit(client: aiosmtplib.SMTP) -> int | None:
    """
    Give the largest mail (bytes) that the server says it takes.
    """
    said = client.esmtp_extensions.get("size", "")
    return int(said) if said.isascii() and said.isdigit() and int(said) > 0 else None


async def submit(server: Submission, sender: str, mail: Outgoing) -> str:
    """
    Send a mail, and give the server's words on taking it (often its own id for it).

    Raises:
        Unreachable, Throttled, Unauthorized, Rejected: certainly not sent.
        Ambiguous: the mail left us and no readable reply came back.
    """
    async with connected(server) as client:
        limit = size_limit(client)
        if limit is not None and len(mail.content) > limit:
            raise Rejected(f"the mail has {len(mail.content)} bytes, the server takes {limit}")
        if mail.utf8 and not client.supports_extension("smtputf8"):
            raise Rejected("the server cannot send to this address (no SMTPUTF8)")
        with _nothing_sent():
            await client.mail(sender, options=["SMTPUTF8"] if mail.utf8 else [], encoding=_encoding(mail))
            await client.rcpt(mail.recipient, encoding=_encoding(mail))
        reply = await _data(client, mail)
        with contextlib.suppress(aiosmtplib.SMTPException, OSError):
            await client.quit()
        return " ".join(reply.message.split())[:300]


def _encoding(mail: Outgoing) -> str:
    return "utf-8" if mail.utf8 else "ascii"


async def _data(client: aiosmtplib.SMTP, mail: Outgoing) -> SMTPResponse:
    try:
        return await client.data(mail.content)
    except aiosmtplib.SMTPResponseException as error:
        raise protocol.smtp_error(error.code, error.message, content_sent=True) from None
    except (aiosmtplib.SMTPException, OSError) as error:
        raise Ambiguous(f"the reply to the mail was lost: {type(error).__name__}") from None
