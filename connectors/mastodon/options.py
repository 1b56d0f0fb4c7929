"""
What a person has to tell us about an account on a Mastodon server.
"""

from __future__ import annotations

import ipaddress
from urllib.parse import urlsplit

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, SecretStr, field_validator


class MastodonOptions(BaseModel):
    """
    Where the account lives and how we prove that we may use it.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    server: str = Field(description="Address of the server, such as https://example.social")
    access_token: SecretStr = Field(
        description="Access token of an application made under Preferences > Development on that server"
    )
    hear_since: AwareDatetime | None = Field(
        default=None,
        description="Hear what happened from this instant on; empty means from the first look on",
    )

    @field_validator("server")
    @classmethod
    def _is_origin(cls, value: str) -> str:
        parts = urlsplit(value.strip())
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ValueError("needs an address such as https://example.social")
        if parts.username is not None or parts.path.strip("/") or parts.query or parts.fragment:
            raise ValueError("needs scheme and host alone, without path, query or password")
        if parts.scheme == "http" and not is_loopback(parts.hostname):
            raise ValueError("needs https, since the token would travel readable")
        return f"{parts.scheme}://{parts.netloc}"

    @field_validator("access_token")
    @classmethod
    def _fits_a_header(cls, value: SecretStr) -> SecretStr:
        token = value.get_secret_value().strip()
        if not token or not token.isascii() or not token.isprintable() or " " in token:
            raise ValueError("needs the token alone: printable ASCII without spaces")
        return SecretStr(token)


def is_loopback(host: str | None) -> bool:
    """
    Decide whether a host name can only mean this machine. Pure; asks no resolver.
    """
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host or "").is_loopback
    except ValueError:
        return False
