"""
Make room for feedback.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from bot.core.columns import JSON, Instant

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "feedback_topic",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("hidden", sa.Boolean(), nullable=False),
        sa.Column("created_at", Instant(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_table(
        "feedback_product",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("words", JSON, nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("name", name="feedback_product_name_key"),
    )
    op.create_table(
        "feedback_phrase",
        sa.Column("phrase", sa.Text(), nullable=False),
        sa.Column("topic_id", sa.String(), nullable=True),
        sa.Column("message_ids", JSON, nullable=False),
        sa.Column("first_at", Instant(), nullable=False),
        sa.Column("seen_at", Instant(), nullable=False),
        sa.ForeignKeyConstraint(["topic_id"], ["feedback_topic.id"]),
        sa.PrimaryKeyConstraint("phrase"),
    )
    op.create_index("feedback_phrase_topic", "feedback_phrase", ["topic_id"])
    op.create_index("feedback_phrase_seen", "feedback_phrase", ["seen_at"])
    op.create_table(
        "feedback_mention",
        sa.Column("topic_id", sa.String(), nullable=False),
        sa.Column("message_id", sa.String(), nullable=False),
        sa.Column("account_id", sa.String(), nullable=False),
        sa.Column("product_id", sa.String(), nullable=False),
        sa.Column("aspect", sa.String(), nullable=False),
        sa.Column("mood", sa.String(), nullable=False),
        sa.Column("at", Instant(), nullable=False),
        sa.CheckConstraint("aspect IN ('praised', 'asked', 'broken')", name="feedback_mention_aspect"),
        sa.ForeignKeyConstraint(["topic_id"], ["feedback_topic.id"]),
        sa.ForeignKeyConstraint(["message_id"], ["message.id"]),
        sa.PrimaryKeyConstraint("topic_id", "message_id"),
    )
    op.create_index("feedback_mention_at", "feedback_mention", ["at", "topic_id"])
    op.create_index("feedback_mention_topic", "feedback_mention", ["topic_id", "at", "message_id"])
