"""
The verbs of surveys: plan and drop (reactions), ask (a job), answer (the customer), and how accounts ask.

    resolved  --plan-->  a row that waits           unless the account does not ask
              --ask--->  an automatic answer with a signed link, through the outbox like any other
    customer  --answer-> a score and perhaps a comment, changeable until the link ends
"""

from __future__ import annotations

import base64
import secrets
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from bot.accounts.service import get_account
from bot.contacts.tables import Identity
from bot.core.actor import HUBBUB, Actor
from bot.core.database import UnitOfWork
from bot.core.errors import Conflict, Invalid, NotFound
from bot.core.secretbox import SecretBox
from bot.inbox import service as inbox
from bot.inbox import store as inbox_store
from bot.inbox.reactions import Reaction
from bot.inbox.rules import EventKind, Promise
from bot.inbox.rules import State as Talk
from bot.inbox.tables import Conversation, ConversationEvent
from bot.staff.service import audit
from bot.surveys import store
from bot.surveys.rules import (
    KEY_BYTES,
    LONGEST_COMMENT,
    OPENED_AGAIN,
    Options,
    State,
    options_problems,
    read_key,
    read_token,
    token,
    week_of,
)
from bot.surveys.tables import Survey, SurveyOption
from bot.surveys.texts import TEXTS, language_of

TOPIC = "surveys"


def reaction() -> Reaction:
    """
    Plan a survey when a conversation is resolved; drop it when it goes on.
    """
    return Reaction(name="surveys", kinds=frozenset({EventKind.RESOLVED, EventKind.REOPENED}), act=follow)


async def follow(work: UnitOfWork, event: ConversationEvent, conversation: Conversation) -> None:
    """
    Follow one event of a conversation.
    """
    if event.kind == EventKind.REOPENED:
        await store.drop(work, conversation.id, OPENED_AGAIN)
        return
    options = options_of(await store.get_options(work, conversation.account_id))
    if not options.enabled or conversation.state != Talk.RESOLVED:
        return
    by_person = conversation.agent_id or (event.actor_id if event.actor_id != HUBBUB.id else "")
    values = {
        "id": work.new_id(),
        "conversation_id": conversation.id,
        "contact_id": conversation.contact_id,
        "account_id": conversation.account_id,
        "agent_id": by_person,
        "agent_name": (conversation.agent_name or event.actor_name) if by_person else "",
        "language": language_of(conversation.language),
        "state": State.PLANNED,
        "reason": "",
        "ask_at": event.at + options.delay,
        "asked_week": "",
        "comment": "",
    }
    await store.plan(work, values)


async def ask(work: UnitOfWork, survey_id: str, *, box: SecretBox, promise: Promise, base_url: str) -> bool:
    """
    Ask a customer now, or drop the survey with the reason; says whether they were asked.
    """
    survey = await store.take(work, survey_id)
    if survey is None:
        return False
    options = options_of(await store.get_options(work, survey.account_id))
    conversation = await inbox_store.get_conversation(work, survey.conversation_id, lock=True)
    problem = await _why_not(work, survey, conversation, options)
    if problem is None:
        problem = await _send(work, survey, conversation, options, box, promise, base_url)
    if problem is not None:
        survey.state, survey.reason = State.DROPPED, problem
    work.publish(TOPIC)
    return problem is None


async def _why_not(work: UnitOfWork, survey: Survey, conversation: Conversation, options: Options) -> str | None:
    if not options.enabled:
        return "the account does not ask any more"
    if conversation.state != Talk.RESOLVED:
        return OPENED_AGAIN
    identity = await work.session.get(Identity, conversation.identity_id)
    if identity is not None and identity.automated:
        return "it is a machine"
    if await store.asked_since(work, survey.contact_id, work.now - options.pause):
        return "this contact was asked lately"
    return None


