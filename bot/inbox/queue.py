"""
What the queue page shows: what its address asks for, the numbers of its tabs, its rows.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from urllib.parse import urlencode

from bot.accounts.service import list_accounts
from bot.accounts.tables import Account
from bot.inbox.board import Board
from bot.inbox.keys import BOARD
from bot.inbox.listing import Count, count, list_selected
from bot.inbox.rules import Tab
from bot.inbox.selection import ORDER_OF_TAB, TABS, Order, Selection, from_address, to_address
from bot.inbox.store import tags_of
from bot.inbox.views import Choice, QueuePage, TabView, queue_row
from bot.web.pages import Visit
from bot.web.translations import mark, word

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
    What the address of the queue asks for.
    """

    tab: Tab
    selection: Selection
    order: Order

    def address(self, **more: str) -> str:
        """
        Give the part of the address behind the question mark.
        """
        pairs = [("tab", self.tab.value), *to_address(self.selection, base=TABS[self.tab]), *more.items()]
        return urlencode(pairs)


def asked_of(visit: Visit) -> Asked:
    """
    Read what the address asks for.
    """
    query = visit.request.query
    tab = Tab(query["tab"]) if query.get("tab") in set(Tab) else Tab.WAITING
    selection = from_address(TABS[tab], list(query.items()))
    return Asked(tab=tab, selection=selection, order=ORDER_OF_TAB[tab])


async def board_for(visit: Visit) -> Board | None:
    """
    Give the board once it has seen everything that happened before this page was asked for.
    """
    board = visit.request.app.get(BOARD)
    if board is not None:
        await board.seen(visit.live_since)
    return board


async def queue_page(visit: Visit, *, current: str = "") -> QueuePage:
    """
    Give the rows and the numbers that the address asks for.

    Args:
        current: the conversation that is open beside the list.
    """
    asked, work, person = asked_of(visit), visit.work, visit.person
    board, after = await board_for(visit), visit.query.get("after") or None
    found = await list_selected(
        work, asked.selection, actor_id=person.id, order=asked.order, limit=ROWS, after=after, board=board
    )
    tags = await tags_of(work, [one.conversation.id for one in found.items])
    counts = await count_tabs(visit, asked.selection, board)
    accounts = {account.id: account for account in await list_accounts(work)}
    return QueuePage(
        tabs=[_tab(tab, counts.get(tab), asked) for tab in Tab],
        rows=[
            queue_row(
                one,
                accounts.get(one.conversation.account_id),
                person,
                work.now,
                current,
                tags.get(one.conversation.id, ()),
            )
            for one in found.items
        ],
        older_url=f"/queue?{asked.address(after=found.after)}" if found.after else None,
        newer_url=f"/queue?{asked.address()}" if after else None,
        search=asked.selection.text,
        total=str(counts.get(asked.tab, "")),
        accounts=_choices(accounts),
        account_id="".join(asked.selection.conditions.account_ids[:1]),
        address=asked.address(),
    )


async def count_tabs(visit: Visit, asked: Selection, board: Board | None) -> dict[Tab, Count]:
    """
    Count what each tab holds under the same accounts. What is resolved is history, and nobody counts it.
    """
    accounts = asked.conditions.account_ids
    counts: dict[Tab, Count] = {}
    for tab in Tab:
        if tab is not Tab.RESOLVED:
            selection = TABS[tab].narrowed(account_ids=accounts)
            counts[tab] = await count(visit.work, selection, actor_id=visit.person.id, board=board)
    return counts


def _tab(tab: Tab, counted: Count | None, asked: Asked) -> TabView:
    same = TABS[tab].narrowed(account_ids=asked.selection.conditions.account_ids)
    url = f"/queue?{replace(asked, tab=tab, selection=same).address()}"
    shown = None if counted is None else str(counted)
    return TabView(key=tab, label=word(LABELS[tab]), count=shown, url=url, current=tab is asked.tab)


def _choices(accounts: dict[str, Account]) -> list[Choice]:
    return [Choice(id=account.id, name=account.name) for account in accounts.values()]
