"""
Make room for presence.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from bot.core.columns import JSON, Instant

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "agent",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("chosen", sa.String(), nullable=False),
        sa.Column("alive_until", Instant(), nullable=True),
        sa.Column("idle_at", Instant(), nullable=True),
        sa.Column("told", sa.String(), nullable=False),
        sa.Column("capacity", sa.Integer(), nullable=False),
        sa.Column("languages", JSON, nullable=False),
        sa.Column("account_ids", JSON, nullable=False),
        sa.Column("intents", JSON, nullable=False),
        sa.Column("hand_out", sa.Boolean(), nullable=False),
        sa.CheckConstraint("chosen IN ('here', 'busy', 'away')", name="agent_chosen_known"),
        sa.CheckConstraint("capacity >= 0", name="agent_capacity_not_negative"),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("agent_alive", "agent", ["alive_until"], unique=False)
    op.create_table(
        "presence_change",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("agent_id", sa.String(), nullable=False),
        sa.Column("at", Instant(), nullable=False),
        sa.Column("presence", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(["agent_id"], ["agent.id"]),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("presence_change_agent", "presence_change", ["agent_id", "at"], unique=False)
    op.create_index("presence_change_at", "presence_change", ["at"], unique=False)
    op.add_column("conversation", sa.Column("touched_at", Instant(), nullable=True))
    op.add_column("conversation", sa.Column("replied_to_id", sa.String(), nullable=True))
    op.create_index(
        "conversation_claimed",
        "conversation",
        ["agent_id", "touched_at"],
        unique=False,
        postgresql_where=sa.text("state = 'open' AND agent_id IS NOT NULL"),
        sqlite_where=sa.text("state = 'open' AND agent_id IS NOT NULL"),
    )
