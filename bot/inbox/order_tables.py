"""
Rows that keep order in the house: tags, merges and splits, drafts, who looks on, bulk jobs.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlmodel import Field, SQLModel

from bot.core.columns import LABEL, instant, json_column, maybe_instant, text_column

_WORKING = sa.text("state = 'running'")
_ITEM_WAITS = sa.text("state = 'waiting'")


class ConversationTag(SQLModel, table=True):
    """
    One tag of a conversation, in the form that `bot.core.labels` gives it.
    """

    __tablename__ = "conversation_tag"
    # everything with a tag, and which tags there are
    __table_args__ = (sa.Index("conversation_tag_tag", "tag", "conversation_id"),)

    conversation_id: str = Field(foreign_key="conversation.id", primary_key=True)
    tag: str = Field(primary_key=True, sa_type=LABEL)
    at: datetime = instant()


class Rearrangement(SQLModel, table=True):
    """
    A merge or a split, with what is needed to undo it.
    """

    __tablename__ = "rearrangement"
    __table_args__ = (
        # what can be undone at a conversation
        sa.Index("rearrangement_from", "from_id", "id"),
        sa.Index("rearrangement_into", "into_id", "id"),
        sa.CheckConstraint("kind IN ('merge', 'split')", name="rearrangement_kind_known"),
    )

    id: str = Field(primary_key=True)
    kind: str
    from_id: str = Field(foreign_key="conversation.id")
    into_id: str = Field(foreign_key="conversation.id")
    moved: dict[str, Any] = json_column()  # ids of messages and notes, tags
    before: dict[str, Any] = json_column()  # what both conversations and their clocks were
    at: datetime = instant()
    by_id: str
    by_name: str
    undone_at: datetime | None = maybe_instant()
    undone_by: str | None = None


class Draft(SQLModel, table=True):
    """
    What somebody is writing and has not sent.
    """

    __tablename__ = "draft"
    __table_args__ = (sa.Index("draft_staff", "staff_id", "updated_at"),)  # "my drafts"

    staff_id: str = Field(primary_key=True)
    conversation_id: str = Field(foreign_key="conversation.id", primary_key=True)
    kind: str = Field(primary_key=True)  # reply, note
    text: str = text_column()
    version: int = 1  # counts up with every change: two tabs notice each other
    updated_at: datetime = instant()


class Looking(SQLModel, table=True):
    """
    Who has a conversation open just now. A row that is not renewed means nothing.
    """

    __tablename__ = "looking"

    conversation_id: str = Field(foreign_key="conversation.id", primary_key=True)
    staff_id: str = Field(primary_key=True)
    name: str
    until: datetime = instant()
    typing_until: datetime | None = maybe_instant()
    told_at: datetime = instant()  # colleagues' pages, last
    told_typing: bool = False  # and what they were told


class BulkJob(SQLModel, table=True):
    """
    One thing done to many conversations, a slice at a time.
    """

    __tablename__ = "bulk_job"
    __table_args__ = (
        # what the worker looks for
        sa.Index("bulk_job_running", "id", postgresql_where=_WORKING, sqlite_where=_WORKING),
        sa.CheckConstraint("state IN ('running', 'stopped', 'done')", name="bulk_job_state_known"),
    )

    id: str = Field(primary_key=True)
    verb: str  # bot.inbox.rules.BulkVerb
    detail: dict[str, Any] = json_column()  # the tag, the agent, the moment
    state: str = "running"
    total: int = 0
    done: int = 0
    left_out: int = 0
    by_id: str
    by_name: str
    by_role: str
    by_kind: str
    created_at: datetime = instant()
    finished_at: datetime | None = maybe_instant()
    stopped_by: str | None = None


class BulkItem(SQLModel, table=True):
    """
    One conversation of a bulk job, and what became of it.
    """

    __tablename__ = "bulk_item"
    __table_args__ = (
        # the next slice
        sa.Index("bulk_item_waiting", "job_id", "number", postgresql_where=_ITEM_WAITS, sqlite_where=_ITEM_WAITS),
        # what was left out, and why
        sa.Index("bulk_item_state", "job_id", "state", "number"),
        # a conversation is in a job once
        sa.UniqueConstraint("job_id", "conversation_id", name="bulk_item_once"),
    )

    job_id: str = Field(foreign_key="bulk_job.id", primary_key=True)
    number: int = Field(primary_key=True)
    conversation_id: str
    state: str = "waiting"  # waiting, done, left out
    reason: str = text_column()
