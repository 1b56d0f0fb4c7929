"""
Read and show durations and sizes as people write them. Pure; the standard library only, so that rules may use it.
"""

from __future__ import annotations

import re
from datetime import timedelta

_SECONDS = {"ms": 0.001, "s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800}
_BYTES = {"": 1, "b": 1, "kb": 10**3, "mb": 10**6, "gb": 10**9, "kib": 2**10, "mib": 2**20, "gib": 2**30}
_PART = re.compile(r"(\d+(?:\.\d+)?)\s*(ms|[smhdw])", re.ASCII)
_PARTS = re.compile(rf"(?:{_PART.pattern}\s*)+", re.ASCII)
_SIZE = re.compile(r"(\d{1,15}(?:\.\d+)?)\s*([kmg]?i?b?)", re.ASCII)
_NUMBER = re.compile(r"\d+(?:\.\d+)?", re.ASCII)
_ISO = re.compile(r"p(?=.)(?:(\d+)w)?(?:(\d+)d)?(?:t(?=.)(?:(\d+)h)?(?:(\d+)m)?(?:(\d+(?:\.\d+)?)s)?)?", re.ASCII)

DURATION_HELP = 'a duration such as "90s", "15m", "1h30m" or "7d"'
SIZE_HELP = 'a size such as "500kB", "2MB" or "1MiB"'


def read_duration(value: object) -> timedelta:
    """
    Read `"15m"`, `"1h30m"`, ISO 8601 (`"PT15M"`), or a number of seconds.

    Raises:
        ValueError: it is none of these, is negative, or is longer than a timedelta can be.
    """
    try:
        if isinstance(value, timedelta):
            return value
        if isinstance(value, int | float) and not isinstance(value, bool) and value >= 0:
            return timedelta(seconds=value)
        text = value.strip().lower() if isinstance(value, str) else ""
        if _NUMBER.fullmatch(text):
            return timedelta(seconds=float(text))
        if _PARTS.fullmatch(text):
            return timedelta(seconds=sum(float(n) * _SECONDS[unit] for n, unit in _PART.findall(text)))
        if iso := _ISO.fullmatch(text):
            weeks, days, hours, minutes, seconds = (float(part or 0) for part in iso.groups())
            return timedelta(weeks=weeks, days=days, hours=hours, minutes=minutes, seconds=seconds)
    except OverflowError:
        pass
    raise ValueError(f"must be {DURATION_HELP}")


def show_duration(value: timedelta) -> str:
    """
    Write a duration so that `read_duration` reads it back exactly (whole milliseconds).
    """
    millis = value // timedelta(milliseconds=1)
    parts = []
    for unit, size in (("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1000), ("ms", 1)):
        count, millis = divmod(millis, size)
        parts += [f"{count}{unit}"] if count else []
    return "".join(parts) or "0s"


def read_size(value: object) -> int:
    """
    Read bytes: `"2MB"` (2,000,000), `"1MiB"` (1,048,576), or a number.

    Raises:
        ValueError: it is none of these.
    """
    if isinstance(value, int) and not isinstance(value, bool) and value >= 0:
        return value
    match = _SIZE.fullmatch(value.strip().lower()) if isinstance(value, str) else None
    if match is None or match[2] not in _BYTES:
        raise ValueError(f"must be {SIZE_HELP}")
    return int(float(match[1]) * _BYTES[match[2]])


def show_size(value: int) -> str:
    """
    Write bytes so that `read_size` reads them back exactly.
    """
    for unit, size in (("GB", 10**9), ("MB", 10**6), ("kB", 10**3)):
        if value and value % size == 0:
            return f"{value // size}{unit}"
    return f"{value}B"
