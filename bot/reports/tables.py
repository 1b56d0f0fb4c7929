"""
Rows that are read off the event log so that a report need not read all of it, and what was foretold.

Nothing here is the truth: `hubbub report rebuild` throws the first two away and reads the log again.
"""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa
from sqlmodel import Field, SQLModel

from bot.core.columns import Instant, instant, maybe_instant


class ReportClock(SQLModel, table=True):
    """
    One promise and how it ended, as the event log tells it.
    """

    __tablename__ = "report_clock"
    __table_args__ = (
        # a report: one clock, a range of time
        sa.Index("report_clock_range", "clock", "quarter"),
        # the backlog of an instant: what had begun before and had not stopped
        sa.Index("report_clock_stopped", "clock", "stopped_quarter"),
        # a conversation is read again as a whole
        sa.Index("report_clock_conversation", "conversation_id"),
    )

    clock_id: str = Field(primary_key=True)
    conversation_id: str
    clock: str  # first_response, next_response, resolution
    account_id: str
    channel: str
    agent_id: str = ""  # whose answer stopped it; empty while it runs, and when nobody's did
    agent_name: str = ""
    started_at: datetime = instant()
    quarter: int  # of started_at: quarters of an hour since 1970; every time zone is a multiple of that
    due_at: datetime | None = maybe_instant()  # None while paused
    stopped_quarter: int | None = None
    outcome: str = "running"  # running, kept, breached, dropped
    seconds: int | None = None  # from start to answer by the wall clock, less what it was paused; of answered ones


class ReportWord(SQLModel, table=True):
    """
    One word of a customer, or one answer of ours that arrived; what machines wrote is left out.
    """

    __tablename__ = "report_word"
    __table_args__ = (
        # arrivals against answers, over a range of time
        sa.Index("report_word_range", "direction", "quarter"),
        # a conversation is read again as a whole
        sa.Index("report_word_conversation", "conversation_id"),
    )

    event_id: str = Field(primary_key=True)
    conversation_id: str
    direction: str  # in, out
    account_id: str
    channel: str
    quarter: int
    agent_id: str = ""
    begun_at: datetime | None = maybe_instant()  # out: when the agent took the conversation
    done_at: datetime | None = maybe_instant()  # out: when they sent the answer off


class ReportProgress(SQLModel, table=True):
    """
    How far the event log has been read: one row.
    """

    __tablename__ = "report_progress"

    id: int = Field(primary_key=True)
    read_until: datetime = instant()


class ForecastHour(SQLModel, table=True):
    """
    What was foretold of an hour a day before, to be held against what came.
    """

    __tablename__ = "forecast_hour"

    hour_at: datetime = Field(sa_type=Instant, primary_key=True)
    made_at: datetime = instant()
    arrivals: float
    people: int
    kept: float | None = None  # share of the hour's promises; None when nobody was expected
