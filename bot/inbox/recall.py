"""
What was read for lists, remembered until live news touch it. No I/O.

A page reads on a snapshot and knows the newest live event in it. What it read then is still right for a later page
if this process has heard everything up to that page's own snapshot, and nothing of it was about what was read.
`note` is told every piece of news, and whoever recalls has waited for them (`Board.seen`).
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

MOST = 10_000
MOST_TOPICS = 50_000
LONGEST = timedelta(minutes=1)
"""Kept no longer: a contact who writes under a new name is not told to their other conversations."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """
    A value as it was at a live event, and the topics whose news would change it.
    """

    value: Any
    as_of: int
    at: datetime
    topics: Sequence[str]


class Recall:
    """
    Remembers for one process.
    """

    def __init__(self) -> None:
        self._kept: dict[Hashable, Kept] = {}
        self._touched: dict[str, int] = {}
        self._floor = 0

    def note(self, topic: str, event_id: int) -> None:
        """
        Take in that there was news of a topic.
        """
        self._touched.pop(topic, None)
        if len(self._touched) >= MOST_TOPICS:
            # Of what is let go nobody knows any more when it was touched: as late as can be.
            self._floor = max(self._floor, self._touched.pop(next(iter(self._touched))))
        self._touched[topic] = event_id

    def forget(self, event_id: int) -> None:
        """
        Take in that news up to here may have been missed.
        """
        self._floor = max(self._floor, event_id)
        self._kept.clear()

    def get(self, key: Hashable, now: datetime) -> Any | None:
        """
        Give what is remembered under a key; None: read it.
        """
        kept = self._kept.pop(key, None)
        if kept is None or kept.as_of < self._floor or now - kept.at > LONGEST:
            return None
        if any(self._touched.get(topic, 0) > kept.as_of for topic in kept.topics):
            return None
        self._kept[key] = kept  # now the newest
        return kept.value

    def keep(self, key: Hashable, value: Any, *, as_of: int, at: datetime, topics: Sequence[str]) -> None:
        """
        Remember a value.

        Args:
            as_of: the newest live event in the snapshot that it was read from, or an older one.
            at: when it was read.
        """
        if len(self._kept) >= MOST:
            del self._kept[next(iter(self._kept))]
        self._kept[key] = Kept(value=value, as_of=as_of, at=at, topics=topics)

    def on(self, as_of: int, now: datetime) -> Snapshot:
        """
        Give what a page remembers with: everything up to its newest live event has been noted.
        """
        return Snapshot(recall=self, as_of=as_of, now=now)


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """
    The memory of one page, which reads on one snapshot.
    """

    recall: Recall
    as_of: int
    now: datetime

    def get(self, key: Hashable) -> Any | None:
        """
        Give what is remembered under a key; None: read it.
        """
        return self.recall.get(key, self.now)

    def keep(self, key: Hashable, value: Any, *topics: str) -> None:
        """
        Remember what this page has read, until there is news of one of these topics.
        """
        self.recall.keep(key, value, as_of=self.as_of, at=self.now, topics=topics)
