"""
Random histories of a house, and a recount of its event log that shares no code with the reports.
"""

from __future__ import annotations

import json
import math
import random
from collections import defaultdict
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import sqlalchemy as sa

from bot.accounts.ears import Routed
from bot.core.actor import HUBBUB
from bot.core.database import Database
from bot.core.errors import HubbubError
from bot.inbox import policies, service
from bot.inbox.policies import Wish
from bot.inbox.rules import ClockKind
from bot.outbox.tables import OutboxEntry
from connectors.base import Author
from tests.fakes.clock import FakeClock
from tests.integration.inbox.house import House

TEXTS = (
    "Does it ship to Norway?",
    "It is broken, I want my money back!",
    "Thank you, lovely!",
    "Can I pay by card?",
)


@dataclass
class History:
    """
    Days in a house: people write, answers arrive or not, some are a machine's; things are put aside and resolved.
    """

    house: House
    clock: FakeClock
    draw: random.Random
    conversations: list[str] = field(default_factory=list)
    on_their_way: list[OutboxEntry] = field(default_factory=list)

    async def live(self, steps: int) -> None:
        minutes = {ClockKind.FIRST_RESPONSE: 15, ClockKind.NEXT_RESPONSE: 10, ClockKind.RESOLUTION: 120}
        lengths = {kind: timedelta(minutes=length) for kind, length in minutes.items()}
        wish = Wish(name="all", lengths=lengths)
        async with self.house.database.write() as work:
            await policies.create_policy(work, HUBBUB, wish)
        await self.live_on(steps)

    async def live_on(self, steps: int) -> None:
        for _ in range(steps):
            self.clock.set(self.clock.now() + timedelta(seconds=self.draw.expovariate(1 / 200)))
            step = self.draw.choice(
                (
                    self._write,
                    self._write,
                    self._answer,
                    self._answer,
                    self._arrive,
                    self._arrive,
                    self._put,
                    self._machine,
                )
            )
            with suppress(HubbubError):  # not possible just now; another step is
                await step()

    async def _write(self) -> None:
        number = self.draw.randrange(12)
        author = Author(
            key=f"https://far.example/users/{number}", handle=f"c{number}@far.example", name=f"C{number}"
        )
        late = timedelta(seconds=self.draw.choice((0, 0, 30, 5000)))
        automatic = "auto-submitted" if self.draw.random() < 0.1 else None
        text, at = self.draw.choice(TEXTS), self.clock.now() - late
        routed = await self.house.hear(self.house.item(text, author, occurred_at=at, automatic=automatic))
        if isinstance(routed, Routed):  # what a machine writes opens nothing
            self.conversations.append(routed.to.removeprefix("conversation:"))

    def _any(self) -> str:
        return self.draw.choice(self.conversations[-8:]) if self.conversations else "none"

    async def _answer(self) -> None:
        then = self.draw.choice(("", "", "pending", "resolved"))
        who = self.draw.choice(("ann", "lea", "lea"))
        self.on_their_way.append(await self.house.reply(self._any(), who, then=then))

    async def _machine(self) -> None:
        self.on_their_way.append(await self.house.reply(self._any(), "lea", automatic=True))

    async def _arrive(self) -> None:
        if self.on_their_way:
            entry = self.on_their_way.pop(self.draw.randrange(len(self.on_their_way)))
            state = self.draw.choice(("confirmed", "confirmed", "confirmed", "refused"))
            await self.house.becomes(
                entry, state, at=self.clock.now() - timedelta(seconds=self.draw.choice((0, 20)))
            )

    async def _put(self) -> None:
        verb = self.draw.choice(
            (service.set_pending, service.resolve, service.reopen, service.claim, service.release)
        )
        async with self.house.database.write() as work:
            await verb(work, self.house.people["lea"], self._any())


async def log_of(database: Database) -> list[dict[str, Any]]:
    """
    Give the event log as it lies in the database, with what the conversations are about.
    """
    query = sa.text(
        "SELECT e.id, e.conversation_id, e.at, e.kind, e.detail, c.channel, c.account_id, c.intent"
        " FROM conversation_event e JOIN conversation c ON c.id = e.conversation_id ORDER BY e.id"
    )
    async with database.read() as work:
        rows = (await work.session.execute(query)).mappings().all()
    return [{**row, "at": _instant(row["at"]), "detail": _decoded(row["detail"])} for row in rows]


