"""
One thing done to many conversations: a job and its items are rows, worked off a few at a time by `bulk_worker`.

What is meant is written down when the job begins: conversations that come to match later are not touched. Each
item is done and noted in one transaction, so a process that is killed loses nothing and does nothing twice. What
could not be done is left out, with the reason.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum
from typing import Any, assert_never

import sqlalchemy as sa
from sqlmodel import col

from bot.core.actor import Actor
from bot.core.database import UnitOfWork
from bot.core.errors import Conflict, HubbubError, Invalid, NotFound
from bot.core.labels import clean_label, label_problem
from bot.core.paging import Slice, decode_mark, slice_of
from bot.inbox import service, spam, tagging
from bot.inbox.listing import conditions_of
from bot.inbox.order_tables import BulkItem, BulkJob
from bot.inbox.rules import LONGEST_SNOOZE, State
from bot.inbox.selection import Selection
from bot.inbox.tables import Conversation
from bot.staff.rules import Permission, may
from bot.staff.service import audit, get_staff

C, J, Item = Conversation, BulkJob, BulkItem
MOST_ITEMS = 10_000
INSERTED_AT_ONCE = 1_000
TOPIC = "bulk"


class BulkVerb(StrEnum):
    """
    What can be done to many.
    """

    RESOLVE = "resolve"
    TAG = "tag"  # detail: tag
    UNTAG = "untag"  # detail: tag
    ASSIGN = "assign"  # detail: agent_id, agent
    SNOOZE = "snooze"  # detail: until
    SPAM = "spam"


def topic_of(job_id: str) -> str:
    """
    Give the live topic of a job's progress.
    """
    return f"{TOPIC}:{job_id}"


async def begin(
    work: UnitOfWork,
    actor: Actor,
    verb: BulkVerb,
    *,
    ids: Sequence[str] = (),
    selection: Selection | None = None,
    tag: str = "",
    agent_id: str = "",
    until: datetime | None = None,
) -> BulkJob:
    """
    Write down what is to be done to which conversations; the worker begins at once.

    Args:
        ids: of the conversations, or
        selection: all that match now, up to `MOST_ITEMS`.

    Raises:
        Invalid: nothing is selected, or the verb lacks what it needs.
    """
    detail = await _detail(work, verb, tag=tag, agent_id=agent_id, until=until)
    chosen = await _matching(work, actor, selection) if selection is not None else list(dict.fromkeys(ids))
    if not chosen:
        raise Invalid(fields={"ids": "no conversation is selected"})
    if len(chosen) > MOST_ITEMS:
        raise Invalid(fields={"ids": f"at most {MOST_ITEMS:,} at once"})
    job = J(
        id=work.new_id(),
        verb=verb,
        detail=detail,
        total=len(chosen),
        by_id=actor.id,
        by_name=actor.name,
        by_role=actor.role,
        by_kind=actor.kind,
        created_at=work.now,
    )
    work.session.add(job)
    await work.session.flush()
    rows = [
        {"job_id": job.id, "number": number, "conversation_id": one, "state": "waiting", "reason": ""}
        for number, one in enumerate(chosen)
    ]
    for at in range(0, len(rows), INSERTED_AT_ONCE):
        await work.session.execute(sa.insert(Item), rows[at : at + INSERTED_AT_ONCE])
    await audit(work, actor, f"bulk.{verb}", "bulk", job.id, total=job.total, **detail)
    work.publish(TOPIC)
    return job


async def _detail(
    work: UnitOfWork, verb: BulkVerb, *, tag: str, agent_id: str, until: datetime | None
) -> dict[str, Any]:
    match verb:
        case BulkVerb.TAG | BulkVerb.UNTAG:
            if problem := label_problem(clean_label(tag)):
                raise Invalid(fields={"tag": problem})
            return {"tag": clean_label(tag)}
        case BulkVerb.ASSIGN:
            colleague = await get_staff(work, agent_id)
            if colleague.disabled_at is not None or not may(colleague.role, Permission.CONVERSATIONS_ANSWER):
                raise Invalid(fields={"agent_id": f"{colleague.name} does not answer conversations"})
            return {"agent_id": colleague.id, "agent": colleague.name}
        case BulkVerb.SNOOZE:
            if until is None or not work.now < until <= work.now + LONGEST_SNOOZE:
                raise Invalid(fields={"until": "choose a moment between now and a year from now"})
            return {"until": until.isoformat()}
        case BulkVerb.RESOLVE | BulkVerb.SPAM:
            return {}
        case _:
            assert_never(verb)


async def _matching(work: UnitOfWork, actor: Actor, selection: Selection) -> list[str]:
    query = sa.select(col(C.id))
    query = query.where(*conditions_of(selection.seen_by(actor.id), work.now, work.dialect))
    return list((await work.session.scalars(query.order_by(col(C.id)).limit(MOST_ITEMS))).all())


async def stop(work: UnitOfWork, actor: Actor, job_id: str) -> BulkJob:
    """
    Stop a job where it is; what it has done stays done.

    Raises:
        Conflict: it does not run any more.
    """
    change = sa.update(J).where(col(J.id) == job_id, col(J.state) == "running")
    change = change.values(state="stopped", stopped_by=actor.name, finished_at=work.now)
    done = await work.session.execute(change.execution_options(synchronize_session=False))
    job = await get_job(work, job_id)
    if not done.rowcount:  # type: ignore[attr-defined]
        raise Conflict(f"this is {job.state} already")
    await audit(work, actor, "bulk.stop", "bulk", job_id, done=job.done, total=job.total)
    work.publish(topic_of(job_id))
    return job


async def get_job(work: UnitOfWork, job_id: str) -> BulkJob:
    """
    Give a job as it is now; raises NotFound.
    """
    job = await work.session.get(J, job_id, populate_existing=True)
    if job is None:
        raise NotFound(f"no bulk job {job_id[:60]!r}")
    return job


async def list_jobs(work: UnitOfWork, *, limit: int, after: str | None) -> Slice[BulkJob]:
    """
    List jobs, newest first.
    """
    query = sa.select(J).order_by(col(J.id).desc()).limit(limit + 1)
    if after is not None:
        query = query.where(col(J.id) < str(decode_mark(after, parts=1)[0]))
    return slice_of((await work.session.scalars(query)).all(), limit, lambda row: (row.id,))


async def list_left_out(work: UnitOfWork, job_id: str, *, limit: int, after: str | None) -> Slice[BulkItem]:
    """
    List what a job left out, with the reasons.
    """
    query = (
        sa.select(Item).where(col(Item.job_id) == job_id, col(Item.state) == "left out").order_by(col(Item.number))
    )
    if after is not None:
        number = decode_mark(after, parts=1)[0]
        query = query.where(col(Item.number) > (number if isinstance(number, int) else -1))
    return slice_of((await work.session.scalars(query.limit(limit + 1))).all(), limit, lambda row: (row.number,))


async def running_jobs(work: UnitOfWork) -> Sequence[str]:
    """
    Give the ids of jobs that are to be worked on, oldest first.
    """
    return (
        await work.session.scalars(sa.select(col(J.id)).where(col(J.state) == "running").order_by(col(J.id)))
    ).all()


async def next_items(work: UnitOfWork, job_id: str, *, limit: int) -> Sequence[BulkItem]:
    """
    Give the next conversations of a job.
    """
    query = sa.select(Item).where(col(Item.job_id) == job_id, col(Item.state) == "waiting")
    return (await work.session.scalars(query.order_by(col(Item.number)).limit(limit))).all()


async def do_item(work: UnitOfWork, job: BulkJob, item: BulkItem) -> None:
    """
    Do to one conversation what the job is about, or note why it is left out.
    """
    try:
        async with work.savepoint():
            await _do(work, job, item.conversation_id)
        item.state, job.done = "done", job.done + 1
    except HubbubError as error:
        item.state, item.reason, job.left_out = "left out", error.detail[:300], job.left_out + 1


async def _do(work: UnitOfWork, job: BulkJob, conversation_id: str) -> None:
    actor = Actor(id=job.by_id, name=job.by_name, role=job.by_role, kind=job.by_kind)  # type: ignore[arg-type]
    verb = BulkVerb(job.verb)
    match verb:
        case BulkVerb.RESOLVE:
            conversation = await service.for_change(work, actor, conversation_id)
            if conversation.state == State.RESOLVED:
                raise Conflict("it is resolved already")
            await service.resolve(work, actor, conversation_id)
        case BulkVerb.TAG:
            if not await tagging.add_tags(work, actor, conversation_id, [job.detail["tag"]]):
                raise Conflict("it has this tag already")
        case BulkVerb.UNTAG:
            if not await tagging.remove_tag(work, actor, conversation_id, job.detail["tag"]):
                raise Conflict("it has no such tag")
        case BulkVerb.ASSIGN:
            await service.hand_over(work, actor, conversation_id, job.detail["agent_id"], notify_them=False)
        case BulkVerb.SNOOZE:
            await service.snooze(work, actor, conversation_id, datetime.fromisoformat(job.detail["until"]))
        case BulkVerb.SPAM:
            await spam.mark_spam(work, actor, conversation_id)
        case _:
            assert_never(verb)


async def finish(work: UnitOfWork, job: BulkJob) -> None:
    """
    Note that nothing of a job is left.
    """
    job.state, job.finished_at = "done", work.now
    work.publish(topic_of(job.id))
