"""
Keep rules.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from bot.core.columns import JSON, Instant

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "rule",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("enabled", sa.Boolean(), nullable=False),
        sa.Column("when", JSON, nullable=False),
        sa.Column("tags", JSON, nullable=False),
        sa.Column("conditions", JSON, nullable=False),
        sa.Column("words", JSON, nullable=False),
        sa.Column("then", JSON, nullable=False),
        sa.Column("stop_after", sa.Boolean(), nullable=False),
        sa.Column("runs", sa.Integer(), nullable=False),
        sa.Column("last_run_at", Instant(), nullable=True),
        sa.Column("problem", sa.Text(), nullable=False),
        sa.Column("problem_at", Instant(), nullable=True),
        sa.Column("problem_id", sa.String(), nullable=True),
        sa.Column("created_at", Instant(), nullable=False),
        sa.Column("changed_at", Instant(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("name", name="rule_name_key"),
    )
