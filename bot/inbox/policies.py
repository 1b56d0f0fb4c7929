"""
The verbs about policies: write, order, delete; and which one holds for a conversation.

A running clock keeps the promise it was started with. Who changes a policy may let the new promise hold for
running clocks too: their deadlines are then moved, counted from where they began, in slices, each a row in the
event log.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from bot.contacts.segments import segments_of
from bot.core.actor import Actor
from bot.core.database import UnitOfWork
from bot.core.errors import Conflict, Invalid, NotFound
from bot.hours.rules import next_opening
from bot.hours.service import get_schedule, hold_hours
from bot.inbox import clocks, store
from bot.inbox import policy_store as kept
from bot.inbox.changes import tell
from bot.inbox.escalation import MOST_ESCALATIONS, NEEDS_STAFF, Do, read_escalations, step_problem
from bot.inbox.matching import Conditions, Facts, condition_problems, read_conditions
from bot.inbox.promises import Terms, choose, default_terms, length_problem, shares_problem
from bot.inbox.rules import ClockKind, Promise
from bot.inbox.tables import Conversation, Policy
from bot.staff.service import audit, get_staff
from responses.values import Priority

TOPIC = "policies"
LONGEST_NAME = 100
MOST_POLICIES = 200
MOVED_AT_ONCE = 100
LENGTHS = {
    ClockKind.FIRST_RESPONSE: "first_response",
    ClockKind.NEXT_RESPONSE: "next_response",
    ClockKind.RESOLUTION: "resolution",
}
"""The fields of a policy that promise something."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """
    A policy as somebody writes it.

    Args:
        hours_id: None: calendar time.
        lengths: of what is promised.
        escalations: steps as `bot.inbox.escalation.Escalation` keeps them.
    """

    name: str
    enabled: bool = True
    conditions: Mapping[str, Sequence[str]] = field(default_factory=dict)
    hours_id: str | None = None
    lengths: Mapping[ClockKind, timedelta] = field(default_factory=dict)
    warn_shares: Sequence[float] = (0.5, 0.8)
    escalations: Sequence[Mapping[str, Any]] = ()


def terms_of(policy: Policy) -> Terms:
    """
    Give what a policy promises.
    """
    promised = {kind: getattr(policy, name) for kind, name in LENGTHS.items()}
    return Terms(
        policy_id=policy.id,
        policy_name=policy.name,
        version=policy.version,
        hours_id=policy.hours_id,
        lengths={kind: timedelta(seconds=value) for kind, value in promised.items() if value is not None},
        warn_shares=tuple(policy.warn_shares),
    )


async def terms_for(work: UnitOfWork, conversation: Conversation, promise: Promise) -> Terms:
    """
    Give what is promised for a conversation: the first policy that matches, else the settings' own.
    """
    policies = await kept.list_policies(work, enabled_only=True)
    if not policies:
        return default_terms(promise)
    known = [(read_conditions(policy.conditions), terms_of(policy)) for policy in policies]
    return choose(known, await facts_of(work, conversation), default_terms(promise))


async def facts_of(work: UnitOfWork, conversation: Conversation, *, text: str = "") -> Facts:
    """
    Say what is known of a conversation, for whoever decides about it.

    Args:
        text: of the message it is about.
    """
    tags = (await store.tags_of(work, [conversation.id])).get(conversation.id, ())
    segments = (await segments_of(work, [conversation.contact_id])).get(conversation.contact_id, ())
    return Facts(
        account_id=conversation.account_id,
        channel=conversation.channel,
        language=conversation.language,
        intent=conversation.intent,
        priority=Priority(conversation.priority).name.lower(),
        mood=conversation.mood,
        state=conversation.state,
        agent_id=conversation.agent_id,
        tags=frozenset(tags),
        segments=frozenset(segments),
        text=text,
    )


async def create_policy(work: UnitOfWork, actor: Actor, wish: Wish) -> Policy:
    """
    Promise something; it is asked after all that are there.

    Raises:
        Invalid: with the fields that are wrong.
    """
    await _check(work, wish)
    position = await kept.last_position(work) + 1
    if len(await kept.list_policies(work)) >= MOST_POLICIES:
        raise Conflict(f"at most {MOST_POLICIES} policies; delete one first")
    policy = Policy(id=work.new_id(), name="", position=position, created_at=work.now, changed_at=work.now)
    _write(policy, wish)
    work.session.add(policy)
    await _done(work, actor, "create", policy)
    return policy


async def change_policy(
    work: UnitOfWork, actor: Actor, policy_id: str, wish: Wish, *, also_running: bool = False
) -> Policy:
    """
    Promise something else. Running clocks keep what they were promised, unless `also_running`.
    """
    policy = await kept.get_policy(work, policy_id, lock=True)
    await _check(work, wish, but=policy.id)
    _write(policy, wish)
    policy.version += 1
    policy.changed_at = work.now
    if also_running:
        policy.holds_from_version = policy.version
    await _done(work, actor, "change", policy, also_running=also_running)
    return policy


async def place_policy(work: UnitOfWork, actor: Actor, policy_id: str, before_id: str | None) -> None:
    """
    Ask a policy before another one; None: after all others.
    """
    policy = await kept.get_policy(work, policy_id, lock=True)
    others = [one for one in await kept.list_policies(work) if one.id != policy.id]
    places = [one.id for one in others]
    if before_id is not None and before_id not in places:
        raise NotFound(f"no other policy {before_id[:60]!r}")
    others.insert(len(others) if before_id is None else places.index(before_id), policy)
    for position, one in enumerate(others, 1):
        one.position = position
    await _done(work, actor, "place", policy, position=policy.position)


async def delete_policy(work: UnitOfWork, actor: Actor, policy_id: str) -> None:
    """
    Promise it no more. Clocks that run under it run on to their end, without its escalations.
    """
    policy = await kept.get_policy(work, policy_id, lock=True)
    await _done(work, actor, "delete", policy)
    await work.session.delete(policy)


async def hours_users(work: UnitOfWork, hours_id: str) -> Sequence[str]:
    """
    Name what counts in these hours, for whoever wants to delete them.
    """
    policies = [f"policy “{name}”" for name in await kept.policies_with_hours(work, hours_id)]
    # A clock keeps its hours though its policy has others by now.
    running = await kept.clocks_with_hours(work, hours_id)
    return [*policies, f"{running} running clocks"] if running else policies


async def move_running(work: UnitOfWork) -> int:
    """
    Move deadlines of clocks whose policy was changed for them too, a slice at a time. Gives how many it saw.
    """
    behind = await kept.behind_their_policy(work, limit=MOVED_AT_ONCE)
    for policy_id, conversation_id in sorted(behind, key=lambda pair: pair[1]):
        conversation = await store.get_conversation(work, conversation_id, lock=True)
        policy = await kept.find_policy(work, policy_id)
        if policy is not None:
            await clocks.move(work, conversation, terms_of(policy), why=f"the policy {policy.name} was changed")
            tell(work, conversation_id)
    return len(behind)


def _write(policy: Policy, wish: Wish) -> None:
    policy.name, policy.enabled, policy.hours_id = wish.name.strip(), wish.enabled, wish.hours_id
    policy.conditions = read_conditions(wish.conditions).to_json()
    for kind, name in LENGTHS.items():
        length = wish.lengths.get(kind)
        setattr(policy, name, None if length is None else length.total_seconds())
    policy.warn_shares = list(wish.warn_shares)
    policy.escalations = [step.to_json() for step in read_escalations(wish.escalations)]


async def _check(work: UnitOfWork, wish: Wish, *, but: str = "") -> None:
    name = wish.name.strip()
    problems = dict(condition_problems(wish.conditions))
    if not name or len(name) > LONGEST_NAME:
        problems["name"] = f"from 1 to {LONGEST_NAME} characters"
    elif await kept.name_is_taken(work, name, but=but):
        problems["name"] = "another policy has this name"
    for kind, field_name in LENGTHS.items():
        problems |= _said(field_name, length_problem(wish.lengths.get(kind)))
    if not any(wish.lengths.get(kind) for kind in LENGTHS):
        problems.setdefault(
            "first_response", "promise something: a first response, a next response or a resolution"
        )
    problems |= _said("warn_shares", shares_problem(wish.warn_shares))
    problems |= _said("hours_id", await _hours_problem(work, wish.hours_id))
    problems |= _said("escalations", await _escalations_problem(work, wish))
    if problems:
        raise Invalid(fields=problems)


def _said(name: str, problem: str | None) -> dict[str, str]:
    return {name: problem} if problem else {}


async def _hours_problem(work: UnitOfWork, hours_id: str | None) -> str | None:
    try:
        if hours_id is not None:
            await hold_hours(work, hours_id)
        schedule = await get_schedule(work, hours_id)
    except NotFound:
        return "there are no such business hours; choose from the list, or leave it out for calendar time"
    if next_opening(schedule, work.now) is None:
        return "these business hours are never open, so no promise could be kept; give them hours first"
    return None


async def _escalations_problem(work: UnitOfWork, wish: Wish) -> str | None:
    if len(wish.escalations) > MOST_ESCALATIONS:
        return f"at most {MOST_ESCALATIONS} steps"
    for number, step in enumerate(wish.escalations, 1):
        problem = step_problem(step, wish.warn_shares)
        if problem is None and step["do"] in {Do(one) for one in NEEDS_STAFF}:
            try:
                await get_staff(work, str(step["to"]))
            except NotFound:
                problem = "to: nobody here has this id; choose a colleague"
        if problem:
            return f"step {number}: {problem}"
    return None


async def _done(work: UnitOfWork, actor: Actor, action: str, policy: Policy, **detail: object) -> None:
    await audit(
        work, actor, f"policy.{action}", "policy", policy.id, name=policy.name, version=policy.version, **detail
    )
    work.publish(TOPIC)


def conditions_of(policy: Policy) -> Conditions:
    """
    Give which conversations a policy is for.
    """
    return read_conditions(policy.conditions)
