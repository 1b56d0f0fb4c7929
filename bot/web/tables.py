"""
The shell's own rows: answers that an Idempotency-Key brings back.
"""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa
from sqlmodel import Field, SQLModel

from bot.core.columns import instant, text_column


class ApiAnswer(SQLModel, table=True):
    """
    What a POST with an Idempotency-Key was answered, kept a day.
    """

    __tablename__ = "api_answer"
    # pruning asks by time
    __table_args__ = (sa.Index("api_answer_at", "at"),)

    actor_id: str = Field(primary_key=True)
    key: str = Field(primary_key=True, max_length=200)
    request_hash: str
    status: int
    body: str = text_column()
    at: datetime = instant()
