"""
What the figures of a report mean, and how they are computed. Pure; the standard library only.

A report is about the promises that *began* in its range, whenever they ended:

- *asked*: promises that began. Each customer's wait is one, however many messages they write meanwhile (S2).
- *answered*: those that a person's answer stopped; a machine's answer stops none (S5).
- *kept*, *breached*: answered by the deadline, or after it. A resolution is kept when the conversation was
  resolved by its deadline.
- *overdue*: not answered, and the deadline has passed: breached as well, though it has no time yet.
- *running*: not answered, and there is still time. They are in no share: nobody knows.
- *dropped*: ended without an answer (resolved as it stood, spam, merged). They are in no share either.
- *share kept* = kept / (kept + breached + overdue); None when that is 0 / 0 (A12: "nothing to keep" is no 0 %).
- *times* (p50 ... p99, average): of the answered, from the customer's word to our answer's arrival by the wall
  clock, less what was paused while we waited for the customer. The percentile is the nearest rank.

Late events: a report of yesterday changes until every promise of yesterday has ended; `running` and `overdue`
say how many have not. Days and hours are those of the time zone asked for; with a clock change a day has 23 or
25 hours.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from bot.reports.percentiles import Times, share, summarise

OVERDUE = "overdue"
Row = tuple[int, str, int | None, str]
"""Quarter of an hour, outcome (running, overdue, kept, breached, dropped), seconds, group."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """
    How one promise was kept, of some of the conversations.
    """

    asked: int
    answered: int
    kept: int
    breached: int
    overdue: int
    running: int
    dropped: int
    share_kept: float | None
    times: Times


@dataclass(slots=True)
class Tally:
    """
    Counts outcomes and gathers times, row by row.
    """

    outcomes: dict[str, int] = field(default_factory=dict)
    seconds: list[int] = field(default_factory=list)

    def figures(self) -> Figures:
        """
        Sum up what was gathered.
        """
        count = self.outcomes.get
        kept, breached, overdue = count("kept", 0), count("breached", 0), count(OVERDUE, 0)
        return Figures(
            asked=sum(self.outcomes.values()),
            answered=kept + breached,
            kept=kept,
            breached=breached,
            overdue=overdue,
            running=count("running", 0),
            dropped=count("dropped", 0),
            share_kept=share(kept, kept + breached + overdue),
            times=summarise(self.seconds),
        )


def merged(tallies: Iterable[Tally]) -> Tally:
    """
    Put tallies together.
    """
    whole = Tally()
    for tally in tallies:
        for outcome, count in tally.outcomes.items():
            whole.outcomes[outcome] = whole.outcomes.get(outcome, 0) + count
        whole.seconds += tally.seconds
    return whole


class Gathering:
    """
    Sorts rows into tallies by hour and by group, some thousand at a time, so that a page can breathe in between.

    Args:
        hour_of: the hour of the day of a quarter, in the time zone asked for.
        day_of: its day.
    """

    def __init__(self, hour_of: Callable[[int], int], day_of: Callable[[int], str]) -> None:
        self._hour_of, self._day_of = hour_of, day_of
        self._hours: dict[int, Tally] = {}
        self._days: dict[str, Tally] = {}
        self._groups: dict[str, Tally] = {}
        self._places: dict[int, tuple[Tally, Tally]] = {}

    def add(self, rows: Iterable[Row]) -> None:
        """
        Take rows in.
        """
        for quarter, outcome, seconds, group in rows:
            place = self._places.get(quarter) or self._place(quarter)
            own = self._groups.get(group)
            if own is None:
                own = self._groups[group] = Tally()
            for tally in (*place, own):
                tally.outcomes[outcome] = tally.outcomes.get(outcome, 0) + 1
                if seconds is not None:
                    tally.seconds.append(seconds)

    def _place(self, quarter: int) -> tuple[Tally, Tally]:
        hour = self._hours.setdefault(self._hour_of(quarter), Tally())
        day = self._days.setdefault(self._day_of(quarter), Tally())
        self._places[quarter] = hour, day
        return hour, day

    def whole(self) -> Figures:
        """
        Sum everything up.
        """
        return merged(self._groups.values()).figures()

    def by_hour(self) -> dict[int, Figures]:
        """
        Sum up by hour of the day in which the promise began.
        """
        return {hour: self._hours[hour].figures() for hour in sorted(self._hours)}

    def by_day(self) -> dict[str, Figures]:
        """
        Sum up by day on which the promise began.
        """
        return {day: self._days[day].figures() for day in sorted(self._days)}

    def by_group(self) -> dict[str, Figures]:
        """
        Sum up by group.
        """
        return {group: self._groups[group].figures() for group in sorted(self._groups)}
