"""
Rows of business hours and of their extra days.
"""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

import sqlalchemy as sa
from sqlmodel import Field, SQLModel

from bot.core.columns import JSON, instant, maybe_instant, text_column

NAME_TAKEN = "hours_name_key"
DAY_TAKEN = "hours_day_key"
_FED = sa.text("feed_url <> ''")


class BusinessHours(SQLModel, table=True):
    """
    When somebody is open: a week in a time zone, with public holidays, extra days and a feed.
    """

    __tablename__ = "hours"
    __table_args__ = (
        sa.UniqueConstraint("name", name=NAME_TAKEN),
        # feeds that are due to be fetched
        sa.Index("hours_feed_due", "feed_due_at", postgresql_where=_FED, sqlite_where=_FED),
    )

    id: str = Field(primary_key=True)
    name: str
    zone: str
    week: list[Any] = Field(sa_type=JSON)  # seven lists of [opens, closes] in minutes
    country: str = ""  # of public holidays, as the `holidays` library knows it; empty: none
    subdivision: str = ""
    make_up: bool = True  # working days that make up for a holiday are open
    feed_url: str = text_column()
    feed_means: str = "closed"  # or open: what an event of the feed says
    feed_due_at: datetime = instant()  # fetched when this is past; moved on before, so that one process fetches
    feed_asked_at: datetime | None = maybe_instant()
    feed_read_at: datetime | None = maybe_instant()  # its days are as of then
    feed_problem: str = text_column()  # why the last try failed
    feed_note: str = text_column()  # what of it could not be used
    version: str  # another one after every change, also of its days
    created_at: datetime = instant()
    changed_at: datetime = instant()


class HoursDay(SQLModel, table=True):
    """
    A date that is otherwise than its weekday. No span: closed.
    """

    __tablename__ = "hours_day"
    __table_args__ = (
        # one word about a date from each source; also lists the days of some hours in order
        sa.UniqueConstraint("hours_id", "day_on", "source", name=DAY_TAKEN),
        sa.CheckConstraint("source IN ('hand', 'feed')", name="hours_day_source"),
    )

    id: str = Field(primary_key=True)
    hours_id: str = Field(foreign_key="hours.id")
    day_on: date
    source: str  # hand, feed
    spans: list[Any] = Field(sa_type=JSON)
    label: str = text_column()
