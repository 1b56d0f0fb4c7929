"""
Rows of webhooks: who is told of what, what is to be delivered, and how each attempt went.
"""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa
from sqlmodel import Field, SQLModel

from bot.core.columns import JSON, instant, maybe_instant, text_column

NAME_TAKEN = "webhook_endpoint_name_key"
_OPEN = sa.text("state IN ('waiting', 'sending')")
_SETTLED = sa.text("settled_at IS NOT NULL")


class WebhookEndpoint(SQLModel, table=True):
    """
    Somebody's server that wants to be told.
    """

    __tablename__ = "webhook_endpoint"
    __table_args__ = (
        sa.UniqueConstraint("name", name=NAME_TAKEN),
        sa.CheckConstraint("state IN ('active', 'stopped', 'broken')", name="webhook_endpoint_state"),
    )

    id: str = Field(primary_key=True)
    name: str
    url: str = text_column()
    kinds: list[str] = Field(default_factory=list, sa_type=JSON)
    with_text: bool = False  # customers' words are sent too
    state: str = "active"
    state_reason: str = text_column()
    sealed: str = text_column()  # the secret, and the one before it
    old_secret_until: datetime | None = maybe_instant()
    failing_since: datetime | None = maybe_instant()  # of the first failure after the last success
    waits_until: datetime | None = maybe_instant()  # it asked for a pause
    created_at: datetime = instant()
    created_by_name: str = ""


class WebhookDelivery(SQLModel, table=True):
    """
    One event on its way to one endpoint.

    Its states and arrows are drawn in `bot.webhooks.rules`.
    """

    __tablename__ = "webhook_delivery"
    __table_args__ = (
        # one event reaches one endpoint as one delivery, however often it is announced
        sa.UniqueConstraint("event_id", "endpoint_id", name="webhook_delivery_event_key"),
        # what the worker looks for; the settled rows, which are nearly all, stay out of it
        sa.Index("webhook_delivery_due", "endpoint_id", "due_at", postgresql_where=_OPEN, sqlite_where=_OPEN),
        # the log: newest first by endpoint
        sa.Index("webhook_delivery_log", "endpoint_id", "id"),
        # pruning
        sa.Index("webhook_delivery_settled", "settled_at", postgresql_where=_SETTLED, sqlite_where=_SETTLED),
        sa.CheckConstraint(
            "state IN ('waiting', 'sending', 'delivered', 'failed')", name="webhook_delivery_state"
        ),
    )

    id: str = Field(primary_key=True)
    endpoint_id: str = Field(foreign_key="webhook_endpoint.id", ondelete="CASCADE")
    event_id: str  # the header webhook-id, the same over all attempts
    kind: str
    subject_id: str = ""  # of the conversation or topic
    body: str = text_column()  # JSON, byte for byte as it is signed
    state: str
    reason: str = text_column()  # for a person: why it waits or failed
    attempts: int = 0
    created_at: datetime = instant()
    tried_since: datetime = instant()  # giving up counts from here; sending again by hand begins anew
    due_at: datetime = instant()
    settled_at: datetime | None = maybe_instant()
    lease_holder: str | None = None
    lease_until: datetime | None = maybe_instant()


class WebhookAttempt(SQLModel, table=True):
    """
    How one attempt went.
    """

    __tablename__ = "webhook_attempt"
    __table_args__ = (sa.Index("webhook_attempt_delivery", "delivery_id", "id"),)  # the page of a delivery

    id: str = Field(primary_key=True)
    delivery_id: str = Field(foreign_key="webhook_delivery.id", ondelete="CASCADE")
    at: datetime = instant()
    status: int | None = None
    reason: str = text_column()
    answer: str = text_column()  # the first kilobyte
    duration_ms: int = 0
