"""
Accounts and their coverage as people look at them: read from several tables, changed nowhere.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from bot.accounts import ledger, spans, store
from bot.accounts.coverage import Span, SpanState, clipped, completed, totals
from bot.accounts.hearing import connected_at
from bot.accounts.rules import LATE_AFTER, MAIN_STREAM, AccountState, Delay, delay_of, gist
from bot.accounts.tables import Account, AccountStream
from bot.core.database import UnitOfWork

DELAYS_LOOKED_AT = 2_000
NOT_ASKED = "not asked yet"
WINDOWS = {"24h": timedelta(hours=24), "7d": timedelta(days=7), "30d": timedelta(days=30)}
DAY = WINDOWS["24h"]


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountView:
    """
    An account and how hearing it goes.

    Args:
        delay: of the last 24 hours, None when nothing was heard.
        waits_until: back-off or the server's own wait; None when it is asked as usual.
    """

    account: Account
    heard_until: datetime | None
    delay: Delay | None
    waits_until: datetime | None
    budget_limit: int | None
    budget_remaining: int | None
    budget_resets_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Coverage:
    """
    What was heard of one stream since an instant.
    """

    stream: str
    since: datetime
    until: datetime
    spans: Sequence[Span]
    delay: Delay | None

    @property
    def totals(self) -> dict[SpanState, timedelta]:
        return totals(self.spans)


async def list_views(work: UnitOfWork) -> list[AccountView]:
    """
    List all accounts by name, with how hearing them goes.
    """
    accounts = await store.list_accounts(work)
    streams = {row.account_id: row for row in await store.streams_of(work, [one.id for one in accounts])}
    return [await _view(work, account, streams.get(account.id)) for account in accounts]


async def get_view(work: UnitOfWork, id_or_name: str) -> AccountView:
    """
    Read an account with how hearing it goes.

    Raises:
        NotFound: there is none.
    """
    account = await store.get_account(work, id_or_name)
    streams = await store.streams_of(work, [account.id])
    return await _view(work, account, streams[0] if streams else None)


async def coverage_of(work: UnitOfWork, account: Account, since: datetime) -> list[Coverage]:
    """
    Say which spans were heard since `since` (or since connecting), by stream.
    """
    found = []
    for stream in [row.stream for row in await store.streams_of(work, [account.id])] or [MAIN_STREAM]:
        line = spans.as_line(await spans.spans_since(work, account.id, stream, since))
        begin = max(since, connected_at(account))
        whole = completed(line, since=begin, now=work.now, reason=_why_not(account), late_after=LATE_AFTER)
        late = await ledger.delays(work, account.id, since=begin, most=DELAYS_LOOKED_AT)
        found.append(
            Coverage(
                stream=stream,
                since=begin,
                until=work.now,
                spans=clipped(whole, begin),
                delay=delay_of(late),
            )
        )
    return found


async def _view(work: UnitOfWork, account: Account, stream: AccountStream | None) -> AccountView:
    since = max(work.now - DAY, connected_at(account))
    late = await ledger.delays(work, account.id, since=since, most=DELAYS_LOOKED_AT)
    waiting = account.quiet_until is not None and account.quiet_until > work.now
    known = stream is not None and stream.budget_resets_at is not None and stream.budget_resets_at > work.now
    return AccountView(
        account=account,
        heard_until=stream.heard_until if stream else None,
        delay=delay_of(late),
        waits_until=account.quiet_until if waiting else None,
        budget_limit=stream.budget_limit if stream and known else None,
        budget_remaining=stream.budget_remaining if stream and known else None,
        budget_resets_at=stream.budget_resets_at if stream and known else None,
    )


def _why_not(account: Account) -> str:
    if account.state == AccountState.STOPPED:
        return "the account is stopped"
    if account.state == AccountState.UNAUTHORIZED:
        return "the server refuses our credentials"
    return gist(account.failure) or NOT_ASKED
