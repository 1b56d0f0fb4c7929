"""
The outbox over the API: the same verbs as the page.
"""

from __future__ import annotations

from datetime import datetime

from pydantic import BaseModel, Field

from bot.outbox import service, store
from bot.outbox.keys import RECEIPTS
from bot.outbox.rules import State
from bot.outbox.store import Listed, Wanted
from bot.outbox.views import why
from bot.staff.rules import Permission
from bot.web.operations import Body, Call, Listing, PageQuery, operation

READ, CHANGE = Permission.OUTBOX_READ, Permission.OUTBOX_CHANGE
TAG = "outbox"


class OutboxEntryOut(BaseModel):
    """
    One thing to send and what became of it.
    """

    id: str
    state: State
    why: str = Field(description="why it is where it is, in a sentence")
    reason: str
    kind: str
    account_id: str
    account_name: str
    channel: str
    subject_kind: str
    subject_id: str
    behind: str | None = Field(description="id of the earlier entry that must be settled first")
    text: str
    key: str = Field(description="the idempotency key, the same over all attempts")
    attempts: int
    finds: int = Field(description="looks since it became unknown")
    created_by_name: str
    prepared_at: datetime
    attempted_at: datetime | None
    due_at: datetime = Field(description="next attempt or look, not before; year 9999: a person must decide")
    expires_at: datetime | None = Field(description="not sent after this")
    settled_at: datetime | None
    sent_id: str | None
    sent_url: str | None
    sent_at: datetime | None


class OutboxQuery(PageQuery):
    state: State | None = None
    account_id: str = Field(default="", max_length=100)


class SettleIn(Body):
    arrived: bool = Field(description="true: it is at the customer; false: it is not, send it again")


def outbox_entry_out(listed: Listed, now: datetime) -> OutboxEntryOut:
    """
    Show an entry with its account.
    """
    entry = listed.entry
    named = {"why", "account_name", "channel", "behind", "text"}
    return OutboxEntryOut(
        **entry.model_dump(include=set(OutboxEntryOut.model_fields) - named),
        why=why(listed, now),
        account_name=listed.account_name,
        channel=listed.channel,
        behind=listed.behind,
        text=entry.draft["text"],
    )


@operation("GET", "/outbox", permission=READ, tag=TAG)
async def list_outbox(call: Call, query: OutboxQuery) -> Listing[OutboxEntryOut]:
    """
    List outbox entries, newest first.
    """
    wanted = Wanted(states=(query.state,) if query.state else (), account_id=query.account_id)
    found = await store.list_listed(call.work, wanted, limit=query.limit, after=query.after)
    return Listing(items=[outbox_entry_out(one, call.work.now) for one in found.items], after=found.after)


@operation("GET", "/outbox/{id}", permission=READ, tag=TAG)
async def read_outbox_entry(call: Call, id: str) -> OutboxEntryOut:
    """
    Read one outbox entry.
    """
    return await _shown(call, id)


@operation("POST", "/outbox/{id}/cancel", permission=CHANGE, tag=TAG)
async def cancel_outbox_entry(call: Call, id: str) -> OutboxEntryOut:
    """
    Take something back before it is sent.
    """
    await service.cancel(call.work, call.actor, id, call.request.app[RECEIPTS])
    return await _shown(call, id)


@operation("POST", "/outbox/{id}/retry", permission=CHANGE, tag=TAG)
async def retry_outbox_entry(call: Call, id: str) -> OutboxEntryOut:
    """
    Send what was refused after all.
    """
    await service.retry(call.work, call.actor, id, call.request.app[RECEIPTS])
    return await _shown(call, id)


@operation("POST", "/outbox/{id}/settle", permission=CHANGE, tag=TAG)
async def settle_outbox_entry(call: Call, id: str, body: SettleIn) -> OutboxEntryOut:
    """
    Say what became of an unknown entry.
    """
    receipts = call.request.app[RECEIPTS]
    await service.settle_unknown(call.work, call.actor, id, arrived=body.arrived, receipts=receipts)
    return await _shown(call, id)


async def _shown(call: Call, entry_id: str) -> OutboxEntryOut:
    return outbox_entry_out(await store.get_listed(call.work, entry_id), call.work.now)
