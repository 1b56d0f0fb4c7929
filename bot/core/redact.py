"""
Take credentials out of what is about to be logged: by the name of a field, by value, and by shape.

Decides only: values in, values out. Rather hides too much than too little; a hidden part reads `***`.
"""

from __future__ import annotations

import base64
import json
import re
import threading
import urllib.parse
from collections.abc import Mapping
from datetime import date, timedelta
from enum import Enum
from typing import Any

HIDDEN = "***"
SHORTEST_VALUE = 4
"""Hiding shorter values would make every log unreadable and protect nothing that deserves the name."""
LONGEST_TEXT = 20_000
MOST_ITEMS = 200
DEEPEST = 8

_NAME = r"(?:token|secret|password|passwd|passphrase|api_?key|private_?key)"
_SECRET_FIELD = re.compile(rf"{_NAME}|authori[sz]ation|cookie|credential|csrf|^session$", re.IGNORECASE)
_HARMLESS_FIELD = re.compile(r"(?:_id|_name|_count|_role|_file|_at)$", re.IGNORECASE)

_SHAPES: tuple[tuple[re.Pattern[str], str], ...] = (
    # https://user:password@host
    (re.compile(r"(?<=://)[^\s/?#\"'<>]*@"), f"{HIDDEN}@"),
    # access_token=abc in a query or a form
    (re.compile(rf"({_NAME}=)[^\s&;,\"'#<>]+", re.IGNORECASE), rf"\1{HIDDEN}"),
    # "access_token": "abc" in JSON or a dict's repr
    (
        re.compile(rf"((?:{_NAME}|authorization|cookie)[\"']\s*:\s*b?([\"']))(?:\\.|(?!\2)[^\\])*", re.IGNORECASE),
        rf"\1{HIDDEN}",
    ),
    (re.compile(r"\b(authorization|(?:set-)?cookie)(\s*[:=]\s*)[^\r\n\"'{}]+", re.IGNORECASE), rf"\1\2{HIDDEN}"),
    (re.compile(r"\b(bearer)\s+[A-Za-z0-9._~+/=-]{8,}", re.IGNORECASE), rf"\1 {HIDDEN}"),
    (
        re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(?:-----END [A-Z ]*PRIVATE KEY-----|\Z)", re.DOTALL),
        HIDDEN,
    ),
)


class Redactor:
    """
    Knows the values that must never be seen. Safe to share between threads; its repr shows nothing.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._values: set[str] = set()
        self._pattern: re.Pattern[str] | None = None

    def __repr__(self) -> str:
        return "<Redactor>"

    def hide(self, value: str) -> None:
        """
        Never show this value again, nor the ways in which it is commonly written (quoted, escaped, base64).
        """
        if len(value) < SHORTEST_VALUE or value in self._values:
            return
        with self._lock:
            self._values |= _spellings(value)
            longest_first = sorted(self._values, key=len, reverse=True)
            self._pattern = re.compile("|".join(map(re.escape, longest_first)))

    def text(self, text: str) -> str:
        """
        Take every credential out of a text.
        """
        if self._pattern is not None:
            text = self._pattern.sub(HIDDEN, text)
        length = len(text)
        # Cut generously first and finely after, so that no half of a credential stays unrecognised at the end.
        text = text[: 2 * LONGEST_TEXT]
        for shape, instead in _SHAPES:
            text = shape.sub(instead, text)
        return text if length <= LONGEST_TEXT else f"{text[:LONGEST_TEXT]}... ({length} characters)"

    def fields(self, fields: Mapping[str, Any]) -> dict[str, Any]:
        """
        Take every credential out of an event's fields; what is no plain value becomes text.
        """
        return {self.text(str(name)): self._field(str(name), value, 0) for name, value in fields.items()}

    def _field(self, name: str, value: object, depth: int) -> Any:
        if value is None or isinstance(value, bool):
            return value
        return HIDDEN if is_secret_name(name) else self._value(value, depth + 1)

    def _value(self, value: object, depth: int) -> Any:
        match value:
            case Enum():
                return self._value(value.value, depth)
            case str():
                return self.text(value)
            case None | bool() | int() | float():
                return value
            case date() | timedelta():
                return str(value)
            case _ if depth > DEEPEST:
                return self.text(repr(value))
            case Mapping():
                pairs = list(value.items())[:MOST_ITEMS]
                return {self.text(str(name)): self._field(str(name), inner, depth) for name, inner in pairs}
            case list() | tuple() | set() | frozenset():
                return [self._value(inner, depth + 1) for inner in list(value)[:MOST_ITEMS]]
            case _:
                return self.text(repr(value))


def is_secret_name(name: str) -> bool:
    """
    Say whether a field of this name holds a credential: `access_token` does, `token_id` does not.
    """
    plain = name.replace("-", "_")
    return bool(_SECRET_FIELD.search(plain)) and not _HARMLESS_FIELD.search(plain)


def _spellings(value: str) -> set[str]:
    raw = value.encode("utf-8", "surrogatepass")
    return {
        value,
        urllib.parse.quote(raw, safe=""),
        urllib.parse.quote(raw),
        urllib.parse.quote_plus(raw),
        json.dumps(value)[1:-1],
        json.dumps(value, ensure_ascii=False)[1:-1],
        repr(value)[1:-1],
        repr(raw)[2:-1],
        base64.b64encode(raw).decode(),
        base64.urlsafe_b64encode(raw).decode().rstrip("="),
    }


redactor = Redactor()
"""The process's own: logging is one for the process, and so is what it must not show."""
