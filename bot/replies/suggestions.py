"""
Suggested answers: saved replies that fit, and what was answered well before. Nothing here sends anything.

An answer counts as *answered well* when a person wrote it, it arrived in time, and the customer did not have to
write again. The reaction keeps such pairs of question and answer; when the conversation comes back, they go.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa
from aiohttp import web
from sqlmodel import col

from bot.contacts.service import get_contact
from bot.core.actor import Actor
from bot.core.database import UnitOfWork
from bot.inbox.rules import EventKind, Outcome
from bot.inbox.tables import Conversation, ConversationClock, ConversationEvent, Message
from bot.replies.service import Saved, findable, list_saved, values_for
from bot.replies.tables import AnsweredWell
from responses.compose import fill, first_name
from responses.suggest import AnsweredWell as Index
from responses.suggest import Question, Suggestion, suggest

W = AnsweredWell
REMEMBERED = 20_000
"""Answers that are searched; older ones made way."""
SHOWN = 3
LONGEST_QUESTION = 4_000
LATE_COMMITS = timedelta(minutes=5)
"""Another node may commit a row that is older than the newest we have seen."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Suggested:
    """
    Something that may answer, with where it comes from.

    Args:
        saved: the saved reply it is; None for an answer of old.
        old: the answer of old it is.
        missing: variables without a value here; they still stand in the text.
    """

    suggestion: Suggestion
    text: str
    missing: Sequence[str]
    saved: Saved | None = None
    old: AnsweredWell | None = None


class Memory:
    """
    The answers of old, as this process knows them: read from the database, new ones at each question.
    """

    def __init__(self) -> None:
        self._index = Index()
        self._rows: dict[str, tuple[str | None, datetime]] = {}
        self._until: datetime | None = None

    async def like(self, work: UnitOfWork, question: Question, *, limit: int = SHOWN) -> list[Suggestion]:
        """
        Find answers of old to questions like this one, in its language.
        """
        await self._catch_up(work)
        found = self._index.like(question.text, limit=limit * 4)
        speaking = [one for one in found if _speaks(self._rows[one.id][0], question.language)]
        return speaking[:limit]

    async def _catch_up(self, work: UnitOfWork) -> None:
        query = sa.select(col(W.id), col(W.question), col(W.language), col(W.at))
        if self._until is not None:
            query = query.where(col(W.at) > self._until - LATE_COMMITS)
        query = query.order_by(col(W.at).desc()).limit(REMEMBERED)
        for answer_id, question, language, at in reversed((await work.session.execute(query)).all()):
            if answer_id not in self._rows:
                self._index.add(answer_id, question)
                self._rows[answer_id] = (language, at)
            self._until = max(at, self._until or at)
        while len(self._rows) > REMEMBERED:
            oldest = next(iter(self._rows))
            self._index.remove(oldest)
            del self._rows[oldest]


MEMORY = web.AppKey("MEMORY", Memory)


def _speaks(language: str | None, wanted: str | None) -> bool:
    return language is None or wanted is None or language == wanted


async def suggestions_for(
    work: UnitOfWork, actor: Actor, conversation: Conversation, memory: Memory
) -> list[Suggested]:
    """
    Give what may answer the newest message, saved replies first, the best of each first.
    """
    if conversation.newest_message_id is None:
        return []
    message = await work.session.get(Message, conversation.newest_message_id)
    if message is None or not message.text.strip():
        return []
    question = Question(text=message.text, language=conversation.language, intent=message.intent)
    values = await values_for(work, actor, conversation)
    saved = {one.reply.id: one for one in await list_saved(work, actor)}
    found: list[Suggested] = []
    for one in suggest(question, [findable(each, conversation.language) for each in saved.values()], limit=SHOWN):
        filled = fill(saved[one.id].for_language(conversation.language)[1], values)
        found.append(Suggested(suggestion=one, text=filled.text, missing=filled.missing, saved=saved[one.id]))
    for one in await memory.like(work, question):
        old = await work.session.get(W, one.id)
        # Forgotten meanwhile, or this very conversation.
        if old is not None and old.conversation_id != conversation.id:
            filled = fill(old.answer, values)
            found.append(Suggested(suggestion=one, text=filled.text, missing=filled.missing, old=old))
    return found


async def remember(work: UnitOfWork, event: ConversationEvent, conversation: Conversation) -> None:
    """
    Keep an answer that kept its promise, and forget the answers of a conversation that came back.
    """
    if event.kind == EventKind.REOPENED:
        await work.session.execute(sa.delete(W).where(col(W.conversation_id) == conversation.id))
        return
    if event.detail.get("automatic"):
        return
    answer = await work.session.get(Message, event.detail.get("message_id", ""))
    if answer is None or not await _kept(work, conversation.id):
        return
    question = await _question_before(work, answer)
    if not question:
        return
    contact = await get_contact(work, conversation.contact_id)
    row = {
        "id": answer.id,
        "conversation_id": conversation.id,
        "question": question,
        "answer": without_names(answer.text, contact=contact.name, agent=answer.author_name),
        "language": conversation.language,
        "agent_name": answer.author_name,
        "at": work.now,
    }
    await work.session.execute(work.insert(W).values(**row).on_conflict_do_nothing())


REMEMBERED_KINDS = frozenset({EventKind.ANSWERED.value, EventKind.REOPENED.value})


async def _kept(work: UnitOfWork, conversation_id: str) -> bool:
    """
    Say whether the clock that stopped last was kept.
    """
    K = ConversationClock
    query = sa.select(col(K.outcome)).where(
        col(K.conversation_id) == conversation_id,
        col(K.stopped_at).is_not(None),
        col(K.kind).in_(["first_response", "next_response"]),
    )
    newest = query.order_by(col(K.stopped_at).desc(), col(K.id).desc()).limit(1)
    return (await work.session.scalar(newest)) == Outcome.KEPT


async def _question_before(work: UnitOfWork, answer: Message) -> str:
    """
    Give what the customer wrote since our last word, as one text.
    """
    query = sa.select(Message).where(
        col(Message.conversation_id) == answer.conversation_id, col(Message.id) < answer.id
    )
    asked: list[str] = []
    for message in await work.session.scalars(query.order_by(col(Message.id).desc()).limit(10)):
        if message.direction == "outbound" and message.automatic is None:
            break
        if message.direction == "inbound" and message.automatic is None:
            asked.append(message.text)
    return "\n".join(reversed(asked))[:LONGEST_QUESTION].strip()


def without_names(text: str, *, contact: str, agent: str) -> str:
    """
    Put variables where an answer names the customer it was written for and the agent who wrote it. Pure.
    """
    holes = [
        (contact, '{{ contact.name | "there" }}'),
        (first_name(contact), '{{ contact.first_name | "there" }}'),
        (agent, "{{ agent.name }}"),
        (first_name(agent), "{{ agent.first_name }}"),
    ]
    by_name = {name: hole for name, hole in reversed(holes) if len(name) > 1}
    if not by_name:
        return text
    longest_first = sorted(by_name, key=len, reverse=True)
    names = "|".join(re.escape(name) for name in longest_first)
    return re.sub(rf"(?<![A-Za-z0-9_])(?:{names})(?![A-Za-z0-9_])", lambda found: by_name[found.group()], text)
