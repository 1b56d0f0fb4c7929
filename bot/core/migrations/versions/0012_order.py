"""
Make room for tags, segments, blocks, merges, bulk jobs, drafts, who looks on, and notifications.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from bot.core.columns import JSON, LABEL, Instant

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("conversation", sa.Column("spam_at", Instant(), nullable=True))
    op.add_column("conversation", sa.Column("merged_into", sa.String(), nullable=True))
    op.add_column("message", sa.Column("origin_id", sa.String(), nullable=True))
    op.add_column("note", sa.Column("origin_id", sa.String(), nullable=True))
    _tags_and_segments()
    _rearrangements()
    _bulk()
    _writing()
    _notifications()


def _tags_and_segments() -> None:
    op.create_table(
        "conversation_tag",
        sa.Column("conversation_id", sa.String(), nullable=False),
        sa.Column("tag", LABEL, nullable=False),
        sa.Column("at", Instant(), nullable=False),
        sa.ForeignKeyConstraint(["conversation_id"], ["conversation.id"]),
        sa.PrimaryKeyConstraint("conversation_id", "tag"),
    )
    op.create_index("conversation_tag_tag", "conversation_tag", ["tag", "conversation_id"])
    op.create_table(
        "contact_segment",
        sa.Column("contact_id", sa.String(), nullable=False),
        sa.Column("segment", LABEL, nullable=False),
        sa.Column("at", Instant(), nullable=False),
        sa.ForeignKeyConstraint(["contact_id"], ["contact.id"]),
        sa.PrimaryKeyConstraint("contact_id", "segment"),
    )
    op.create_index("contact_segment_segment", "contact_segment", ["segment", "contact_id"])
    op.create_table(
        "contact_block",
        sa.Column("subject_id", sa.String(), nullable=False),
        sa.Column("contact_id", sa.String(), nullable=False),
        sa.Column("how", sa.String(), nullable=False),
        sa.Column("by_id", sa.String(), nullable=False),
        sa.Column("by_name", sa.String(), nullable=False),
        sa.Column("at", Instant(), nullable=False),
        sa.CheckConstraint("how IN ('blocked', 'spam')", name="contact_block_how_known"),
        sa.ForeignKeyConstraint(["contact_id"], ["contact.id"]),
        sa.PrimaryKeyConstraint("subject_id"),
    )
    op.create_index("contact_block_contact", "contact_block", ["contact_id"])


def _rearrangements() -> None:
    op.create_table(
        "rearrangement",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("from_id", sa.String(), nullable=False),
        sa.Column("into_id", sa.String(), nullable=False),
        sa.Column("moved", JSON, nullable=False),
        sa.Column("before", JSON, nullable=False),
        sa.Column("at", Instant(), nullable=False),
        sa.Column("by_id", sa.String(), nullable=False),
        sa.Column("by_name", sa.String(), nullable=False),
        sa.Column("undone_at", Instant(), nullable=True),
        sa.Column("undone_by", sa.String(), nullable=True),
        sa.CheckConstraint("kind IN ('merge', 'split')", name="rearrangement_kind_known"),
        sa.ForeignKeyConstraint(["from_id"], ["conversation.id"]),
        sa.ForeignKeyConstraint(["into_id"], ["conversation.id"]),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("rearrangement_from", "rearrangement", ["from_id", "id"])
    op.create_index("rearrangement_into", "rearrangement", ["into_id", "id"])


def _bulk() -> None:
    running, waiting = sa.text("state = 'running'"), sa.text("state = 'waiting'")
    op.create_table(
        "bulk_job",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("verb", sa.String(), nullable=False),
        sa.Column("detail", JSON, nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("total", sa.Integer(), nullable=False),
        sa.Column("done", sa.Integer(), nullable=False),
        sa.Column("left_out", sa.Integer(), nullable=False),
        sa.Column("by_id", sa.String(), nullable=False),
        sa.Column("by_name", sa.String(), nullable=False),
        sa.Column("by_role", sa.String(), nullable=False),
        sa.Column("by_kind", sa.String(), nullable=False),
        sa.Column("created_at", Instant(), nullable=False),
        sa.Column("finished_at", Instant(), nullable=True),
        sa.Column("stopped_by", sa.String(), nullable=True),
        sa.CheckConstraint("state IN ('running', 'stopped', 'done')", name="bulk_job_state_known"),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("bulk_job_running", "bulk_job", ["id"], postgresql_where=running, sqlite_where=running)
    op.create_table(
        "bulk_item",
        sa.Column("job_id", sa.String(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("conversation_id", sa.String(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["job_id"], ["bulk_job.id"]),
        sa.PrimaryKeyConstraint("job_id", "number"),
        sa.UniqueConstraint("job_id", "conversation_id", name="bulk_item_once"),
    )
    op.create_index(
        "bulk_item_waiting", "bulk_item", ["job_id", "number"], postgresql_where=waiting, sqlite_where=waiting
    )
    op.create_index("bulk_item_state", "bulk_item", ["job_id", "state", "number"])


def _writing() -> None:
    op.create_table(
        "draft",
        sa.Column("staff_id", sa.String(), nullable=False),
        sa.Column("conversation_id", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("updated_at", Instant(), nullable=False),
        sa.ForeignKeyConstraint(["conversation_id"], ["conversation.id"]),
        sa.PrimaryKeyConstraint("staff_id", "conversation_id", "kind"),
    )
    op.create_index("draft_staff", "draft", ["staff_id", "updated_at"])
    op.create_table(
        "looking",
        sa.Column("conversation_id", sa.String(), nullable=False),
        sa.Column("staff_id", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("until", Instant(), nullable=False),
        sa.Column("typing_until", Instant(), nullable=True),
        sa.Column("told_at", Instant(), nullable=False),
        sa.Column("told_typing", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(["conversation_id"], ["conversation.id"]),
        sa.PrimaryKeyConstraint("conversation_id", "staff_id"),
    )


def _notifications() -> None:
    unread = sa.text("read_at IS NULL")
    op.create_table(
        "notification",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("staff_id", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("words", JSON, nullable=False),
        sa.Column("url", sa.Text(), nullable=False),
        sa.Column("at", Instant(), nullable=False),
        sa.Column("read_at", Instant(), nullable=True),
        sa.ForeignKeyConstraint(["staff_id"], ["staff_member.id"]),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("notification_staff", "notification", ["staff_id", "id"])
    op.create_index(
        "notification_unread", "notification", ["staff_id"], postgresql_where=unread, sqlite_where=unread
    )
