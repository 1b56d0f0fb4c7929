"""
Let what the daemon asks every few seconds go along an index of its own: claims that run out, the snoozed.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    claimed, asleep = sa.text("state = 'open' AND agent_id IS NOT NULL"), sa.text("state = 'snoozed'")
    op.execute(
        "UPDATE conversation SET touched_at = claimed_at WHERE touched_at IS NULL AND claimed_at IS NOT NULL"
    )
    op.drop_index("conversation_claimed", "conversation")
    op.create_index(
        "conversation_claimed", "conversation", ["touched_at"], postgresql_where=claimed, sqlite_where=claimed
    )
    op.drop_index("conversation_snoozed", "conversation")
    op.create_index(
        "conversation_snoozed", "conversation", ["snoozed_until"], postgresql_where=asleep, sqlite_where=asleep
    )
