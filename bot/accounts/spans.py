"""
Every query of the coverage: a line of spans for each stream, of which a change touches only the end.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import sqlalchemy as sa
from sqlmodel import col

from bot.accounts.coverage import Span, SpanState
from bot.accounts.tables import CoverageSpan
from bot.core.database import UnitOfWork


async def spans_since(
    work: UnitOfWork, account_id: str, stream: str, since: datetime | None
) -> list[CoverageSpan]:
    """
    List the spans that reach up to `since` or beyond it, in order; all of them when it is None.
    """
    query = sa.select(CoverageSpan).where(
        col(CoverageSpan.account_id) == account_id, col(CoverageSpan.stream) == stream
    )
    if since is not None:
        query = query.where(col(CoverageSpan.until_at) >= since)
    return list((await work.session.execute(query.order_by(col(CoverageSpan.until_at)))).scalars().all())


async def save_spans(
    work: UnitOfWork, account_id: str, stream: str, rows: Sequence[CoverageSpan], line: Sequence[Span]
) -> None:
    """
    Make `rows`, as they were read in this unit, into `line`.
    """
    kept = {(row.since_at, row.state, row.reason): row for row in rows}
    for span in line:
        row = kept.pop((span.since, span.state.value, span.reason), None)
        if row is None:
            work.session.add(_row(work, account_id, stream, span))
        elif row.until_at != span.until:
            row.until_at = span.until
    for row in kept.values():
        await work.session.delete(row)
    await work.session.flush()


def as_line(rows: Sequence[CoverageSpan]) -> list[Span]:
    """
    Read rows as the values that the rules know.
    """
    return [
        Span(since=row.since_at, until=row.until_at, state=SpanState(row.state), reason=row.reason) for row in rows
    ]


def _row(work: UnitOfWork, account_id: str, stream: str, span: Span) -> CoverageSpan:
    return CoverageSpan(
        id=work.new_id(),
        account_id=account_id,
        stream=stream,
        since_at=span.since,
        until_at=span.until,
        state=span.state.value,
        reason=span.reason,
    )
