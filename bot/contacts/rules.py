"""
What we learn about somebody each time they are heard. Pure.
"""

from __future__ import annotations

from datetime import datetime, timedelta

SEEN_EVERY = timedelta(minutes=1)
"""How exactly `seen_at` is kept: a talkative person is not written down with every word."""

LONGEST_NAME = 300


def shown_name(name: str, handle: str, key: str) -> str:
    """
    Choose what a person is called here: their name, else their handle, else what the channel calls them.
    """
    for candidate in (name, handle, key):
        line = " ".join(candidate.split())[:LONGEST_NAME]
        if line:
            return line
    return "somebody"


def is_seen_anew(seen_at: datetime, now: datetime) -> bool:
    """
    Say whether it is worth writing down that they were seen again.
    """
    return now - seen_at >= SEEN_EVERY
