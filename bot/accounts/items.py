"""
Heard items as JSON, so that a quarantined one can be offered again, and payloads cut to a bounded size. Pure.
"""

from __future__ import annotations

import json
import re
from typing import Any

from pydantic import TypeAdapter

from connectors.base import HeardItem, Json

RAW_LIMIT = 256 * 1024
"""Bytes of a quarantined payload that are kept, in UTF-8."""

CUT = "\n[cut: the payload was longer]"

# NUL cannot be stored by PostgreSQL, halves of surrogate pairs by nobody.
_UNSTORABLE = re.compile("[\ud800-\udfff\x00]")
_ITEM: TypeAdapter[HeardItem] = TypeAdapter(HeardItem)


def to_json(item: HeardItem) -> dict[str, Any]:
    """
    Write an item as plain JSON. Its raw payload is left out: the ledger keeps that apart, cut to size.
    """
    plain: dict[str, Any] = _ITEM.dump_python(item, mode="json", exclude={"raw"})
    return plain


def from_json(plain: dict[str, Any], raw: str | None) -> HeardItem:
    """
    Read an item back; its payload is there again if it was kept whole.

    Raises:
        ValueError: it was written by a version that knew other fields.
    """
    try:
        payload = json.loads(raw or "null")
    except ValueError:
        payload = None
    return _ITEM.validate_python({**plain, "raw": payload})


def raw_text(raw: Json, limit: int = RAW_LIMIT) -> str:
    """
    Write a payload as text of at most `limit` bytes, the remark that it was cut included.
    """
    text = raw if isinstance(raw, str) else json.dumps(raw, ensure_ascii=False, default=str)
    content = storable_text(text).encode()
    if len(content) <= limit:
        return content.decode()
    return content[: limit - len(CUT.encode())].decode(errors="ignore") + CUT


def storable_text(text: str) -> str:
    """
    Replace characters that no database stores by U+FFFD.
    """
    return _UNSTORABLE.sub("\ufffd", text)


def storable(item: HeardItem) -> HeardItem:
    """
    Give the item with every text of it fit for a database; nearly always that is the item itself.
    """
    plain = _ITEM.dump_python(item, mode="python", exclude={"raw"})
    if not _has_unstorable(plain):
        return item
    return _ITEM.validate_python({**_clean(plain), "raw": item.raw})


def _has_unstorable(value: Any) -> bool:
    if isinstance(value, str):
        return _UNSTORABLE.search(value) is not None
    if isinstance(value, dict):
        return any(_has_unstorable(key) or _has_unstorable(part) for key, part in value.items())
    return isinstance(value, list | tuple) and any(_has_unstorable(part) for part in value)


def _clean(value: Any) -> Any:
    if isinstance(value, str):
        return storable_text(value)
    if isinstance(value, dict):
        return {_clean(key): _clean(part) for key, part in value.items()}
    return [_clean(part) for part in value] if isinstance(value, list | tuple) else value
