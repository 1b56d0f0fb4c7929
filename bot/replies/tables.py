"""
Rows of saved replies, macros, groups of alike requests, answers worth repeating, and acknowledgements.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlmodel import Field, SQLModel

from bot.core.columns import JSON, instant, json_column, maybe_instant, text_column

SHORTCUT_TAKEN = "saved_reply_shortcut_key"
MACRO_NAME_TAKEN = "macro_name_key"


class SavedReply(SQLModel, table=True):
    """
    A reply that is written once and used often; its texts are rows of their own, one a language.
    """

    __tablename__ = "saved_reply"
    # everybody's shortcuts are told apart, and so are those of one person
    __table_args__ = (sa.UniqueConstraint("owner_id", "shortcut", name=SHORTCUT_TAKEN),)

    id: str = Field(primary_key=True)
    owner_id: str = ""  # whose own it is; empty: everybody's
    shortcut: str
    title: str
    intents: list[Any] = Field(default_factory=list, sa_type=JSON)
    uses: int = 0
    used_at: datetime | None = maybe_instant()
    created_by: str
    created_at: datetime = instant()
    changed_at: datetime = instant()


class SavedReplyText(SQLModel, table=True):
    """
    What a saved reply says in one language.
    """

    __tablename__ = "saved_reply_text"

    reply_id: str = Field(foreign_key="saved_reply.id", primary_key=True)
    language: str = Field(primary_key=True)  # empty: in any
    text: str = text_column()


class Macro(SQLModel, table=True):
    """
    Several things done to a conversation at once, in order.
    """

    __tablename__ = "macro"
    __table_args__ = (sa.UniqueConstraint("owner_id", "name", name=MACRO_NAME_TAKEN),)  # told apart in the menu

    id: str = Field(primary_key=True)
    owner_id: str = ""  # whose own it is; empty: everybody's
    name: str
    actions: list[Any] = Field(default_factory=list, sa_type=JSON)  # as bot.replies.rules writes them
    uses: int = 0
    used_at: datetime | None = maybe_instant()
    created_by: str
    created_at: datetime = instant()
    changed_at: datetime = instant()


class AlikeGroup(SQLModel, table=True):
    """
    Requests that ask the same, named by the one that came first: others are compared with its text.
    """

    __tablename__ = "alike_group"

    id: str = Field(primary_key=True)
    text: str = text_column()
    language: str | None = None
    intent: str = "other"
    post_id: str | None = text_column(None)
    created_at: datetime = instant()


class AlikeBand(SQLModel, table=True):
    """
    One MinHash band of a group's text: groups that share one with a new request may be like it.
    """

    __tablename__ = "alike_band"
    __table_args__ = (sa.Index("alike_band_group", "group_id"),)  # forgetting a group

    band: int = Field(primary_key=True, sa_type=sa.BigInteger)
    group_id: str = Field(foreign_key="alike_group.id", primary_key=True)


class AlikeMember(SQLModel, table=True):
    """
    A conversation whose newest message waits in a group, and what it shares with the one that came first.
    """

    __tablename__ = "alike_member"
    __table_args__ = (sa.Index("alike_member_group", "group_id", "conversation_id"),)  # who is in a group

    conversation_id: str = Field(foreign_key="conversation.id", primary_key=True)
    group_id: str = Field(foreign_key="alike_group.id")
    message_id: str
    shared: int = 0
    of: int = 0
    by_character: bool = False
    same: str = ""  # post, intent, text; empty: it came first
    at: datetime = instant()


class AnsweredWell(SQLModel, table=True):
    """
    A question whose answer kept its promise and needed no second word: worth suggesting again.
    """

    __tablename__ = "answered_well"
    __table_args__ = (
        sa.Index("answered_well_conversation", "conversation_id"),
    )  # forgetting it when it comes back

    id: str = Field(primary_key=True)  # of the answering message
    conversation_id: str = Field(foreign_key="conversation.id")
    question: str = text_column()
    answer: str = text_column()
    language: str | None = None
    agent_name: str
    at: datetime = instant()


class Acknowledgement(SQLModel, table=True):
    """
    What an account says by itself outside its hours.
    """

    __tablename__ = "acknowledgement"

    account_id: str = Field(foreign_key="account.id", primary_key=True)
    enabled: bool = False
    hours_id: str | None = None
    texts: dict[str, Any] = json_column()  # by language; empty: any other
    changed_at: datetime = instant()


class Acknowledged(SQLModel, table=True):
    """
    A conversation that was acknowledged while we were closed until an instant: never twice.
    """

    __tablename__ = "acknowledged"

    conversation_id: str = Field(foreign_key="conversation.id", primary_key=True)
    opens_at: str = Field(primary_key=True)  # ISO 8601: which closing it was
    at: datetime = instant()
