"""
Every query about rules.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlmodel import col

from bot.automation.tables import RuleRow
from bot.core.database import UnitOfWork
from bot.core.errors import NotFound
from bot.inbox.tables import Conversation, ConversationEvent, Message

R, E = RuleRow, ConversationEvent
RULES_LOCK = 0x48554243
"""Held while rules change: two changes at once could make a loop that neither of them sees (PostgreSQL)."""


_RULES = sa.select(R).order_by(col(R.position), col(R.id))
_ENABLED = _RULES.where(col(R.enabled))


async def list_rules(work: UnitOfWork, *, enabled_only: bool = False) -> Sequence[RuleRow]:
    """
    Give all rules in the order in which they are asked; there are few.
    """
    return (await work.session.scalars(_ENABLED if enabled_only else _RULES)).all()


async def lock_rules(work: UnitOfWork) -> None:
    """
    Keep others from changing rules until the unit ends. On SQLite units that write wait for each other anyway.
    """
    if work.dialect == "postgresql":
        await work.session.execute(sa.select(sa.func.pg_advisory_xact_lock(RULES_LOCK)))


async def get_rule(work: UnitOfWork, rule_id: str) -> RuleRow:
    """
    Give a rule.

    Raises:
        NotFound: there is none.
    """
    row = await work.session.get(R, rule_id)
    if row is None:
        raise NotFound("there is no such rule; it may have been deleted")
    return row


async def count_run(work: UnitOfWork, rule_id: str) -> None:
    """
    Note that a rule ran now. A statement of its own: other processes count at the same time.
    """
    ran = sa.update(R).where(col(R.id) == rule_id).values(runs=col(R.runs) + 1, last_run_at=work.now)
    await work.session.execute(ran.execution_options(synchronize_session=False))


async def note_problem(work: UnitOfWork, rule_id: str, conversation_id: str, problem: str) -> None:
    """
    Keep what a rule could not do; the newest one.
    """
    values: dict[str, Any] = {"problem": problem, "problem_at": work.now, "problem_id": conversation_id}
    noted = sa.update(R).where(col(R.id) == rule_id).values(**values)
    await work.session.execute(noted.execution_options(synchronize_session=False))


async def last_event(
    work: UnitOfWork, conversation_id: str, kind: str, *, before_id: str
) -> ConversationEvent | None:
    """
    Find the newest event of a kind before another one.
    """
    same = sa.and_(col(E.conversation_id) == conversation_id, col(E.kind) == kind, col(E.id) < before_id)
    return await work.session.scalar(sa.select(E).where(same).order_by(col(E.id).desc()).limit(1))


async def text_of(work: UnitOfWork, message_id: str | None) -> str:
    """
    Give the text of a message; empty where there is none.
    """
    if not message_id:
        return ""
    return str(await work.session.scalar(sa.select(col(Message.text)).where(col(Message.id) == message_id)) or "")


async def events_between(
    work: UnitOfWork, kinds: Sequence[str], *, since: datetime, limit: int
) -> Sequence[tuple[ConversationEvent, Conversation]]:
    """
    Give the newest events of some kinds with their conversations, the newest first.
    """
    query = (
        sa.select(E, Conversation)
        .join(Conversation, col(Conversation.id) == col(E.conversation_id))
        .where(col(E.kind).in_(kinds), col(E.at) >= since, _since_id(since))
        .order_by(col(E.id).desc())
        .limit(limit)
    )
    return [(event, conversation) for event, conversation in (await work.session.execute(query)).all()]


def _since_id(since: datetime) -> sa.ColumnElement[bool]:
    # Ids begin with their time, so the primary key finds where last week began.
    millis = int(since.timestamp() * 1000)
    raw = f"{millis:012x}"
    return col(E.id) >= f"{raw[:8]}-{raw[8:]}"


async def texts_of(work: UnitOfWork, message_ids: Sequence[str]) -> dict[str, str]:
    """
    Give the texts of messages.
    """
    query = sa.select(col(Message.id), col(Message.text)).where(col(Message.id).in_(message_ids))
    return {message_id: text for message_id, text in await work.session.execute(query)}
