"""
Notifications: what one of us should know, wherever they are in the house. Every feature may send them.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

import sqlalchemy as sa
from sqlmodel import col

from bot.core.actor import Actor
from bot.core.database import UnitOfWork
from bot.core.paging import Slice, decode_mark, slice_of
from bot.staff.tables import Notification, StaffMember
from bot.web.translations import word

N = Notification
MOST_COUNTED = 99
"""The bell shows no more than this; nobody counts further."""


def topic_of(staff_id: str) -> str:
    """
    Give the live topic that tells somebody's pages to look at the bell again.
    """
    return f"notices:{staff_id}"


async def notify(
    work: UnitOfWork, staff_id: str, kind: str, text: str, *, url: str, words: dict[str, str] | None = None
) -> bool:
    """
    Tell somebody something; False when nobody of that id works here now (a token, somebody who left).

    Args:
        kind: what it is about, `"mention"`, `"handed_over"`, `"escalation"`.
        text: English, with `%(name)s` where a value stands, marked (`translations.mark`), so that it is translated
            for the reader when it is shown.
        words: the values.
        url: where it leads, inside the house.
    """
    here = sa.select(col(StaffMember.id)).where(
        col(StaffMember.id) == staff_id, col(StaffMember.disabled_at).is_(None)
    )
    if await work.session.scalar(here) is None:
        return False
    row = N(
        id=work.new_id(), staff_id=staff_id, kind=kind, text=text, words=dict(words or {}), url=url, at=work.now
    )
    work.session.add(row)
    work.publish(topic_of(staff_id))
    return True


async def unread_count(work: UnitOfWork, actor: Actor) -> int:
    """
    Count what somebody has not read, up to `MOST_COUNTED` and one.
    """
    query = sa.select(col(N.id)).where(col(N.staff_id) == actor.id, col(N.read_at).is_(None))
    some = query.limit(MOST_COUNTED + 1).subquery()
    return int(await work.session.scalar(sa.select(sa.func.count()).select_from(some)) or 0)


async def list_notices(work: UnitOfWork, actor: Actor, *, limit: int, after: str | None) -> Slice[Notification]:
    """
    List somebody's notifications, newest first.
    """
    query = sa.select(N).where(col(N.staff_id) == actor.id)
    if after is not None:
        query = query.where(col(N.id) < str(decode_mark(after, parts=1)[0]))
    rows = (await work.session.scalars(query.order_by(col(N.id).desc()).limit(limit + 1))).all()
    return slice_of(rows, limit, lambda row: (row.id,))


async def mark_read(work: UnitOfWork, actor: Actor, ids: Collection[str] | None = None) -> int:
    """
    Note that somebody has read these notifications of theirs, or all. Gives how many were new to them.
    """
    change = sa.update(N).where(col(N.staff_id) == actor.id, col(N.read_at).is_(None)).values(read_at=work.now)
    if ids is not None:
        change = change.where(col(N.id).in_(ids))
    done = await work.session.execute(change.execution_options(synchronize_session=False))
    if done.rowcount:  # type: ignore[attr-defined]
        work.publish(topic_of(actor.id))
    return int(done.rowcount)  # type: ignore[attr-defined]


async def find_notice(work: UnitOfWork, actor: Actor, notice_id: str) -> Notification | None:
    """
    Find one of somebody's notifications.
    """
    return await work.session.scalar(sa.select(N).where(col(N.id) == notice_id, col(N.staff_id) == actor.id))


async def prune_notices(work: UnitOfWork, before: datetime) -> int:
    """
    Forget notifications older than an instant, read or not. Gives how many went.
    """
    done = await work.session.execute(sa.delete(N).where(col(N.at) < before))
    return int(done.rowcount)  # type: ignore[attr-defined]


def said(notice: Notification) -> str:
    """
    Say a notification in words.
    """
    try:
        return word(notice.text) % notice.words
    except (KeyError, ValueError, TypeError):  # a text of another version; better bare than not at all
        return notice.text
