"""
View models of the inbox with made-up people, for the tests of the design. No database, no services.
"""

from __future__ import annotations

import tomllib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from aiohttp import web
from markupsafe import Markup

from bot.contacts.tables import Identity
from bot.inbox.looking import Onlooker
from bot.inbox.rules import SNOOZE_CHOICES
from bot.inbox.timeline import Entry
from bot.inbox.views import (
    Choice,
    Colleague,
    ContactView,
    ConversationPage,
    HistoryRow,
    QueuePage,
    QueueRow,
    TabView,
)
from bot.web.shell import Banner

SAMPLES = tomllib.loads(Path(__file__).with_name("samples.toml").read_text("utf-8"))
TABS = ["All waiting", "Unclaimed", "Mine", "Pending", "Snoozed", "Resolved"]
OPENED = "c3"
"""The conversation that is looked at: Anna's."""

ROW_DEFAULTS = {**SAMPLES["row"], "agent_name": None}


@dataclass
class Gallery:
    """
    What the pages show; a test changes it while the browser looks.

    Args:
        refuse: status with which verbs are refused; 0: they are done.
        answer_at: where verbs lead; empty: back to the conversation.
        meanwhile: happens once while the answer to a verb is on its way.
    """

    banners: list[Banner] = field(default_factory=list)
    messages: list[dict[str, str]] = field(default_factory=list)
    empty: bool = False
    newcomers: int = 0
    claimed: bool = True
    sent: list[str] = field(default_factory=list)
    heard: list[str] = field(default_factory=list)
    verbs: list[tuple[str, dict[str, str]]] = field(default_factory=list)
    refuse: int = 0
    unread: int = 0
    onlookers: list[Onlooker] = field(default_factory=list)
    drafts: dict[str, tuple[str, int]] = field(default_factory=dict)
    drafts_away: bool = False
    beats: list[str] = field(default_factory=list)
    answer_at: str = ""
    stream_up: bool = True
    meanwhile: Callable[[], Awaitable[None]] | None = None
    streams: set[web.StreamResponse] = field(default_factory=set)
    due_in: timedelta = timedelta(minutes=11, seconds=42)
    started: datetime = field(default_factory=lambda: datetime.now(UTC))

    def queue(self, tab: str, search: str = "", current: str = "") -> QueuePage:
        rows = [] if self.empty else self._rows(current)
        counts = [0] * 6 if self.empty else [38 + self.newcomers, 31, 4, 2, 1, 212]
        return QueuePage(
            tabs=[_tab(label, count, tab) for label, count in zip(TABS, counts, strict=True)],
            rows=[row for row in rows if search.lower() in (row.contact_name + row.snippet).lower()],
            older_url=None if self.empty or search else "/queue?after=x",
            newer_url=None,
            search=search,
            total=str(counts[0]),
            accounts=[Choice(id="a1", name="Lumen Lamps"), Choice(id="a2", name="help@lumen.example")],
            account_id="",
            address=urlencode({"tab": tab, **({"q": search} if search else {})}),
        )

    def conversation(self, number: str = OPENED, draft: str = "") -> ConversationPage:
        entries = self._entries()
        mine = (
            {"agent_id": "s1", "agent_name": "Ana Souza"}
            if self.claimed
            else {"agent_id": None, "agent_name": None}
        )
        return ConversationPage(
            id=number,
            url=f"/conversations/{number}",
            subject="Order 4711: the lamp is missing",
            state="open",
            channel="email",
            account_name="help@lumen.example",
            account_handle="help@lumen.example",
            priority="high",
            due_at=None if self.sent else self.started + self.due_in,
            breached=False,
            first_answered_at=self.started if self.sent else None,
            **mine,
            mine=self.claimed,
            claimable=not self.claimed,
            snoozed_until=None,
            newest_message_id=entries[-1].id,
            entries=entries,
            draft=draft or self.drafts.get("reply", ("", 0))[0],
            kept_draft=self.drafts.get("reply", ("", 0))[0],
            draft_version=self.drafts.get("reply", ("", 0))[1],
            onlookers=self.onlookers,
            reply_limit=500,
            visibility="public",
            visibility_note="Goes to anna.lindqvist@example.org by e-mail.",
            may_reply=self.claimed,
            cannot_reply_reason="Claim the conversation to answer it.",
            agents=[
                Colleague(id="s2", name="Ben Okafor", presence="here", waiting=2, capacity=5),
                Colleague(id="s3", name="Chen Wei", presence="offline", waiting=0, capacity=5),
            ],
            contact=ContactView(id="p1", name="Anna Lindqvist", url="/contacts/p1", identities=_identities()),
            history=self._history(),
            account_id="a2",
            snooze_choices=SNOOZE_CHOICES,
        )

    def _rows(self, current: str) -> list[QueueRow]:
        newcomers = [{"contact_name": f"Newcomer {n}", "due_seconds": 890} for n in range(self.newcomers)]
        return [self._row(f"c{n}", values, current) for n, values in enumerate([*SAMPLES["rows"], *newcomers], 1)]

    def _row(self, number: str, values: dict[str, Any], current: str) -> QueueRow:
        values = {**ROW_DEFAULTS, **values}
        if number == OPENED and self.claimed:
            values |= {"mine": True, "agent_name": "Ana Souza"}
        seconds = values.pop("due_seconds", None)
        return QueueRow(
            **values,
            id=number,
            url=f"/conversations/{number}",
            due_at=None if seconds is None else self.started + timedelta(seconds=seconds),
            breached=seconds is not None and seconds < 0,
            last_message_at=self.started - timedelta(minutes=4),
            current=number == current,
        )

    def _entries(self) -> list[Entry]:
        heard = [{"kind": "inbound", "text": text} for text in self.heard]
        sent = [{"kind": "outbound", "text": text, "delivery": "attempting"} for text in self.sent]
        return [self._entry(f"m{n}", values) for n, values in enumerate([*SAMPLES["entries"], *heard, *sent], 1)]

    def _entry(self, number: str, values: dict[str, Any]) -> Entry:
        values = {**SAMPLES["entry"], **values}
        values["text"] *= values.pop("repeat", 1)
        if values["kind"] == "outbound":
            values |= {
                "author_name": "Ana Souza",
                "author_handle": "help@lumen.example",
                "outbox_url": "/outbox/o1",
            }
        if "html" in values:
            values["html"] = Markup(values["html"])
        at = self.started - timedelta(minutes=values.pop("minutes_ago", 0))
        return Entry(**values, id=number, at=at)

    def _history(self) -> list[HistoryRow]:
        def past(days: int, **values: str) -> HistoryRow:
            at = self.started - timedelta(days=days)
            return HistoryRow(url="/conversations/c20", state="resolved", at=at, **values)

        return [
            past(12, subject="", channel="mastodon", snippet="Do you ship to Norway?"),
            past(
                40, subject="Invoice for March", channel="email", snippet="Could you send me the invoice, please?"
            ),
        ]


def _tab(label: str, count: int, current: str) -> TabView:
    key = label.split()[0].lower()
    return TabView(key=key, label=label, count=str(count), url=f"/queue?tab={key}", current=key == current)


def _identities() -> list[Identity]:
    mastodon = {"channel": "mastodon", "contact_id": "p1"}
    bot = "@annas_lamp_bot@bots.example"
    return [
        Identity(channel="email", contact_id="p1", handle="anna.lindqvist@example.org"),  # type: ignore[call-arg]
        Identity(**mastodon, handle="@anna@example.social", url="https://example.social/@anna"),  # type: ignore[arg-type]
        Identity(**mastodon, handle=bot, url="https://bots.example/@annas_lamp_bot", automated=True),  # type: ignore[arg-type]
    ]
