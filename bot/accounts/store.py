"""
Every query of accounts and their streams. The heard ledger's are in `ledger.py`, the coverage's in `spans.py`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlmodel import col

from bot.accounts.rules import AccountState
from bot.accounts.tables import Account, AccountStream
from bot.core.columns import Instant
from bot.core.database import UnitOfWork
from bot.core.errors import NotFound
from connectors.base import Budget

_ASKED = sa.bindparam("asked", type_=sa.String())
_ONE = (
    sa.select(Account)
    .where(sa.or_(col(Account.id) == _ASKED, col(Account.name) == _ASKED))
    # An account may be named like another's id; then the id is meant.
    .order_by((col(Account.id) == _ASKED).desc())
    .execution_options(populate_existing=True)
)
_ONE_TO_CHANGE = _ONE.with_for_update()


async def get_account(work: UnitOfWork, id_or_name: str, *, lock: bool = False) -> Account:
    """
    Read an account by its id or its name.

    Args:
        lock: keep others from changing it until the unit ends.

    Raises:
        NotFound: there is none.
    """
    found = (await work.session.scalars(_ONE_TO_CHANGE if lock else _ONE, {"asked": id_or_name})).first()
    if found is None:
        raise NotFound(f"there is no account {id_or_name!r}")
    return found


_NAMES = sa.select(col(Account.id), col(Account.name)).order_by(col(Account.name))


async def account_names(work: UnitOfWork) -> Mapping[str, str]:
    """
    Give the name of each account by its id, in the order of the names.
    """
    rows = await work.session.execute(_NAMES)
    return {account_id: name for account_id, name in rows}


async def list_accounts(work: UnitOfWork, state: AccountState | None = None) -> Sequence[Account]:
    """
    List accounts by name; there are dozens, not thousands.
    """
    query = sa.select(Account).order_by(col(Account.name))
    if state is not None:
        query = query.where(col(Account.state) == state.value)
    return (await work.session.execute(query)).scalars().all()


async def add_account(work: UnitOfWork, values: dict[str, Any]) -> bool:
    """
    Add an account unless its name is taken; say whether it was added. One statement.
    """
    statement = work.insert(Account).values(**values).on_conflict_do_nothing(index_elements=["name"])
    return (await work.session.execute(statement.returning(col(Account.id)))).first() is not None


async def open_stream(work: UnitOfWork, account_id: str, stream: str) -> AccountStream:
    """
    Read how far a stream was heard; a new stream begins with nothing heard.
    """
    row = {"account_id": account_id, "stream": stream}
    await work.session.execute(work.insert(AccountStream).values(**row).on_conflict_do_nothing())
    found = await find_stream(work, account_id, stream)
    assert found is not None, "it was just made sure of"
    return found


async def find_stream(work: UnitOfWork, account_id: str, stream: str) -> AccountStream | None:
    """
    Read how far a stream was heard; None: it was never opened.
    """
    return await work.session.get(AccountStream, (account_id, stream), populate_existing=True)


async def streams_of(work: UnitOfWork, account_ids: Sequence[str]) -> Sequence[AccountStream]:
    """
    List the streams of several accounts.
    """
    query = sa.select(AccountStream).where(col(AccountStream.account_id).in_(account_ids))
    return (await work.session.execute(query.order_by(col(AccountStream.stream)))).scalars().all()


async def move_cursor(
    work: UnitOfWork, account_id: str, stream: str, *, started_from: str | None, cursor: str | None
) -> bool:
    """
    Move a cursor if it still is where we started from; False when somebody else moved it. One statement.
    """
    statement = (
        sa.update(AccountStream)
        .where(
            col(AccountStream.account_id) == account_id,
            col(AccountStream.stream) == stream,
            col(AccountStream.cursor).is_not_distinct_from(started_from),
        )
        .values(cursor=cursor if cursor is not None else started_from)
        .returning(col(AccountStream.stream))
    )
    return (await work.session.execute(statement)).first() is not None


async def change_stream(work: UnitOfWork, account_id: str, stream: str, **values: Any) -> None:
    """
    Change columns of a stream by its key.
    """
    mine = sa.and_(col(AccountStream.account_id) == account_id, col(AccountStream.stream) == stream)
    await work.session.execute(sa.update(AccountStream).where(mine).values(**values))


def budget_values(budget: Budget) -> dict[str, Any]:
    """
    Name the columns that keep what a server said about our allowance.
    """
    return {
        "budget_limit": budget.limit,
        "budget_remaining": budget.remaining,
        "budget_resets_at": budget.resets_at,
    }


async def count_by_state(work: UnitOfWork) -> dict[str, int]:
    """
    Count the accounts of each state.
    """
    rows = await work.session.execute(sa.select(col(Account.state), sa.func.count()).group_by(col(Account.state)))
    return {str(state): int(count) for state, count in rows}


async def last_heard(work: UnitOfWork) -> list[tuple[str, datetime]]:
    """
    Give name and last instant of hearing of each active account; of one never heard, when it was added.
    """
    heard = sa.func.coalesce(sa.func.max(col(AccountStream.heard_until)), col(Account.created_at), type_=Instant())
    query = (
        sa.select(col(Account.name), heard)
        .outerjoin(AccountStream, col(AccountStream.account_id) == col(Account.id))
        .where(col(Account.state) == "active")
        .group_by(col(Account.id), col(Account.name), col(Account.created_at))
        .order_by(col(Account.name))
    )
    return [(name, at or work.now) for name, at in await work.session.execute(query)]
