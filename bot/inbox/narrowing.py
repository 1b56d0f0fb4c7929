"""
What the list of the queue is narrowed by, read from its own address: a chip for each value, and what the form
*Narrow* holds. Pure.

The address is what the list was made from, so nothing is shown that does not hold, and no link or form loses what
was chosen elsewhere.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import parse_qsl, urlencode

from bot.inbox.matching import NO_LANGUAGE
from responses.values import Intent, Priority

FIELDS = ("language", "intent", "priority", "tag")
"""What the form offers; one value each."""
BESIDE = ("tab", "account_id", "q")
"""What has a control of its own in the pane."""
LANGUAGES = (
    *("en", "zh", "es", "fr", "de", "ja", "ko", "pt", "it", "nl", "pl", "ru", "uk", "tr", "ar", "hi", "vi", "id"),
    NO_LANGUAGE,
)
"""Those that are offered; any other code may stand in the address."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Chip:
    """
    One value that narrows the list, and the address of the list without it.
    """

    name: str
    value: str
    without: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Narrowing:
    """
    What narrows a list.

    Args:
        offered: false for a view, whose list is what was kept.
        chosen: by field of the form, what it holds.
        kept: what the form hands on and has no field for.
        everything: the address without any of it.
    """

    offered: bool
    chips: Sequence[Chip] = ()
    chosen: Mapping[str, str]
    kept: Sequence[tuple[str, str]] = ()
    everything: str = ""

    @property
    def intents(self) -> Sequence[str]:
        return tuple(one.value for one in Intent)

    @property
    def priorities(self) -> Sequence[str]:
        return tuple(one.name.lower() for one in Priority)

    @property
    def languages(self) -> Sequence[str]:
        """
        Give the languages that the form offers; what was chosen is among them.
        """
        return tuple(dict.fromkeys((*LANGUAGES, *filter(None, [self.chosen.get("language")]))))


def narrowing_in(address: str) -> Narrowing:
    """
    Read what narrows a list from the part of its address behind the question mark.
    """
    pairs = list(dict.fromkeys(parse_qsl(address)))
    named = dict(reversed(pairs))
    if "view" in named:
        return Narrowing(offered=False, chosen={})
    plain = [(name, named[name]) for name in BESIDE if name in named]
    narrowing = [pair for pair in pairs if pair not in plain]
    chosen = {name: named[name] for name in FIELDS if name in named}
    return Narrowing(
        offered=True,
        chips=[Chip(name=name, value=value, without=_without(pairs, (name, value))) for name, value in narrowing],
        chosen=chosen,
        kept=[pair for pair in narrowing if pair not in chosen.items()],
        everything=urlencode(plain),
    )


def _without(pairs: Sequence[tuple[str, str]], gone: tuple[str, str]) -> str:
    return urlencode([pair for pair in pairs if pair != gone])
