"""
Queries of policies, and of clocks across conversations. Nothing here decides or commits.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import sqlalchemy as sa
from sqlmodel import col

from bot.core.database import UnitOfWork
from bot.core.errors import NotFound
from bot.inbox.tables import ConversationClock, Policy

P, K = Policy, ConversationClock
RUNS = col(K.stopped_at).is_(None)


async def list_policies(work: UnitOfWork, *, enabled_only: bool = False) -> Sequence[Policy]:
    """
    Give all policies in the order in which they are asked; there are few.
    """
    query = sa.select(P).order_by(col(P.position), col(P.id))
    if enabled_only:
        query = query.where(col(P.enabled))
    return (await work.session.scalars(query)).all()


async def get_policy(work: UnitOfWork, policy_id: str, *, lock: bool = False) -> Policy:
    """
    Give a policy; with `lock` no other unit changes it until this one ends.

    Raises:
        NotFound: there is none.
    """
    query = sa.select(P).where(col(P.id) == policy_id)
    if lock:
        query = query.with_for_update().execution_options(populate_existing=True)
    found = (await work.session.scalars(query)).first()
    if found is None:
        raise NotFound(f"no policy {policy_id[:60]!r}")
    return found


async def find_policy(work: UnitOfWork, policy_id: str | None) -> Policy | None:
    """
    Find a policy that may be gone.
    """
    return await work.session.get(P, policy_id) if policy_id is not None else None


async def name_is_taken(work: UnitOfWork, name: str, *, but: str = "") -> bool:
    """
    Say whether another policy has this name.
    """
    query = sa.select(sa.literal(1)).where(col(P.name) == name, col(P.id) != but).limit(1)
    return await work.session.scalar(query) is not None


async def last_position(work: UnitOfWork) -> int:
    """
    Give the position of the policy that is asked last; 0 where there is none.
    """
    return int(await work.session.scalar(sa.select(sa.func.max(col(P.position)))) or 0)


async def policies_with_hours(work: UnitOfWork, hours_id: str) -> Sequence[str]:
    """
    Name the policies that count in these hours.
    """
    return (await work.session.scalars(sa.select(col(P.name)).where(col(P.hours_id) == hours_id))).all()


async def clocks_with_hours(work: UnitOfWork, hours_id: str) -> int:
    """
    Count the running clocks that count in these hours.
    """
    query = sa.select(sa.func.count()).select_from(K).where(RUNS, col(K.hours_id) == hours_id)
    return int(await work.session.scalar(query) or 0)


async def running_count(work: UnitOfWork, policy_id: str) -> int:
    """
    Count the clocks that run under a policy.
    """
    query = sa.select(sa.func.count()).select_from(K).where(RUNS, col(K.policy_id) == policy_id)
    return int(await work.session.scalar(query) or 0)


async def earliest_alarm(work: UnitOfWork) -> datetime | None:
    """
    Say when the next clock rings.
    """
    query = sa.select(sa.func.min(col(K.alarm_at))).where(col(K.alarm_at).is_not(None))
    return await work.session.scalar(query)


async def ringing(work: UnitOfWork, *, limit: int) -> Sequence[tuple[str, str]]:
    """
    Give (conversation, clock) of clocks that ring now, the earliest first. Nothing is locked.
    """
    query = (
        sa.select(col(K.conversation_id), col(K.id))
        .where(col(K.alarm_at).is_not(None), col(K.alarm_at) <= work.now)
        .order_by(col(K.alarm_at))
        .limit(limit)
    )
    return [(conversation_id, clock_id) for conversation_id, clock_id in await work.session.execute(query)]


async def behind_their_policy(work: UnitOfWork, *, limit: int) -> Sequence[tuple[str, str]]:
    """
    Give (policy, conversation) of running clocks whose policy was changed for running clocks too.
    """
    query = (
        sa.select(col(P.id), col(K.conversation_id))
        .join(P, col(K.policy_id) == col(P.id))
        .where(RUNS, col(K.policy_version) < col(P.holds_from_version))
        .distinct()
        .limit(limit)
    )
    return [(policy_id, conversation_id) for policy_id, conversation_id in await work.session.execute(query)]
