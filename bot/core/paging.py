"""
Keyset paging: a page of rows and a mark from which to go on. Never an offset.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Generic, TypeVar

from bot.core.errors import Invalid

T = TypeVar("T")
U = TypeVar("U")
LONGEST_PAGE = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Slice(Generic[T]):
    """
    Some rows in order, and the mark to hand in for the rows after them (None at the end).
    """

    items: Sequence[T]
    after: str | None = None

    def map(self, change: Callable[[T], U]) -> Slice[U]:
        return Slice(items=[change(item) for item in self.items], after=self.after)


def slice_of(rows: Sequence[T], limit: int, mark: Callable[[T], Sequence[Any]]) -> Slice[T]:
    """
    Cut rows that were read with `LIMIT limit + 1` into a page.

    Args:
        mark: the sort key of a row, unique as a whole (end it with the id).
    """
    if len(rows) <= limit:
        return Slice(items=rows)
    return Slice(items=rows[:limit], after=encode_mark(mark(rows[limit - 1])))


def encode_mark(key: Sequence[Any]) -> str:
    """
    Make a mark from a sort key of strings, numbers, instants and None.
    """
    plain = [{"at": part.isoformat()} if isinstance(part, datetime) else part for part in key]
    return base64.urlsafe_b64encode(json.dumps(plain).encode()).decode().rstrip("=")


def decode_mark(mark: str, *, parts: int) -> list[Any]:
    """
    Read a mark back.

    Raises:
        Invalid: it is not one of ours.
    """
    try:
        plain = json.loads(base64.urlsafe_b64decode(mark + "=" * (-len(mark) % 4)))
        if not isinstance(plain, list) or len(plain) != parts:
            raise ValueError(mark)
        return [_part(part) for part in plain]
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise Invalid(fields={"after": "not a mark of an earlier page; leave it out to begin"}) from error


def _part(part: Any) -> Any:
    """
    Read one part of a sort key. People can send any mark, so nothing gets through that a database chokes on.
    """
    match part:
        case {"at": str(text)}:
            at = datetime.fromisoformat(text)
            if at.tzinfo is None or not 1 < at.year < 9999:
                raise ValueError(text)
            return at
        case str():
            part.encode()  # half a surrogate pair is a ValueError
            if "\x00" in part:
                raise ValueError("NUL")
        case None | bool() | float():
            pass
        case int() if -(2**63) <= part < 2**63:
            pass
        case _:
            raise TypeError(type(part).__name__)
    return part
