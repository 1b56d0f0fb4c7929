"""
The ground's own rows: live events and leases.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlmodel import Field, SQLModel

from bot.core.columns import COUNTER, instant, json_column


class LiveEvent(SQLModel, table=True):
    """
    Something that open pages want to know, in the order of commits.
    """

    __tablename__ = "live_event"
    __table_args__ = (
        # replay asks "after id, of these topics"; pruning asks by time
        sa.Index("live_event_at", "at"),
        {"sqlite_autoincrement": True},  # an id is never used twice, even after pruning
    )

    id: int | None = Field(default=None, sa_type=COUNTER, primary_key=True)
    at: datetime = instant()
    topic: str
    data: dict[str, Any] = json_column()


class Lease(SQLModel, table=True):
    """
    Who may do a thing that only one process at a time may do, and until when.
    """

    __tablename__ = "lease"

    name: str = Field(primary_key=True)
    holder: str
    until: datetime = instant()
