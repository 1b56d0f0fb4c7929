"""
Say by ourselves, outside the hours of an account, that a message has come in and when we are back. Off by default.

It is an automatic answer: no first response, under the caps against loops, never to a machine, and at most one for
each conversation and closing, which the database keeps.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa
import structlog
from babel import Locale, UnknownLocaleError
from babel.dates import format_datetime
from sqlmodel import col

from bot.accounts.service import get_account
from bot.core.actor import HUBBUB, Actor
from bot.core.database import UnitOfWork
from bot.core.errors import Conflict, Invalid, NotFound
from bot.hours.rules import Schedule, is_open, next_opening
from bot.hours.service import get_hours, get_schedule
from bot.inbox import service as inbox
from bot.inbox import store as inbox_store
from bot.inbox.reactions import Act
from bot.inbox.rules import EventKind, Promise, State
from bot.inbox.tables import Conversation, ConversationEvent
from bot.replies.rules import ReplyWish, reply_problems, text_for
from bot.replies.service import check_variables, values_for
from bot.replies.tables import Acknowledged, Acknowledgement
from bot.staff.service import audit
from responses.compose import fill

log = structlog.get_logger(__name__)
ACKNOWLEDGED_KINDS = frozenset({EventKind.MESSAGE_IN.value})
WITH_DATE_AFTER = timedelta(days=6)
"""A weekday alone would be taken for an earlier one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AcknowledgementWish:
    """
    What an account is to say outside its hours.

    Args:
        texts: by language; `""` is for any other.
    """

    enabled: bool
    hours_id: str | None
    texts: Mapping[str, str]


async def find_acknowledgement(work: UnitOfWork, account_id: str) -> Acknowledgement | None:
    """
    Give what an account says outside its hours; None when nobody has said.
    """
    return await work.session.get(Acknowledgement, account_id)


async def list_acknowledgements(work: UnitOfWork) -> dict[str, Acknowledgement]:
    """
    Give all of them by account.
    """
    return {row.account_id: row for row in await work.session.scalars(sa.select(Acknowledgement))}


async def set_acknowledgement(
    work: UnitOfWork, actor: Actor, account_id: str, wish: AcknowledgementWish
) -> Acknowledgement:
    """
    Say what an account acknowledges with, and whether.

    Raises:
        Invalid: with the fields hours_id, texts.
    """
    account = await get_account(work, account_id)
    texts = {language: text.strip() for language, text in wish.texts.items() if text.strip()}
    await _check(work, wish, texts)
    row = await find_acknowledgement(work, account.id)
    if row is None:
        row = Acknowledgement(account_id=account.id, changed_at=work.now)
        work.session.add(row)
    row.enabled, row.hours_id, row.texts, row.changed_at = wish.enabled, wish.hours_id, texts, work.now
    await audit(work, actor, "acknowledgement.set", "account", account.id, enabled=wish.enabled)
    await work.session.flush()
    return row


async def _check(work: UnitOfWork, wish: AcknowledgementWish, texts: Mapping[str, str]) -> None:
    if wish.hours_id is not None:
        try:
            await get_hours(work, wish.hours_id)
        except NotFound as error:
            raise Invalid(fields={"hours_id": "there are no such hours; choose others"}) from error
    if wish.enabled and wish.hours_id is None:
        raise Invalid(fields={"hours_id": "choose the hours outside of which it is sent"})
    if texts or wish.enabled:
        found = reply_problems(ReplyWish(shortcut="x", title="x", texts=texts))
        if "texts" in found:
            raise Invalid(fields={"texts": found["texts"]})
    check_variables(texts, "texts")


async def hours_used_by(work: UnitOfWork, hours_id: str) -> list[str]:
    """
    Name the acknowledgements that need some hours.
    """
    rows = await work.session.scalars(sa.select(Acknowledgement).where(col(Acknowledgement.hours_id) == hours_id))
    return [f"acknowledgement of {(await get_account(work, row.account_id)).name}" for row in rows.all()]


def acknowledge(promise: Promise) -> Act:
    """
    Make the reaction that acknowledges messages.
    """

    async def act(work: UnitOfWork, event: ConversationEvent, conversation: Conversation) -> None:
        if event.detail.get("automatic") or conversation.state != State.OPEN:
            return
        row = await find_acknowledgement(work, conversation.account_id)
        if row is None or not row.enabled or row.hours_id is None:
            return
        schedule = await get_schedule(work, row.hours_id)
        # Whatever was written while we were open is answered by people, however late it is looked at here.
        if is_open(schedule, event.at) or is_open(schedule, work.now):
            return
        await _acknowledge(work, conversation, row, schedule, promise)

    return act


async def _acknowledge(
    work: UnitOfWork, conversation: Conversation, row: Acknowledgement, schedule: Schedule, promise: Promise
) -> None:
    newest, opens = conversation.newest_message_id, next_opening(schedule, work.now)
    if newest is None or await inbox_store.answered_after(work, conversation.id, newest, besides=""):
        return
    if not await _is_first(work, conversation.id, opens):
        return
    language, text = text_for(row.texts, conversation.language)
    back = opening_text(opens, schedule, language, work.now) if opens else None
    filled = fill(text, await values_for(work, HUBBUB, conversation, next_opening=back))
    detail = {"conversation_id": conversation.id, "account_id": conversation.account_id}
    if filled.missing:
        log.warning(
            "an acknowledgement was not sent: a variable has no value",
            action="acknowledgement.missing",
            missing=list(filled.missing),
            **detail,
        )
        return
    try:
        async with work.savepoint():
            await inbox.reply(
                work, HUBBUB, conversation.id, text=filled.text, seen=newest, promise=promise, automatic=True
            )
    except (Conflict, Invalid) as refusal:
        log.info("no acknowledgement", action="acknowledgement.refused", reason=refusal.detail, **detail)


async def _is_first(work: UnitOfWork, conversation_id: str, opens: datetime | None) -> bool:
    """
    Note that this closing is acknowledged; False when it was before. The database decides.
    """
    row = {
        "conversation_id": conversation_id,
        "opens_at": opens.isoformat() if opens else "",
        "at": work.now,
    }
    first = work.insert(Acknowledged).values(**row).on_conflict_do_nothing()
    return (await work.session.execute(first.returning(col(Acknowledged.at)))).first() is not None


def opening_text(opens: datetime, schedule: Schedule, language: str, now: datetime) -> str:
    """
    Write when we are back, in the customer's language and in the time of our hours: `Monday 09:00`. Pure.
    """
    try:
        locale = Locale.parse(language or "en")
    except (UnknownLocaleError, ValueError):
        locale = Locale("en")
    pattern = "EEEE d MMMM HH:mm" if opens - now > WITH_DATE_AFTER else "EEEE HH:mm"
    if locale.language == "zh":
        pattern = "M月d日EEEE HH:mm" if opens - now > WITH_DATE_AFTER else "EEEE HH:mm"
    return format_datetime(opens, pattern, tzinfo=schedule.tz, locale=locale)
