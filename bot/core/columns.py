"""
Column types that mean the same on SQLite and PostgreSQL.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB, TSVECTOR
from sqlalchemy.engine import Dialect
from sqlmodel import Field


class Instant(sa.TypeDecorator[datetime]):
    """
    An aware UTC instant with microseconds: timestamptz on PostgreSQL, sortable text on SQLite.

    A naive datetime is a mistake and is refused.
    """

    impl = sa.DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("an instant needs a time zone; take it from the clock")
        utc = value.astimezone(UTC)
        return utc.replace(tzinfo=None) if dialect.name == "sqlite" else utc

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class Tokens(sa.TypeDecorator[list[str]]):
    """
    The tokens of a text with their order: tsvector on PostgreSQL, words with spaces between on SQLite.

    They are only written; what is found is read from where it stands.
    """

    impl = sa.Text
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> sa.types.TypeEngine[Any]:
        return dialect.type_descriptor(TSVECTOR() if dialect.name == "postgresql" else sa.Text())

    def process_bind_param(self, value: list[str] | None, dialect: Dialect) -> Any:
        if value is None or dialect.name != "postgresql":
            return " ".join(value or [])
        return " ".join(f"{lexeme(token)}:{place}" for place, token in enumerate(value, 1))


def lexeme(token: str) -> str:
    """
    Quote a token as PostgreSQL reads it in a tsvector and a tsquery.
    """
    return "'" + token.replace("\\", "\\\\").replace("'", "''") + "'"


JSON = sa.JSON().with_variant(JSONB(), "postgresql")
LABEL = sa.String().with_variant(sa.String(collation="C"), "postgresql")
"""Text in the order of its characters on both databases, so that what begins alike stands together."""
COUNTER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
"""A 64-bit key that counts up; SQLite only counts up an INTEGER PRIMARY KEY."""


def instant(*, index: bool = False) -> Any:
    """
    Make a required instant column.
    """
    return Field(sa_type=Instant, index=index)


def maybe_instant() -> Any:
    """
    Make an instant column that may be empty.
    """
    return Field(default=None, sa_type=Instant)


def json_column() -> Any:
    """
    Make a JSON column, empty object by default.
    """
    return Field(default_factory=dict, sa_type=JSON)


def text_column(default: str | None = "") -> Any:
    """
    Make a text column of any length.
    """
    return Field(default=default, sa_type=sa.Text)
