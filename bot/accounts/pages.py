"""
Pages of accounts and of the heard ledger.

Adding, checking and renewing ask a server, so these pages open their own units of work, none around a network.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, assert_never
from urllib.parse import urlencode

from aiohttp import web

from bot.accounts import checking, hearing, ledger, service, store, views
from bot.accounts.connect import CONNECTORS, Connectors
from bot.accounts.coverage import Span, SpanState
from bot.accounts.ears import EARS
from bot.accounts.options import OptionField, describe, shown
from bot.accounts.rules import HeardCounts, HeardState
from bot.core.errors import Conflict, Invalid, NotFound
from bot.core.units import show_duration
from bot.web.pages import Visit, page
from bot.web.translations import gettext as _
from bot.web.translations import number, pgettext, said, word
from connectors.base import HeardKind

ROWS = 50
MOST_SPANS = 200
BAR_WIDTH = 1000
SHADES = {
    SpanState.HEARD: "var(--good-ink)",
    SpanState.LATE: "var(--warn-ink)",
    SpanState.PENDING: "var(--edge)",
    SpanState.LOST: "var(--bad)",
}
NOTHING: Mapping[str, str] = {}


@dataclass(frozen=True, slots=True, kw_only=True)
class Bar:
    """
    A piece of the coverage bar, in units of its width.
    """

    x: float
    width: float
    fill: str
    title: str


def _connectors(visit: Visit) -> Connectors:
    return visit.request.app[CONNECTORS]


@page("GET", "/accounts", permission="accounts.read")
async def show_accounts(visit: Visit) -> web.StreamResponse:
    """
    List the accounts and how hearing them goes.
    """
    return await visit.render(
        "accounts/list.html",
        accounts=await views.list_views(visit.work),
        titles={channel.name: channel.title for channel in _connectors(visit).registry},
        short=short_duration,
    )


@page("GET", "/accounts/new", permission="accounts.change", unit="none")
async def show_new(visit: Visit) -> web.StreamResponse:
    """
    Ask which channel, then what an account there needs.
    """
    return await _new_form(visit, visit.query.get("channel", ""), {}, NOTHING)


@page("POST", "/accounts/new", permission="accounts.change", unit="none")
async def add(visit: Visit) -> web.StreamResponse:
    """
    Add an account after its server accepted it; what was typed is kept when it did not, but for credentials.
    """
    channel, given = visit.form.get("channel", ""), _given(visit)
    try:
        account = await checking.connect_account(
            visit.database,
            visit.person,
            _connectors(visit),
            channel=channel,
            name=visit.form.get("name", "").strip(),
            options=given,
        )
    except Invalid as error:
        return await _new_form(visit, channel, visit.form, error.fields)
    return visit.go(f"/accounts/{account.id}", _("%(name)s is heard from now on.", name=account.name))


@page("GET", "/accounts/{account_id}", permission="accounts.read")
async def show_account(visit: Visit) -> web.StreamResponse:
    """
    Show an account: what its server says, its coverage, and its options to those who may change them.
    """
    return await _account_page(visit, visit.work.now, NOTHING)


@page("POST", "/accounts/{account_id}/options", permission="accounts.change", unit="none")
async def change(visit: Visit) -> web.StreamResponse:
    """
    Change options or renew a credential; nothing is changed unless the server accepts it.
    """
    account_id, connectors = visit.path["account_id"], _connectors(visit)
    try:
        account = await checking.renew_options(visit.database, visit.person, connectors, account_id, _given(visit))
    except Invalid as error:
        async with visit.database.read() as work:
            visit._work = work
            return await _account_page(visit, work.now, error.fields, status=422)
    return visit.go(f"/accounts/{account.id}", _("The server accepts it. The account is heard."))


@page("POST", "/accounts/{account_id}/check", permission="accounts.change", unit="none")
async def check(visit: Visit) -> web.StreamResponse:
    """
    Check an account now.
    """
    url = f"/accounts/{visit.path['account_id']}"
    try:
        account = await checking.check_again(visit.database, _connectors(visit), visit.path["account_id"])
    except Conflict as error:
        return visit.go(url, error.detail, "error")
    return visit.go(url, _("The server knows us as %(name)s.", name=service.called(account)))


@page("POST", "/accounts/{account_id}/stop", permission="accounts.change")
async def stop(visit: Visit) -> web.StreamResponse:
    """
    Stop hearing an account.
    """
    reason = visit.form.get("reason", "")
    account = await service.stop_account(visit.work, visit.person, visit.path["account_id"], reason)
    return visit.go(
        f"/accounts/{account.id}", _("%(name)s is stopped. What it brought is kept.", name=account.name)
    )


@page("POST", "/accounts/{account_id}/start", permission="accounts.change")
async def start(visit: Visit) -> web.StreamResponse:
    """
    Hear an account again.
    """
    account = await service.start_account(visit.work, visit.person, visit.path["account_id"])
    return visit.go(
        f"/accounts/{account.id}", _("%(name)s is heard again, from where it was stopped.", name=account.name)
    )


@page("GET", "/heard", permission="heard.read")
async def show_heard(visit: Visit) -> web.StreamResponse:
    """
    Show the ledger, its sums as an equation on top.
    """
    wanted = {name: visit.query.get(name, "") for name in ("account", "state", "kind")}
    only = _filter(wanted)
    found = await ledger.list_heard(visit.work, only, limit=ROWS, after=visit.query.get("after"))
    counts = await ledger.heard_counts(visit.work, only.account_id)
    accounts = await store.list_accounts(visit.work)
    return await visit.render(
        "accounts/heard.html",
        rows=found.items,
        older=_page_url(wanted, found.after),
        newest=_page_url(wanted, "") if visit.query.get("after") else "",
        figures=_figures(counts),
        counts=counts,
        wanted=wanted,
        account_names={account.id: account.name for account in accounts},
        accounts=[("", _("All accounts")), *((account.id, account.name) for account in accounts)],
        states=[("", _("Whatever became of it")), *((state.value, word(state)) for state in HeardState)],
        kinds=[("", _("Every kind")), *((kind.value, word(kind)) for kind in HeardKind)],
    )


@page("GET", "/heard/{heard_id}", permission="heard.read")
async def show_heard_item(visit: Visit) -> web.StreamResponse:
    """
    Show one heard item, with its payload as text while it is quarantined.
    """
    row = await ledger.get_heard(visit.work, visit.path["heard_id"])
    account = await store.get_account(visit.work, row.account_id)
    return await visit.render("accounts/heard_item.html", row=row, account=account, link=_link_of(row.routed_to))


@page("POST", "/heard/{heard_id}/retry", permission="heard.retry")
async def retry(visit: Visit) -> web.StreamResponse:
    """
    Offer a quarantined item again.
    """
    heard_id = visit.path["heard_id"]
    try:
        row = await hearing.retry_quarantined(visit.work, visit.person, heard_id, visit.request.app[EARS])
    except Conflict as error:
        return visit.go(f"/heard/{heard_id}", error.detail, "warning")
    level = "warning" if row.state == HeardState.QUARANTINED else "info"
    done = _("The item is %(state)s now.", state=word(row.state))
    return visit.go(f"/heard/{heard_id}", f"{done} {said(row.reason)}".strip(), level)


def short_duration(length: timedelta) -> str:
    """
    Write a length of time in its two largest units.
    """
    whole = timedelta(seconds=round(length.total_seconds()))
    if whole < timedelta(minutes=1):
        return f"{length.total_seconds():.1f} s"
    fine = timedelta(minutes=1) if whole >= timedelta(hours=1) else timedelta(seconds=1)
    coarse = timedelta(hours=1) if whole >= timedelta(days=1) else fine
    return show_duration(whole // coarse * coarse)


def span_word(state: SpanState) -> str:
    """
    Say how a span of time was heard; `late` and `pending` mean something else of a conversation.
    """
    match state:
        case SpanState.LATE:
            return pgettext("coverage", "late")
        case SpanState.PENDING:
            return pgettext("coverage", "pending")
        case SpanState.HEARD | SpanState.LOST:
            return word(state)
        case _:
            assert_never(state)


def bars(spans: list[Span], since: datetime, until: datetime) -> list[Bar]:
    """
    Lay a line of spans out as a bar; nothing is narrower than can be seen.
    """
    scale = BAR_WIDTH / max((until - since).total_seconds(), 1)
    return [
        Bar(
            x=round((span.since - since).total_seconds() * scale, 2),
            width=round(max((span.until - span.since).total_seconds() * scale, 2), 2),
            fill=SHADES[span.state],
            title=f"{span_word(span.state)} {short_duration(span.until - span.since)} {said(span.reason)}".strip(),
        )
        for span in spans
    ]


async def _new_form(
    visit: Visit, name: str, typed: Mapping[str, str], errors: Mapping[str, str]
) -> web.StreamResponse:
    registry = _connectors(visit).registry
    channel = next((one for one in registry if one.name == name), None)
    fields = describe(channel.options) if channel else []
    return await visit.render(
        "accounts/new.html",
        status=422 if errors else 200,
        channels=[(one.name, one.title) for one in registry],
        channel=channel,
        fields=[_form_field(field, typed.get(f"option-{field.name}")) for field in fields],
        name=typed.get("name", ""),
        errors=errors,
    )


async def _account_page(
    visit: Visit, now: datetime, errors: Mapping[str, str], status: int = 200
) -> web.StreamResponse:
    view = await views.get_view(visit.work, visit.path["account_id"])
    window = visit.query.get("window", "24h")
    since = now - views.WINDOWS.get(window, views.DAY)
    coverage = await views.coverage_of(visit.work, view.account, since)
    try:
        described = describe(_connectors(visit).channel(view.account.channel).options)
    except Invalid as error:
        raise NotFound(f"the channel {view.account.channel!r} is no longer part of Hubbub") from error
    typed = {field.name: shown(view.account.options.get(field.name)) for field in described}
    return await visit.render(
        "accounts/show.html",
        status=status,
        view=view,
        account=view.account,
        facts=_facts(view),
        coverage=[_coverage(one) for one in coverage],
        windows=[(name, f"/accounts/{view.account.id}?window={name}", name == window) for name in views.WINDOWS],
        counts=await ledger.heard_counts(visit.work, view.account.id),
        fields=[
            _form_field(field, visit.form.get(f"option-{field.name}", typed[field.name]), renewing=True)
            for field in described
        ],
        errors=errors,
        short=short_duration,
        span_word=span_word,
    )


def _facts(view: views.AccountView) -> list[tuple[str, str]]:
    facts = view.account.facts
    limit, followers = facts.get("text_limit"), facts.get("followers")
    budget = (
        _("%(left)s of %(limit)s", left=view.budget_remaining, limit=view.budget_limit)
        if view.budget_limit is not None
        else ""
    )
    pairs = [
        (_("Known there as"), view.account.handle or _("not checked yet")),
        (_("Longest text"), _("%(n)s characters", n=limit) if limit else ""),
        (_("Followers"), number(followers) if isinstance(followers, int) else ""),
        (_("Calls left"), budget),
    ]
    return [(label, value) for label, value in pairs if value]


def _coverage(one: views.Coverage) -> dict[str, Any]:
    spans = list(one.spans)
    return {
        "stream": one.stream,
        "bars": bars(spans, one.since, one.until),
        "spans": list(reversed(spans))[:MOST_SPANS],
        "left_out": max(0, len(spans) - MOST_SPANS),
        "totals": [
            (state.value, span_word(state), short_duration(length))
            for state, length in one.totals.items()
            if length
        ],
        "delay": one.delay,
    }


def _form_field(field: OptionField, typed: str | None, *, renewing: bool = False) -> dict[str, Any]:
    secret = field.kind == "password"
    hint = word(field.hint)
    if secret and renewing:
        hint = f"{hint} {_('Leave it empty to keep the one we have.')}"
    return {
        "name": f"option-{field.name}",
        "error_name": field.name,
        "label": field.label,
        "hint": hint,
        "kind": field.kind,
        "required": field.required and not (secret and renewing),
        "value": "" if secret else field.default if typed is None else typed,
        "choices": [(choice, choice) for choice in field.choices],
    }


def _given(visit: Visit) -> dict[str, str]:
    """
    Read the options of the form; a box that is not ticked is not sent, and means no.
    """
    sent = {
        name.removeprefix("option-"): value for name, value in visit.form.items() if name.startswith("option-")
    }
    boxes = visit.form.get("boxes", "").split(",")
    return {**{box.removeprefix("option-"): "no" for box in boxes if box}, **sent}


def _filter(wanted: Mapping[str, str]) -> ledger.HeardFilter:
    try:
        return ledger.HeardFilter(
            account_id=wanted["account"] or None,
            state=HeardState(wanted["state"]) if wanted["state"] else None,
            kind=HeardKind(wanted["kind"]).value if wanted["kind"] else None,
        )
    except ValueError as error:
        raise Invalid("there is no such state or kind of heard item") from error


def _figures(counts: HeardCounts) -> list[tuple[str, int, str]]:
    return [
        (_("Heard"), counts.heard, _("came in")),
        (_("Routed"), counts.routed, _("to a conversation")),
        (_("Ignored"), counts.ignored, _("each with its reason")),
        (_("Quarantined"), counts.quarantined, _("kept, can be retried")),
        (_("Duplicate"), counts.duplicate, _("came again, changed nothing")),
    ]


def _page_url(wanted: Mapping[str, str], after: str | None) -> str:
    if after is None:
        return ""
    query = {**{name: value for name, value in wanted.items() if value}, **({"after": after} if after else {})}
    return f"/heard?{urlencode(query)}" if query else "/heard"


def _link_of(routed_to: str) -> str:
    kind, _, thing = routed_to.partition(":")
    return {"conversation": f"/conversations/{thing}", "contact": f"/contacts/{thing}"}.get(kind, "")
