"""
Saved views, the numbers of the queue and the search over the API.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, Field

from bot.inbox import saved_views
from bot.inbox.api import ConversationOut, conversation_out
from bot.inbox.keys import BOARD
from bot.inbox.listing import Count, count, list_selected
from bot.inbox.query import LONGEST_QUERY, read_query
from bot.inbox.rules import Tab
from bot.inbox.saved_views import LONGEST_NAME, MOST_VIEWS, selection_of
from bot.inbox.search import Hit, find
from bot.inbox.selection import TABS, Order
from bot.inbox.view_tables import SavedView
from bot.staff.rules import Permission
from bot.web.operations import Body, Call, Listing, PageQuery, operation

READ = Permission.CONVERSATIONS_READ
TAG = "views"
Name = Annotated[str, Field(min_length=1, max_length=LONGEST_NAME)]
SELECTION = (
    "what narrows it: `states`, `agents` (ids, `me`, `nobody`), `account_ids`, `channels`, `languages`, "
    "`intents`, `priorities`, `moods`, `tags`, `segments` (lists; any value of each), `breached`, `waiting` "
    "(true), `text`"
)


class ViewOut(BaseModel):
    """
    A list that somebody keeps.
    """

    id: str
    name: str
    owner_id: str
    owner_name: str
    shared: bool
    selection: dict[str, Any] = Field(description=SELECTION)
    order: Literal["deadline", "newest"]
    position: int
    changed_at: datetime


class ViewIn(Body):
    name: Name
    selection: dict[str, Any] = Field(default_factory=dict, description=SELECTION)
    order: Order = Order.DEADLINE
    shared: bool = Field(default=False, description="everybody sees it")


class ViewChange(Body):
    name: Name | None = None
    selection: dict[str, Any] | None = Field(default=None, description=SELECTION)
    order: Order | None = None
    shared: bool | None = None


class ViewsOut(BaseModel):
    """
    All views that one sees, in order.
    """

    items: list[ViewOut]


class ViewOrder(Body):
    ids: list[str] = Field(max_length=MOST_VIEWS, description="one's own views, first to last")


class CountOut(BaseModel):
    """
    How many conversations a list holds.
    """

    number: int
    more: bool = Field(description="there are at least so many; nobody counted further")


class CountsOut(BaseModel):
    """
    The numbers of all tabs and views at one moment.
    """

    tabs: dict[str, CountOut]
    views: dict[str, CountOut] = Field(description="by id of the view")
    exact: bool = Field(description="false while the board fills: then nobody counts beyond a thousand")


class PieceOut(BaseModel):
    """
    A part of a text; `found` marks what was looked for.
    """

    text: str
    found: bool


class HitOut(BaseModel):
    """
    A text that was found.
    """

    kind: str = Field(description="message, note, subject or contact")
    id: str = Field(description="of the message, note, conversation or contact")
    conversation_id: str | None = Field(description="null for a contact")
    contact_id: str
    contact_name: str
    author: str
    at: datetime
    snippet: list[PieceOut]


class SearchQuery(PageQuery):
    q: str = Field(max_length=LONGEST_QUERY, description="see the reference of the search")


def view_out(view: SavedView) -> ViewOut:
    """
    Show a view.
    """
    return ViewOut(**view.model_dump(include=set(ViewOut.model_fields)))


def hit_out(hit: Hit) -> HitOut:
    """
    Show what was found.
    """
    return HitOut(
        kind=hit.kind,
        id=hit.ref_id,
        conversation_id=hit.conversation.id if hit.conversation else None,
        contact_id=hit.contact_id,
        contact_name=hit.contact_name,
        author=hit.author,
        at=hit.at,
        snippet=[PieceOut(text=piece.text, found=piece.found) for piece in hit.pieces],
    )


def _count_out(counted: Count) -> CountOut:
    return CountOut(number=counted.number, more=counted.more)


@operation("GET", "/views", permission=READ, tag=TAG)
async def list_views(call: Call) -> ViewsOut:
    """
    List one's own views and those that are shared.
    """
    return ViewsOut(items=[view_out(view) for view in await saved_views.views_of(call.work, call.actor.id)])


@operation("POST", "/views", permission=READ, tag=TAG, status=201)
async def create_view(call: Call, body: ViewIn) -> ViewOut:
    """
    Keep a list under a name.
    """
    made = await saved_views.create_view(
        call.work, call.actor, name=body.name, selection=body.selection, order=body.order, shared=body.shared
    )
    return view_out(made)


@operation("GET", "/views/{id}", permission=READ, tag=TAG)
async def read_view(call: Call, id: str) -> ViewOut:
    """
    Read a view.
    """
    return view_out(await saved_views.get_view(call.work, call.actor.id, id))


@operation("PATCH", "/views/{id}", permission=READ, tag=TAG)
async def change_view(call: Call, id: str, body: ViewChange) -> ViewOut:
    """
    Change what is named about a view: one's own, or as a lead any that is shared.
    """
    changed = await saved_views.change_view(
        call.work,
        call.actor,
        id,
        name=body.name,
        selection=body.selection,
        order=body.order,
        shared=body.shared,
    )
    return view_out(changed)


@operation("DELETE", "/views/{id}", permission=READ, tag=TAG)
async def delete_view(call: Call, id: str) -> None:
    """
    Delete a view; what it lists is not touched.
    """
    await saved_views.delete_view(call.work, call.actor, id)


@operation("POST", "/views/order", permission=READ, tag=TAG)
async def order_views(call: Call, body: ViewOrder) -> ViewsOut:
    """
    Put one's own views in order.
    """
    await saved_views.order_views(call.work, call.actor, body.ids)
    return ViewsOut(items=[view_out(view) for view in await saved_views.views_of(call.work, call.actor.id)])


@operation("GET", "/views/{id}/conversations", permission=READ, tag=TAG)
async def list_view(call: Call, id: str, query: PageQuery) -> Listing[ConversationOut]:
    """
    List the conversations of a view.
    """
    view = await saved_views.get_view(call.work, call.actor.id, id)
    found = await list_selected(
        call.work,
        selection_of(view),
        actor_id=call.actor.id,
        order=Order(view.order),
        limit=query.limit,
        after=query.after,
        board=call.request.app.get(BOARD),
    )
    items = [conversation_out(one, one.tags) for one in found.items]
    return Listing(items=items, after=found.after)


@operation("GET", "/queue/counts", permission=READ, tag=TAG)
async def read_counts(call: Call) -> CountsOut:
    """
    Read the numbers of all tabs and of all views that one sees.
    """
    work, me, board = call.work, call.actor.id, call.request.app.get(BOARD)
    tabs = {tab: await count(work, TABS[tab], actor_id=me, board=board) for tab in Tab if tab is not Tab.RESOLVED}
    views = {
        view.id: await count(work, selection_of(view), actor_id=me, board=board)
        for view in await saved_views.views_of(work, me)
    }
    return CountsOut(
        tabs={tab.value: _count_out(counted) for tab, counted in tabs.items()},
        views={view_id: _count_out(counted) for view_id, counted in views.items()},
        exact=board is not None and board.knows(TABS[Tab.WAITING]),
    )


@operation("GET", "/search", permission=READ, tag=TAG)
async def search(call: Call, query: SearchQuery) -> Listing[HitOut]:
    """
    Find messages, notes, subjects and contacts, what came last first.
    """
    found = await find(call.work, read_query(query.q), limit=query.limit, after=query.after)
    return Listing(items=[hit_out(hit) for hit in found.items], after=found.after)
