"""
What an e-mail account needs to be told. No I/O.
"""

from __future__ import annotations

import ipaddress
import re
from datetime import datetime
from enum import StrEnum
from typing import Self

from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator, model_validator

_SECURITY = "tls, starttls, or plain on this machine only."
_ADDRESS = re.compile(r"[^\s<>,;:\"()\[\]@\\]{1,64}@[A-Za-z0-9.-]{1,253}")


class Security(StrEnum):
    """
    How a connection is protected. Certificates are always verified.
    """

    TLS = "tls"
    STARTTLS = "starttls"
    PLAIN = "plain"


class SentCopy(StrEnum):
    """
    Who puts a copy of sent mail into the Sent mailbox.
    """

    APPEND = "append"
    SERVER = "server"
    NONE = "none"


class EmailOptions(BaseModel):
    """
    One mailbox: how to read it and how to send from it.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    address: str = Field(description="The address that customers write to, and that answers come from.")
    name: str = Field(default="", max_length=200, description="The name shown beside the address.")
    aliases: tuple[str, ...] = Field(default=(), description="Other addresses that end up in this mailbox.")
    username: str = Field(default="", description="Sign-in name for reading mail; the address where left out.")
    password: SecretStr = Field(description="Password, or app password, for reading mail.")
    imap_host: str = Field(description="Server for reading mail (IMAP).")
    imap_port: int | None = Field(default=None, ge=1, le=65535, description="993 with tls, else 143.")
    imap_security: Security = Field(default=Security.TLS, description=_SECURITY)
    smtp_host: str = Field(description="Server for sending mail (SMTP submission).")
    smtp_port: int | None = Field(default=None, ge=1, le=65535, description="465 with tls, else 587.")
    smtp_security: Security = Field(default=Security.TLS, description=_SECURITY)
    smtp_username: str | None = Field(default=None, description="Sign-in name for sending, if another.")
    smtp_password: SecretStr | None = Field(default=None, description="Password for sending, if another.")
    ca_file: str | None = Field(default=None, description="Certificates to trust, for a server with its own.")
    mailboxes: tuple[str, ...] = Field(default=("INBOX",), min_length=1, description="Mailboxes to hear.")
    also_junk: bool = Field(default=False, description="Hear the Junk mailbox too: customers' mail lands there.")
    sent_copy: SentCopy = Field(
        default=SentCopy.APPEND,
        description="append: we file sent mail in Sent; server: the provider does so itself; none: nobody does.",
    )
    hear_since: datetime | None = Field(default=None, description="Hear mail since then; else only new mail.")

    @field_validator("address")
    @classmethod
    def _is_address(cls, value: str) -> str:
        if not _ADDRESS.fullmatch(value):
            raise ValueError("not a mail address")
        return value

    @field_validator("aliases")
    @classmethod
    def _are_addresses(cls, values: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(cls._is_address(value) for value in values)

    @field_validator("name")
    @classmethod
    def _one_line(cls, value: str) -> str:
        if not value.isprintable():
            raise ValueError("must be one line without control characters")
        return value

    @field_validator("hear_since")
    @classmethod
    def _aware(cls, value: datetime | None) -> datetime | None:
        if value is not None and value.tzinfo is None:
            raise ValueError("needs a time zone, for example 2026-03-04T05:06:07Z")
        return value

    @model_validator(mode="after")
    def _plain_stays_here(self) -> Self:
        for label, host, security in (
            ("imap", self.imap_host, self.imap_security),
            ("smtp", self.smtp_host, self.smtp_security),
        ):
            if security is Security.PLAIN and not is_loopback(host):
                raise ValueError(f"{label}_security: plain shows the password on the wire; only for this machine")
        return self

    @property
    def own(self) -> frozenset[str]:
        """
        Give all addresses that are us, lower-cased.
        """
        return frozenset(address.lower() for address in (self.address, *self.aliases))

    @property
    def imap_at(self) -> tuple[str, int]:
        return self.imap_host, self.imap_port or (993 if self.imap_security is Security.TLS else 143)

    @property
    def smtp_at(self) -> tuple[str, int]:
        return self.smtp_host, self.smtp_port or (465 if self.smtp_security is Security.TLS else 587)

    @property
    def imap_login(self) -> tuple[str, SecretStr]:
        return self.username or self.address, self.password

    @property
    def smtp_login(self) -> tuple[str, SecretStr]:
        user, password = self.imap_login
        return self.smtp_username or user, self.smtp_password or password


def is_loopback(host: str) -> bool:
    """
    Tell whether a host is this machine, by its name alone.
    """
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host.lower() == "localhost"
