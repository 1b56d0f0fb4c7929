"""
The e-mail connector on Dovecot and on a real SMTP server.
"""

from __future__ import annotations

import asyncio
import email
import email.policy
import itertools
import os
import re
import socket
from collections.abc import Sequence
from datetime import datetime
from email.message import EmailMessage
from types import TracebackType
from typing import Any, Self

from connectors.email import EmailOptions, channel
from tests.contract.harness import Delivered, Fault, PeerMissing, Step
from tests.peers import dovecot, smtp

_numbers = itertools.count(1)
_SEND_FAULTS = {
    Fault.BUSY: "data:451 4.3.0 come back later",
    Fault.UNAUTHORIZED: "auth:535 5.7.8 credentials invalid",
    Fault.REFUSED: "rcpt:550 5.1.1 no such user",
    Fault.GARBLED: "garble",
    Fault.DROPPED: "drop-early",
    Fault.LOST_ANSWER: "drop",
}


class EmailHarness:
    """
    A mailbox of its own on the shared Dovecot, and an SMTP server that delivers nothing.
    """

    channel = channel
    faults = frozenset({*((Step.SEND, fault) for fault in _SEND_FAULTS), (Step.FETCH, Fault.DROPPED)})
    secrets = (dovecot.PASSWORD, smtp.PASSWORD)

    def __init__(self) -> None:
        try:
            self.dovecot = dovecot.shared()
        except dovecot.DovecotMissing as error:
            raise PeerMissing(str(error)) from error
        self.smtp = smtp.SmtpPeer()
        self.address = f"support-{os.getpid()}-{next(_numbers)}@shop.example"

    async def __aenter__(self) -> Self:
        await self.smtp.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.smtp.__aexit__(kind, error, trace)

    def options(self, *, hear_since: datetime | None = None, **changes: Any) -> EmailOptions:
        settings = {
            "address": self.address,
            "name": "Shop Support",
            "password": dovecot.PASSWORD,
            "imap_host": "127.0.0.1",
            "imap_port": self.dovecot.imap,
            "imap_security": "plain",
            "smtp_host": "127.0.0.1",
            "smtp_port": self.smtp.port,
            "smtp_security": "plain",
            "smtp_password": smtp.PASSWORD,
            "hear_since": hear_since,
        }
        return EmailOptions.model_validate({**settings, **changes})

    def wrong_options(self) -> EmailOptions:
        return self.options(password="not the password")

    def nowhere_options(self) -> EmailOptions:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            return self.options(imap_port=free.getsockname()[1])

    async def somebody_writes(self, text: str) -> str:
        message = EmailMessage()
        message["From"] = "Kite <kite@far.example>"
        message["To"] = self.address
        message["Subject"] = "A question"
        message_id = f"q{next(_numbers)}@far.example"
        message["Message-ID"] = f"<{message_id}>"
        message.set_content(text)
        await self.deliver(message.as_bytes(policy=email.policy.SMTP))
        return message_id

    async def deliver(self, raw: bytes, **envelope: str) -> None:
        """
        Let a mail arrive as it is.
        """
        await asyncio.to_thread(self.dovecot.deliver, self.address, raw, **envelope)

    async def break_next(self, fault: Fault, step: Step) -> None:
        if step is Step.SEND:
            self.smtp.fail = _SEND_FAULTS[fault]
        else:
            await asyncio.to_thread(self.dovecot.admin, "kick", self.address)

    async def delivered(self) -> Sequence[Delivered]:
        return [_delivered(taken) for taken in self.smtp.taken]


def _delivered(taken: smtp.Taken) -> Delivered:
    message = email.message_from_bytes(taken.content, policy=email.policy.default)
    body = message.get_body(("plain",))
    answered = re.search(r"<([^>]*)>", message.get("In-Reply-To", ""))
    return Delivered(
        text=body.get_content() if body else "",
        in_reply_to=answered.group(1) if answered else None,
        to=taken.recipients,
    )
