"""
Ids that sort by the time they were made: UUIDv7 (RFC 9562, section 5.7) as 36 characters of text.

Within one process every id is greater than the one before, even inside one millisecond or when the clock steps
back (section 6.2, method 1: a counter). Ids of other processes are told apart by 44 random bits and a random start
of the counter. An id is no secret: never use one where guessing must be hard.
"""

from __future__ import annotations

import secrets
import threading
import uuid
from datetime import UTC, datetime, timedelta

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MILLISECOND = timedelta(milliseconds=1)
COUNTER_BITS = 30
"""Bits behind the time that count up; 12 of them stand before the variant field, the rest behind it."""
RANDOM_BITS = 44


class IdMaker:
    """
    Makes ids, each greater than the one before. Safe to share between threads.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._millis = -1
        self._counter = 0

    def make(self, now: datetime) -> str:
        """
        Make an id for something that happens at `now` (aware).

        When `now` is not after the last call's, the id carries the last call's time and a higher counter.
        """
        millis = max((now - EPOCH) // MILLISECOND, 0)
        with self._lock:
            if millis > self._millis:
                # The highest bit is left zero, so that half a billion ids fit behind any start.
                self._millis, self._counter = millis, secrets.randbits(COUNTER_BITS - 1)
            elif self._counter + 1 < 1 << COUNTER_BITS:
                self._counter += 1
            else:
                self._millis, self._counter = self._millis + 1, 0
            return layout(self._millis, self._counter, secrets.randbits(RANDOM_BITS))


def layout(millis: int, counter: int, tail: int) -> str:
    """
    Put the fields into their places. Pure.

    Args:
        millis: since 1970, 48 bits.
        counter: 30 bits.
        tail: 44 random bits.
    """
    high, low = counter >> 18, counter & 0x3FFFF
    return str(uuid.UUID(int=millis << 80 | 7 << 76 | high << 64 | 0b10 << 62 | low << RANDOM_BITS | tail))


_maker = IdMaker()


def new_id(now: datetime) -> str:
    """
    Make a time-ordered id; greater than every id this process made before.
    """
    return _maker.make(now)
