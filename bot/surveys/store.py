"""
Every query of surveys. Nothing here decides or commits.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlmodel import col

from bot.accounts.tables import Account
from bot.core.columns import Instant
from bot.core.database import UnitOfWork
from bot.core.errors import NotFound
from bot.core.paging import Slice, decode_mark, slice_of
from bot.surveys.rules import OPENED_AGAIN, SCORES, By, Figures, State
from bot.surveys.tables import Survey, SurveyKey, SurveyOption

S = Survey
THE_KEY = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """
    From when (included) to when (excluded) questions were asked, and of which account (empty: of all).
    """

    since: datetime
    until: datetime
    account_id: str = ""


async def get_options(work: UnitOfWork, account_id: str) -> SurveyOption | None:
    """
    Give how an account asks; None: it never did.
    """
    return await work.session.get(SurveyOption, account_id)


async def list_options(work: UnitOfWork) -> dict[str, SurveyOption]:
    """
    Give how each account asks, by its id.
    """
    rows = await work.session.scalars(sa.select(SurveyOption))
    return {row.account_id: row for row in rows}


async def put_options(work: UnitOfWork, account_id: str, values: Mapping[str, Any]) -> None:
    """
    Set how an account asks. One statement.
    """
    statement = work.insert(SurveyOption).values(account_id=account_id, **values)
    statement = statement.on_conflict_do_update(index_elements=["account_id"], set_=dict(values))
    await work.session.execute(statement)


async def plan(work: UnitOfWork, values: Mapping[str, Any]) -> bool:
    """
    Plan a survey, unless its conversation had one; one that was dropped by opening again is planned anew.
    """
    statement = work.insert(S).values(**values)
    again = {name: value for name, value in values.items() if name not in ("id", "conversation_id")}
    statement = statement.on_conflict_do_update(
        index_elements=["conversation_id"],
        set_=again,
        where=sa.and_(col(S.state) == State.DROPPED, col(S.reason) == OPENED_AGAIN),
    )
    return (await work.session.execute(statement.returning(col(S.id)))).first() is not None


async def drop(work: UnitOfWork, conversation_id: str, reason: str) -> bool:
    """
    Drop what is planned for a conversation. One statement.
    """
    statement = sa.update(S).where(col(S.conversation_id) == conversation_id, col(S.state) == State.PLANNED)
    done = await work.session.execute(
        statement.values(state=State.DROPPED, reason=reason).execution_options(synchronize_session=False)
    )
    return bool(done.rowcount)  # type: ignore[attr-defined]


async def due(work: UnitOfWork, *, limit: int) -> list[str]:
    """
    Give the surveys whose time has come, the oldest first.
    """
    query = sa.select(col(S.id)).where(col(S.state) == sa.literal_column("'planned'"), col(S.ask_at) <= work.now)
    return list((await work.session.scalars(query.order_by(col(S.ask_at)).limit(limit))).all())


async def take(work: UnitOfWork, survey_id: str) -> Survey | None:
    """
    Take a planned survey for asking; None when another process has it.
    """
    query = sa.select(S).where(col(S.id) == survey_id, col(S.state) == State.PLANNED)
    return (await work.session.scalars(query.with_for_update(skip_locked=True))).first()


async def asked_since(work: UnitOfWork, contact_id: str, since: datetime) -> bool:
    """
    Say whether a contact was asked since an instant.
    """
    query = sa.select(col(S.id)).where(col(S.contact_id) == contact_id, col(S.asked_at) > since).limit(1)
    return (await work.session.scalars(query)).first() is not None


async def get_survey(work: UnitOfWork, survey_id: str, *, lock: bool = False) -> Survey:
    """
    Give a survey; raises NotFound.
    """
    query = sa.select(S).where(col(S.id) == survey_id)
    found = (await work.session.scalars(query.with_for_update() if lock else query)).first()
    if found is None:
        raise NotFound(f"no survey {survey_id[:60]!r}")
    return found


async def list_answers(
    work: UnitOfWork, span: Span, *, limit: int, after: str | None
) -> Slice[tuple[Survey, str]]:
    """
    List what was answered, by when it was asked, newest first, each with its account's name.
    """
    query = sa.select(S, col(Account.name)).join(Account, col(Account.id) == col(S.account_id))
    query = query.where(*_within(span), col(S.score).is_not(None))
    if after is not None:
        at, last = decode_mark(after, parts=2)
        mark = sa.tuple_(sa.bindparam(None, at, type_=Instant()), last)
        query = query.where(sa.tuple_(col(S.asked_at), col(S.id)) < mark)
    query = query.order_by(col(S.asked_at).desc(), col(S.id).desc()).limit(limit + 1)
    rows = [(row[0], str(row[1])) for row in await work.session.execute(query)]
    return slice_of(rows, limit, lambda row: (row[0].asked_at, row[0].id))


def _within(span: Span) -> list[sa.ColumnElement[bool]]:
    conditions = [col(S.asked_at) >= span.since, col(S.asked_at) < span.until]
    return [*conditions, col(S.account_id) == span.account_id] if span.account_id else conditions


async def figures(work: UnitOfWork, span: Span, by: By) -> list[Figures]:
    """
    Count what was asked and answered, told apart; one row with zeros when nothing was and nothing is told apart.
    """
    key, name = {
        By.ALL: (sa.literal(""), sa.literal("")),
        By.AGENT: (col(S.agent_id), sa.func.max(col(S.agent_name))),
        By.ACCOUNT: (col(S.account_id), sa.func.max(col(Account.name))),
        By.WEEK: (col(S.asked_week), col(S.asked_week)),
    }[by]
    counts = [sa.func.count().filter(col(S.score) == score) for score in SCORES]
    query: Any = sa.select(key, name, sa.func.count(), *counts).join(Account, col(Account.id) == col(S.account_id))
    query = query.where(*_within(span))
    if by is not By.ALL:
        query = query.group_by(key).order_by(key)
    return [
        Figures(
            key=str(row[0]), name=str(row[1]), asked=int(row[2]), counts=tuple(int(count) for count in row[3:])
        )
        for row in await work.session.execute(query)
    ]


async def sealed_key(work: UnitOfWork) -> str | None:
    """
    Give the sealed key of links; None before there is one.
    """
    found = await work.session.get(SurveyKey, THE_KEY, populate_existing=True)
    return found.sealed if found else None


async def put_key(work: UnitOfWork, sealed: str) -> None:
    """
    Keep a key, unless there is one by now.
    """
    await work.session.execute(
        work.insert(SurveyKey).values(id=THE_KEY, sealed=sealed).on_conflict_do_nothing(index_elements=["id"])
    )


async def replace_key(work: UnitOfWork, *, was: str, sealed: str) -> int:
    """
    Keep the key sealed anew; gives how many that were.
    """
    statement = sa.update(SurveyKey).where(col(SurveyKey.sealed) == was).values(sealed=sealed)
    return int((await work.session.execute(statement)).rowcount)  # type: ignore[attr-defined]


async def account_names(work: UnitOfWork) -> Sequence[tuple[str, str]]:
    """
    Give the accounts by name.
    """
    rows = await work.session.execute(sa.select(col(Account.id), col(Account.name)).order_by(col(Account.name)))
    return [(str(row[0]), str(row[1])) for row in rows]
