"""
The board that product people read: what was praised, asked for and broken, and the words behind it.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urlencode

from aiohttp import web

from bot.accounts.store import list_accounts
from bot.core.errors import Invalid
from bot.feedback import service, store
from bot.feedback.keys import BASE_URL
from bot.feedback.rules import Aspect, Order, Tally, read_words
from bot.feedback.store import Wanted
from bot.staff.rules import Permission
from bot.web.pages import Visit, page
from bot.web.translations import gettext as _
from bot.web.translations import mark, word

ROWS = 50
CSV_ROWS = 200
READ, CHANGE = Permission.FEEDBACK_READ, Permission.FEEDBACK_CHANGE
LABELS = {
    None: mark("Everything"),
    Aspect.PRAISED: mark("Praised"),
    Aspect.ASKED: mark("Asked for"),
    Aspect.BROKEN: mark("Broken"),
}
NO_ERRORS: Mapping[str, str] = {}


@page("GET", "/feedback", permission=READ)
async def show_board(visit: Visit) -> web.StreamResponse:
    """
    Show the topics of the last two weeks.
    """
    return await _board(visit)


@page("GET", "/feedback/topics.csv", permission=READ)
async def download(visit: Visit) -> web.StreamResponse:
    """
    Give the board as CSV, as far as it is filtered.
    """
    wanted, order = _wanted(visit), _order(visit)
    file = io.StringIO()
    writer = csv.writer(file)
    writer.writerow(("topic", "this_week", "last_week", "positive", "negative", "id"))
    after = None
    for _turn in range(CSV_ROWS):
        found = await store.board(visit.work, wanted, order, limit=CSV_ROWS, after=after)
        writer.writerows(_csv_row(one) for one in found.items)
        after = found.after
        if after is None:
            break
    headers = {"Content-Disposition": 'attachment; filename="topics.csv"'}
    return web.Response(text=file.getvalue(), content_type="text/csv", charset="utf-8", headers=headers)


@page("POST", "/feedback/products", permission=CHANGE)
async def put_product(visit: Visit) -> web.StreamResponse:
    """
    Add a product, or give it other words.
    """
    name, words = visit.form.get("name", ""), read_words(visit.form.get("words", ""))
    try:
        await service.put_product(visit.work, visit.person, name, words)
    except Invalid as error:
        return await _board(visit, error.fields)
    return visit.go("/feedback#products", _("Kept. It counts from the next message on."))


@page("POST", "/feedback/products/{product_id}/remove", permission=CHANGE)
async def remove_product(visit: Visit) -> web.StreamResponse:
    """
    Remove a product.
    """
    await service.remove_product(visit.work, visit.person, visit.path["product_id"])
    return visit.go("/feedback#products", _("Removed."))


@page("GET", "/feedback/{topic_id}", permission=READ)
async def show_topic(visit: Visit) -> web.StreamResponse:
    """
    Show a topic and what was written about it.
    """
    return await _topic(visit)


@page("POST", "/feedback/{topic_id}/rename", permission=CHANGE)
async def rename(visit: Visit) -> web.StreamResponse:
    """
    Give a topic another name.
    """
    try:
        topic = await service.rename(visit.work, visit.person, visit.path["topic_id"], visit.form.get("name", ""))
    except Invalid as error:
        return await _topic(visit, error.fields)
    return visit.go(f"/feedback/{topic.id}", _("It is called %(name)s now.", name=topic.name))


@page("POST", "/feedback/{topic_id}/merge", permission=CHANGE)
async def merge(visit: Visit) -> web.StreamResponse:
    """
    Merge a topic into another one.
    """
    into = visit.form.get("into_id", "")
    topic = await service.merge(visit.work, visit.person, visit.path["topic_id"], into)
    return visit.go(f"/feedback/{topic.id}", _("Merged into %(name)s.", name=topic.name))


@page("POST", "/feedback/{topic_id}/hide", permission=CHANGE)
async def hide(visit: Visit) -> web.StreamResponse:
    """
    Take a topic off the board, or put it back.
    """
    hidden = visit.form.get("hidden") == "yes"
    topic = await service.hide(visit.work, visit.person, visit.path["topic_id"], hidden=hidden)
    said = _("It is off the board.") if hidden else _("It is on the board again.")
    return visit.go(f"/feedback/{topic.id}", said)


@page("POST", "/feedback/{topic_id}/send-out", permission=CHANGE)
async def send_out(visit: Visit) -> web.StreamResponse:
    """
    Tell webhooks about a topic.
    """
    base_url = visit.request.app[BASE_URL]
    await service.send_out(visit.work, visit.person, visit.path["topic_id"], base_url=base_url)
    return visit.go(f"/feedback/{visit.path['topic_id']}", _("Sent out; the log of the webhook says how it went."))


def _wanted(visit: Visit) -> Wanted:
    asked = {name: visit.query.get(name, "").replace("\x00", "") for name in ("aspect", "account", "product")}
    aspect = Aspect(asked["aspect"]) if asked["aspect"] in set(Aspect) else None
    return Wanted(aspect=aspect, account_id=asked["account"], product_id=asked["product"])


def _order(visit: Visit) -> Order:
    asked = visit.query.get("order", "")
    return Order(asked) if asked in set(Order) else Order.COUNT


async def _board(visit: Visit, errors: Mapping[str, str] = NO_ERRORS) -> web.StreamResponse:
    wanted, order, after = _wanted(visit), _order(visit), visit.query.get("after") or None
    found = await store.board(visit.work, wanted, order, limit=ROWS, after=after)
    products = await store.list_products(visit.work)
    accounts = await list_accounts(visit.work)
    return await visit.render(
        "feedback/board.html",
        status=422 if errors else 200,
        topics=found.items,
        percent=_percent,
        tabs=[_tab(one, wanted, order) for one in LABELS],
        wanted={"account": wanted.account_id, "product": wanted.product_id, "aspect": wanted.aspect or ""},
        order=order.value,
        orders=[(Order.COUNT.value, _("Most mentioned")), (Order.RISING.value, _("Rising most"))],
        accounts=[("", _("All accounts")), *((one.id, one.name) for one in accounts)],
        product_choices=[("", _("All products")), *((one.id, one.name) for one in products)],
        products=products,
        csv_url=_url("/feedback/topics.csv", wanted, order),
        older=_url("/feedback", wanted, order, after=found.after) if found.after else None,
        newer=_url("/feedback", wanted, order) if after else None,
        typed=visit.form if errors else {},
        errors=errors,
    )


async def _topic(visit: Visit, errors: Mapping[str, str] = NO_ERRORS) -> web.StreamResponse:
    topic = await store.get_topic(visit.work, visit.path["topic_id"])
    wanted, after = _wanted(visit), visit.query.get("after") or None
    found = await store.quotes(visit.work, topic.id, wanted, limit=ROWS, after=after)
    typed = visit.query.get("find", "").strip()
    products = {one.id: one.name for one in await store.list_products(visit.work)}
    base = f"/feedback/{topic.id}"
    return await visit.render(
        "feedback/topic.html",
        status=422 if errors else 200,
        topic=topic,
        tally=await store.tally(visit.work, topic, Wanted()),
        percent=_percent,
        phrases=await store.phrases_of(visit.work, topic.id),
        quotes=found.items,
        products=products,
        tabs=[_tab(one, wanted, Order.COUNT, base) for one in LABELS],
        older=_url(base, wanted, Order.COUNT, after=found.after) if found.after else None,
        newer=_url(base, wanted, Order.COUNT) if after else None,
        found=await store.topics_called(visit.work, typed, besides=topic.id) if typed else [],
        typed=typed,
        errors=errors,
    )


def _tab(one: Aspect | None, wanted: Wanted, order: Order, base: str = "/feedback") -> dict[str, Any]:
    same = Wanted(aspect=one, account_id=wanted.account_id, product_id=wanted.product_id)
    return {"label": word(LABELS[one]), "url": _url(base, same, order), "current": one is wanted.aspect}


def _url(base: str, wanted: Wanted, order: Order, after: str | None = None) -> str:
    asked = {
        "aspect": wanted.aspect,
        "account": wanted.account_id,
        "product": wanted.product_id,
        "order": order if order is not Order.COUNT else "",
        "after": after,
    }
    query = urlencode({name: value for name, value in asked.items() if value})
    return f"{base}?{query}" if query else base


def _csv_row(tally: Tally) -> Sequence[object]:
    # Spreadsheets take these for formulas, and customers wrote the words.
    name = f"'{tally.name}" if tally.name[:1] in ("=", "+", "-", "@") else tally.name
    return (name, tally.this_week, tally.last_week, tally.positive, tally.negative, tally.topic_id)


def _percent(share: float | None) -> str:
    return "—" if share is None else f"{share:.0%}"
