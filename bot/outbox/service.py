"""
The verbs of the outbox: prepare, cancel, retry, settle. Sending itself is `jobs`.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from bot.core.actor import Actor
from bot.core.database import UnitOfWork
from bot.core.errors import Conflict
from bot.core.paging import Slice
from bot.outbox import store
from bot.outbox.drafts import draft_to_json
from bot.outbox.rules import State
from bot.outbox.store import entries_of, get_entry
from bot.outbox.tables import OutboxEntry
from bot.staff.service import audit
from bot.web.shell import Banner
from connectors.base import Draft

__all__ = [
    "Health",
    "Receipt",
    "cancel",
    "changed",
    "entries_of",
    "get_entry",
    "list_entries",
    "outbox_banners",
    "outbox_health",
    "prepare_reply",
    "retry",
    "settle_unknown",
]

Receipt = Callable[[UnitOfWork, OutboxEntry], Awaitable[None]]
"""Told of every change of an entry, inside the unit that changes it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Health:
    """
    How the outbox does: entries not settled by state, and how long the oldest due one has waited, in seconds.
    """

    open_by_state: Mapping[str, int]
    oldest_due_seconds: float


async def prepare_reply(
    work: UnitOfWork,
    actor: Actor,
    *,
    account_id: str,
    subject_kind: str,
    subject_id: str,
    reply_to: Mapping[str, Any],
    draft: Draft,
    grace: timedelta,
) -> OutboxEntry:
    """
    Put a reply into the outbox; it leaves as soon as this unit is committed.

    The idempotency key is made here, once, and stays the same over all attempts.

    Args:
        grace: how late it may still be sent; after that it is marked missed.
    """
    entry_id = work.new_id()
    entry = OutboxEntry(
        id=entry_id,
        account_id=account_id,
        kind="reply",
        subject_kind=subject_kind,
        subject_id=subject_id,
        key=f"hubbub-{entry_id}",
        reply_to=dict(reply_to),
        draft=draft_to_json(draft),
        state=State.PREPARED,
        prepared_at=work.now,
        due_at=work.now,
        expires_at=work.now + grace,
        grace_seconds=int(grace.total_seconds()),
        created_by=actor.id,
        created_by_name=actor.name,
    )
    work.session.add(entry)
    await work.session.flush()
    _tell(work, entry)
    return entry


async def list_entries(
    work: UnitOfWork,
    *,
    states: Sequence[State] = (),
    account_id: str = "",
    limit: int = 50,
    after: str | None = None,
) -> Slice[OutboxEntry]:
    """
    List entries, newest first; no states means all.
    """
    wanted = store.Wanted(states=states, account_id=account_id)
    found = await store.list_listed(work, wanted, limit=limit, after=after)
    return found.map(lambda listed: listed.entry)


async def cancel(work: UnitOfWork, actor: Actor, entry_id: str, receipts: Sequence[Receipt]) -> OutboxEntry:
    """
    Take something back before it is sent.

    Raises:
        Conflict: it is on its way or settled.
    """
    values = {"settled_at": work.now, "reason": f"cancelled by {actor.name}"}
    return await _by_person(work, actor, entry_id, State.CANCELLED, "cancel", receipts, values)


async def retry(work: UnitOfWork, actor: Actor, entry_id: str, receipts: Sequence[Receipt]) -> OutboxEntry:
    """
    Send what was refused after all: attempts and grace begin anew.

    Raises:
        Conflict: it is not refused.
    """
    entry = await get_entry(work, entry_id)
    if entry.state != State.REFUSED:
        raise Conflict(f"only what was refused can be tried again; this is {entry.state}")
    return await _by_person(work, actor, entry_id, State.PREPARED, "retry", receipts, _anew(work, entry))


async def settle_unknown(
    work: UnitOfWork, actor: Actor, entry_id: str, *, arrived: bool, receipts: Sequence[Receipt]
) -> OutboxEntry:
    """
    Say what became of an unknown entry: it arrived, or it did not and is to be sent again.

    Raises:
        Conflict: it is not unknown.
    """
    entry = await get_entry(work, entry_id)
    if entry.state != State.UNKNOWN:
        raise Conflict(f"only what is unknown can be settled by hand; this is {entry.state}")
    if not arrived:
        return await _by_person(work, actor, entry_id, State.PREPARED, "send-again", receipts, _anew(work, entry))
    values = {
        "settled_at": work.now,
        "sent_at": entry.attempted_at,
        "unknown_at": None,
        "reason": f"{actor.name} saw that it arrived",
        **store.NO_LEASE,
    }
    return await _by_person(work, actor, entry_id, State.CONFIRMED, "arrived", receipts, values)


def _anew(work: UnitOfWork, entry: OutboxEntry) -> dict[str, Any]:
    grace = None if entry.grace_seconds is None else timedelta(seconds=entry.grace_seconds)
    return {
        "attempts": 0,
        "finds": 0,
        "due_at": work.now,
        "settled_at": None,
        "unknown_at": None,
        "expires_at": None if grace is None else work.now + grace,
        "reason": "",
        **store.NO_LEASE,
    }


async def _by_person(
    work: UnitOfWork,
    actor: Actor,
    entry_id: str,
    to: State,
    verb: str,
    receipts: Sequence[Receipt],
    values: dict[str, Any],
) -> OutboxEntry:
    was = (await get_entry(work, entry_id)).state
    entry = await store.change(work, entry_id, to, values)
    if entry is None:
        raise Conflict(f"this is {was} by now; it cannot become {to}")
    await audit(work, actor, f"outbox.{verb}", "outbox", entry_id, was=was)
    await changed(work, entry, receipts)
    return entry


async def changed(work: UnitOfWork, entry: OutboxEntry, receipts: Sequence[Receipt]) -> None:
    """
    Tell everybody who must know that an entry has changed: its receipts, and open pages.
    """
    for receipt in receipts:
        await receipt(work, entry)
    _tell(work, entry)


def _tell(work: UnitOfWork, entry: OutboxEntry) -> None:
    work.publish("outbox")
    work.publish(f"{entry.subject_kind}:{entry.subject_id}")


async def outbox_health(work: UnitOfWork) -> Health:
    """
    Say how the outbox does.
    """
    counts, age = await store.open_figures(work)
    return Health(open_by_state=counts, oldest_due_seconds=age)


async def outbox_banners(work: UnitOfWork) -> list[Banner]:
    """
    Say on every page that answers wait for a person's word.
    """
    count = await store.count_for_a_person(work)
    if not count:
        return []
    text = "1 answer may or may not have arrived" if count == 1 else f"{count} answers may or may not have arrived"
    return [Banner(level="warning", text=text, url="/outbox?state=unknown", action="Look and decide")]
