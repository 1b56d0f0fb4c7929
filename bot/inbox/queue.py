"""
What the queue page shows: what its address asks for, the numbers of its tabs, its rows.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from typing import TypeVar
from urllib.parse import urlencode

from bot.accounts.service import TOPIC as ACCOUNTS_TOPIC
from bot.accounts.service import account_names
from bot.core.actor import Actor
from bot.core.database import UnitOfWork
from bot.inbox.board import Board
from bot.inbox.keys import BOARD
from bot.inbox.listing import Count, count, list_selected
from bot.inbox.recall import Snapshot
from bot.inbox.rules import Tab
from bot.inbox.saved_views import VIEWS_TOPIC, selection_of, views_of
from bot.inbox.selection import ORDER_OF_TAB, TABS, Order, Selection, from_address, to_address
from bot.inbox.store import Listed
from bot.inbox.view_tables import SavedView
from bot.inbox.views import Choice, QueuePage, QueueRow, TabView, queue_row
from bot.web.pages import Visit
from bot.web.translations import mark, word

T = TypeVar("T")

ROWS = 50
LABELS = {
    Tab.WAITING: mark("All waiting"),
    Tab.UNCLAIMED: mark("Unclaimed"),
    Tab.MINE: mark("Mine"),
    Tab.PENDING: mark("Pending"),
    Tab.SNOOZED: mark("Snoozed"),
    Tab.RESOLVED: mark("Resolved"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """
    What the address of the queue asks for: a tab with what narrows it, or a view.
    """

    tab: Tab
    view: SavedView | None
    selection: Selection
    order: Order

    def address(self, **more: str) -> str:
        """
        Give the part of the address behind the question mark.
        """
        if self.view is not None:
            return urlencode([("view", self.view.id), *more.items()])
        pairs = [("tab", self.tab.value), *to_address(self.selection, base=TABS[self.tab]), *more.items()]
        return urlencode(pairs)


async def asked_of(visit: Visit) -> Asked:
    """
    Read what the address asks for. A view that is gone, or somebody else's, is the first tab.
    """
    return await asked_in(visit.work, visit.person.id, list(visit.request.query.items()))


async def asked_in(work: UnitOfWork, actor_id: str, pairs: Sequence[tuple[str, str]]) -> Asked:
    """
    Read an address of the queue that was handed in, as `asked_of` reads the page's own.
    """
    return asked_among(await views_of(work, actor_id), pairs)


def asked_among(views: Sequence[SavedView], pairs: Sequence[tuple[str, str]]) -> Asked:
    """
    Read an address for somebody who sees these views.
    """
    query = dict(reversed(pairs))
    view = next((view for view in views if view.id == query.get("view")), None)
    if view is not None:
        return Asked(tab=Tab.WAITING, view=view, selection=selection_of(view), order=Order(view.order))
    tab = Tab(query["tab"]) if query.get("tab") in set(Tab) else Tab.WAITING
    selection = from_address(TABS[tab], pairs)
    return Asked(tab=tab, view=None, selection=selection, order=ORDER_OF_TAB[tab])


async def board_for(visit: Visit) -> tuple[Board | None, Snapshot | None]:
    """
    Give the board once it has seen everything that happened before this page was asked for, and what may be
    remembered; nothing may when the board lags behind, or when the page itself changes something.
    """
    board = visit.request.app.get(BOARD)
    if board is None:
        return None, None
    seen = await board.seen(visit.live_since)
    return board, board.recall.on(visit.live_since, visit.work.now) if seen and visit.live_since else None


async def _recalled(snapshot: Snapshot | None, read: Callable[[], Awaitable[T]], key: Hashable, *topics: str) -> T:
    """
    Read something, unless what an earlier page read is still right: there was no news of these topics.
    """
    known: T | None = snapshot.get(key) if snapshot else None
    if known is None:
        known = await read()
        if snapshot is not None:
            snapshot.keep(key, known, *topics)
    return known


async def _views(
    work: UnitOfWork, person_id: str, snapshot: Snapshot | None
) -> Sequence[tuple[SavedView, Selection]]:
    """
    Give the views that a person sees, with what each lists.
    """

    async def read() -> Sequence[tuple[SavedView, Selection]]:
        return [(view, selection_of(view)) for view in await views_of(work, person_id)]

    return await _recalled(snapshot, read, (VIEWS_TOPIC, person_id), VIEWS_TOPIC, f"{VIEWS_TOPIC}:{person_id}")


async def queue_page(visit: Visit, *, current: str = "") -> QueuePage:
    """
    Give the rows and the numbers that the address asks for.

    Args:
        current: the conversation that is open beside the list.
    """
    work, person = visit.work, visit.person
    (board, snapshot), after = await board_for(visit), visit.query.get("after") or None
    kept = await _views(work, person.id, snapshot)
    asked = asked_among([view for view, _ in kept], list(visit.request.query.items()))
    found = await list_selected(
        work,
        asked.selection,
        actor_id=person.id,
        order=asked.order,
        limit=ROWS,
        after=after,
        board=board,
        snapshot=snapshot,
    )
    accounts = await _recalled(snapshot, partial(account_names, work), ACCOUNTS_TOPIC, ACCOUNTS_TOPIC)
    counts = await count_tabs(visit, asked, board)
    views = [await _view_tab(visit, view, selection, asked, board) for view, selection in kept]
    tabs = [_tab(tab, counts.get(tab), asked) for tab in Tab]
    return QueuePage(
        tabs=tabs,
        views=views,
        view_id=asked.view.id if asked.view else "",
        rows=[
            _row(one, accounts.get(one.conversation.account_id, ""), person, work.now, current)
            for one in found.items
        ],
        older_url=f"/queue?{asked.address(after=found.after)}" if found.after else None,
        newer_url=f"/queue?{asked.address()}" if after else None,
        search=asked.selection.text,
        total=next((one.count or "" for one in (*views, *tabs) if one.current), ""),
        accounts=_choices(accounts),
        account_id="".join(asked.selection.conditions.account_ids[:1]),
        address=asked.address(),
    )


def _row(listed: Listed, account_name: str, person: Actor, now: datetime, current: str) -> QueueRow:
    """
    Give the row of a list; made once for all who are shown the same.
    """
    c = listed.conversation
    seen = (account_name, c.agent_id == person.id, c.due_at is not None and c.due_at < now, c.id == current)
    row: QueueRow | None = listed.shown.get(seen)
    if row is None:
        row = listed.shown[seen] = queue_row(listed, account_name, person, now, current)
    return row


async def count_tabs(visit: Visit, asked: Asked, board: Board | None) -> dict[Tab, Count]:
    """
    Count what each tab holds under the same conditions. What is resolved is history, and nobody counts it.
    """
    counts: dict[Tab, Count] = {}
    for tab in Tab:
        if tab is not Tab.RESOLVED:
            counts[tab] = await count(visit.work, _same_in(tab, asked), actor_id=visit.person.id, board=board)
    return counts


def _same_in(tab: Tab, asked: Asked) -> Selection:
    # The tabs beside a view are those of the whole house: choosing one leaves the view.
    return TABS[tab] if asked.view else replace(TABS[tab], conditions=asked.selection.conditions)


def _tab(tab: Tab, counted: Count | None, asked: Asked) -> TabView:
    url = f"/queue?{replace(asked, tab=tab, view=None, selection=_same_in(tab, asked)).address()}"
    shown, current = None if counted is None else str(counted), tab is asked.tab and asked.view is None
    return TabView(key=tab, label=word(LABELS[tab]), count=shown, url=url, current=current)


async def _view_tab(
    visit: Visit, view: SavedView, selection: Selection, asked: Asked, board: Board | None
) -> TabView:
    counted = await count(visit.work, selection, actor_id=visit.person.id, board=board)
    current = asked.view is not None and view.id == asked.view.id
    url = f"/queue?view={view.id}"
    return TabView(key=view.id, label=view.name, count=str(counted), url=url, current=current)


def _choices(accounts: Mapping[str, str]) -> list[Choice]:
    return [Choice(id=account_id, name=name) for account_id, name in accounts.items()]
