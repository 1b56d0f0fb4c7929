"""
Fill a database with open conversations, by one statement a table: a million in seconds.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import sqlalchemy as sa
from sqlmodel import col

from bot.contacts.tables import Identity
from bot.core.database import Database
from bot.inbox.tables import Conversation

CONTACTS = 10_000
LANGUAGES = ("en", "zh", "de", "fr", "es", "pt")
INTENTS = ("question", "complaint", "purchase", "praise", "bug", "other")


async def load(
    database: Database, pattern_id: str, *, accounts: Sequence[str], agents: Sequence[str], conversations: int
) -> None:
    """
    Copy a conversation many times, each with its own account, agent, state, language, intent, priority and times.

    Numbers are mixed by multiplying with primes, each column by its own, so that every run has the same
    conversations and no two columns go together.
    """
    async with database.write() as work:
        sqlite = work.dialect == "sqlite"
        pattern = await work.session.get(Conversation, pattern_id)
        assert pattern is not None
        people = min(CONTACTS, conversations)
        for statement in (
            _contacts(people, sqlite, work.now),
            _identities(people, sqlite, pattern.identity_id),
            _conversations(conversations, people, accounts, agents, sqlite, work.now),
        ):
            await work.session.execute(
                sa.text(statement), {"pattern": pattern_id} if ":pattern" in statement else {}
            )
    async with database.engine.connect() as connection:
        await connection.execution_options(isolation_level="AUTOCOMMIT")
        await connection.execute(sa.text("ANALYZE"))


def _numbers(count: int, sqlite: bool) -> str:
    if sqlite:
        return (
            f"(WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {count}) SELECT i FROM n)"
        )
    return f"(SELECT generate_series(1::bigint, {count}::bigint) AS i)"


def _id(number: str, kind: int, sqlite: bool) -> str:
    digits = f"printf('%012x', {number})" if sqlite else f"lpad(to_hex({number}), 12, '0')"
    return f"'00000000-0000-7000-800{kind}-' || {digits}"


def _at(now: datetime, seconds: str, sqlite: bool) -> str:
    plain = now.strftime("%Y-%m-%d %H:%M:%S")
    if sqlite:
        return f"strftime('%Y-%m-%d %H:%M:%S', '{plain}', ({seconds}) || ' seconds') || '.000000'"
    return f"TIMESTAMPTZ '{plain}+00' + make_interval(secs => {seconds})"


def _contacts(count: int, sqlite: bool, now: datetime) -> str:
    at = _at(now, "-i", sqlite)
    return (
        "INSERT INTO contact (id, name, created_at, seen_at) "
        f"SELECT {_id('i', 1, sqlite)}, 'Customer ' || i, {at}, {at} FROM {_numbers(count, sqlite)} AS numbers"
    )


def _identities(count: int, sqlite: bool, pattern_id: str) -> str:
    own = {
        "id": _id("i", 2, sqlite),
        "contact_id": _id("i", 1, sqlite),
        "key": "'k' || i",
        "handle": "'customer' || i || '@far.example'",
        "name": "'Customer ' || i",
    }
    return _copies("identity", list(sa.inspect(Identity).columns.keys()), own, count, sqlite, pattern_id)


def _conversations(
    count: int, people: int, accounts: Sequence[str], agents: Sequence[str], sqlite: bool, now: datetime
) -> str:
    state = _one_of(_mixed(15_485_863), ["open"] * 8 + ["pending", "snoozed"])
    answered = f"{_mixed(122_949_823)} % 5 = 0"
    claimed = f"CASE WHEN i % 10 = 0 THEN {_at(now, '-(i % 600)', sqlite)} END"
    agent = f"CASE WHEN i % 10 = 0 THEN {_one_of(_mixed(32_452_843), agents)} END"
    own = {
        "id": _id("i", 0, sqlite),
        "account_id": _one_of(_mixed(49_979_687), accounts),
        "contact_id": _id(f"1 + i % {people}", 1, sqlite),
        "identity_id": _id(f"1 + i % {people}", 2, sqlite),
        "state": state,
        "agent_id": agent,
        "agent_name": f"CASE WHEN i % 10 = 0 THEN 'Agent ' || {_mixed(32_452_843)} % {len(agents)} END",
        "claimed_at": claimed,
        "touched_at": claimed,
        "snoozed_until": f"CASE WHEN {state} = 'snoozed' THEN {_at(now, '86400 + i % 86400', sqlite)} END",
        "priority": f"{_mixed(67_867_967)} % 4",
        "language": _one_of(_mixed(86_028_121), LANGUAGES),
        "intent": _one_of(_mixed(104_395_301), INTENTS),
        "snippet": "'Question number ' || i",
        "opened_at": _at(now, "-((i * 7919) % 86400)", sqlite),
        "last_message_at": _at(now, "-((i * 104729) % 86400)", sqlite),
        "waiting_messages": f"CASE WHEN {answered} THEN 0 ELSE 1 END",
        "due_at": f"CASE WHEN NOT ({answered}) THEN {_at(now, '(i * 7919) % 14400 - 7200', sqlite)} END",
    }
    names = list(sa.inspect(Conversation).columns.keys())
    return _copies("conversation", names, own, count, sqlite, ":pattern")


def _mixed(prime: int) -> str:
    return f"(CAST(i AS BIGINT) * {prime} / 4096 % 1000003)"


def _copies(table: str, names: Sequence[str], own: dict[str, str], count: int, sqlite: bool, pattern: str) -> str:
    values = [own.get(name, f'pattern."{name}"') for name in names]
    of = pattern if pattern == ":pattern" else f"'{pattern}'"
    columns = ", ".join(f'"{name}"' for name in names)
    return (
        f"INSERT INTO {table} ({columns}) SELECT {', '.join(values)} FROM {_numbers(count, sqlite)} AS numbers "
        f"CROSS JOIN {table} AS pattern WHERE pattern.id = {of}"
    )


def _one_of(number: str, values: Sequence[str]) -> str:
    cases = " ".join(f"WHEN {place} THEN '{value}'" for place, value in enumerate(values))
    return f"CASE ({number}) % {len(values)} {cases} END"


async def some_unclaimed(database: Database, count: int) -> list[str]:
    """
    Give ids of conversations that wait and that nobody has.
    """
    query = sa.select(col(Conversation.id)).where(
        col(Conversation.state) == sa.literal_column("'open'"), col(Conversation.agent_id).is_(None)
    )
    async with database.read() as work:
        return list((await work.session.scalars(query.order_by(col(Conversation.due_at)).limit(count))).all())
