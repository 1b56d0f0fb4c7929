"""
Take single fields out of JSON objects leniently: what is missing or of another type is empty.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from connectors.base import Json


def as_mapping(raw: Json) -> Mapping[str, Any]:
    if not isinstance(raw, dict):
        raise ValueError("not an object")
    return raw


def sub(raw: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    value = raw.get(key)
    return value if isinstance(value, dict) else {}


def entries(raw: Mapping[str, Any], key: str) -> list[Mapping[str, Any]]:
    value = raw.get(key)
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []


def text(raw: Mapping[str, Any], key: str) -> str:
    # Ids are strings in this API, but some servers write numbers.
    value = raw.get(key)
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    return value if isinstance(value, str) else ""


def count(raw: Mapping[str, Any], key: str) -> int | None:
    value = raw.get(key)
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else None


def web_address(raw: Mapping[str, Any], key: str) -> str | None:
    # Anything else, `javascript:` above all, must not become a link on our pages.
    value = text(raw, key)
    return value if value.startswith(("https://", "http://")) else None
