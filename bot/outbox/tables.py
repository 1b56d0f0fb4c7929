"""
Rows of what leaves the house.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlmodel import Field, SQLModel

from bot.core.columns import JSON, instant, json_column, maybe_instant, text_column

KEY_USED = "outbox_entry_key"
ONE_ATTEMPT = "outbox_entry_one_attempt"
_ATTEMPTING = sa.text("state = 'attempting'")
_WAITING = sa.text("state IN ('prepared', 'attempting', 'unknown')")


class OutboxEntry(SQLModel, table=True):
    """
    One thing to send and what became of it.

    Its states and arrows are drawn in `bot.outbox.rules`.
    """

    __tablename__ = "outbox_entry"
    __table_args__ = (
        # one idempotency key, one thing sent
        sa.UniqueConstraint("key", name=KEY_USED),
        # what the worker looks for; the settled rows, which are nearly all, stay out of it
        sa.Index("outbox_entry_due", "due_at", postgresql_where=_WAITING, sqlite_where=_WAITING),
        # one attempt at a time per account, whatever the workers believe
        sa.Index(ONE_ATTEMPT, "account_id", unique=True, postgresql_where=_ATTEMPTING, sqlite_where=_ATTEMPTING),
        # the entries of a conversation, and the order among them
        sa.Index("outbox_entry_subject", "subject_kind", "subject_id", "id"),
        # the outbox page: newest first by state
        sa.Index("outbox_entry_page", "state", "id"),
        sa.CheckConstraint(
            "state IN ('prepared', 'attempting', 'confirmed', 'refused', 'unknown', 'held', 'cancelled')",
            name="outbox_entry_state",
        ),
    )

    id: str = Field(primary_key=True)
    account_id: str = Field(foreign_key="account.id")
    kind: str  # reply, post
    subject_kind: str  # what it belongs to, e.g. "conversation"
    subject_id: str
    key: str
    reply_to: dict[str, Any] | None = Field(default=None, sa_type=JSON)
    draft: dict[str, Any] = json_column()
    state: str
    reason: str = text_column()  # for a person: why refused, unknown, waiting
    attempts: int = 0
    finds: int = 0  # looks since it became unknown
    unknown_at: datetime | None = maybe_instant()  # since when nobody knows whether it arrived
    prepared_at: datetime = instant()
    attempted_at: datetime | None = maybe_instant()  # the last attempt
    due_at: datetime = instant()  # next try or look, not before
    expires_at: datetime | None = maybe_instant()  # late rule: not sent after this
    grace_seconds: int | None = None  # how late it may be sent; begins anew when a person tries again
    lease_holder: str | None = None
    lease_until: datetime | None = maybe_instant()
    settled_at: datetime | None = maybe_instant()
    sent_id: str | None = text_column(None)  # the receipt: id, url and time as the channel tells
    sent_url: str | None = text_column(None)
    sent_at: datetime | None = maybe_instant()
    created_by: str = "hubbub"
    created_by_name: str = "Hubbub"


class OutboxWait(SQLModel, table=True):
    """
    How long a server asked an account to send nothing.
    """

    __tablename__ = "outbox_wait"

    account_id: str = Field(foreign_key="account.id", primary_key=True)
    until: datetime = instant()
    reason: str = text_column()
