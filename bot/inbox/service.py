"""
The verbs of the queue: claim, reply, hand over, snooze, resolve. What comes from outside is in `hearing`.

The journey of a question::

    heard item --hear--> conversation (open), clock runs                       hearing.py
    agent      --claim-> theirs; nobody else answers it
               --reply-> a message and its outbox entry, in one transaction; the clock still runs
    receipt    --sent--> the answer is at the customer: the clock stops, kept or breached     hearing.py

Each verb is one coroutine inside the caller's unit of work; none commits, none touches the network.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from bot.core.actor import Actor
from bot.core.database import UnitOfWork
from bot.core.errors import Conflict, Invalid
from bot.inbox import store
from bot.inbox.changes import note_event, refuse_change, refuse_merged, tell
from bot.inbox.drafts import DraftKind, drop_draft
from bot.inbox.mentions import Mentionable, mentioned
from bot.inbox.rules import (
    LONGEST_SNOOZE,
    LONGEST_TEXT,
    Promise,
    State,
    automatic_refusal,
    snippet,
)
from bot.inbox.states import open_now, resolve_now, snooze_now, wait_now
from bot.inbox.tables import Conversation, Message, Note
from bot.outbox.service import prepare_reply
from bot.outbox.tables import OutboxEntry
from bot.staff.notices import notify
from bot.staff.rules import Permission, may
from bot.staff.service import audit, colleagues_who_may, get_staff
from bot.web.translations import mark
from connectors.base import Draft
from responses.compose import holes


async def claim(work: UnitOfWork, actor: Actor, conversation_id: str) -> Conversation:
    """
    Take a conversation; taking one's own again changes nothing.

    Raises:
        Conflict: somebody else has it.
    """
    taken = await store.claim(work, conversation_id, agent_id=actor.id, agent_name=actor.name)
    if taken is None:
        # Locked, so that it is read anew: what this unit read before may still say that nobody has it.
        conversation = await store.get_conversation(work, conversation_id, lock=True)
        refuse_merged(conversation)
        if conversation.agent_id != actor.id:
            raise Conflict(f"{conversation.agent_name} has claimed this conversation")
        return conversation
    await _done(work, taken, "claimed", actor)
    return taken


async def release(work: UnitOfWork, actor: Actor, conversation_id: str) -> Conversation:
    """
    Give a conversation back to the queue.
    """
    conversation = await for_change(work, actor, conversation_id)
    conversation.agent_id = conversation.agent_name = None
    conversation.claimed_at = conversation.touched_at = None
    await _done(work, conversation, "released", actor)
    return conversation


async def hand_over(
    work: UnitOfWork, actor: Actor, conversation_id: str, staff_id: str, *, notify_them: bool = True
) -> Conversation:
    """
    Give a conversation to a colleague.

    Args:
        notify_them: ring their bell; not for a thousand at once.

    Raises:
        Invalid: there is no such colleague, or they do not answer customers.
    """
    conversation = await for_change(work, actor, conversation_id)
    colleague = await get_staff(work, staff_id)
    if colleague.disabled_at is not None or not may(colleague.role, Permission.CONVERSATIONS_ANSWER):
        raise Invalid(fields={"agent_id": f"{colleague.name} does not answer conversations; choose somebody else"})
    conversation.agent_id, conversation.agent_name = colleague.id, colleague.name
    conversation.claimed_at = conversation.touched_at = work.now
    await _done(work, conversation, "handed_over", actor, to=colleague.name, to_id=colleague.id)
    if notify_them and colleague.id != actor.id:
        words = {"who": actor.name, "about": conversation.subject or conversation.snippet}
        text = mark("%(who)s handed a conversation over to you: %(about)s")
        await notify(work, colleague.id, "handed_over", text, url=f"/conversations/{conversation.id}", words=words)
    return conversation


async def reply(
    work: UnitOfWork,
    actor: Actor,
    conversation_id: str,
    *,
    text: str,
    seen: str,
    promise: Promise,
    seen_answer: str = "",
    automatic: bool = False,
    then: str = "",
) -> Message:
    """
    Answer the customer: the message and its outbox entry are made together; the receipt comes later.

    Args:
        seen: id of the customer's newest message the writer has seen; a reply overtakes nothing that was not read.
        seen_answer: id of our newest answer they have seen, if it came after that.
        automatic: written by a machine; it is no first response and obeys the caps against loops.
        then: state of the conversation once the answer has arrived: "" (stays open), "pending" or "resolved".

    Raises:
        Conflict: somebody else has claimed it, a newer message came in, or a colleague has answered.
        Invalid: there is nothing to send, or nowhere to send it.
    """
    text = _checked_text(text)
    if missing := holes(text):
        raise Invalid(fields={"text": f"write what {', '.join(missing)} stands for; it has no value here"})
    if then not in ("", State.PENDING, State.RESOLVED):
        raise Invalid(fields={"then": 'choose "", "pending" or "resolved"'})
    conversation = await for_change(work, actor, conversation_id)
    if conversation.newest_message_id is None or seen != conversation.newest_message_id:
        raise Conflict("a newer message has come in; read it first. Your text is kept")
    if not automatic:
        await _refuse_colleagues(work, actor, conversation, max(seen, seen_answer))
    newest = await store.get_message(work, conversation.newest_message_id)
    if newest.reply_to is None:
        raise Invalid("this message cannot be answered on its channel")
    if automatic:
        await _refuse_loops(work, conversation, newest)
    elif conversation.agent_id is None:
        await claim(work, actor, conversation_id)
    # no subject: the channel answers under the one that was asked ("Re: ...")
    draft = Draft(text=text, language=conversation.language, automatic=automatic)
    entry = await prepare_reply(
        work,
        actor,
        account_id=conversation.account_id,
        subject_kind="conversation",
        subject_id=conversation.id,
        reply_to=newest.reply_to,
        draft=draft,
        grace=promise.grace,
    )
    message = _add_outbound(work, actor, conversation, newest, entry, text, automatic=automatic, then=then)
    if not automatic:
        conversation.replied_to_id = newest.id  # whoever wrote it has room for the next one
    await drop_draft(work, actor, conversation.id, DraftKind.REPLY)
    await _done(work, conversation, "replied", actor, automatic=automatic, message_id=message.id)
    return message


async def _refuse_colleagues(work: UnitOfWork, actor: Actor, conversation: Conversation, seen: str) -> None:
    answered_by = await store.answered_after(work, conversation.id, seen, besides=actor.id)
    if answered_by is not None:
        raise Conflict(f"{answered_by} has answered meanwhile; read it first. Your text is kept")


def _add_outbound(
    work: UnitOfWork,
    actor: Actor,
    conversation: Conversation,
    newest: Message,
    entry: OutboxEntry,
    text: str,
    *,
    automatic: bool,
    then: str,
) -> Message:
    message = Message(
        id=work.new_id(),
        conversation_id=conversation.id,
        account_id=conversation.account_id,
        direction="outbound",
        outbox_id=entry.id,
        author_name=actor.name,
        text=text,
        visibility=newest.visibility,
        language=conversation.language,
        automatic="automatic reply" if automatic else None,
        then=then,
        at=work.now,
    )
    work.session.add(message)
    return message


async def _refuse_loops(work: UnitOfWork, conversation: Conversation, newest: Message) -> None:
    day = work.now - timedelta(days=1)
    refusal = automatic_refusal(
        to_automatic=newest.automatic is not None,
        sent_at=await store.automatic_times(work, conversation.contact_id, day),
        message_times=await store.message_times(work, conversation.id, day),
        now=work.now,
    )
    if refusal is not None:
        raise Conflict(f"no automatic answer: {refusal}")


async def add_note(work: UnitOfWork, actor: Actor, conversation_id: str, text: str) -> Note:
    """
    Tell colleagues something about a conversation; anybody who may answer may do so. Who is mentioned is notified.
    """
    conversation = await store.get_conversation(work, conversation_id)
    refuse_merged(conversation)
    note = Note(
        id=work.new_id(),
        conversation_id=conversation.id,
        author_id=actor.id,
        author_name=actor.name,
        text=_checked_text(text),
        at=work.now,
    )
    work.session.add(note)
    await _notify_mentioned(work, actor, conversation, note)
    await drop_draft(work, actor, conversation.id, DraftKind.NOTE)
    await audit(work, actor, "conversation.note", "conversation", conversation.id)
    tell(work, conversation.id)
    return note


async def _notify_mentioned(work: UnitOfWork, actor: Actor, conversation: Conversation, note: Note) -> None:
    if "@" not in note.text and "＠" not in note.text:
        return
    people = await colleagues_who_may(work, Permission.CONVERSATIONS_READ)
    known = [Mentionable(id=one.id, login=one.login, name=one.name) for one in people if one.id != actor.id]
    for staff_id in mentioned(note.text, known):
        words = {"who": actor.name, "text": snippet(note.text, 80)}
        text = mark("%(who)s mentioned you in a note: %(text)s")
        url = f"/conversations/{conversation.id}#entry-{note.id}"
        await notify(work, staff_id, "mention", text, url=url, words=words)


async def snooze(work: UnitOfWork, actor: Actor, conversation_id: str, until: datetime) -> Conversation:
    """
    Put a conversation aside until an instant; a new message brings it back before.
    """
    if not work.now < until <= work.now + LONGEST_SNOOZE:
        raise Invalid(fields={"until": "choose a moment between now and a year from now"})
    conversation = await for_change(work, actor, conversation_id)
    await snooze_now(work, conversation, until)
    await _done(work, conversation, "snoozed", actor, until=until.isoformat())
    return conversation


async def set_pending(work: UnitOfWork, actor: Actor, conversation_id: str) -> Conversation:
    """
    Wait for the customer; what is promised pauses until they write.
    """
    conversation = await for_change(work, actor, conversation_id)
    await wait_now(work, conversation)
    await _done(work, conversation, "pending", actor)
    return conversation


async def resolve(work: UnitOfWork, actor: Actor, conversation_id: str) -> Conversation:
    """
    Call a conversation done; its clocks stop.
    """
    conversation = await for_change(work, actor, conversation_id)
    await resolve_now(work, conversation)
    await _done(work, conversation, "resolved", actor)
    return conversation


async def reopen(work: UnitOfWork, actor: Actor, conversation_id: str) -> Conversation:
    """
    Put a conversation back into the queue.
    """
    conversation = await for_change(work, actor, conversation_id)
    await open_now(work, conversation, work.now)
    conversation.replied_to_id = None  # somebody found that there is more to do
    await _done(work, conversation, "reopened", actor)
    return conversation


async def for_change(work: UnitOfWork, actor: Actor, conversation_id: str) -> Conversation:
    """
    Give a conversation to change, locked; refuse when it is another agent's.
    """
    conversation = await store.get_conversation(work, conversation_id, lock=True)
    refuse_change(conversation, actor)
    if conversation.agent_id == actor.id:
        conversation.touched_at = work.now
    return conversation


def _checked_text(text: str) -> str:
    text = text.strip()
    if not text:
        raise Invalid(fields={"text": "write something first"})
    if len(text) > LONGEST_TEXT:
        raise Invalid(fields={"text": f"at most {LONGEST_TEXT:,} characters; this has {len(text):,}"})
    return text


async def _done(work: UnitOfWork, conversation: Conversation, kind: str, actor: Actor, **detail: Any) -> None:
    note_event(work, conversation, kind, actor, **detail)
    await audit(work, actor, f"conversation.{kind}", "conversation", conversation.id, **detail)
    tell(work, conversation.id)