async def _send(
    work: UnitOfWork,
    survey: Survey,
    conversation: Conversation,
    options: Options,
    box: SecretBox,
    promise: Promise,
    base_url: str,
) -> str | None:
    expires_at = work.now + options.valid_for
    link = f"{base_url}/s/{token(await signing_key(work, box), survey.id, expires_at)}"
    text = TEXTS[survey.language].question.format(url=link)
    try:
        async with work.savepoint():
            await inbox.reply(
                work,
                HUBBUB,
                conversation.id,
                text=text,
                seen=conversation.newest_message_id or "",
                promise=promise,
                automatic=True,
            )
    except (Conflict, Invalid) as error:  # the caps against loops, or nowhere to send it
        return error.detail
    survey.state, survey.asked_at, survey.asked_week = State.ASKED, work.now, week_of(work.now)
    survey.expires_at = expires_at
    return None


async def signing_key(work: UnitOfWork, box: SecretBox) -> bytes:
    """
    Give the key that signs links; it is made when it is needed first.
    """
    sealed = await store.sealed_key(work)
    if sealed is None:
        made = base64.b64encode(secrets.token_bytes(KEY_BYTES)).decode()
        await store.put_key(work, box.seal({"key": made}))
        sealed = await store.sealed_key(work)
    assert sealed is not None, "it was just made sure of"
    return read_key(box.open(sealed)["key"])


async def reseal_key(work: UnitOfWork, box: SecretBox) -> int:
    """
    Seal the key of links with the house's newest key; gives how many that were.
    """
    sealed = await store.sealed_key(work)
    if sealed is None or (again := box.rotated(sealed)) == sealed:
        return 0
    return await store.replace_key(work, was=sealed, sealed=again)


async def find_by_link(work: UnitOfWork, box: SecretBox, text: str, *, lock: bool = False) -> Survey:
    """
    Give the survey that a link is for.

    Raises:
        NotFound: we did not write that link.
    """
    sealed = await store.sealed_key(work)
    found = read_token(read_key(box.open(sealed)["key"]), text) if sealed else None
    if found is None:
        raise NotFound("there is no such survey")
    return await store.get_survey(work, found[0], lock=lock)


def has_ended(survey: Survey, now: datetime) -> bool:
    """
    Say whether a survey takes no answer any more.
    """
    return survey.expires_at is None or survey.expires_at <= now


async def answer(work: UnitOfWork, survey: Survey, score: int, comment: str) -> None:
    """
    Keep what a customer says, or what they say instead of it now.

    Raises:
        Conflict: the survey has ended.
        Invalid: the comment is too long.
    """
    if has_ended(survey, work.now):
        raise Conflict("this survey has ended")
    comment = comment.strip()
    if len(comment) > LONGEST_COMMENT:
        raise Invalid(fields={"comment": f"at most {LONGEST_COMMENT:,} characters"})
    survey.score, survey.comment, survey.changed_at = score, comment, work.now
    survey.answered_at = survey.answered_at or work.now
    work.publish(TOPIC)


def options_of(row: SurveyOption | None) -> Options:
    """
    Read how an account asks.
    """
    if row is None:
        return Options()
    return Options(
        enabled=row.enabled,
        delay=timedelta(seconds=row.delay_seconds),
        valid_for=timedelta(seconds=row.valid_seconds),
        pause=timedelta(seconds=row.pause_seconds),
    )


async def set_options(work: UnitOfWork, actor: Actor, account_id: str, options: Options) -> None:
    """
    Say how the customers of an account are asked.

    Raises:
        Invalid: by field.
        NotFound: there is no such account.
    """
    if problems := options_problems(options):
        raise Invalid(fields=problems)
    account = await get_account(work, account_id)
    values: Mapping[str, Any] = {
        "enabled": options.enabled,
        "delay_seconds": int(options.delay.total_seconds()),
        "valid_seconds": int(options.valid_for.total_seconds()),
        "pause_seconds": int(options.pause.total_seconds()),
    }
    await store.put_options(work, account.id, values)
    await audit(work, actor, "survey.options", "account", account.id, **values)
    work.publish(TOPIC)
