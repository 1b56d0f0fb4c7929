"""
Rows of accounts, their cursors, the heard ledger and its coverage.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlmodel import Field, SQLModel

from bot.core.columns import JSON, instant, json_column, maybe_instant, text_column

NAME_TAKEN = "account_name_key"
HEARD_BEFORE = "heard_item_key"


class Account(SQLModel, table=True):
    """
    Our login on a network.

    `options` are the channel's options without its credentials; `sealed` holds those, sealed by the secret box.
    """

    __tablename__ = "account"
    __table_args__ = (sa.UniqueConstraint("name", name=NAME_TAKEN),)

    id: str = Field(primary_key=True)
    channel: str
    name: str  # what our people call it: lower-case letters, digits and dashes
    handle: str = ""  # what the network calls it, from the last check
    profile_key: str = ""  # who we are there, from the last check
    state: str = "active"  # active, stopped (by a person), unauthorized (by the server)
    state_reason: str = ""
    options: dict[str, Any] = json_column()
    sealed: str = text_column()
    facts: dict[str, Any] = json_column()  # what the last check found: text_limit, rules, warnings
    created_at: datetime = instant()
    checked_at: datetime | None = maybe_instant()
    failing_since: datetime | None = maybe_instant()  # set by the first failure, cleared by the first success
    failure: str = ""
    failures: int = 0  # in a row
    quiet_until: datetime | None = maybe_instant()  # back-off or the server's own wait


class AccountStream(SQLModel, table=True):
    """
    How far one stream of an account was heard.
    """

    __tablename__ = "account_stream"

    account_id: str = Field(foreign_key="account.id", primary_key=True)
    stream: str = Field(primary_key=True)
    cursor: str | None = text_column(None)
    heard_until: datetime | None = maybe_instant()  # everything before this was asked for
    budget_limit: int | None = None
    budget_remaining: int | None = None
    budget_resets_at: datetime | None = maybe_instant()


class HeardItem(SQLModel, table=True):
    """
    One thing heard, once: the ledger. `deliveries - 1` is how often it came again (duplicates).
    """

    __tablename__ = "heard_item"
    __table_args__ = (
        # hearing the same thing again changes nothing (I1, I4, I9)
        sa.UniqueConstraint("account_id", "kind", "remote_id", name=HEARD_BEFORE),
        # the ledger page: newest first by account and state
        sa.Index("heard_item_page", "account_id", "state", "id"),
        sa.CheckConstraint("state IN ('routed', 'ignored', 'quarantined')", name="heard_item_state"),
    )

    id: str = Field(primary_key=True)
    account_id: str = Field(foreign_key="account.id")
    stream: str
    kind: str
    remote_id: str = text_column()
    state: str
    reason: str = text_column()  # why ignored, or the error of the quarantine, for a person
    routed_to: str = ""  # feature and id, e.g. "conversation:0192..."
    author_handle: str = ""
    excerpt: str = ""
    item: dict[str, Any] | None = Field(default=None, sa_type=JSON)  # kept while quarantined, for the retry
    raw: str | None = text_column(None)  # payload as received, kept while quarantined
    occurred_at: datetime = instant()
    heard_at: datetime = instant()
    deliveries: int = 1


class CoverageSpan(SQLModel, table=True):
    """
    A span of time of one stream: heard or not, and why. The spans of a stream neither overlap nor leave holes.
    """

    __tablename__ = "coverage_span"
    __table_args__ = (
        # the coverage of a stream in order
        sa.Index("coverage_span_stream", "account_id", "stream", "until_at"),
        sa.CheckConstraint("state IN ('heard', 'late', 'pending', 'lost')", name="coverage_span_state"),
    )

    id: str = Field(primary_key=True)
    account_id: str = Field(foreign_key="account.id")
    stream: str
    since_at: datetime = instant()
    until_at: datetime = instant()
    state: str  # drawn in bot.accounts.coverage
    reason: str = text_column()
