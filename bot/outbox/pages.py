"""
The outbox page: what is waiting and why, and what a person must decide.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from aiohttp import web

from bot.outbox import service, store
from bot.outbox.keys import RECEIPTS
from bot.outbox.rules import REFUSED_SHOWN_FOR, SHOWN, Tab
from bot.outbox.store import Wanted
from bot.outbox.views import TabView, entry_view
from bot.staff.rules import Permission
from bot.web.pages import Visit, page
from bot.web.translations import gettext as _
from bot.web.translations import mark, word

ROWS = 50
LABELS = {
    Tab.UNDELIVERED: mark("Not delivered"),
    Tab.UNKNOWN: mark("Unknown"),
    Tab.REFUSED: mark("Refused"),
    Tab.WAITING: mark("Waiting"),
    Tab.HELD: mark("Held"),
    Tab.CONFIRMED: mark("Delivered"),
    Tab.CANCELLED: mark("Cancelled"),
}
READ, CHANGE = Permission.OUTBOX_READ, Permission.OUTBOX_CHANGE


@page("GET", "/outbox", permission=READ)
async def outbox(visit: Visit) -> web.StreamResponse:
    """
    Show what is in the outbox, what needs a person first.
    """
    return await visit.render("outbox/outbox.html", **await _listing(visit))


@page("GET", "/outbox/list", permission=READ)
async def outbox_list(visit: Visit) -> web.StreamResponse:
    """
    Give the list alone, for live pages.
    """
    return await visit.render("outbox/_list.html", **await _listing(visit))


@page("GET", "/outbox/{id}", permission=READ)
async def outbox_entry(visit: Visit) -> web.StreamResponse:
    """
    Show one entry and all that is known about it.
    """
    return await visit.render("outbox/entry.html", **await _entry(visit))


@page("GET", "/outbox/{id}/facts", permission=READ)
async def outbox_entry_facts(visit: Visit) -> web.StreamResponse:
    """
    Give what is known about one entry alone, for live pages.
    """
    return await visit.render("outbox/_entry.html", **await _entry(visit))


@page("POST", "/outbox/{id}/cancel", permission=CHANGE)
async def cancel(visit: Visit) -> web.StreamResponse:
    """
    Take it back before it is sent.
    """
    await service.cancel(visit.work, visit.person, visit.path["id"], visit.request.app[RECEIPTS])
    return _back(visit, _("Cancelled. It will not be sent."))


@page("POST", "/outbox/{id}/retry", permission=CHANGE)
async def retry(visit: Visit) -> web.StreamResponse:
    """
    Send what was refused after all.
    """
    await service.retry(visit.work, visit.person, visit.path["id"], visit.request.app[RECEIPTS])
    return _back(visit, _("It is being sent again."))


@page("POST", "/outbox/{id}/arrived", permission=CHANGE)
async def arrived(visit: Visit) -> web.StreamResponse:
    """
    Say that an unknown one arrived.
    """
    await _settle(visit, arrived=True)
    return _back(visit, _("Noted: it arrived."))


@page("POST", "/outbox/{id}/send-again", permission=CHANGE)
async def send_again(visit: Visit) -> web.StreamResponse:
    """
    Say that an unknown one did not arrive, and send it again.
    """
    await _settle(visit, arrived=False)
    return _back(visit, _("It is being sent again."))


async def _settle(visit: Visit, *, arrived: bool) -> None:
    receipts = visit.request.app[RECEIPTS]
    await service.settle_unknown(visit.work, visit.person, visit.path["id"], arrived=arrived, receipts=receipts)


def _back(visit: Visit, said: str) -> web.Response:
    return visit.go(f"/outbox/{visit.path['id']}", said)


async def _entry(visit: Visit) -> dict[str, Any]:
    listed = await store.get_listed(visit.work, visit.path["id"])
    return {"entry": entry_view(listed, visit.work.now)}


async def _listing(visit: Visit) -> dict[str, Any]:
    asked, account_id = visit.query.get("state", ""), visit.query.get("account_id", "").replace("\x00", "")
    tab = Tab(asked) if asked in set(Tab) else Tab.UNDELIVERED
    after = visit.query.get("after") or None
    first = tab is Tab.UNDELIVERED
    wanted = Wanted(
        states=SHOWN[tab],
        account_id=account_id,
        refused_since=visit.work.now - REFUSED_SHOWN_FOR if first else None,
        attention_first=first,
    )
    counts = await store.count_to_do(visit.work, account_id)
    found = await store.list_listed(visit.work, wanted, limit=ROWS, after=after)
    return {
        "tabs": [_tab(one, tab, counts, account_id) for one in Tab],
        "tab": tab.value,
        "entries": [entry_view(listed, visit.work.now) for listed in found.items],
        "list_url": _url(tab, account_id, after=after or "", base="/outbox/list"),
        "older": _url(tab, account_id, after=found.after) if found.after else None,
        "newer": _url(tab, account_id) if after else None,
    }


def _tab(one: Tab, current: Tab, counts: dict[str, int], account_id: str) -> TabView:
    # Delivered and cancelled are nearly everything there is, and the first tab only has the fresh refused ones.
    counted = one in (Tab.UNKNOWN, Tab.REFUSED, Tab.WAITING, Tab.HELD)
    count = sum(counts.get(state, 0) for state in SHOWN[one]) if counted else None
    return TabView(label=word(LABELS[one]), url=_url(one, account_id), count=count, current=one is current)


def _url(tab: Tab, account_id: str, *, after: str = "", base: str = "/outbox") -> str:
    asked = {"state": tab.value, "account_id": account_id, "after": after}
    return f"{base}?" + urlencode({name: value for name, value in asked.items() if value})
