"""
Read what servers say about our allowance. Pure functions on headers; deciding when to call is the caller's.
"""

from __future__ import annotations

import email.utils
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

from connectors.base import Budget

LONGEST_WAIT = timedelta(days=1)
"""A server that asks for more than this is misread or broken; we look again after a day."""


def parse_instant(text: str) -> datetime | None:
    """
    Read an RFC 3339 instant leniently; a bare date is midnight UTC. None when it is no instant.
    """
    try:
        instant = datetime.fromisoformat(text.strip())
        return instant.replace(tzinfo=UTC) if instant.tzinfo is None else instant.astimezone(UTC)
    except (ValueError, OverflowError):  # year 1 in the east is no year in UTC
        return None


def retry_after(headers: Mapping[str, str]) -> timedelta | datetime | None:
    """
    Read `Retry-After` (RFC 9110, section 10.2.3): seconds or an HTTP date.
    """
    said = headers.get("Retry-After", "").strip()
    if said.isascii() and said.isdigit():
        return min(timedelta(seconds=int(said[:9])), LONGEST_WAIT)
    try:
        date = email.utils.parsedate_to_datetime(said)
        return date.replace(tzinfo=UTC) if date.tzinfo is None else date.astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def ratelimit_budget(headers: Mapping[str, str]) -> Budget | None:
    """
    Read `X-RateLimit-*` headers. Mastodon writes the reset as an ISO 8601 instant, others as epoch seconds.
    """
    limit, remaining = _count(headers, "X-RateLimit-Limit"), _count(headers, "X-RateLimit-Remaining")
    resets_at = _reset(headers.get("X-RateLimit-Reset", "").strip())
    if limit is None or remaining is None or resets_at is None:
        return None
    return Budget(limit=limit, remaining=remaining, resets_at=resets_at)


def _count(headers: Mapping[str, str], name: str) -> int | None:
    said = headers.get(name, "").strip()
    return int(said) if said.isascii() and said.isdigit() and len(said) <= 9 else None


def _reset(said: str) -> datetime | None:
    # Ten digits are epoch seconds from 2001 to 2286; fewer would be read as a date by parse_instant.
    if said.isascii() and said.isdigit():
        return datetime.fromtimestamp(int(said), UTC) if len(said) == 10 else None
    return parse_instant(said)
