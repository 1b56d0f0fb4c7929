"""
Rows of saved views and of the search index.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlmodel import Field, SQLModel

from bot.core.columns import COUNTER, Tokens, instant, json_column, text_column

VIEW_NAME_TAKEN = "saved_view_name_key"


class SearchEntry(SQLModel, table=True):
    """
    One text that can be found. SQLite's full-text index `search_text` follows it by triggers.
    """

    __tablename__ = "search_entry"
    __table_args__ = (
        # a text is in the index once
        sa.UniqueConstraint("kind", "ref_id", name="search_entry_key"),
    )

    id: int | None = Field(default=None, sa_type=COUNTER, primary_key=True)  # counts up: newest first is by this
    kind: str  # message, note, subject (of a conversation), contact
    ref_id: str
    at: datetime = instant()
    tokens: list[str] = Field(sa_type=Tokens, sa_column_kwargs={"nullable": False})


class SavedView(SQLModel, table=True):
    """
    A list of conversations that somebody keeps.
    """

    __tablename__ = "saved_view"
    __table_args__ = (
        # a name means one view of a person
        sa.UniqueConstraint("owner_id", "name", name=VIEW_NAME_TAKEN),
        # what everybody sees
        sa.Index("saved_view_shared", "shared"),
    )

    id: str = Field(primary_key=True)
    owner_id: str
    owner_name: str
    shared: bool = False
    name: str = text_column()
    selection: dict[str, Any] = json_column()  # bot.inbox.selection
    order: str = "deadline"
    position: int = 0  # among the views of its owner
    created_at: datetime = instant()
    changed_at: datetime = instant()
