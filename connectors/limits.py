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
    except ValueError:
        return None
    return instant.replace(tzinfo=UTC) if instant.tzinfo is None else instant.astimezone(UTC)


def retry_after(headers: Mapping[str, str]) -> timedelta | datetime | None:
    """
    Read `Retry-After` (RFC 9110, section 10.2.3): seconds or an HTTP date.
    """
    said = headers.get("Retry-After", "").strip()
    if said.isascii() and said.isdigit():
        return min(timedelta(seconds=int(said[:9])), LONGEST_WAIT)
    try:
        return email.utils.parsedate_to_datetime(said).astimezone(UTC) if said else None
    except ValueError:
        return None


def ratelimit_budget(headers: Mapping[str, str]) -> Budget | None:
    """
    Read Mastodon's `X-RateLimit-*` headers; the reset is an ISO 8601 instant, not an epoch.
    """
    limit, remaining = headers.get("X-RateLimit-Limit", ""), headers.get("X-RateLimit-Remaining", "")
    resets_at = parse_instant(headers.get("X-RateLimit-Reset", ""))
    if not (limit.isdigit() and remaining.isdigit() and resets_at):
        return None
    return Budget(limit=int(limit), remaining=int(remaining), resets_at=resets_at)
