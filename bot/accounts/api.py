"""
Accounts, the heard ledger and its coverage over JSON.

One call is one unit of work, so nothing here asks a network: an account that is added or changed is checked by its
poller before the next poll, and what that finds is in `checked_at`, `state` and `facts` a few seconds later.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, JsonValue

from bot.accounts import hearing, ledger, service, store, views
from bot.accounts.connect import CONNECTORS
from bot.accounts.coverage import SpanState
from bot.accounts.ears import EARS
from bot.accounts.options import describe, read_options, secret_names
from bot.accounts.rules import AccountState, Delay, HeardState
from bot.accounts.tables import HeardItem
from bot.core.errors import Invalid
from bot.web.operations import Body, Call, Listing, Moment, PageQuery, Query, operation
from connectors.base import HeardKind

OPTIONS = "by name as the channel describes them; credentials are sealed and never given back"


class _Out(BaseModel):
    model_config = ConfigDict(from_attributes=True)


class DelayOut(_Out):
    """
    How long after it happened things were heard.
    """

    count: int
    p50_seconds: float
    p95_seconds: float


class AccountOut(_Out):
    """
    Our login on a network.
    """

    id: str
    channel: str
    name: str
    handle: str = Field(description="what the network calls it; empty until the first check")
    state: AccountState
    state_reason: str
    options: dict[str, Any] = Field(description="without credentials")
    facts: dict[str, Any] = Field(description="what the last check found: text_limit, rules, warnings and more")
    created_at: datetime
    checked_at: datetime | None = Field(description="null: it will be checked before its next poll")
    failing_since: datetime | None
    failure: str
    quiet_until: datetime | None = Field(description="not asked before; our own patience or the server's wish")
    heard_until: datetime | None = Field(description="everything before this was asked for")
    delay: DelayOut | None = Field(description="of the last 24 hours")
    budget_limit: int | None
    budget_remaining: int | None
    budget_resets_at: datetime | None


class AccountIn(Body):
    """
    An account to hear.
    """

    channel: str = Field(max_length=40)
    name: str = Field(max_length=40, description="lower-case letters a to z, digits and dashes")
    options: dict[str, JsonValue] = Field(description=OPTIONS)


class OptionsIn(Body):
    """
    New options of an account; credentials that are left out stay as they are.
    """

    options: dict[str, JsonValue] = Field(description=OPTIONS)


class StopIn(Body):
    """
    Why an account is stopped.
    """

    reason: str = Field(default="", max_length=160)


class OptionOut(_Out):
    """
    One option of a channel.
    """

    name: str
    label: str
    hint: str
    kind: str = Field(description="text, password (a credential), checkbox, number or select")
    required: bool
    default: str
    choices: list[str]


class ChannelOut(_Out):
    """
    A kind of network, and what an account there needs.
    """

    name: str
    title: str
    options: list[OptionOut]


class SpanOut(_Out):
    """
    A span of time and whether it was heard.
    """

    since: datetime
    until: datetime
    state: SpanState
    reason: str


class CoverageOut(_Out):
    """
    What was heard of one stream.
    """

    stream: str
    since: datetime
    until: datetime
    spans: list[SpanOut] = Field(description="in order, without overlap or hole")
    delay: DelayOut | None


class CoverageQuery(Query):
    """
    Which time to look at.
    """

    since: Moment | None = Field(default=None, description="the last 24 hours, if left out")


class HeardOut(_Out):
    """
    One row of the ledger.
    """

    id: str
    account_id: str
    stream: str
    kind: HeardKind
    remote_id: str
    state: HeardState
    reason: str = Field(description="why ignored, or the error of the quarantine")
    routed_to: str
    author_handle: str
    excerpt: str
    occurred_at: datetime
    heard_at: datetime
    deliveries: int = Field(description="how often it came; all but the first are duplicates")


class HeardDetailOut(HeardOut):
    """
    One row of the ledger with its payload.
    """

    raw: str | None = Field(description="as received, cut to 256 KiB; kept while quarantined")


class HeardQuery(PageQuery):
    """
    Which part of the ledger.
    """

    account: str | None = Field(default=None, max_length=100, description="id or name")
    state: HeardState | None = None
    kind: HeardKind | None = None


class CountsQuery(Query):
    """
    Whose ledger to sum up.
    """

    account: str | None = Field(default=None, max_length=100, description="id or name; all, if left out")


class CountsOut(_Out):
    """
    The sums of the ledger: heard = routed + ignored + quarantined + duplicate.
    """

    heard: int
    routed: int
    ignored: int
    quarantined: int
    duplicate: int
    adds_up: bool


@operation("GET", "/channels", permission="accounts.read", tag="accounts")
async def list_channels(call: Call) -> Listing[ChannelOut]:
    """
    List the channels and the options an account on each needs.
    """
    registry = call.request.app[CONNECTORS].registry
    return Listing[ChannelOut](
        items=[
            ChannelOut(
                name=channel.name,
                title=channel.title,
                options=[OptionOut.model_validate(option) for option in describe(channel.options)],
            )
            for channel in registry
        ]
    )


@operation("GET", "/accounts", permission="accounts.read", tag="accounts")
async def list_accounts(call: Call) -> Listing[AccountOut]:
    """
    List all accounts by name.
    """
    return Listing[AccountOut](items=[_account(view) for view in await views.list_views(call.work)])


@operation("GET", "/accounts/{account_id}", permission="accounts.read", tag="accounts")
async def get_account(call: Call, account_id: str) -> AccountOut:
    """
    Read one account, by id or name.
    """
    return _account(await views.get_view(call.work, account_id))


@operation("POST", "/accounts", permission="accounts.change", tag="accounts", status=201)
async def add_account(call: Call, body: AccountIn) -> AccountOut:
    """
    Add an account; it is checked before its first poll.
    """
    connectors = call.request.app[CONNECTORS]
    added = await service.add_account(call.work, call.actor, connectors, body.channel, body.name, body.options)
    return _account(await views.get_view(call.work, added.id))


@operation("PUT", "/accounts/{account_id}/options", permission="accounts.change", tag="accounts")
async def change_options(call: Call, account_id: str, body: OptionsIn) -> AccountOut:
    """
    Replace an account's options; it is checked before its next poll.
    """
    connectors = call.request.app[CONNECTORS]
    account = await store.get_account(call.work, account_id)
    channel = connectors.channel(account.channel)
    secret = secret_names(channel.options)
    kept = {name: text for name, text in connectors.credentials(account).items() if name in secret}
    since = {"hear_since": account.options.get("hear_since")}
    given = {**kept, **since, **body.options}
    options = read_options(channel, given, now=call.work.now)
    await service.change_options(call.work, call.actor, account.id, options, connectors, None)
    return _account(await views.get_view(call.work, account.id))


@operation("POST", "/accounts/{account_id}/stop", permission="accounts.change", tag="accounts")
async def stop_account(call: Call, account_id: str, body: StopIn) -> AccountOut:
    """
    Stop hearing an account; what it brought is kept.
    """
    stopped = await service.stop_account(call.work, call.actor, account_id, body.reason)
    return _account(await views.get_view(call.work, stopped.id))


@operation("POST", "/accounts/{account_id}/start", permission="accounts.change", tag="accounts")
async def start_account(call: Call, account_id: str) -> AccountOut:
    """
    Hear an account again, at the place where it was stopped.
    """
    started = await service.start_account(call.work, call.actor, account_id)
    return _account(await views.get_view(call.work, started.id))


@operation("POST", "/accounts/{account_id}/check", permission="accounts.change", tag="accounts", status=202)
async def check_account(call: Call, account_id: str) -> AccountOut:
    """
    Have an account checked before its next poll; `checked_at` is null until that is done.
    """
    asked = await service.ask_for_check(call.work, call.actor, account_id)
    return _account(await views.get_view(call.work, asked.id))


@operation("GET", "/accounts/{account_id}/coverage", permission="accounts.read", tag="accounts")
async def get_coverage(call: Call, account_id: str, query: CoverageQuery) -> Listing[CoverageOut]:
    """
    Say which spans of time were heard, which were not and why, by stream.
    """
    account = await store.get_account(call.work, account_id)
    since = query.since or call.work.now - views.DAY
    if since > call.work.now or call.work.now - since > timedelta(days=3650):
        raise Invalid(fields={"since": "must lie in the last ten years"})
    found = await views.coverage_of(call.work, account, since)
    return Listing[CoverageOut](
        items=[
            CoverageOut(
                stream=one.stream,
                since=one.since,
                until=one.until,
                spans=[SpanOut.model_validate(span) for span in one.spans],
                delay=_delay(one.delay),
            )
            for one in found
        ]
    )


@operation("GET", "/heard", permission="heard.read", tag="heard")
async def list_heard(call: Call, query: HeardQuery) -> Listing[HeardOut]:
    """
    List the heard ledger, the newest first.
    """
    only = ledger.HeardFilter(
        account_id=await _account_id(call, query.account), state=query.state, kind=query.kind
    )
    found = await ledger.list_heard(call.work, only, limit=query.limit, after=query.after)
    return Listing[HeardOut](items=[HeardOut.model_validate(row) for row in found.items], after=found.after)


@operation("GET", "/heard/counts", permission="heard.read", tag="heard")
async def get_heard_counts(call: Call, query: CountsQuery) -> CountsOut:
    """
    Sum the heard ledger up.
    """
    account_id = await _account_id(call, query.account)
    return CountsOut.model_validate(await ledger.heard_counts(call.work, account_id))


@operation("GET", "/heard/{heard_id}", permission="heard.read", tag="heard")
async def get_heard(call: Call, heard_id: str) -> HeardDetailOut:
    """
    Read one row of the ledger with its payload.
    """
    return HeardDetailOut.model_validate(await ledger.get_heard(call.work, heard_id))


@operation("POST", "/heard/{heard_id}/retry", permission="heard.retry", tag="heard")
async def retry_heard(call: Call, heard_id: str) -> HeardDetailOut:
    """
    Offer a quarantined item again.
    """
    ears = call.request.app[EARS]
    row: HeardItem = await hearing.retry_quarantined(call.work, call.actor, heard_id, ears)
    return HeardDetailOut.model_validate(row)


async def _account_id(call: Call, id_or_name: str | None) -> str | None:
    return None if id_or_name is None else (await store.get_account(call.work, id_or_name)).id


def _account(view: views.AccountView) -> AccountOut:
    more = {
        name: getattr(view, name)
        for name in ("heard_until", "budget_limit", "budget_remaining", "budget_resets_at")
    }
    return AccountOut.model_validate(
        {**view.account.model_dump(exclude={"sealed"}), **more, "delay": _delay(view.delay)}
    )


def _delay(delay: Delay | None) -> DelayOut | None:
    if delay is None:
        return None
    return DelayOut(
        count=delay.count, p50_seconds=delay.p50.total_seconds(), p95_seconds=delay.p95.total_seconds()
    )
