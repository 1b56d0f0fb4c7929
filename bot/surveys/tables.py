"""
Rows of surveys: how each account asks, who was asked, what they said, and the key that signs links.
"""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa
from sqlmodel import Field, SQLModel

from bot.core.columns import instant, maybe_instant, text_column

ONE_A_CONVERSATION = "survey_conversation_key"
_PLANNED = sa.text("state = 'planned'")
_ASKED = sa.text("asked_at IS NOT NULL")


class SurveyOption(SQLModel, table=True):
    """
    How the customers of one account are asked; no row: they are not.
    """

    __tablename__ = "survey_option"

    account_id: str = Field(foreign_key="account.id", primary_key=True)
    enabled: bool = False
    delay_seconds: int = 3_600
    valid_seconds: int = 1_209_600
    pause_seconds: int = 2_592_000


class Survey(SQLModel, table=True):
    """
    One question to one customer about one conversation, and the answer.

    Its states and arrows are drawn in `bot.surveys.rules`.
    """

    __tablename__ = "survey"
    __table_args__ = (
        # a conversation is asked about once, whatever happens to it
        sa.UniqueConstraint("conversation_id", name=ONE_A_CONVERSATION),
        # what the job looks for
        sa.Index("survey_due", "ask_at", postgresql_where=_PLANNED, sqlite_where=_PLANNED),
        # when a contact was asked last
        sa.Index("survey_contact", "contact_id", "asked_at"),
        # figures of a span of time
        sa.Index("survey_asked", "asked_at", "id", postgresql_where=_ASKED, sqlite_where=_ASKED),
        sa.CheckConstraint("state IN ('planned', 'asked', 'dropped')", name="survey_state"),
        sa.CheckConstraint("score IS NULL OR score BETWEEN 1 AND 5", name="survey_score"),
    )

    id: str = Field(primary_key=True)
    conversation_id: str = Field(foreign_key="conversation.id")
    contact_id: str = Field(foreign_key="contact.id")
    account_id: str = Field(foreign_key="account.id")
    agent_id: str = ""  # who answered last before it was resolved
    agent_name: str = ""
    language: str = "en"
    state: str
    reason: str = text_column()  # why it was dropped
    ask_at: datetime = instant()
    asked_at: datetime | None = maybe_instant()
    asked_week: str = ""  # the Monday of it, for figures
    expires_at: datetime | None = maybe_instant()
    score: int | None = None
    comment: str = text_column()
    answered_at: datetime | None = maybe_instant()
    changed_at: datetime | None = maybe_instant()


class SurveyKey(SQLModel, table=True):
    """
    The key that signs links, sealed; one row. A key of its own, so that links outlive a rotation of the house's.
    """

    __tablename__ = "survey_key"

    id: int = Field(primary_key=True)
    sealed: str = text_column()
