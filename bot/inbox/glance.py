"""
The queue at a glance: the figures and the first rows, as the live view in a terminal shows them. Reads only.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlmodel import col

from bot.core.database import UnitOfWork
from bot.core.ids import EPOCH, MILLISECOND, layout
from bot.inbox import store
from bot.inbox.dispatch_store import is_open
from bot.inbox.listing import list_selected
from bot.inbox.rules import EventKind, Tab
from bot.inbox.selection import ORDER_OF_TAB, TABS
from bot.inbox.store import Listed
from bot.inbox.tables import Conversation, ConversationEvent
from bot.staff.presence import present_agents

E = ConversationEvent
SOON = timedelta(minutes=5)
LATELY = timedelta(minutes=15)


@dataclass(frozen=True, slots=True, kw_only=True)
class Glance:
    """
    The queue at an instant.

    Args:
        due_soon: deadlines within the next five minutes.
        arrived, answered: messages of people in, and answers of people at the customer, within fifteen minutes.
    """

    at: datetime
    waiting: int
    breached: int
    due_soon: int
    here: int
    arrived: int
    answered: int
    rows: Sequence[Listed]


async def look(work: UnitOfWork, tab: Tab, *, limit: int) -> Glance:
    """
    Look at the queue now.
    """
    waiting, breached, _ = await store.waiting_figures(work)
    found = await list_selected(work, TABS[tab], order=ORDER_OF_TAB[tab], limit=limit, after=None)
    soon = store.along(sa.select(sa.func.count()).select_from(Conversation), store.QUEUE)
    soon = soon.where(is_open(), col(Conversation.due_at) >= work.now, col(Conversation.due_at) < work.now + SOON)
    arrived, answered = await _flow(work)
    return Glance(
        at=work.now,
        waiting=waiting,
        breached=breached,
        due_soon=int(await work.session.scalar(soon) or 0),
        here=len(await present_agents(work)),
        arrived=arrived,
        answered=answered,
        rows=found.items,
    )


async def _flow(work: UnitOfWork) -> tuple[int, int]:
    # Ids begin with their time, so that the primary key finds the last minutes.
    since = work.now - LATELY
    first_id = layout((since - EPOCH) // MILLISECOND, 0, 0)
    by_people = sa.not_(sa.func.coalesce(col(E.detail)["automatic"].as_boolean(), sa.false()))
    query = sa.select(
        sa.func.count().filter(col(E.kind) == EventKind.MESSAGE_IN),
        sa.func.count().filter(col(E.kind) == EventKind.ANSWERED),
    ).where(
        col(E.id) >= first_id,
        col(E.at) >= since,
        col(E.kind).in_((EventKind.MESSAGE_IN, EventKind.ANSWERED)),
        by_people,
    )
    arrived, answered = (await work.session.execute(query)).one()
    return int(arrived), int(answered)
