"""
Rows of rules.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlmodel import Field, SQLModel

from bot.core.columns import JSON, instant, json_column, maybe_instant, text_column

NAME_TAKEN = "rule_name_key"


class RuleRow(SQLModel, table=True):
    """
    A rule: when, if, then; and what became of it so far.
    """

    __tablename__ = "rule"
    __table_args__ = (sa.UniqueConstraint("name", name=NAME_TAKEN),)

    id: str = Field(primary_key=True)
    name: str
    position: int  # asked in this order
    enabled: bool = True
    when: list[Any] = Field(sa_type=JSON)  # bot.automation.rules.When
    tags: list[Any] = Field(default_factory=list, sa_type=JSON)
    conditions: dict[str, Any] = json_column()  # bot.inbox.matching.Conditions
    words: list[Any] = Field(default_factory=list, sa_type=JSON)
    then: list[Any] = Field(sa_type=JSON)  # bot.automation.rules.Action
    stop_after: bool = False
    runs: int = 0
    last_run_at: datetime | None = maybe_instant()
    problem: str = text_column()  # the last time that it could not do what it says
    problem_at: datetime | None = maybe_instant()
    problem_id: str | None = None  # the conversation
    created_at: datetime = instant()
    changed_at: datetime = instant()
