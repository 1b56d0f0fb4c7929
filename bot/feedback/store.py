"""
Every query of feedback. Lists are keyset pages; nothing here decides or commits.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlmodel import col

from bot.core.columns import Instant
from bot.core.database import UnitOfWork
from bot.core.errors import NotFound
from bot.core.paging import Slice, decode_mark, slice_of
from bot.feedback.rules import WEEK, Aspect, Order, Product, Tally
from bot.feedback.tables import FeedbackMention, FeedbackPhrase, FeedbackProduct, FeedbackTopic
from bot.inbox.tables import Message

M, P, T = FeedbackMention, FeedbackPhrase, FeedbackTopic
PRUNED_AT_ONCE = 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """
    Which mentions count; empty means any.
    """

    aspect: Aspect | None = None
    account_id: str = ""
    product_id: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Quote:
    """
    A mention with what was written.
    """

    mention: FeedbackMention
    message: Message


async def use_phrases(work: UnitOfWork, phrases: Sequence[str]) -> dict[str, FeedbackPhrase]:
    """
    Give the rows of phrases, made where they are new, locked in one order until the unit ends.
    """
    rows = [
        {"phrase": phrase, "message_ids": [], "first_at": work.now, "seen_at": work.now}
        for phrase in sorted(phrases)
    ]
    await work.session.execute(work.insert(P).values(rows).on_conflict_do_nothing(index_elements=["phrase"]))
    query = sa.select(P).where(col(P.phrase).in_(phrases)).order_by(col(P.phrase)).with_for_update()
    found = await work.session.scalars(query.execution_options(populate_existing=True))
    return {row.phrase: row for row in found}


async def get_topic(work: UnitOfWork, topic_id: str, *, lock: bool = False) -> FeedbackTopic:
    """
    Give a topic; raises NotFound.
    """
    query = sa.select(T).where(col(T.id) == topic_id)
    found = (await work.session.scalars(query.with_for_update() if lock else query)).first()
    if found is None:
        raise NotFound("there is no such topic; it may have been merged into another one")
    return found


async def phrases_of(work: UnitOfWork, topic_id: str) -> list[str]:
    """
    Give the phrases that lead to a topic.
    """
    query = sa.select(col(P.phrase)).where(col(P.topic_id) == topic_id).order_by(col(P.phrase)).limit(200)
    return list((await work.session.scalars(query)).all())


async def topics_called(work: UnitOfWork, typed: str, *, besides: str, limit: int = 20) -> list[FeedbackTopic]:
    """
    Find topics whose name holds what was typed, for merging.
    """
    query = sa.select(T).where(col(T.id) != besides, col(T.hidden).is_(False))
    query = query.where(col(T.name).icontains(typed, autoescape=True))
    return list((await work.session.scalars(query.order_by(col(T.name)).limit(limit))).all())


async def add_mentions(work: UnitOfWork, rows: Sequence[Mapping[str, Any]]) -> None:
    """
    Add mentions, leaving out those that are there already. One statement.
    """
    if rows:
        statement = work.insert(M).values([dict(row) for row in rows])
        await work.session.execute(statement.on_conflict_do_nothing(index_elements=["topic_id", "message_id"]))


async def messages(work: UnitOfWork, message_ids: Sequence[str]) -> list[Message]:
    """
    Give messages by their ids.
    """
    return list((await work.session.scalars(sa.select(Message).where(col(Message.id).in_(message_ids)))).all())


async def move_topic(work: UnitOfWork, from_id: str, into_id: str) -> None:
    """
    Give everything of a topic to another one, and remove it. A message that mentions both mentions the other once.
    """
    other = sa.select(col(M.message_id)).where(col(M.topic_id) == into_id)
    quiet = {"synchronize_session": False}
    await work.session.execute(
        sa.delete(M).where(col(M.topic_id) == from_id, col(M.message_id).in_(other)), execution_options=quiet
    )
    for table in (M, P):
        statement = sa.update(table).where(col(table.topic_id) == from_id).values(topic_id=into_id)
        await work.session.execute(statement, execution_options=quiet)
    await work.session.execute(sa.delete(T).where(col(T.id) == from_id), execution_options=quiet)


async def board(work: UnitOfWork, wanted: Wanted, order: Order, *, limit: int, after: str | None) -> Slice[Tally]:
    """
    Count the topics of the last two weeks, the most mentioned or the most rising first.
    """
    counted = _counted(work, wanted).subquery()
    by = counted.c.rise if order is Order.RISING else counted.c.this_week
    query = sa.select(counted, by.label("rank")).where(counted.c.this_week > 0)
    if after is not None:
        rank, last = decode_mark(after, parts=2)
        query = query.where(sa.or_(by < rank, sa.and_(by == rank, counted.c.topic_id < last)))
    query = query.order_by(by.desc(), counted.c.topic_id.desc()).limit(limit + 1)
    rows = (await work.session.execute(query)).all()
    return slice_of(rows, limit, lambda row: (row.rank, row.topic_id)).map(_tally)


async def tally(work: UnitOfWork, topic: FeedbackTopic, wanted: Wanted) -> Tally:
    """
    Count the mentions of one topic.
    """
    counted = _counted(work, wanted).where(col(M.topic_id) == topic.id)
    row = (await work.session.execute(counted)).first()
    return _tally(row) if row is not None else Tally(topic_id=topic.id, name=topic.name)


def _counted(work: UnitOfWork, wanted: Wanted) -> Any:
    week = col(M.at) > work.now - WEEK
    this_week, last_week = sa.func.count().filter(week), sa.func.count().filter(sa.not_(week))
    query: Any = (
        sa.select(
            col(M.topic_id).label("topic_id"),
            sa.func.max(col(T.name)).label("name"),
            this_week.label("this_week"),
            last_week.label("last_week"),
            (this_week - last_week).label("rise"),
            sa.func.count().filter(week, col(M.mood) == "positive").label("positive"),
            sa.func.count().filter(week, col(M.mood) == "negative").label("negative"),
        )
        .join(T, col(T.id) == col(M.topic_id))
        .where(col(M.at) > work.now - 2 * WEEK, col(M.at) <= work.now, col(T.hidden).is_(False))
        .group_by(col(M.topic_id))
    )
    for condition in _conditions(wanted):
        query = query.where(condition)
    return query


def _conditions(wanted: Wanted) -> list[sa.ColumnElement[bool]]:
    conditions = []
    if wanted.aspect is not None:
        conditions.append(col(M.aspect) == wanted.aspect)
    if wanted.account_id:
        conditions.append(col(M.account_id) == wanted.account_id)
    if wanted.product_id:
        conditions.append(col(M.product_id) == wanted.product_id)
    return conditions


def _tally(row: Any) -> Tally:
    names = ("topic_id", "name", "this_week", "last_week", "positive", "negative")
    return Tally(**{name: getattr(row, name) for name in names})


async def quotes(
    work: UnitOfWork, topic_id: str, wanted: Wanted, *, limit: int, after: str | None
) -> Slice[Quote]:
    """
    List what was written about a topic, newest first.
    """
    query: Any = sa.select(M, Message).join(Message, col(Message.id) == col(M.message_id))
    query = query.where(col(M.topic_id) == topic_id, *_conditions(wanted))
    if after is not None:
        at, last = decode_mark(after, parts=2)
        mark = sa.tuple_(sa.bindparam(None, at, type_=Instant()), last)
        query = query.where(sa.tuple_(col(M.at), col(M.message_id)) < mark)
    query = query.order_by(col(M.at).desc(), col(M.message_id).desc()).limit(limit + 1)
    rows = [Quote(mention=row[0], message=row[1]) for row in await work.session.execute(query)]
    return slice_of(rows, limit, lambda quote: (quote.mention.at, quote.mention.message_id))


async def list_products(work: UnitOfWork) -> list[Product]:
    """
    List the products by name.
    """
    rows = await work.session.scalars(sa.select(FeedbackProduct).order_by(col(FeedbackProduct.name)))
    return [Product(id=row.id, name=row.name, words=tuple(row.words)) for row in rows]


async def put_product(work: UnitOfWork, name: str, words: Sequence[str]) -> None:
    """
    Add a product, or give it other words. One statement.
    """
    values = {"id": work.new_id(), "name": name, "words": list(words)}
    statement = work.insert(FeedbackProduct).values(**values)
    statement = statement.on_conflict_do_update(index_elements=["name"], set_={"words": list(words)})
    await work.session.execute(statement)


async def remove_product(work: UnitOfWork, product_id: str) -> bool:
    """
    Remove a product; what was said about it stays, without it.
    """
    await work.session.execute(sa.update(M).where(col(M.product_id) == product_id).values(product_id=""))
    done = await work.session.execute(sa.delete(FeedbackProduct).where(col(FeedbackProduct.id) == product_id))
    return bool(done.rowcount)  # type: ignore[attr-defined]


async def forget_candidates(work: UnitOfWork, before: datetime) -> int:
    """
    Delete some of the phrases that became no topic and were not used since an instant. Gives how many.
    """
    old = sa.select(col(P.phrase)).where(col(P.seen_at) < before, col(P.topic_id).is_(None)).limit(PRUNED_AT_ONCE)
    done = await work.session.execute(
        sa.delete(P).where(col(P.phrase).in_(old), col(P.topic_id).is_(None), col(P.seen_at) < before),
        execution_options={"synchronize_session": False},
    )
    return int(done.rowcount)  # type: ignore[attr-defined]
