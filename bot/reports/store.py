"""
Every query of the reports. They gather; `figures` and `forecast` compute.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlmodel import col

from bot.accounts.tables import Account
from bot.core.database import UnitOfWork
from bot.core.ids import layout
from bot.inbox.tables import Conversation, ConversationEvent
from bot.reports.figures import OVERDUE, Row
from bot.reports.folding import EPOCH, Clock, Story, Word, fold, quarter_of
from bot.reports.tables import ForecastHour, ReportClock, ReportProgress, ReportWord

E, R, W, C = ConversationEvent, ReportClock, ReportWord, Conversation
ROWS_AT_ONCE = 10_000
DIMENSIONS = ("channel", "account", "agent", "intent")


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """
    Which promises a report is about: of one clock, begun in a range of quarters (the end left out).

    Args:
        by: what to group by, one of DIMENSIONS.
    """

    clock: str
    first: int
    end: int
    by: str = "channel"
    channel: str = ""
    account_id: str = ""
    agent_id: str = ""
    intent: str = ""


async def read_until(work: UnitOfWork) -> datetime | None:
    """
    Say up to when the event log has been read; None: never.
    """
    return (await work.session.scalars(sa.select(col(ReportProgress.read_until)))).first()


async def set_read_until(work: UnitOfWork, at: datetime) -> None:
    """
    Remember up to when the event log has been read.
    """
    insert = work.insert(ReportProgress).values(id=1, read_until=at)
    await work.session.execute(insert.on_conflict_do_update(index_elements=["id"], set_={"read_until": at}))


async def forget_all(work: UnitOfWork) -> None:
    """
    Throw away all that was read off the event log.
    """
    for table in (R, W, ReportProgress):
        await work.session.execute(sa.delete(table))


def first_id_at(at: datetime) -> str:
    """
    Give the smallest id that an event of an instant can have: ids are ordered by time.
    """
    return layout(max(int((at - EPOCH).total_seconds() * 1000), 0), 0, 0)


async def touched(work: UnitOfWork, after: str, limit: int) -> tuple[list[str], str | None]:
    """
    List the conversations of the next events after an id, and the id to go on after; None at the end of the log.
    """
    query = sa.select(col(E.id), col(E.conversation_id)).where(col(E.id) > after).order_by(col(E.id)).limit(limit)
    rows = (await work.session.execute(query)).all()
    found = sorted({conversation_id for _, conversation_id in rows})
    return found, rows[-1][0] if len(rows) == limit else None


async def refold(work: UnitOfWork, conversation_ids: Sequence[str]) -> None:
    """
    Read conversations off the event log again, each as a whole.
    """
    if not conversation_ids:
        return
    places = await _places(work, conversation_ids)
    query = sa.select(
        col(E.id),
        col(E.conversation_id),
        col(E.at),
        col(E.kind),
        col(E.actor_id),
        col(E.actor_name),
        col(E.detail),
    ).where(col(E.conversation_id).in_(conversation_ids))
    events: dict[str, list[Any]] = {}
    for row in await work.session.execute(query.order_by(col(E.id))):
        events.setdefault(row.conversation_id, []).append(row)
    for table in (R, W):
        await work.session.execute(sa.delete(table).where(col(table.conversation_id).in_(conversation_ids)))
    await _save(work, {key: fold(of_one) for key, of_one in events.items()}, places)


async def _places(work: UnitOfWork, conversation_ids: Collection[str]) -> dict[str, dict[str, str]]:
    # Locked in the order of their ids, so that two processes that read the same ones follow each other.
    query = sa.select(col(C.id), col(C.account_id), col(C.channel)).where(col(C.id).in_(conversation_ids))
    rows = await work.session.execute(query.order_by(col(C.id)).with_for_update())
    return {row.id: {"account_id": row.account_id, "channel": row.channel} for row in rows}


async def _save(work: UnitOfWork, stories: dict[str, Story], places: dict[str, dict[str, str]]) -> None:
    clocks, words = [], []
    for conversation_id, story in stories.items():
        place = {"conversation_id": conversation_id, **places[conversation_id]}
        clocks += [{**place, **_clock_row(clock)} for clock in story.clocks.values()]
        words += [{**place, **_word_row(word)} for word in story.words]
    for table, rows in ((R, clocks), (W, words)):
        if rows:
            await work.session.execute(sa.insert(table), rows)


def _clock_row(clock: Clock) -> dict[str, Any]:
    return {
        "clock_id": clock.clock_id,
        "clock": clock.clock,
        "agent_id": clock.agent_id,
        "agent_name": clock.agent_name,
        "started_at": clock.started_at,
        "quarter": quarter_of(clock.started_at),
        "due_at": clock.due_at,
        "stopped_quarter": quarter_of(clock.stopped_at) if clock.stopped_at is not None else None,
        "outcome": str(clock.outcome),
        "seconds": clock.seconds,
    }


def _word_row(word: Word) -> dict[str, Any]:
    row = asdict(word)
    return {**row, "quarter": quarter_of(row.pop("at"))}


async def clock_rows(work: UnitOfWork, wanted: Wanted) -> AsyncIterator[Sequence[Row]]:
    """
    Yield the promises of a range, some thousand at a time.
    """
    outcome = sa.case(
        (sa.and_(col(R.outcome) == "running", col(R.due_at) <= work.now), OVERDUE), else_=col(R.outcome)
    )
    query = sa.select(col(R.quarter), outcome, col(R.seconds), _group(wanted.by)).where(*_conditions(wanted))
    if wanted.by == "intent" or wanted.intent:
        query = query.join(C, col(R.conversation_id) == col(C.id))
    result = await work.session.stream(query)
    async for part in result.partitions(ROWS_AT_ONCE):
        yield [(row[0], row[1], row[2], row[3]) for row in part]


def _group(by: str) -> Any:
    match by:
        case "account":
            return col(R.account_id)
        case "agent":
            return col(R.agent_id)
        case "intent":
            return col(C.intent)
        case _:
            return col(R.channel)


def _conditions(wanted: Wanted) -> list[sa.ColumnElement[bool]]:
    conditions = [
        col(R.clock) == wanted.clock,
        col(R.quarter) >= wanted.first,
        col(R.quarter) < wanted.end,
    ]
    for column, value in (
        (R.channel, wanted.channel),
        (R.account_id, wanted.account_id),
        (R.agent_id, wanted.agent_id),
        (C.intent, wanted.intent),
    ):
        if value:
            conditions.append(col(column) == value)
    return conditions


async def names_of(work: UnitOfWork, by: str) -> dict[str, str]:
    """
    Give the names of the groups, where a key is not a name itself.
    """
    if by == "account":
        rows = await work.session.execute(sa.select(col(Account.id), col(Account.name)))
    elif by == "agent":
        rows = await work.session.execute(
            sa.select(col(R.agent_id), sa.func.max(col(R.agent_name))).group_by(col(R.agent_id))
        )
    else:
        return {}
    return {key: name for key, name in rows.all()}


async def words_by_quarter(work: UnitOfWork, direction: str, first: int, end: int) -> dict[int, int]:
    """
    Count what customers wrote ("in"), or what of ours arrived ("out"), by quarter of an hour.
    """
    query = (
        sa.select(col(W.quarter), sa.func.count())
        .where(col(W.direction) == direction, col(W.quarter) >= first, col(W.quarter) < end)
        .group_by(col(W.quarter))
    )
    return {quarter: count for quarter, count in (await work.session.execute(query)).all()}


async def waiting_changes(work: UnitOfWork, first: int, end: int) -> tuple[int, dict[int, int]]:
    """
    Count how many waited for an answer when a range began, and by how many that changed in each of its quarters.
    """
    responses = col(R.clock).in_(("first_response", "next_response"))
    before = sa.select(sa.func.count()).where(
        responses,
        col(R.quarter) < first,
        sa.or_(col(R.stopped_quarter).is_(None), col(R.stopped_quarter) >= first),
    )
    changes: dict[int, int] = {}
    columns: tuple[tuple[Any, int], ...] = ((col(R.quarter), 1), (col(R.stopped_quarter), -1))
    for column, step in columns:
        query = sa.select(column, sa.func.count()).where(responses, column >= first, column < end)
        for quarter, count in (await work.session.execute(query.group_by(column))).all():
            changes[quarter] = changes.get(quarter, 0) + step * count
    return int((await work.session.scalar(before)) or 0), changes


async def waiting_since(work: UnitOfWork) -> list[datetime]:
    """
    Give since when each customer waits who waits for an answer now.
    """
    query = sa.select(col(R.started_at)).where(
        col(R.clock).in_(("first_response", "next_response")), col(R.stopped_quarter).is_(None)
    )
    return list((await work.session.scalars(query)).all())


async def answers_since(work: UnitOfWork, first: int, limit: int) -> list[tuple[str, datetime, datetime]]:
    """
    Give the newest answers that somebody took, wrote and sent off: who, taken when, sent off when.
    """
    query = (
        sa.select(col(W.agent_id), col(W.begun_at), col(W.done_at))
        .where(
            col(W.direction) == "out",
            col(W.quarter) >= first,
            col(W.begun_at).is_not(None),
            col(W.done_at).is_not(None),
        )
        .order_by(col(W.quarter).desc())
        .limit(limit)
    )
    rows = (await work.session.execute(query)).all()
    return [(agent, begun, done) for agent, begun, done in rows if begun is not None and done is not None]


async def people_by_quarter(work: UnitOfWork, first: int, end: int) -> dict[int, int]:
    """
    Count who answered, by quarter of an hour.
    """
    query = (
        sa.select(col(W.quarter), sa.func.count(sa.distinct(col(W.agent_id))))
        .where(col(W.direction) == "out", col(W.quarter) >= first, col(W.quarter) < end, col(W.agent_id) != "")
        .group_by(col(W.quarter))
    )
    return {quarter: count for quarter, count in (await work.session.execute(query)).all()}


async def save_forecast(work: UnitOfWork, hours: Sequence[ForecastHour]) -> None:
    """
    Keep what was foretold; what was foretold of an hour first stays.
    """
    for hour in hours:
        insert = work.insert(ForecastHour).values(**hour.model_dump())
        await work.session.execute(insert.on_conflict_do_nothing())


async def list_forecasts(work: UnitOfWork, begin: datetime, end: datetime) -> list[ForecastHour]:
    """
    Give what was foretold of the hours of a range.
    """
    query = sa.select(ForecastHour).where(col(ForecastHour.hour_at) >= begin, col(ForecastHour.hour_at) < end)
    return list((await work.session.scalars(query.order_by(col(ForecastHour.hour_at)))).all())
