"""
Carry out the steps of a policy when its promise is in danger or broken. Which ones is decided in `escalation`.
"""

from __future__ import annotations

from typing import assert_never

from bot.core.actor import HUBBUB
from bot.core.database import UnitOfWork
from bot.core.errors import NotFound
from bot.inbox.changes import note_event
from bot.inbox.escalation import Do, Escalation, due_steps, read_escalations
from bot.inbox.rules import EventKind
from bot.inbox.tables import Conversation, ConversationClock, Policy
from bot.staff.notices import notify
from bot.staff.rules import Permission, may
from bot.staff.service import colleagues_who_may, get_staff
from responses.values import Priority

TEXTS = {
    EventKind.CLOCK_WARNED: "The promise to %(contact)s is in danger (%(policy)s).",
    EventKind.CLOCK_BREACHED: "The promise to %(contact)s was broken (%(policy)s).",
}


async def escalate(
    work: UnitOfWork,
    conversation: Conversation,
    clock: ConversationClock,
    policy: Policy,
    kind: EventKind,
    *,
    share: float | None,
) -> None:
    """
    Do what the policy says about this event of this clock; each step is written into the event log.
    """
    steps = due_steps(read_escalations(policy.escalations), event=kind, clock=clock.kind, share=share)
    for step in steps:
        what = await _carry_out(work, conversation, policy, step, kind)
        if what:
            note_event(work, conversation, EventKind.ESCALATED, HUBBUB, what=what, why=kind, policy=policy.name)


async def _carry_out(
    work: UnitOfWork, conversation: Conversation, policy: Policy, step: Escalation, kind: EventKind
) -> str:
    """
    Do one step; gives what was done, empty when there was nothing to do.
    """
    match step.do:
        case Do.NOTIFY_AGENT:
            told = [conversation.agent_id] if conversation.agent_id else []
            return await _notify(work, conversation, policy, kind, told)
        case Do.NOTIFY_LEADS:
            leads = await colleagues_who_may(work, Permission.CONVERSATIONS_TAKE_OVER)
            return await _notify(work, conversation, policy, kind, [lead.id for lead in leads])
        case Do.NOTIFY:
            return await _notify(work, conversation, policy, kind, [step.to])
        case Do.RAISE_PRIORITY:
            return _raise_priority(conversation, Priority[step.to.upper()])
        case Do.RETURN:
            return _return(work, conversation)
        case Do.REASSIGN:
            return await _reassign(work, conversation, step.to)
        case _:
            assert_never(step.do)


async def _notify(
    work: UnitOfWork, conversation: Conversation, policy: Policy, kind: EventKind, staff_ids: list[str]
) -> str:
    words = {"contact": conversation.subject or conversation.snippet[:60], "policy": policy.name}
    url = f"/conversations/{conversation.id}"
    told = [
        staff_id
        for staff_id in dict.fromkeys(staff_ids)
        if await notify(work, staff_id, "escalation", TEXTS[kind], url=url, words=words)
    ]
    return f"told {len(told)} of us" if told else ""


def _raise_priority(conversation: Conversation, to: Priority) -> str:
    if conversation.priority <= to:
        return ""
    conversation.priority = int(to)
    return f"priority is now {to.name.lower()}"


def _return(work: UnitOfWork, conversation: Conversation) -> str:
    if conversation.agent_id is None:
        return ""
    name = conversation.agent_name
    conversation.agent_id = conversation.agent_name = conversation.claimed_at = None
    note_event(work, conversation, EventKind.RELEASED, HUBBUB)
    return f"taken from {name}, back to the queue"


async def _reassign(work: UnitOfWork, conversation: Conversation, staff_id: str) -> str:
    try:
        colleague = await get_staff(work, staff_id)
    except NotFound:
        return ""
    able = colleague.disabled_at is None and may(colleague.role, Permission.CONVERSATIONS_ANSWER)
    if not able or conversation.agent_id == colleague.id:
        return ""
    conversation.agent_id, conversation.agent_name = colleague.id, colleague.name
    conversation.claimed_at = work.now
    note_event(work, conversation, EventKind.HANDED_OVER, HUBBUB, to=colleague.name, to_id=colleague.id)
    return f"handed over to {colleague.name}"
