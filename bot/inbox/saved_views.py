"""
Saved views: lists that people keep for themselves or share with everybody. Verbs and their queries.

A person arranges their own views; shared ones of others come behind them. Who shares a view may change it, and so
may whoever may take conversations over.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import sqlalchemy as sa
from sqlmodel import col

from bot.core.actor import Actor
from bot.core.database import UnitOfWork
from bot.core.errors import Conflict, Invalid, NotAllowed, NotFound
from bot.inbox.selection import Order, Selection, read_selection, selection_problems
from bot.inbox.view_tables import SavedView
from bot.staff.rules import Permission, may
from bot.staff.service import audit

V = SavedView
MOST_VIEWS = 50
"""Of one person."""
LONGEST_NAME = 80
VIEWS_TOPIC = "views"


async def views_of(work: UnitOfWork, person_id: str) -> Sequence[SavedView]:
    """
    Give what a person sees: their own views as they arranged them, then what others share, by name.
    """
    theirs = sa.case((col(V.owner_id) == person_id, 0), else_=1)
    query = sa.select(V).where(sa.or_(col(V.owner_id) == person_id, col(V.shared)))
    place = sa.case((col(V.owner_id) == person_id, col(V.position)), else_=0)
    return (await work.session.scalars(query.order_by(theirs, place, col(V.name), col(V.id)))).all()


async def get_view(work: UnitOfWork, person_id: str, view_id: str) -> SavedView:
    """
    Give a view that a person sees.

    Raises:
        NotFound: there is none, or it is somebody else's own.
    """
    found = await work.session.get(V, view_id)
    if found is None or not (found.shared or found.owner_id == person_id):
        raise NotFound(f"no view {view_id[:60]!r}")
    return found


async def create_view(
    work: UnitOfWork, actor: Actor, *, name: str, selection: Mapping[str, Any], order: Order, shared: bool
) -> SavedView:
    """
    Keep a list under a name, behind the person's others.

    Raises:
        Invalid: a field is wrong, or they have too many.
        Conflict: they have a view of that name.
    """
    own = [view for view in await views_of(work, actor.id) if view.owner_id == actor.id]
    if len(own) >= MOST_VIEWS:
        raise Invalid(f"you have {MOST_VIEWS} views; delete one that you no longer need first")
    view = SavedView(
        id=work.new_id(),
        owner_id=actor.id,
        owner_name=actor.name,
        shared=shared,
        name=await _free_name(work, actor.id, name, besides=""),
        selection=_checked(selection).to_json(),
        order=order,
        position=max((view.position for view in own), default=0) + 1,
        created_at=work.now,
        changed_at=work.now,
    )
    work.session.add(view)
    await work.session.flush()
    await _done(work, actor, view, "create")
    return view


async def change_view(
    work: UnitOfWork,
    actor: Actor,
    view_id: str,
    *,
    name: str | None = None,
    selection: Mapping[str, Any] | None = None,
    order: Order | None = None,
    shared: bool | None = None,
) -> SavedView:
    """
    Change what is named about a view.

    Raises:
        NotAllowed: it is somebody else's.
    """
    view = await _to_change(work, actor, view_id)
    if name is not None:
        view.name = await _free_name(work, view.owner_id, name, besides=view.id)
    if selection is not None:
        view.selection = _checked(selection).to_json()
    view.order = order if order is not None else view.order
    view.shared = shared if shared is not None else view.shared
    view.changed_at = work.now
    await work.session.flush()
    await _done(work, actor, view, "change")
    return view


async def delete_view(work: UnitOfWork, actor: Actor, view_id: str) -> SavedView:
    """
    Delete a view; what it lists is not touched.
    """
    view = await _to_change(work, actor, view_id)
    await work.session.delete(view)
    await _done(work, actor, view, "delete")
    return view


async def move_view(work: UnitOfWork, actor: Actor, view_id: str, by: int) -> None:
    """
    Move one's own view up (-1) or down (+1) among one's own.
    """
    own = [view for view in await views_of(work, actor.id) if view.owner_id == actor.id]
    ids = [view.id for view in own]
    if view_id not in ids:
        raise NotFound(f"no view of yours {view_id[:60]!r}")
    at = ids.index(view_id)
    own.insert(max(0, min(len(own) - 1, at + by)), own.pop(at))
    await _number(work, actor, own)


async def order_views(work: UnitOfWork, actor: Actor, ids: Sequence[str]) -> None:
    """
    Put one's own views in an order; those not named follow as they were.

    Raises:
        Invalid: one of them is not a view of theirs.
    """
    own = {view.id: view for view in await views_of(work, actor.id) if view.owner_id == actor.id}
    strange = [view_id for view_id in ids if view_id not in own]
    if strange:
        raise Invalid(fields={"ids": f"no view of yours: {strange[0][:60]!r}"})
    named = [own.pop(view_id) for view_id in dict.fromkeys(ids)]
    await _number(work, actor, [*named, *own.values()])


async def _number(work: UnitOfWork, actor: Actor, views: Sequence[SavedView]) -> None:
    for position, view in enumerate(views, 1):
        view.position = position
    await work.session.flush()
    work.publish(f"{VIEWS_TOPIC}:{actor.id}")


def selection_of(view: SavedView) -> Selection:
    """
    Give what a view lists.
    """
    return read_selection(view.selection)


def may_change(view: SavedView, actor: Actor) -> bool:
    """
    Say whether somebody may change a view that they see.
    """
    return view.owner_id == actor.id or may(actor.role, Permission.CONVERSATIONS_TAKE_OVER)


async def _to_change(work: UnitOfWork, actor: Actor, view_id: str) -> SavedView:
    view = await get_view(work, actor.id, view_id)
    if not may_change(view, actor):
        raise NotAllowed(f"this view is {view.owner_name}'s; save one of your own instead")
    return view


async def _free_name(work: UnitOfWork, owner_id: str, name: str, *, besides: str) -> str:
    name = " ".join(name.split())
    if not 1 <= len(name) <= LONGEST_NAME:
        raise Invalid(fields={"name": f"write a name of 1 to {LONGEST_NAME} characters"})
    same = sa.and_(col(V.owner_id) == owner_id, col(V.name) == name, col(V.id) != besides)
    # The unique constraint decides between two at a time; this is for the words.
    if await work.session.scalar(sa.select(col(V.id)).where(same)) is not None:
        raise Conflict(f"there is a view {name!r} already; choose another name")
    return name


def _checked(selection: Mapping[str, Any]) -> Selection:
    problems = selection_problems(selection)
    if problems:
        raise Invalid(fields=problems)
    return read_selection(selection)


async def _done(work: UnitOfWork, actor: Actor, view: SavedView, verb: str) -> None:
    await audit(work, actor, f"view.{verb}", "view", view.id, name=view.name, shared=view.shared)
    work.publish(VIEWS_TOPIC if view.shared else f"{VIEWS_TOPIC}:{view.owner_id}")
