"""
The rules of the simulated server, with the figures of a real one, and how to change them. Pure.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from datetime import timedelta
from typing import Any


class BadRule(ValueError):
    """
    That is no rule of this server, or no value for it.
    """


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """
    So many calls in each period.
    """

    limit: int
    period: timedelta


_PER_5_MINUTES = Window(limit=300, period=timedelta(minutes=5))
_PAGED = Window(limit=300, period=timedelta(minutes=15))
_POSTS = Window(limit=300, period=timedelta(hours=3))
_UPLOADS = Window(limit=30, period=timedelta(minutes=30))
_ENDLESS = Window(limit=10_000_000, period=timedelta(minutes=5))


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """
    The rate limits; the defaults are those of mastodon's `rack_attack.rb` and `rate_limiter.rb`.
    """

    calls: Window = _PER_5_MINUTES
    paged: Window = _PAGED
    strangers: Window = _PER_5_MINUTES
    posts: Window = _POSTS
    uploads: Window = _UPLOADS
    removals: Window = _UPLOADS


GENEROUS = Limits(**{each.name: _ENDLESS for each in fields(Limits)})
"""Limits that no test reaches."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """
    What this server allows and how it behaves.

    Args:
        keeps_keys: how long an idempotency key is known; zero is a server that does not know such keys at all.
        media_checks: how often an upload is still unfinished when looked at (0: uploads are ready at once).
        streaming: False makes the streaming endpoint answer 404, as on servers that have none.
    """

    max_characters: int = 500
    url_characters: int = 23
    max_media: int = 4
    description_limit: int = 1500
    keeps_keys: timedelta = timedelta(hours=1)
    media_checks: int = 0
    streaming: bool = True
    limits: Limits = field(default_factory=Limits)


_NUMBERS = ("max_characters", "url_characters", "max_media", "description_limit", "media_checks")


def changed(rules: Rules, wanted: Mapping[str, Any]) -> Rules:
    """
    Give the rules with `wanted` in place: plain numbers, `keeps_keys` in seconds, `streaming`, and
    `limits` as a mapping of name to [calls, seconds].

    Raises:
        BadRule: a name or a value that makes no sense.
    """
    new: dict[str, Any] = {}
    for name, value in wanted.items():
        if name in _NUMBERS:
            new[name] = _number(name, value)
        elif name == "keeps_keys":
            new[name] = timedelta(seconds=_number(name, value))
        elif name == "streaming" and isinstance(value, bool):
            new[name] = value
        elif name == "limits" and isinstance(value, Mapping):
            new[name] = _limits(rules.limits, value)
        else:
            raise BadRule(f"{name}: no such rule or no such value")
    return replace(rules, **new)


def _limits(limits: Limits, wanted: Mapping[str, Any]) -> Limits:
    known = {each.name for each in fields(Limits)}
    new = {}
    for name, value in wanted.items():
        if name not in known or not isinstance(value, list) or len(value) != 2:
            raise BadRule(f"limits.{name}: expected one of {', '.join(sorted(known))} with [calls, seconds]")
        calls, seconds = _number(name, value[0]), _number(name, value[1])
        if not seconds:
            raise BadRule(f"limits.{name}: a period of nothing")
        new[name] = Window(limit=calls, period=timedelta(seconds=seconds))
    return replace(limits, **new)


def _number(name: str, value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value < 10**9:
        raise BadRule(f"{name}: expected a whole number from 0")
    return value
