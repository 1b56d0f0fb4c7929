"""
Gather alike requests as they come in, and keep who waits in which group. Likeness is judged by `responses.alike`.

A request joins the group whose first request it is most like, or begins one of its own; it leaves when it is
answered, or no longer waits. Membership is about the newest message: a further one is judged anew.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import sqlalchemy as sa
from sqlmodel import col

from bot.contacts.tables import Contact, Identity
from bot.core.database import UnitOfWork
from bot.core.errors import NotFound
from bot.core.paging import Slice, decode_mark, slice_of
from bot.inbox.rules import EventKind, State
from bot.inbox.tables import Conversation, ConversationEvent, Message
from bot.replies.tables import AlikeBand, AlikeGroup, AlikeMember
from responses.alike import Asked, best_match, fingerprint

G, B, M, C = AlikeGroup, AlikeBand, AlikeMember, Conversation
LONGEST = 4_000
"""Characters of a request that are kept for comparing; no more are judged."""
MOST_COMPARED = 200
"""Groups that one request is compared with; the older ones come first."""
MOST_MEMBERS = 500
"""Members of a group that are shown, and answered, at once."""
ONE_AT_A_TIME = 0x414C494B  # "ALIK": two nodes must not begin the same group at once

GATHERED_KINDS = frozenset(
    kind.value
    for kind in (
        EventKind.MESSAGE_IN,
        EventKind.REPLIED,
        EventKind.PENDING,
        EventKind.SNOOZED,
        EventKind.RESOLVED,
        EventKind.MERGED,
        EventKind.SPAM,
    )
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """
    Somebody who waits in a group.
    """

    conversation: Conversation
    name: str
    handle: str
    text: str
    likeness: AlikeMember


@dataclass(frozen=True, slots=True, kw_only=True)
class Gathered:
    """
    A group and how many wait in it.
    """

    group: AlikeGroup
    size: int


async def gather(work: UnitOfWork, event: ConversationEvent, conversation: Conversation) -> None:
    """
    Put a conversation with a new message into its group, or take one that is looked after out of its.
    """
    if event.detail.get("automatic"):
        return None
    if work.dialect == "postgresql":
        await work.session.execute(sa.select(sa.func.pg_advisory_xact_lock(ONE_AT_A_TIME)))
    if event.kind != EventKind.MESSAGE_IN:
        return await _leave(work, conversation.id)
    message_id = event.detail.get("message_id", "")
    if conversation.newest_message_id != message_id or conversation.state != State.OPEN:
        return None  # a later event is about what is newest now
    message = await work.session.get(Message, message_id)
    await _leave(work, conversation.id)
    if message is not None and message.text.strip():
        await _join(work, conversation, message)
    return None


async def _join(work: UnitOfWork, conversation: Conversation, message: Message) -> None:
    asked = Asked(
        text=message.text[:LONGEST], language=message.language, intent=message.intent, post=message.post_id
    )
    bands = fingerprint(asked.text).bands
    match = best_match(asked, await _leaders_near(work, bands)) if bands else None
    member = AlikeMember(
        conversation_id=conversation.id,
        group_id=match.id if match else await _begin(work, asked, bands),
        message_id=message.id,
        at=work.now,
    )
    if match:
        likeness = match.likeness
        member.shared, member.of = likeness.shared, likeness.of
        member.by_character, member.same = likeness.by_character, likeness.same
        work.publish("alike")
    work.session.add(member)
    await work.session.flush()


async def _leaders_near(work: UnitOfWork, bands: Sequence[int]) -> dict[str, Asked]:
    near = sa.select(col(B.group_id)).where(col(B.band).in_(bands))
    rows = await work.session.scalars(
        sa.select(G).where(col(G.id).in_(near)).order_by(col(G.id)).limit(MOST_COMPARED)
    )
    return {
        row.id: Asked(text=row.text, language=row.language, intent=row.intent, post=row.post_id) for row in rows
    }


async def _begin(work: UnitOfWork, asked: Asked, bands: Sequence[int]) -> str:
    group = AlikeGroup(
        id=work.new_id(),
        text=asked.text,
        language=asked.language,
        intent=asked.intent,
        post_id=asked.post,
        created_at=work.now,
    )
    work.session.add(group)
    await work.session.flush()
    if bands:
        rows = [{"band": band, "group_id": group.id} for band in dict.fromkeys(bands)]
        await work.session.execute(sa.insert(AlikeBand), rows)
    return group.id


async def _leave(work: UnitOfWork, conversation_id: str) -> None:
    gone = sa.delete(M).where(col(M.conversation_id) == conversation_id).returning(col(M.group_id))
    group_id = (await work.session.execute(gone)).scalar()
    if group_id is None:
        return
    left = await work.session.scalar(sa.select(col(M.conversation_id)).where(col(M.group_id) == group_id).limit(1))
    if left is None:
        await work.session.execute(sa.delete(B).where(col(B.group_id) == group_id))
        await work.session.execute(sa.delete(G).where(col(G.id) == group_id))


async def is_member(work: UnitOfWork, conversation_id: str) -> bool:
    """
    Say whether a conversation waits in a group.
    """
    return await work.session.get(M, conversation_id) is not None


async def group_of(work: UnitOfWork, conversation_id: str) -> Gathered | None:
    """
    Give the group a conversation waits in, and how many wait in it; None when it waits alone or not at all.
    """
    member = await work.session.get(M, conversation_id)
    if member is None:
        return None
    counted = sa.select(sa.func.count()).select_from(M).where(col(M.group_id) == member.group_id)
    size = int((await work.session.execute(counted)).scalar_one())
    group = await work.session.get(G, member.group_id)
    return Gathered(group=group, size=size) if group is not None and size > 1 else None


async def get_group(work: UnitOfWork, group_id: str) -> AlikeGroup:
    """
    Give a group; raises NotFound.
    """
    found = await work.session.get(G, group_id)
    if found is None:
        raise NotFound("nobody waits in this group any more")
    return found


async def list_groups(work: UnitOfWork, *, limit: int, after: str | None) -> Slice[Gathered]:
    """
    List groups of two and more, the biggest first.
    """
    size = sa.func.count().label("size")
    sizes = sa.select(col(M.group_id), size).group_by(col(M.group_id)).having(size > 1).subquery()
    query = sa.select(G, sizes.c.size).join(sizes, col(G.id) == sizes.c.group_id)
    if after is not None:
        was, last = decode_mark(after, parts=2)
        smaller = sizes.c.size < was
        query = query.where(sa.or_(smaller, sa.and_(sizes.c.size == was, col(G.id) > last)))
    query = query.order_by(sizes.c.size.desc(), col(G.id)).limit(limit + 1)
    rows = [Gathered(group=group, size=size) for group, size in await work.session.execute(query)]
    return slice_of(rows, limit, lambda row: (row.size, row.group.id))


async def members_of(work: UnitOfWork, group_id: str, *, limit: int = MOST_MEMBERS) -> list[Member]:
    """
    Give who waits in a group, whose time runs out first at the top.
    """
    query = (
        sa.select(M, C, col(Contact.name), col(Identity.handle), col(Message.text))
        .join(C, col(M.conversation_id) == col(C.id))
        .join(Contact, col(C.contact_id) == col(Contact.id))
        .join(Identity, col(C.identity_id) == col(Identity.id))
        .join(Message, col(M.message_id) == col(Message.id))
        .where(col(M.group_id) == group_id)
        .order_by(col(C.due_at).is_(None), col(C.due_at), col(C.id))
        .limit(limit)
    )
    return [
        Member(conversation=conversation, name=name or handle, handle=handle, text=text, likeness=member)
        for member, conversation, name, handle, text in await work.session.execute(query)
    ]