def _instant(value: Any) -> datetime:
    found = datetime.fromisoformat(value) if isinstance(value, str) else value
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def _decoded(value: Any) -> Any:
    return json.loads(value) if isinstance(value, str) else value


def recount(
    log: list[dict[str, Any]], clock: str, begin: datetime, end: datetime, now: datetime, zone: str, by: str
) -> dict[str, dict[str, Any]]:
    """
    Count again by brute force, clock by clock: {"whole": ..., "hour 09": ..., "group mastodon": ...}.
    """
    found: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for start in log:
        detail = start["detail"]
        if start["kind"] != "clock_started" or detail["clock"] != clock:
            continue
        began = datetime.fromisoformat(detail["started_at"])
        if not begin <= began < end:
            continue
        judged = _judge(log, start, began, now)
        key = {"channel": start["channel"], "account": start["account_id"], "intent": start["intent"]}.get(by)
        hour = began.astimezone(ZoneInfo(zone)).strftime("%H")
        for place in ("whole", f"hour {hour}", f"group {judged['agent'] if key is None else key}"):
            found[place].append(judged)
    return {place: _sum(some) for place, some in found.items()}


def _judge(log: list[dict[str, Any]], start: dict[str, Any], began: datetime, now: datetime) -> dict[str, Any]:
    clock_id = start["detail"]["clock_id"]
    own = [event for event in log if event["detail"].get("clock_id") == clock_id]
    paused = [event for event in own if event["kind"] in ("clock_paused", "clock_resumed")]
    stops = [event for event in own if event["kind"] == "clock_stopped"]
    due = [event["detail"]["due_at"] for event in own if "due_at" in event["detail"]][-1]
    if not stops:
        waits = bool(paused) and paused[-1]["kind"] == "clock_paused"
        late = not waits and datetime.fromisoformat(due) <= now
        return {"outcome": "overdue" if late else "running", "seconds": None, "agent": ""}
    (stop,) = stops
    if stop["detail"]["outcome"] == "dropped":
        return {"outcome": "dropped", "seconds": None, "agent": ""}
    ended = datetime.fromisoformat(stop["detail"]["at"])
    seconds = (ended - began).total_seconds() - _paused_seconds(own, ended)
    answers = [
        event["detail"]["by_id"]
        for event in log
        if event["conversation_id"] == start["conversation_id"]
        and event["kind"] == "answered"
        and not event["detail"]["automatic"]
        and event["id"] < stop["id"]
    ]
    return {
        "outcome": stop["detail"]["outcome"],
        "seconds": max(math.floor(seconds + 1e-7), 0),
        "agent": answers[-1] if answers else "",
    }


def _paused_seconds(own: list[dict[str, Any]], ended: datetime) -> float:
    total, since = 0.0, None
    for event in own:
        if event["kind"] == "clock_paused":
            since = event["at"]
        elif event["kind"] == "clock_resumed" and since is not None:
            total, since = total + (event["at"] - since).total_seconds(), None
    return total + (max((ended - since).total_seconds(), 0.0) if since is not None else 0.0)


def _sum(some: list[dict[str, Any]]) -> dict[str, Any]:
    outcomes = [one["outcome"] for one in some]
    kept, breached, overdue = (outcomes.count(name) for name in ("kept", "breached", "overdue"))
    seconds = sorted(one["seconds"] for one in some if one["seconds"] is not None)
    judged = kept + breached + overdue
    return {
        "asked": len(some),
        "answered": kept + breached,
        "kept": kept,
        "breached": breached,
        "overdue": overdue,
        "running": outcomes.count("running"),
        "dropped": outcomes.count("dropped"),
        "share_kept": kept / judged if judged else None,
        "count": len(seconds),
        "average": sum(seconds) / len(seconds) if seconds else None,
        **{f"p{percent}": _percentile(seconds, percent) for percent in (50, 90, 95, 99)},
        "longest": seconds[-1] if seconds else None,
    }


def _percentile(ordered: list[int], percent: int) -> int | None:
    # by its definition: the first value that so many do not exceed
    for value in ordered:
        if sum(one <= value for one in ordered) * 100 >= percent * len(ordered):
            return value
    return None
