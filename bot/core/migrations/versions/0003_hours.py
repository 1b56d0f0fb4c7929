"""
Keep business hours and their extra days.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from bot.core.columns import JSON, Instant

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "hours",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("zone", sa.String(), nullable=False),
        sa.Column("week", JSON, nullable=False),
        sa.Column("country", sa.String(), nullable=False),
        sa.Column("subdivision", sa.String(), nullable=False),
        sa.Column("make_up", sa.Boolean(), nullable=False),
        sa.Column("feed_url", sa.Text(), nullable=False),
        sa.Column("feed_means", sa.String(), nullable=False),
        sa.Column("feed_due_at", Instant(), nullable=False),
        sa.Column("feed_asked_at", Instant(), nullable=True),
        sa.Column("feed_read_at", Instant(), nullable=True),
        sa.Column("feed_problem", sa.Text(), nullable=False),
        sa.Column("feed_note", sa.Text(), nullable=False),
        sa.Column("version", sa.String(), nullable=False),
        sa.Column("created_at", Instant(), nullable=False),
        sa.Column("changed_at", Instant(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("name", name="hours_name_key"),
    )
    fed = sa.text("feed_url <> ''")
    op.create_index(
        "hours_feed_due", "hours", ["feed_due_at"], unique=False, postgresql_where=fed, sqlite_where=fed
    )
    op.create_table(
        "hours_day",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("hours_id", sa.String(), nullable=False),
        sa.Column("day_on", sa.Date(), nullable=False),
        sa.Column("source", sa.String(), nullable=False),
        sa.Column("spans", JSON, nullable=False),
        sa.Column("label", sa.Text(), nullable=False),
        sa.CheckConstraint("source IN ('hand', 'feed')", name="hours_day_source"),
        sa.ForeignKeyConstraint(["hours_id"], ["hours.id"]),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("hours_id", "day_on", "source", name="hours_day_key"),
    )
