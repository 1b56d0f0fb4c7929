"""
Try a rule on last week: which conversations it would have run on, and what it would have done. Changes nothing.

It decides by the same function as when rules run. Conversations are judged as they are now, since what they were
like a week ago is not kept; the text is that of the message the event is about.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from bot.automation import store
from bot.automation.rules import Action, Happened, Rule, decide
from bot.contacts.segments import segments_of
from bot.core.database import UnitOfWork
from bot.inbox import store as inbox
from bot.inbox.matching import Facts
from bot.inbox.tables import Conversation, ConversationEvent
from responses.values import Priority

LOOKED_BACK = timedelta(days=7)
MOST_EVENTS = 5_000
EXAMPLES = 10
CHUNK = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Example:
    """
    A conversation on which the rule would have run.
    """

    conversation_id: str
    subject: str
    text: str
    kind: str
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """
    What came of it.

    Args:
        events: that were looked at, the newest ones.
        more: there were more of them than are looked at.
        runs: events on which it would have run, in so many `conversations`.
        actions: how often each would have been done.
    """

    since: datetime
    events: int
    more: bool
    runs: int
    conversations: int
    actions: Sequence[tuple[Action, int]]
    examples: Sequence[Example]


async def try_rule(work: UnitOfWork, rule: Rule) -> Trial:
    """
    Decide about every event of the last seven days that could have set the rule off.
    """
    since = work.now - LOOKED_BACK
    found = await store.events_between(work, sorted(rule.when), since=since, limit=MOST_EVENTS + 1)
    looked_at = found[:MOST_EVENTS]
    hits: list[Example] = []
    done: Counter[Action] = Counter()
    for start in range(0, len(looked_at), CHUNK):
        chunk = looked_at[start : start + CHUNK]
        facts = await _facts(work, chunk)
        for event, conversation in chunk:
            decision = decide(rule, _happened(event), facts[event.id])
            if decision is not None and decision.actions:
                done.update(decision.actions)
                hits.append(_example(event, conversation, facts[event.id].text))
    return Trial(
        since=since,
        events=len(looked_at),
        more=len(found) > MOST_EVENTS,
        runs=len(hits),
        conversations=len({hit.conversation_id for hit in hits}),
        actions=[(action, done[action]) for action in dict.fromkeys(rule.then)],
        examples=list({hit.conversation_id: hit for hit in reversed(hits)}.values())[-EXAMPLES:][::-1],
    )


def _happened(event: ConversationEvent) -> Happened:
    # Chains are left out: which rules there were last week is not what is asked.
    detail = event.detail
    return Happened(kind=event.kind, tag=str(detail.get("tag", "")), automatic=bool(detail.get("automatic")))


def _example(event: ConversationEvent, conversation: Conversation, text: str) -> Example:
    return Example(
        conversation_id=conversation.id,
        subject=conversation.subject or "",
        text=text[:200] or conversation.snippet,
        kind=event.kind,
        at=event.at,
    )


async def _facts(work: UnitOfWork, chunk: Sequence[tuple[ConversationEvent, Conversation]]) -> Mapping[str, Facts]:
    """
    Say what is known of many conversations with a query for each kind of thing, not for each of them.
    """
    tags = await inbox.tags_of(work, list({conversation.id for _, conversation in chunk}))
    segments = await segments_of(work, list({conversation.contact_id for _, conversation in chunk}))
    asked = {event.id: event.detail.get("message_id") or c.newest_message_id for event, c in chunk}
    texts = await store.texts_of(work, [message_id for message_id in set(asked.values()) if message_id])
    return {
        event.id: Facts(
            account_id=c.account_id,
            channel=c.channel,
            language=c.language,
            intent=c.intent,
            priority=Priority(c.priority).name.lower(),
            mood=c.mood,
            state=c.state,
            agent_id=c.agent_id,
            tags=frozenset(tags.get(c.id, ())),
            segments=frozenset(segments.get(c.contact_id, ())),
            text=texts.get(asked[event.id] or "", ""),
        )
        for event, c in chunk
    }
