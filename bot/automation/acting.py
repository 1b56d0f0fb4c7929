"""
Run rules on an event: what they decide is carried out here, each action by itself.

This is a reaction (`bot.inbox.reactions`): it is called once for each event, whichever process has it, with the
conversation locked. What an action cannot do is undone alone, kept with the rule for people to see, and the next
action goes on.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import assert_never

import structlog

from bot.automation import macros, store
from bot.automation.reading import rule_of
from bot.automation.rules import Action, Decision, Do, Happened, Rule, When, decide, waits_for
from bot.core.actor import Actor
from bot.core.database import UnitOfWork
from bot.core.errors import HubbubError
from bot.core.units import read_duration
from bot.inbox import service, tagging
from bot.inbox.policies import facts_of
from bot.inbox.priorities import set_priority
from bot.inbox.reactions import Reaction
from bot.inbox.rules import State
from bot.inbox.spam import mark_spam
from bot.inbox.tables import Conversation, ConversationEvent
from bot.inbox.webhooks import conversation_data
from bot.webhooks.rules import Kind
from bot.webhooks.service import announce
from responses.values import Priority

log = structlog.get_logger(__name__)
TOPIC = "rules"


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """
    A rule that runs now, and on what.
    """

    rule: Rule
    event: ConversationEvent
    conversation: Conversation
    base_url: str

    @property
    def actor(self) -> Actor:
        """
        The daemon, by the name of the rule: what people read in the timeline.
        """
        return Actor(id="hubbub", name=f"Rule: {self.rule.name}", role="system", kind="system")


def reaction(base_url: str) -> Reaction:
    """
    Run rules on events.

    Args:
        base_url: where people reach our pages, for links in webhooks.
    """
    kinds = frozenset(one.value for one in When)
    act = partial(run_rules, base_url=base_url)
    return Reaction(name="rules", kinds=kinds, act=act, listens=_kinds_waited_for)


async def _kinds_waited_for(work: UnitOfWork) -> list[str]:
    return [kind for row in await store.list_rules(work, enabled_only=True) for kind in row.when]


async def run_rules(
    work: UnitOfWork, event: ConversationEvent, conversation: Conversation, *, base_url: str
) -> None:
    """
    Ask every rule about an event, in order, and do what they say.
    """
    happened = await happened_of(work, event)
    rules = [rule_of(row) for row in await store.list_rules(work, enabled_only=True)]
    asked = [rule for rule in rules if waits_for(rule, happened)]
    if not asked:
        return
    text = await store.text_of(work, event.detail.get("message_id") or conversation.newest_message_id)
    for rule in asked:
        # anew for each: the rule before may have changed what this one asks for
        decision = decide(rule, happened, await facts_of(work, conversation, text=text))
        if decision is None:
            continue
        run = Run(rule=rule, event=event, conversation=conversation, base_url=base_url)
        if await _run(work, run, decision, happened) and rule.stop_after:
            return


async def happened_of(work: UnitOfWork, event: ConversationEvent) -> Happened:
    """
    Show an event to the rules. What wakes goes on with the chain that put it to sleep.
    """
    cause: ConversationEvent | None = event
    if event.kind == When.WOKE:
        cause = await store.last_event(work, event.conversation_id, When.SNOOZED, before_id=event.id)
    detail = event.detail
    return Happened(
        kind=event.kind,
        tag=str(detail.get("tag", "")),
        automatic=bool(detail.get("automatic")),
        chain=tuple(cause.detail.get("caused_by", ())) if cause else (),
    )


async def _run(work: UnitOfWork, run: Run, decision: Decision, happened: Happened) -> bool:
    if decision.stopped:
        await _problem(work, run, f"It did not run: {decision.stopped}.", action="rules.loop")
        return False
    with work.because_of((*happened.chain, run.rule.id)):
        for action in decision.actions:
            try:
                async with work.savepoint():
                    await _carry_out(work, run, action)
                    await work.session.flush()
            except HubbubError as error:
                await work.session.refresh(run.conversation)
                await _problem(work, run, f"It could not do “{action.do}”: {error.detail}", action="rules.problem")
    await store.count_run(work, run.rule.id)
    work.publish(TOPIC)
    return True


async def _problem(work: UnitOfWork, run: Run, said: str, *, action: str) -> None:
    log.warning(
        "a rule could not do what it says", action=action, rule=run.rule.name, conversation=run.conversation.id
    )
    await store.note_problem(work, run.rule.id, run.conversation.id, said)
    work.publish(TOPIC)


async def _carry_out(work: UnitOfWork, run: Run, action: Action) -> None:
    """
    Do one thing.
    """
    match action.do:
        case Do.ADD_TAG | Do.REMOVE_TAG | Do.SET_PRIORITY | Do.NOTE:
            await _mark(work, run, action)
        case Do.ASSIGN | Do.SNOOZE | Do.PENDING | Do.RESOLVE | Do.SPAM:
            await _move(work, run, action)
        case Do.WEBHOOK:
            await _tell(work, run, action.value)
        case Do.MACRO:
            for step in await macros.steps_of(work, action.value):
                await _carry_out(work, run, step)
            await macros.count_use(work, action.value)
        case _:
            assert_never(action.do)


async def _mark(work: UnitOfWork, run: Run, action: Action) -> None:
    conversation_id = run.conversation.id
    match action.do:
        case Do.ADD_TAG:
            await tagging.add_tags(work, run.actor, conversation_id, [action.value])
        case Do.REMOVE_TAG:
            await tagging.remove_tag(work, run.actor, conversation_id, action.value)
        case Do.SET_PRIORITY:
            await set_priority(work, run.actor, conversation_id, Priority[action.value.upper()])
        case _:
            await service.add_note(work, run.actor, conversation_id, action.value)


async def _move(work: UnitOfWork, run: Run, action: Action) -> None:
    """
    Move a conversation to a colleague or into a state; where it is already, nothing is written.
    """
    conversation = run.conversation
    match action.do:
        case Do.ASSIGN if conversation.agent_id != action.value:
            await service.hand_over(work, run.actor, conversation.id, action.value)
        case Do.SNOOZE:
            await service.snooze(work, run.actor, conversation.id, work.now + read_duration(action.value))
        case Do.PENDING if conversation.state != State.PENDING:
            await service.set_pending(work, run.actor, conversation.id)
        case Do.RESOLVE if conversation.state != State.RESOLVED:
            await service.resolve(work, run.actor, conversation.id)
        case Do.SPAM:
            await mark_spam(work, run.actor, conversation.id)
        case _:
            return


async def _tell(work: UnitOfWork, run: Run, word: str) -> None:
    text = await store.text_of(work, run.conversation.newest_message_id)
    await announce(
        work,
        Kind.RULE_RAN,
        event_id=f"{run.event.id}.{run.rule.id}",
        at=work.now,
        subject_id=run.conversation.id,
        data={
            "rule": {"id": run.rule.id, "name": run.rule.name},
            "word": word,
            "event": run.event.kind,
            "conversation": conversation_data(run.conversation, run.base_url),
        },
        text={"subject": run.conversation.subject, "text": text},
    )
