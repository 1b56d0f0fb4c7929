"""
Rows of feedback: topics, the phrases that lead to them, who mentioned them, and products.
"""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa
from sqlmodel import Field, SQLModel

from bot.core.columns import JSON, instant, text_column


class FeedbackTopic(SQLModel, table=True):
    """
    Something that customers speak of.
    """

    __tablename__ = "feedback_topic"

    id: str = Field(primary_key=True)
    name: str = text_column()
    hidden: bool = False  # a person said that it means nothing
    created_at: datetime = instant()


class FeedbackPhrase(SQLModel, table=True):
    """
    A phrase that customers use: a candidate while it has no topic, afterwards one of the ways to mention it.

    Merging topics moves their phrases, so that the topic that stays goes on collecting.
    """

    __tablename__ = "feedback_phrase"
    __table_args__ = (
        # the phrases of a topic
        sa.Index("feedback_phrase_topic", "topic_id"),
        # forgetting candidates
        sa.Index("feedback_phrase_seen", "seen_at"),
    )

    phrase: str = Field(primary_key=True, sa_type=sa.Text)
    topic_id: str | None = Field(default=None, foreign_key="feedback_topic.id")
    message_ids: list[str] = Field(default_factory=list, sa_type=JSON)  # of a candidate: who used it so far
    first_at: datetime = instant()
    seen_at: datetime = instant()


class FeedbackMention(SQLModel, table=True):
    """
    One message that speaks of a topic.
    """

    __tablename__ = "feedback_mention"
    __table_args__ = (
        # the board: what was mentioned in two weeks
        sa.Index("feedback_mention_at", "at", "topic_id"),
        # the quotes of a topic, newest first
        sa.Index("feedback_mention_topic", "topic_id", "at", "message_id"),
        sa.CheckConstraint("aspect IN ('praised', 'asked', 'broken')", name="feedback_mention_aspect"),
    )

    # a message mentions a topic once, whatever phrases it uses
    topic_id: str = Field(foreign_key="feedback_topic.id", primary_key=True)
    message_id: str = Field(foreign_key="message.id", primary_key=True)
    account_id: str
    product_id: str = ""
    aspect: str
    mood: str
    at: datetime = instant()


class FeedbackProduct(SQLModel, table=True):
    """
    Something we sell, and the words that name it.
    """

    __tablename__ = "feedback_product"
    __table_args__ = (sa.UniqueConstraint("name", name="feedback_product_name_key"),)

    id: str = Field(primary_key=True)
    name: str
    words: list[str] = Field(default_factory=list, sa_type=JSON)
