"""
From an account's row to its connector: the one place that opens the secret box of accounts.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from aiohttp import ClientSession, web
from pydantic import BaseModel

from bot.accounts.options import part, read_options, restore_options
from bot.accounts.tables import Account
from bot.core.errors import Invalid
from bot.core.secretbox import SecretBox
from connectors.base import Connector
from connectors.registry import Channel, Registry, UnknownChannel


class Connectors:
    """
    Opens connectors for accounts.

    Args:
        session: shared by every connector; somebody else opens and closes it.
    """

    def __init__(self, registry: Registry, box: SecretBox, session: ClientSession) -> None:
        self.registry = registry
        self.box = box
        self._session = session

    def channel(self, name: str) -> Channel:
        """
        Give the channel called `name`.

        Raises:
            Invalid: there is none; names those that exist.
        """
        try:
            return self.registry.get(name)
        except UnknownChannel as error:
            raise Invalid(fields={"channel": str(error)}) from None

    def open(self, account: Account) -> Connector:
        """
        Make the account's connector; nothing is connected until it is entered (`async with`).

        Raises:
            Invalid: the stored options no longer fit the channel.
        """
        channel = self.channel(account.channel)
        options = restore_options(channel, {**account.options, **self.credentials(account)})
        return channel.open(options, self._session)

    def credentials(self, account: Account) -> Mapping[str, str]:
        """
        Open the account's sealed credentials.
        """
        return self.box.open(account.sealed) if account.sealed else {}

    def read(self, channel: str, given: Mapping[str, Any], *, now: datetime) -> BaseModel:
        """
        Read the options a person gave for an account on `channel`.

        Raises:
            Invalid: by field.
        """
        return read_options(self.channel(channel), given, now=now)

    def seal(self, options: BaseModel) -> tuple[dict[str, Any], str]:
        """
        Give what the row keeps: the plain options, and the sealed credentials (empty when there are none).
        """
        parted = part(options)
        return parted.plain, self.box.seal(parted.secret) if parted.secret else ""


CONNECTORS = web.AppKey("CONNECTORS", Connectors)
