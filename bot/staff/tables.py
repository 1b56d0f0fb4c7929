"""
Rows of staff, sessions, tokens and the audit trail. Secrets are stored as hashes only.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlmodel import Field, SQLModel

from bot.core.columns import COUNTER, JSON, instant, json_column, maybe_instant, text_column

_UNREAD = sa.text("read_at IS NULL")
LOGIN_TAKEN = "staff_member_login_key"


class StaffMember(SQLModel, table=True):
    """
    Somebody who works here.
    """

    __tablename__ = "staff_member"
    __table_args__ = (sa.UniqueConstraint("login", name=LOGIN_TAKEN),)

    id: str = Field(primary_key=True)
    login: str  # lower case
    name: str
    role: str
    password_hash: str | None = Field(default=None, repr=False)  # None: signs in by link only
    created_at: datetime = instant()
    disabled_at: datetime | None = maybe_instant()
    ui_language: str = ""  # of the pages: a key of bot.web.translations.LANGUAGES; empty: as the browser asks


class StaffSession(SQLModel, table=True):
    """
    A signed-in browser. The id is the SHA-256 of the cookie.
    """

    __tablename__ = "staff_session"
    __table_args__ = (
        # signing somebody out everywhere
        sa.Index("staff_session_staff", "staff_id"),
        # pruning
        sa.Index("staff_session_expires", "expires_at"),
    )

    id: str = Field(primary_key=True)
    staff_id: str = Field(foreign_key="staff_member.id")
    csrf: str
    created_at: datetime = instant()
    seen_at: datetime = instant()
    expires_at: datetime = instant()
    browser: str = ""


class SignInLink(SQLModel, table=True):
    """
    A link that signs in once. The id is the SHA-256 of its token.
    """

    __tablename__ = "sign_in_link"

    id: str = Field(primary_key=True)
    staff_id: str = Field(foreign_key="staff_member.id")
    expires_at: datetime = instant()
    used_at: datetime | None = maybe_instant()


class SignInFailure(SQLModel, table=True):
    """
    A failed try to sign in, for throttling.
    """

    __tablename__ = "sign_in_failure"
    __table_args__ = (
        # throttling counts by login and by address since a time
        sa.Index("sign_in_failure_login", "login", "at"),
        sa.Index("sign_in_failure_address", "address", "at"),
    )

    id: int | None = Field(default=None, sa_type=COUNTER, primary_key=True)
    login: str
    address: str
    at: datetime = instant()


class ApiToken(SQLModel, table=True):
    """
    A bearer token of the API. Only its SHA-256 is kept.
    """

    __tablename__ = "api_token"
    __table_args__ = (sa.UniqueConstraint("token_hash", name="api_token_hash_key"),)

    id: str = Field(primary_key=True)
    name: str
    role: str
    token_hash: str = Field(repr=False)
    created_at: datetime = instant()
    created_by: str
    used_at: datetime | None = maybe_instant()
    expires_at: datetime | None = maybe_instant()
    revoked_at: datetime | None = maybe_instant()


class Agent(SQLModel, table=True):
    """
    Presence and work profile of somebody who answers: a staff member, or a token that acts as one.

    The id is theirs.
    """

    __tablename__ = "agent"
    __table_args__ = (
        # who is here, and who has gone since
        sa.Index("agent_alive", "alive_until"),
        sa.CheckConstraint("chosen IN ('here', 'busy', 'away')", name="agent_chosen_known"),
        sa.CheckConstraint("capacity >= 0", name="agent_capacity_not_negative"),
    )

    id: str = Field(primary_key=True)
    chosen: str  # here, busy, away: what they said themselves
    alive_until: datetime | None = maybe_instant()  # offline from then on, unless a beat comes
    idle_at: datetime | None = maybe_instant()  # away from then on, unless they touch something
    told: str = "offline"  # the presence that the log knows of
    capacity: int = 5  # conversations that wait for them at once
    languages: list[str] = Field(default_factory=list, sa_type=JSON)  # empty: all, as the next two
    account_ids: list[str] = Field(default_factory=list, sa_type=JSON)
    intents: list[str] = Field(default_factory=list, sa_type=JSON)
    hand_out: bool = True  # False: work only when they ask for it


class PresenceChange(SQLModel, table=True):
    """
    Who was here when: the log from which the people present at any instant can be counted.
    """

    __tablename__ = "presence_change"
    __table_args__ = (
        # who was here in an hour
        sa.Index("presence_change_at", "at"),
        # the last one of an agent
        sa.Index("presence_change_agent", "agent_id", "at"),
    )

    id: str = Field(primary_key=True)
    agent_id: str = Field(foreign_key="agent.id")
    at: datetime = instant()  # when it happened, not when we noticed
    presence: str


class AuditEntry(SQLModel, table=True):
    """
    Who changed what, when. Never holds a secret.
    """

    __tablename__ = "audit_entry"
    __table_args__ = (
        # the trail of one thing
        sa.Index("audit_entry_subject", "subject_kind", "subject_id", "id"),
    )

    id: str = Field(primary_key=True)
    at: datetime = instant()
    actor_kind: str
    actor_id: str
    actor_name: str
    action: str  # verb, e.g. "account.stop"
    subject_kind: str
    subject_id: str
    detail: dict[str, Any] = json_column()


class Notification(SQLModel, table=True):
    """
    Something that one of us should know: a mention, a hand-over, an escalation.
    """

    __tablename__ = "notification"
    __table_args__ = (
        # somebody's notifications, newest first
        sa.Index("notification_staff", "staff_id", "id"),
        # the bell counts those that were not read, on every page
        sa.Index("notification_unread", "staff_id", postgresql_where=_UNREAD, sqlite_where=_UNREAD),
    )

    id: str = Field(primary_key=True)
    staff_id: str = Field(foreign_key="staff_member.id")
    kind: str  # mention, handed_over, escalation ...
    text: str = text_column()  # English with %(name)s in it; translated where it is shown
    words: dict[str, Any] = json_column()  # what stands in for the names
    url: str = text_column()  # where it leads, inside the house
    at: datetime = instant()
    read_at: datetime | None = maybe_instant()
