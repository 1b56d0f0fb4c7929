"""
Rows of contacts and their identities.
"""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa
from sqlmodel import Field, SQLModel

from bot.core.columns import LABEL, instant, text_column

IDENTITY_KNOWN = "identity_channel_key"


class Contact(SQLModel, table=True):
    """
    A person out there, as far as we know them to be one.
    """

    __tablename__ = "contact"

    id: str = Field(primary_key=True)
    name: str = text_column()
    created_at: datetime = instant()
    seen_at: datetime = instant()


class Identity(SQLModel, table=True):
    """
    One handle of a contact on one channel.
    """

    __tablename__ = "identity"
    __table_args__ = (
        # two messages at once from a stranger make one contact
        sa.UniqueConstraint("channel", "key", name=IDENTITY_KNOWN),
        # the handles of a contact
        sa.Index("identity_contact", "contact_id"),
    )

    id: str = Field(primary_key=True)
    contact_id: str = Field(foreign_key="contact.id")
    channel: str
    key: str = text_column()  # stable: actor URI, lower-cased address
    handle: str = text_column()
    name: str = text_column()
    url: str | None = text_column(None)
    automated: bool = False
    followers: int | None = None
    seen_at: datetime = instant()


class ContactSegment(SQLModel, table=True):
    """
    One segment that a contact belongs to, in the form that `bot.core.labels` gives it.
    """

    __tablename__ = "contact_segment"
    # everybody in a segment, and which segments there are
    __table_args__ = (sa.Index("contact_segment_segment", "segment", "contact_id"),)

    contact_id: str = Field(foreign_key="contact.id", primary_key=True)
    segment: str = Field(primary_key=True, sa_type=LABEL)
    at: datetime = instant()


class ContactBlock(SQLModel, table=True):
    """
    Whose words are not to reach the queue: a contact with all identities, or one identity.
    """

    __tablename__ = "contact_block"
    __table_args__ = (
        # the blocks of a contact
        sa.Index("contact_block_contact", "contact_id"),
        sa.CheckConstraint("how IN ('blocked', 'spam')", name="contact_block_how_known"),
    )

    subject_id: str = Field(primary_key=True)  # of the contact or the identity; ids are unique over both
    contact_id: str = Field(foreign_key="contact.id")
    how: str  # blocked: heard and ignored; spam: kept, out of the queue
    by_id: str
    by_name: str
    at: datetime = instant()
