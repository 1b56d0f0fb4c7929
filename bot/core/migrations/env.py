"""
Run by Alembic on a connection that `bot.core.migrate` or a test hands in.
"""

from __future__ import annotations

from alembic import context

SEARCH = ("search_text", "search_entry_tokens")
"""What is made by hand in 0011, since only one of the databases has it: no table of ours describes it."""


def include_name(name: str | None, kind: str, _: object) -> bool:
    """
    Leave out what tables and migrations cannot be compared about.
    """
    return not (kind in ("table", "index") and (name or "").startswith(SEARCH))


context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=context.config.attributes.get("metadata"),
    compare_type=True,
    include_name=include_name,
)
with context.begin_transaction():
    context.run_migrations()
