"""
Answer a whole group at once: each person gets a reply of their own, in their own conversation.

Promises, whoever else works at the same time:

* Nobody gets two answers: the conversation is locked, and one that a person has answered is left out and named.
* Nobody is answered past what they wrote: with a newer message than was shown they are left out and named.
* Claims hold: what a colleague has claimed is left out and named.
* Each has its own savepoint, name in the text, outbox entry and clock; what one refuses stops nobody else.
* A group is answered in slices, each a unit of its own, so that two hundred do not hold the queue up.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice

from bot.accounts.service import get_account
from bot.core.actor import Actor
from bot.core.database import Database, UnitOfWork
from bot.core.errors import Conflict, Invalid, NotFound
from bot.inbox import service as inbox
from bot.inbox import store as inbox_store
from bot.inbox.rules import Promise
from bot.replies.gathering import is_member
from bot.replies.rules import LONGEST_TEXT, left_out
from bot.replies.service import check_variables, values_for
from responses.compose import fill

SLICE = 10
"""Answers of one unit of work."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """
    One text for many.

    Args:
        seen: the newest message of each conversation when the group was shown.
        then: state of each conversation once its answer has arrived.
    """

    text: str
    seen: Mapping[str, str]
    then: str = ""


@dataclass(slots=True, kw_only=True)
class Outcome:
    """
    Whom an answer went to, and who was left out, with the reason.
    """

    answered: list[str] = field(default_factory=list)
    left_out: dict[str, str] = field(default_factory=dict)


def check_answer(answer: Answer) -> None:
    """
    Refuse what cannot be sent to anybody.

    Raises:
        Invalid: with the fields text, members.
    """
    if not answer.text.strip():
        raise Invalid(fields={"text": "write something first"})
    if len(answer.text) > LONGEST_TEXT:
        raise Invalid(fields={"text": f"at most {LONGEST_TEXT:,} characters"})
    check_variables({"": answer.text}, "text")
    if not answer.seen:
        raise Invalid(fields={"members": "choose at least one person"})


async def answer_group(database: Database, actor: Actor, answer: Answer, promise: Promise) -> Outcome:
    """
    Answer everybody in slices. What is committed stays, should the process die in between; the rest still waits.
    """
    check_answer(answer)
    outcome, waiting = Outcome(), iter(answer.seen)
    while slice_ := list(islice(waiting, SLICE)):
        async with database.write() as work:
            await answer_slice(work, actor, answer, slice_, promise, outcome)
        await asyncio.sleep(0)  # whoever waits for the database goes first
    return outcome


async def answer_slice(
    work: UnitOfWork,
    actor: Actor,
    answer: Answer,
    conversation_ids: Sequence[str],
    promise: Promise,
    outcome: Outcome,
) -> None:
    """
    Answer some of a group in one unit of work.
    """
    # In one order everywhere, so that two who answer the same group cannot lock each other out.
    for conversation_id in sorted(conversation_ids):
        try:
            async with work.savepoint():
                await _answer(work, actor, answer, conversation_id, promise)
        except (Conflict, Invalid, NotFound) as refusal:
            outcome.left_out[conversation_id] = refusal.detail
        else:
            outcome.answered.append(conversation_id)


async def _answer(work: UnitOfWork, actor: Actor, answer: Answer, conversation_id: str, promise: Promise) -> None:
    conversation = await inbox_store.get_conversation(work, conversation_id, lock=True)
    seen = answer.seen[conversation_id]
    newest = conversation.newest_message_id
    answered = newest and await inbox_store.answered_after(work, conversation_id, newest, besides="")
    reason = left_out(
        state=conversation.state,
        agent_id=conversation.agent_id,
        agent_name=conversation.agent_name,
        actor_id=actor.id,
        newest=newest,
        seen=seen,
        answered=bool(answered),
    )
    if reason is not None:
        raise Conflict(reason)
    if not await is_member(work, conversation_id):
        raise Conflict("it is in no group any more")
    filled = fill(answer.text, await values_for(work, actor, conversation))
    if filled.missing:
        raise Invalid(f"{', '.join(filled.missing)} has no value here")
    limit = (await get_account(work, conversation.account_id)).facts.get("text_limit")
    if isinstance(limit, int) and len(filled.text) > limit:
        raise Invalid(f"the text is too long for its channel: {len(filled.text):,} of {limit:,} characters")
    await inbox.reply(work, actor, conversation_id, text=filled.text, seen=seen, promise=promise, then=answer.then)
