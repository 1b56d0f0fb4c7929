"""
Every query about who gets which conversation. The database decides; nothing here commits.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import aliased
from sqlmodel import col

from bot.core.database import UnitOfWork
from bot.inbox.order import Walk
from bot.inbox.store import QUEUE, along
from bot.inbox.tables import Conversation
from bot.staff.rules import Profile
from bot.staff.tables import Agent

C = Conversation
RETURNED_AT_ONCE = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """
    What an agent has.

    Args:
        waiting: conversations that wait for them; this is what their capacity is about.
        first_due_at: the earliest deadline among these.
        given_at: when they last got one.
    """

    waiting: int = 0
    first_due_at: datetime | None = None
    given_at: datetime | None = None


def is_open(conversation: Any = C) -> sa.ColumnElement[bool]:
    # Written out, so that the partial indexes are used.
    condition: sa.ColumnElement[bool] = conversation.state == sa.literal_column("'open'")
    return condition


def waits_for_us(conversation: Any = C) -> list[sa.ColumnElement[bool]]:
    """
    Say that a customer waits and that no answer is on its way.
    """
    return [is_open(conversation), conversation.waiting_messages > 0, not_answered(conversation)]


def not_answered(conversation: Any = C) -> sa.ColumnElement[bool]:
    """
    Say that no answer to the newest message is on its way: whoever wrote it has done their part.
    """
    replied, newest = conversation.replied_to_id, conversation.newest_message_id
    return sa.or_(replied.is_(None), replied != newest)


def fits(profile: Profile) -> list[sa.ColumnElement[bool]]:
    """
    Say that a conversation is one that this agent takes; one whose language is not judged fits everybody.
    """
    conditions: list[sa.ColumnElement[bool]] = []
    if profile.languages:
        known = sorted({code.partition("-")[0] for code in profile.languages})
        conditions.append(sa.or_(col(C.language).is_(None), col(C.language).in_(known)))
    if profile.account_ids:
        conditions.append(col(C.account_id).in_(profile.account_ids))
    if profile.intents:
        conditions.append(col(C.intent).in_(profile.intents))
    return conditions


def _of_walk(walk: Walk, line: datetime) -> sa.ColumnElement[bool]:
    match walk:
        case Walk.IN_TIME:
            return col(C.due_at) > line
        case Walk.LATE:
            return col(C.due_at) <= line
        case Walk.UNDATED:
            return col(C.due_at).is_(None)


def _free(profile: Profile) -> list[sa.ColumnElement[bool]]:
    return [is_open(), col(C.agent_id).is_(None), not_answered(), *fits(profile)]


async def first_due_after(work: UnitOfWork, profile: Profile, line: datetime) -> datetime | None:
    """
    Give the earliest deadline after an instant, of what nobody has and this agent takes.
    """
    query = along(sa.select(col(C.due_at)), QUEUE).where(*_free(profile), col(C.due_at) > line)
    return await work.session.scalar(query.order_by(col(C.due_at)).limit(1))


async def take_first(
    work: UnitOfWork,
    profile: Profile,
    walk: Walk,
    line: datetime,
    *,
    agent_id: str,
    agent_name: str,
    only_waiting: bool,
) -> str | None:
    """
    Claim the first conversation of a walk that this agent takes and nobody has; None when there is none, or when
    they have as many as they can.

    One statement decides. Rows that others are taking at this moment are passed over, not waited for (PostgreSQL;
    on SQLite there is one writer). The caller has locked the agent: else two of their tabs could both find room.

    Args:
        only_waiting: leave out what is open but has nobody waiting, such as a bounced answer.
    """
    picked = along(sa.select(col(C.id)), QUEUE).where(*_free(profile), _of_walk(walk, line))
    if only_waiting:
        picked = picked.where(col(C.waiting_messages) > 0)
    picked = picked.order_by(col(C.due_at), col(C.id)).limit(1).with_for_update(skip_locked=True)
    statement = (
        sa.update(C)
        .where(col(C.id) == picked.scalar_subquery(), _count_of(agent_id) < profile.capacity)
        .values(agent_id=agent_id, agent_name=agent_name, claimed_at=work.now, touched_at=work.now)
        .returning(col(C.id))
        .execution_options(synchronize_session=False)
    )
    return await work.session.scalar(statement)


def _count_of(agent_id: str) -> Any:
    mine: Any = aliased(C)
    return sa.select(sa.func.count()).where(mine.agent_id == agent_id, *waits_for_us(mine)).scalar_subquery()


async def count_waiting(work: UnitOfWork, agent_id: str, *, besides: str = "") -> int:
    """
    Count the conversations that wait for an agent.
    """
    query = sa.select(sa.func.count()).select_from(C).where(col(C.agent_id) == agent_id, *waits_for_us())
    return int(await work.session.scalar(query.where(col(C.id) != besides)) or 0)


async def loads(work: UnitOfWork) -> dict[str, Load]:
    """
    Give what each agent has; who has nothing open is left out.
    """
    waiting = sa.and_(*waits_for_us())
    query = sa.select(
        col(C.agent_id),
        sa.func.count().filter(waiting),
        sa.func.min(col(C.due_at)).filter(waiting),
        sa.func.max(col(C.claimed_at)),
    ).where(is_open(), col(C.agent_id).is_not(None))
    rows = await work.session.execute(query.group_by(col(C.agent_id)))
    return {
        agent_id: Load(waiting=count, first_due_at=due_at, given_at=given_at)
        for agent_id, count, due_at, given_at in rows
        if agent_id is not None
    }


async def touch(work: UnitOfWork, conversation_id: str, agent_id: str, *, unless_since: datetime) -> bool:
    """
    Let the lease of a claim run from now; nothing is written when it was touched after `unless_since`.
    """
    done = await work.session.execute(
        sa.update(C)
        .where(
            col(C.id) == conversation_id,
            col(C.agent_id) == agent_id,
            sa.or_(col(C.touched_at).is_(None), col(C.touched_at) <= unless_since),
        )
        .values(touched_at=work.now)
    )
    return bool(done.rowcount)  # type: ignore[attr-defined]


async def run_out(
    work: UnitOfWork, *, touched_before: datetime, silent_since: datetime | None
) -> Sequence[tuple[Conversation, bool]]:
    """
    Give claims that have run out, locked; those that another unit works on are left out.

    Args:
        silent_since: claims of agents who were offline by then have run out too; None: of nobody.

    Yields:
        The conversation, and whether it is because its agent is offline.
    """
    found: dict[str, tuple[Conversation, bool]] = {}
    if silent_since is not None:
        silent = sa.select(col(Agent.id)).where(col(Agent.alive_until) <= silent_since)
        for one in await _claimed(work, "conversation_agent", col(C.agent_id).in_(silent), RETURNED_AT_ONCE):
            found[one.id] = (one, True)
    late = col(C.touched_at) <= touched_before
    for one in await _claimed(work, "conversation_claimed", late, RETURNED_AT_ONCE - len(found)):
        found.setdefault(one.id, (one, False))
    return list(found.values())


async def _claimed(
    work: UnitOfWork, index: str, which: sa.ColumnElement[bool], limit: int
) -> Sequence[Conversation]:
    query = (
        along(sa.select(C), index)
        .where(*waits_for_us(), col(C.agent_id).is_not(None), which)
        .order_by(col(C.touched_at))
        .limit(limit)
        .with_for_update(skip_locked=True)
        .execution_options(populate_existing=True)
    )
    return (await work.session.scalars(query)).all()
