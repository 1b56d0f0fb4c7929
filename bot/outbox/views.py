"""
What the outbox shows: entries in words, and why each is where it is. Pure but for the rows it reads.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import assert_never

from bot.outbox.rules import FOR_A_PERSON, State
from bot.outbox.store import Listed
from bot.web.shell import until
from bot.web.translations import gettext as _
from bot.web.translations import said, word


@dataclass(frozen=True, slots=True, kw_only=True)
class TabView:
    """
    A tab of the outbox page; no count: too many to count on every visit.
    """

    label: str
    url: str
    count: int | None
    current: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class EntryView:
    """
    An entry as the page shows it.

    Args:
        why: why it is where it is, one sentence.
        verbs: what a person may do with it now: cancel, retry, settle.
    """

    id: str
    url: str
    kind: str
    state: str
    why: str
    text: str
    subject: str
    channel: str
    account_id: str
    account_name: str
    subject_url: str | None
    created_by_name: str
    automatic: bool
    attempts: int
    finds: int
    key: str
    prepared_at: datetime
    attempted_at: datetime | None
    due_at: datetime | None
    expires_at: datetime | None
    settled_at: datetime | None
    sent_at: datetime | None
    sent_id: str | None
    sent_url: str | None
    verbs: Sequence[str]


def entry_view(listed: Listed, now: datetime) -> EntryView:
    """
    Show an entry with its account.
    """
    e = listed.entry
    waits = e.state in (State.PREPARED, State.UNKNOWN) and e.due_at < FOR_A_PERSON
    return EntryView(
        id=e.id,
        url=f"/outbox/{e.id}",
        kind=e.kind,
        state=e.state,
        why=why(listed, now),
        text=e.draft["text"],
        subject=e.draft["subject"],
        channel=listed.channel,
        account_id=e.account_id,
        account_name=listed.account_name,
        subject_url=f"/conversations/{e.subject_id}" if e.subject_kind == "conversation" else None,
        created_by_name=e.created_by_name,
        automatic=e.draft["automatic"],
        attempts=e.attempts,
        finds=e.finds,
        key=e.key,
        prepared_at=e.prepared_at,
        attempted_at=e.attempted_at,
        due_at=e.due_at if waits else None,
        expires_at=e.expires_at if e.state == State.PREPARED else None,
        settled_at=e.settled_at,
        sent_at=e.sent_at,
        sent_id=e.sent_id,
        sent_url=e.sent_url,
        verbs=verbs(State(e.state)),
    )


def verbs(state: State) -> tuple[str, ...]:
    """
    Say what a person may do with an entry.
    """
    match state:
        case State.PREPARED | State.HELD:
            return ("cancel",)
        case State.REFUSED:
            return ("retry",)
        case State.UNKNOWN:
            return ("settle",)
        case State.ATTEMPTING | State.CONFIRMED | State.CANCELLED:
            return ()
        case _:
            assert_never(state)


def why(listed: Listed, now: datetime) -> str:
    """
    Say in one sentence why an entry is where it is.
    """
    e = listed.entry
    state = State(e.state)
    match state:
        case State.PREPARED:
            return _why_waiting(listed, now)
        case State.UNKNOWN:
            return _why_unknown(listed, now)
        case State.ATTEMPTING:
            return _("It is on its way; the channel has not answered yet.")
        case State.CONFIRMED:
            return said(e.reason) or _("The channel gave a receipt.")
        case State.REFUSED | State.HELD | State.CANCELLED:
            return _sentence(e.reason)
        case _:
            assert_never(state)


def _why_waiting(listed: Listed, now: datetime) -> str:
    e = listed.entry
    if listed.account_state != "active":
        reason = said(listed.account_reason) or _("start it to send this")
        return _("The account is %(state)s: %(reason)s.", state=word(listed.account_state), reason=reason)
    if listed.behind is not None:
        return _("An earlier answer of the same conversation is not settled yet; this one leaves after it.")
    if listed.waits_until is not None and listed.waits_until > now:
        wait = until(listed.waits_until, now)
        asked = _("The server asked the account to wait; it goes on %(wait)s.", wait=wait)
        return f"{asked} {_sentence(listed.waits_for)}".strip()
    if e.due_at > now:
        soon = _("Next attempt %(when)s.", when=until(e.due_at, now))
        return f"{soon} {_sentence(e.reason)}".strip()
    return _("It leaves in a moment.")


def _why_unknown(listed: Listed, now: datetime) -> str:
    e = listed.entry
    if e.due_at >= FOR_A_PERSON:
        return _("Look on the network and decide: %(reason)s", reason=said(e.reason))
    if listed.account_state != "active":
        state = word(listed.account_state)
        doing = _("The account is %(state)s, so we cannot look whether it arrived.", state=state)
    else:
        doing = _("We are looking whether it arrived.")
    return f"{doing} {_sentence(e.reason)}".strip()


def _sentence(text: str) -> str:
    text = said(text)
    return f"{text[0].upper()}{text[1:]}" if text else ""
