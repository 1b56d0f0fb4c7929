"""
View models of the inbox with made-up people, for the tests of the design. No database, no services.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace as Made
from typing import Any

from aiohttp import web
from markupsafe import Markup

from bot.web.shell import Banner

SAMPLES = tomllib.loads(Path(__file__).with_name("samples.toml").read_text("utf-8"))
TABS = ["All waiting", "Unclaimed", "Mine", "Pending", "Snoozed", "Resolved"]
OPENED = "c3"
"""The conversation that is looked at: Anna's."""

ROW_DEFAULTS = {**SAMPLES["row"], "due_at": None, "agent_name": None, "current": False}
ENTRY_DEFAULTS = {
    **SAMPLES["entry"],
    **dict.fromkeys(("html", "url", "automatic", "delivery", "outbox_url")),
}


@dataclass
class Gallery:
    """
    What the pages show; a test changes it while the browser looks.

    Args:
        refuse: status with which verbs are refused; 0: they are done.
        answer_at: where verbs lead; empty: back to the conversation.
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
    answer_at: str = ""
    stream_up: bool = True
    streams: set[web.StreamResponse] = field(default_factory=set)
    due_in: timedelta = timedelta(minutes=11, seconds=42)
    started: datetime = field(default_factory=lambda: datetime.now(UTC))

    def queue(self, tab: str, search: str = "", current: str = "") -> Any:
        rows = [] if self.empty else self._rows(current)
        counts = [0] * 6 if self.empty else [38 + self.newcomers, 31, 4, 2, 1, 212]
        return Made(
            tabs=[_tab(label, count, tab) for label, count in zip(TABS, counts, strict=True)],
            rows=[row for row in rows if search.lower() in (row.contact_name + row.snippet).lower()],
            older_url=None if self.empty or search else "/queue?after=x",
            newer_url=None,
            search=search,
            total=counts[0],
            accounts=[Made(id="a1", name="Lumen Lamps"), Made(id="a2", name="help@lumen.example")],
            account_id="",
        )

    def conversation(self, number: str = OPENED, draft: str = "") -> Any:
        entries = self._entries()
        mine = (
            {"agent_id": "s1", "agent_name": "Ana Souza"}
            if self.claimed
            else {"agent_id": None, "agent_name": None}
        )
        return Made(
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
            draft=draft,
            reply_limit=500,
            visibility="public",
            visibility_note="Goes to anna.lindqvist@example.org by e-mail.",
            may_reply=self.claimed,
            cannot_reply_reason="Claim the conversation to answer it.",
            agents=[Made(id="s2", name="Ben Okafor"), Made(id="s3", name="Chen Wei")],
            contact=Made(id="p1", name="Anna Lindqvist", url="/contacts/p1", identities=_identities()),
            history=self._history(),
            account_id="a2",
            snooze_choices=[Made(label="In an hour", value="1h"), Made(label="Tomorrow, 9:00", value="tomorrow")],
        )

    def _rows(self, current: str) -> list[Any]:
        newcomers = [{"contact_name": f"Newcomer {n}", "due_seconds": 890} for n in range(self.newcomers)]
        rows = [self._row(number, values) for number, values in enumerate([*SAMPLES["rows"], *newcomers], 1)]
        for row in rows:
            row.current = row.id == current
            if row.id == OPENED and self.claimed:
                row.mine, row.agent_name = True, "Ana Souza"
        return rows

    def _row(self, number: int, values: dict[str, Any]) -> Any:
        row = Made(**{**ROW_DEFAULTS, **values}, id=f"c{number}", url=f"/conversations/c{number}")
        if "due_seconds" in values:
            row.due_at = self.started + timedelta(seconds=row.due_seconds)
        row.breached = row.due_at is not None and row.due_seconds < 0
        row.last_message_at = self.started - timedelta(minutes=4)
        return row

    def _entries(self) -> list[Any]:
        heard = [{"kind": "inbound", "text": text} for text in self.heard]
        sent = [{"kind": "outbound", "text": text, "delivery": "attempting"} for text in self.sent]
        return [
            self._entry(number, values) for number, values in enumerate([*SAMPLES["entries"], *heard, *sent], 1)
        ]

    def _entry(self, number: int, values: dict[str, Any]) -> Any:
        entry = Made(**{**ENTRY_DEFAULTS, **values}, id=f"m{number}")
        entry.at = self.started - timedelta(minutes=values.get("minutes_ago", 0))
        entry.text *= values.get("repeat", 1)
        entry.words = [Made(**word) for word in entry.words]
        entry.attachments = [Made(**attachment) for attachment in entry.attachments]
        entry.html = Markup(entry.html) if entry.html else None
        if entry.kind == "outbound":
            entry.author_name, entry.author_handle = "Ana Souza", "help@lumen.example"
            entry.outbox_url = "/outbox/o1"
        return entry

    def _history(self) -> list[Any]:
        def past(days: int, **values: str) -> Any:
            return Made(
                url="/conversations/c20", state="resolved", at=self.started - timedelta(days=days), **values
            )

        return [
            past(12, subject="", channel="mastodon", snippet="Do you ship to Norway?"),
            past(
                40, subject="Invoice for March", channel="email", snippet="Could you send me the invoice, please?"
            ),
        ]


def _tab(label: str, count: int, current: str) -> Any:
    key = label.split()[0].lower()
    return Made(key=key, label=label, count=count, url=f"/queue?tab={key}", current=key == current)


def _identities() -> list[Any]:
    bot = "@annas_lamp_bot@bots.example"
    return [
        Made(channel="email", handle="anna.lindqvist@example.org", url=None, automated=False),
        Made(
            channel="mastodon", handle="@anna@example.social", url="https://example.social/@anna", automated=False
        ),
        Made(channel="mastodon", handle=bot, url="https://bots.example/@annas_lamp_bot", automated=True),
    ]
