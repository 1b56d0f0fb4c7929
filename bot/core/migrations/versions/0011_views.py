"""
Make room for saved views and for the search index, and put what is there into it.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import TSVECTOR

from bot.core.columns import COUNTER, JSON, Instant, Tokens
from bot.core.tokens import indexed

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

SLICE = 1_000
FOLLOW = {
    "insert": "INSERT INTO search_text(rowid, tokens) VALUES (new.id, new.tokens);",
    "delete": "INSERT INTO search_text(search_text, rowid, tokens) VALUES ('delete', old.id, old.tokens);",
}


def upgrade() -> None:
    op.create_table(
        "saved_view",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("owner_id", sa.String(), nullable=False),
        sa.Column("owner_name", sa.String(), nullable=False),
        sa.Column("shared", sa.Boolean(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("selection", JSON, nullable=False),
        sa.Column("order", sa.String(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("created_at", Instant(), nullable=False),
        sa.Column("changed_at", Instant(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("owner_id", "name", name="saved_view_name_key"),
    )
    op.create_index("saved_view_shared", "saved_view", ["shared"])
    op.create_table(
        "search_entry",
        sa.Column("id", COUNTER, nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("ref_id", sa.String(), nullable=False),
        sa.Column("at", Instant(), nullable=False),
        sa.Column("tokens", sa.Text().with_variant(TSVECTOR(), "postgresql"), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("kind", "ref_id", name="search_entry_key"),
    )
    if op.get_bind().dialect.name == "postgresql":
        op.execute("CREATE INDEX search_entry_tokens ON search_entry USING gin (tokens)")
    else:
        _full_text_of_sqlite()
    _take_in_what_is_there()


def _full_text_of_sqlite() -> None:
    # The tokens are ours (bot.core.tokens); `ascii` leaves every letter that is not ASCII alone.
    op.execute(
        "CREATE VIRTUAL TABLE search_text USING fts5("
        "tokens, content='search_entry', content_rowid='id', tokenize='ascii', columnsize=0)"
    )
    for name, when, verbs in (
        ("search_entry_in", "INSERT", ("insert",)),
        ("search_entry_out", "DELETE", ("delete",)),
        ("search_entry_anew", "UPDATE", ("delete", "insert")),
    ):
        steps = " ".join(FOLLOW[verb] for verb in verbs)
        op.execute(f"CREATE TRIGGER {name} AFTER {when} ON search_entry BEGIN {steps} END")


def _take_in_what_is_there() -> None:
    """
    Fill the index in the order things were said, since what was said last is found first.
    """
    entry = sa.table(
        "search_entry",
        sa.column("kind", sa.String()),
        sa.column("ref_id", sa.String()),
        sa.column("at", Instant()),
        sa.column("tokens", Tokens()),
    )
    connection = op.get_bind()
    for kind, query in (
        ("contact", _contacts()),
        ("subject", sa.text("SELECT id, opened_at AS at, subject AS text FROM conversation WHERE subject <> ''")),
        ("note", sa.text('SELECT id, "at", text FROM note')),
        ("message", sa.text('SELECT id, "at", text FROM message')),
    ):
        for rows in _slices(connection, query):
            values = [
                {"kind": kind, "ref_id": row.id, "at": row.at, "tokens": indexed(row.text or "")} for row in rows
            ]
            connection.execute(sa.insert(entry), values)


def _contacts() -> sa.TextClause:
    joined = "group_concat" if op.get_bind().dialect.name == "sqlite" else "string_agg"
    return sa.text(
        "SELECT contact.id AS id, contact.created_at AS at, contact.name || ' ' || coalesce("
        f"{joined}(identity.handle || ' ' || coalesce(identity.name, ''), ' '), '') AS text FROM contact "
        "LEFT JOIN identity ON identity.contact_id = contact.id "
        "GROUP BY contact.id, contact.created_at, contact.name"
    )


def _slices(connection: sa.Connection, query: sa.TextClause) -> Iterator[list[Any]]:
    last, columns = "", query.columns(sa.column("id"), sa.column("at", Instant()), sa.column("text")).subquery()
    while True:
        some = sa.select(columns).where(columns.c.id > last).order_by(columns.c.id).limit(SLICE)
        rows = list(connection.execute(some))
        if not rows:
            return
        yield rows
        last = rows[-1].id
