"""
Make room for policies, clocks that pause, and events that are reacted to.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from bot.core.columns import JSON, Instant

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "policy",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("enabled", sa.Boolean(), nullable=False),
        sa.Column("conditions", JSON, nullable=False),
        sa.Column("hours_id", sa.String(), nullable=True),
        sa.Column("first_response", sa.Float(), nullable=True),
        sa.Column("next_response", sa.Float(), nullable=True),
        sa.Column("resolution", sa.Float(), nullable=True),
        sa.Column("warn_shares", JSON, nullable=False),
        sa.Column("escalations", JSON, nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("holds_from_version", sa.Integer(), nullable=False),
        sa.Column("created_at", Instant(), nullable=False),
        sa.Column("changed_at", Instant(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("name", name="policy_name_key"),
    )
    for column in (
        sa.Column("policy_id", sa.String(), nullable=True),
        sa.Column("policy_name", sa.String(), nullable=False, server_default=""),
        sa.Column("policy_version", sa.Integer(), nullable=False, server_default="0"),
        sa.Column("hours_id", sa.String(), nullable=True),
        sa.Column("seconds", sa.Float(), nullable=False, server_default="0"),
        sa.Column("warn_shares", JSON, nullable=False, server_default="[]"),
        sa.Column("warned", sa.Integer(), nullable=False, server_default="0"),
        sa.Column("alarm_at", Instant(), nullable=True),
        sa.Column("paused_at", Instant(), nullable=True),
        sa.Column("left_seconds", sa.Float(), nullable=True),
        sa.Column("breached_at", Instant(), nullable=True),
    ):
        op.add_column("conversation_clock", column)
    # Clocks that run already are watched too.
    op.execute("UPDATE conversation_clock SET alarm_at = due_at WHERE stopped_at IS NULL")
    op.drop_index("conversation_clock_due", "conversation_clock")
    running, alarmed, pending = (
        sa.text("stopped_at IS NULL"),
        sa.text("alarm_at IS NOT NULL"),
        sa.text("pending"),
    )
    op.create_index(
        "conversation_clock_alarm",
        "conversation_clock",
        ["alarm_at"],
        postgresql_where=alarmed,
        sqlite_where=alarmed,
    )
    op.create_index(
        "conversation_clock_policy",
        "conversation_clock",
        ["policy_id"],
        postgresql_where=running,
        sqlite_where=running,
    )
    # What happened before there were reactions is not reacted to.
    op.add_column(
        "conversation_event", sa.Column("pending", sa.Boolean(), nullable=False, server_default=sa.false())
    )
    op.add_column("conversation_event", sa.Column("problem", sa.Text(), nullable=False, server_default=""))
    op.create_index(
        "conversation_event_pending",
        "conversation_event",
        ["id"],
        postgresql_where=pending,
        sqlite_where=pending,
    )
