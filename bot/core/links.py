"""
Links that strangers wrote. Pure.
"""

from __future__ import annotations

from urllib.parse import urlsplit


def web_link(url: str | None) -> str | None:
    """
    Give the link if it leads to a web page; None for anything else, such as `javascript:`.
    """
    if not url or len(url) > 4_000:
        return None
    try:
        parts = urlsplit(url.strip())
    except ValueError:
        return None
    return url.strip() if parts.scheme in ("http", "https") and parts.hostname else None
