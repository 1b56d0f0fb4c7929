"""
A list of channels by name; `bot.app` fills it, since only the composition root names concrete connectors.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from aiohttp import ClientSession
from pydantic import BaseModel

from connectors.base import Connector


@dataclass(frozen=True, slots=True, kw_only=True)
class Channel:
    """
    A kind of network: its name, the options an account there needs, and how to open a connector.

    Args:
        name: lower-case word used in commands and in the database.
        options: a pydantic model; fields of type `SecretStr` are credentials and are sealed at rest. Every
            channel that listens has `hear_since: datetime | None`. `bot` shows each field's description.
        open: makes the connector; connections are opened on entering it.
    """

    name: str
    title: str
    options: type[BaseModel]
    open: Callable[[BaseModel, ClientSession], Connector]


class UnknownChannel(LookupError):
    """
    There is no channel of that name.
    """


class Registry:
    """
    Channels by name, in the order in which they were added.
    """

    def __init__(self, channels: tuple[Channel, ...] = ()) -> None:
        self._channels = {channel.name: channel for channel in channels}

    def get(self, name: str) -> Channel:
        """
        Give the channel called `name`.

        Raises:
            UnknownChannel: with the names that exist.
        """
        try:
            return self._channels[name]
        except KeyError:
            known = ", ".join(self._channels)
            raise UnknownChannel(f"no channel {name!r}; there are: {known}") from None

    def __iter__(self) -> Iterator[Channel]:
        return iter(self._channels.values())
