"""
Hearing: a fetched page becomes rows of the ledger and work of the ears, in one transaction with the cursor.

    fetched page ─┬─ heard before ──────────────────────────────> duplicate (counted)
                  ├─ could not be read by the connector ────────> quarantined, with its payload
                  ├─ older than the account's `hear_since` ─────> ignored
                  └─ offered to the ears, each item in a savepoint
                        ├─ an ear takes it ─────────────────────> routed
                        ├─ an ear wants nothing, or nobody cares > ignored, with the reason
                        └─ an ear breaks ───────────────────────> its work undone; quarantined, to be retried

Promises: either the whole page is heard and the cursor moved, or nothing happened (I1); the same thing heard twice
is one row; `heard = routed + ignored + quarantined + duplicate` at any moment.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, assert_never

import sqlalchemy as sa

from bot.accounts import ledger, spans, store
from bot.accounts.coverage import heard_to, lost, waiting_to
from bot.accounts.ears import Ear, Heard, Ignored, Routed
from bot.accounts.items import from_json, raw_text, storable, storable_text, to_json
from bot.accounts.options import HEAR_SINCE
from bot.accounts.rules import HeardCounts, HeardState, excerpt, in_words, is_from_before, is_passing
from bot.accounts.tables import Account, AccountStream, HeardItem
from bot.core.actor import Actor
from bot.core.database import UnitOfWork
from bot.core.errors import Conflict
from bot.core.leases import holds_lease
from bot.staff.service import audit
from connectors.base import BrokenItem, Page
from connectors.base import HeardItem as Item

TOPIC = "heard"
FROM_BEFORE = "from before this account was connected"
BEFORE_ADDED = "happened before the account was added here"
STILL_FETCHING = "there is more to fetch"
UNDECIDED = "not decided yet"


class Outrun(Exception):
    """
    Another process hears this account, or has moved its cursor: what was fetched is dropped, nothing is lost.
    """


@dataclass(frozen=True, slots=True, kw_only=True)
class Fetched:
    """
    A page, and what must still hold when it is stored.

    Args:
        started_from: the cursor the fetch was given.
        asked_at: when the fetch began: everything before is heard once the last page is stored.
        holder: who must hold the account's lease.
        late_after: what is heard within this time counts as heard in time.
    """

    account: Account
    stream: str
    page: Page
    started_from: str | None
    asked_at: datetime
    holder: str
    late_after: timedelta


def lease_name(account_id: str) -> str:
    """
    Name the lease of whoever hears an account.
    """
    return f"hear:{account_id}"


async def hear(work: UnitOfWork, fetched: Fetched, ears: Sequence[Ear]) -> HeardCounts:
    """
    Store a fetched page: ledger, ears, cursor, allowance and coverage, all or nothing.

    Returns:
        What became of this page's items.

    Raises:
        Outrun: the lease was lost or the cursor moved meanwhile; the unit must not be committed.
    """
    account, page = fetched.account, fetched.page
    if not await holds_lease(work, lease_name(account.id), holder=fetched.holder):
        raise Outrun("the lease was lost")
    moved = await store.move_cursor(
        work, account.id, fetched.stream, started_from=fetched.started_from, cursor=page.cursor
    )
    if not moved:
        raise Outrun("the cursor was moved")
    became = Counter([await _hear_one(work, fetched, item, ears) for item in page.items])
    await _cover(work, fetched)
    if page.budget is not None:
        await store.change_stream(work, account.id, fetched.stream, **store.budget_values(page.budget))
    if became:
        work.publish(TOPIC, {"account": account.id})
    return HeardCounts(heard=len(page.items), **became)


async def retry_quarantined(work: UnitOfWork, actor: Actor, heard_id: str, ears: Sequence[Ear]) -> HeardItem:
    """
    Offer a quarantined item to the ears again; it stays quarantined, with the new error, if one breaks again.

    Raises:
        NotFound: there is no such item.
        Conflict: it is not quarantined, or could not be read when it came, so that there is nothing to offer.
    """
    row = await ledger.get_heard(work, heard_id, lock=True)
    if row.state != HeardState.QUARANTINED:
        raise Conflict(f"this item is {row.state}, there is nothing to retry")
    if row.item is None:
        raise Conflict("this item could not be read when it came; its channel cannot read it again from here")
    account = await store.get_account(work, row.account_id)
    item = from_json(row.item, row.raw)
    became = await _offer(work, Heard(heard_id=row.id, account=account, stream=row.stream, item=item), ears)
    await ledger.settle(work, heard_id, **became)
    await audit(work, actor, "heard.retry", "heard_item", heard_id, became=became["state"])
    work.publish(TOPIC, {"account": row.account_id})
    await work.session.refresh(row)
    return row


async def still_waiting(
    work: UnitOfWork, account: Account, stream: AccountStream, *, reason: str, late_after: timedelta
) -> None:
    """
    Write down that a stream is not heard at present, unless it was heard a moment ago.
    """
    since = stream.heard_until or connected_at(account)
    if work.now - since <= late_after:
        return
    rows = await spans.spans_since(work, account.id, stream.stream, since)
    line = waiting_to(spans.as_line(rows), since=since, now=work.now, reason=reason)
    await spans.save_spans(work, account.id, stream.stream, rows, line)


def connected_at(account: Account) -> datetime:
    """
    Say from when on an account is to be heard.
    """
    return hear_since(account) or account.created_at


def hear_since(account: Account) -> datetime | None:
    """
    Read the account's option of that name, if its channel has it.
    """
    said = account.options.get(HEAR_SINCE)
    return datetime.fromisoformat(said) if isinstance(said, str) else None


async def _hear_one(work: UnitOfWork, fetched: Fetched, item: Item | BrokenItem, ears: Sequence[Ear]) -> str:
    clean = storable(item) if isinstance(item, Item) else item
    row = {**_described(work, fetched, clean), **_known_at_once(fetched.account, clean)}
    heard_id = await ledger.note(work, row)
    if heard_id is None:
        return "duplicate"
    if row["reason"] != UNDECIDED or isinstance(clean, BrokenItem):
        return str(row["state"])
    heard = Heard(heard_id=heard_id, account=fetched.account, stream=fetched.stream, item=clean)
    became = await _offer(work, heard, ears)
    await ledger.settle(work, heard_id, **became)
    return str(became["state"])


async def _offer(work: UnitOfWork, heard: Heard, ears: Sequence[Ear]) -> dict[str, Any]:
    """
    Ask the ears one after the other, in a savepoint; give the columns that say what became of the item.
    """
    said, callbacks = len(work.live), len(work.afterwards)
    try:
        async with work.session.begin_nested():
            answer = await _ask(work, heard, ears)
            await work.session.flush()
    except Exception as error:
        if _is_passing(error):
            raise  # the database is in trouble, not the item: the page is heard again later
        del work.live[said:], work.afterwards[callbacks:]
        return _quarantined(heard.item, error)
    match answer:
        case Routed(to=to):
            return {"state": HeardState.ROUTED.value, "reason": "", "routed_to": to, "item": None, "raw": None}
        case Ignored(reason=reason):
            return _ignored(reason)
        case None:
            return _ignored(f"nobody here listens for {heard.item.kind.value}")
        case _:
            assert_never(answer)


async def _ask(work: UnitOfWork, heard: Heard, ears: Sequence[Ear]) -> Routed | Ignored | None:
    for ear in ears:
        answer = await ear(work, heard)
        if answer is not None:
            return answer
    return None


async def _cover(work: UnitOfWork, fetched: Fetched) -> None:
    account, page = fetched.account, fetched.page
    stream = await store.find_stream(work, account.id, fetched.stream)
    assert stream is not None, "its cursor has just been moved"
    start = connected_at(account)
    since = stream.heard_until or start
    rows = await spans.spans_since(
        work, account.id, fetched.stream, min([since, *(gap.since for gap in page.gaps)])
    )
    line: Sequence[Any] = spans.as_line(rows)
    if stream.heard_until is None:
        line = waiting_to(line, since=start, now=min(account.created_at, fetched.asked_at), reason=BEFORE_ADDED)
    if page.more:
        line = waiting_to(line, since=since, now=fetched.asked_at, reason=STILL_FETCHING)
    else:
        line = heard_to(line, since=since, asked_at=fetched.asked_at, late_after=fetched.late_after)
        stream.heard_until = max(since, fetched.asked_at)
    line = lost(line, [(gap.since, gap.until, storable_text(gap.reason)) for gap in page.gaps])
    await spans.save_spans(work, account.id, fetched.stream, rows, line)


def _described(work: UnitOfWork, fetched: Fetched, item: Item | BrokenItem) -> dict[str, Any]:
    author = item.author if isinstance(item, Item) else None
    text = (item.subject or item.text) if isinstance(item, Item) else ""
    return {
        "id": work.new_id(),
        "account_id": fetched.account.id,
        "stream": fetched.stream,
        "kind": item.kind.value,
        "remote_id": storable_text(item.remote_id),
        "routed_to": "",
        "author_handle": excerpt(author.handle) if author else "",
        "excerpt": excerpt(text),
        "item": None,
        "raw": None,
        "occurred_at": item.occurred_at,
        "heard_at": work.now,
        "deliveries": 1,
    }


def _known_at_once(account: Account, item: Item | BrokenItem) -> dict[str, Any]:
    if isinstance(item, BrokenItem):
        reason = excerpt(storable_text(item.error), 500)
        return {"state": HeardState.QUARANTINED.value, "reason": reason, "raw": raw_text(item.raw)}
    if is_from_before(item.occurred_at, hear_since(account)):
        return {"state": HeardState.IGNORED.value, "reason": FROM_BEFORE}
    return {"state": HeardState.QUARANTINED.value, "reason": UNDECIDED}


def _quarantined(item: Item, error: Exception) -> dict[str, Any]:
    return {
        "state": HeardState.QUARANTINED.value,
        "reason": storable_text(in_words(error)),
        "item": to_json(item),
        "raw": raw_text(item.raw),
    }


def _ignored(reason: str) -> dict[str, Any]:
    return {"state": HeardState.IGNORED.value, "reason": excerpt(reason, 500), "item": None, "raw": None}


def _is_passing(error: Exception) -> bool:
    if not isinstance(error, sa.exc.DBAPIError):
        return False
    state = getattr(error.orig, "sqlstate", None)
    operational = isinstance(error, sa.exc.OperationalError) or error.connection_invalidated
    return is_passing(state, operational=operational)
