"""
Saved views: whose they are, what they count, and how they are shown.
"""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

import bot.inbox.api
import bot.inbox.pages
import bot.inbox.search_pages
import bot.inbox.view_api
import bot.inbox.view_pages
from bot.core.database import Database
from bot.core.errors import Conflict, Invalid, NotAllowed, NotFound
from bot.inbox import saved_views, service
from bot.inbox.board import Board
from bot.inbox.keys import BOARD
from bot.inbox.keys import PROMISE as PROMISE_KEY
from bot.inbox.saved_views import MOST_VIEWS
from bot.inbox.selection import Order
from bot.inbox.view_tables import SavedView
from connectors.base import Author
from tests.fakes.web_app import WebClient, make_client
from tests.integration.inbox.house import KITE, PROMISE, REED, House
from tests.integration.inbox.test_web import NASTY


@pytest.fixture
async def house(database: Database) -> House:
    return await House(database).build()


PAGES = [bot.inbox.pages, bot.inbox.view_pages, bot.inbox.search_pages]


@pytest.fixture
async def web(house: House) -> AsyncIterator[WebClient]:
    apis = [bot.inbox.api, bot.inbox.view_api]
    async with make_client(house.database, pages=PAGES, apis=apis, extra={PROMISE_KEY: PROMISE}) as client:
        yield client


async def _make(house: House, who: str, name: str, *, shared: bool = False, **selection: object) -> SavedView:
    async with house.database.write() as work:
        return await saved_views.create_view(
            work, house.people[who], name=name, selection=selection, order=Order.DEADLINE, shared=shared
        )


async def _names(house: House, who: str) -> list[str]:
    async with house.database.read() as work:
        return [view.name for view in await saved_views.views_of(work, house.people[who].id)]


async def _page(web: WebClient, url: str, status: int = 200) -> str:
    answer = await web.get(url)
    text = await answer.text()
    assert answer.status == status, text
    return text


async def test_everybody_sees_their_own_and_what_is_shared(house: House) -> None:
    await _make(house, "ann", "mine")
    await _make(house, "ann", "for all", shared=True)
    own = await _make(house, "ben", "only ben")
    assert await _names(house, "ann") == ["mine", "for all"]
    assert await _names(house, "ben") == ["only ben", "for all"]
    async with house.database.read() as work:
        with pytest.raises(NotFound):
            await saved_views.get_view(work, house.people["ann"].id, own.id)


async def test_who_may_change_a_view(house: House) -> None:
    shared = await _make(house, "ann", "for all", shared=True)
    async with house.database.write() as work:
        with pytest.raises(NotAllowed, match="Ann"):
            await saved_views.change_view(work, house.people["ben"], shared.id, name="stolen")
        with pytest.raises(NotAllowed):
            await saved_views.delete_view(work, house.people["ben"], shared.id)
        changed = await saved_views.change_view(work, house.people["lea"], shared.id, name="a lead's word")
        assert changed.owner_id == house.people["ann"].id
        await saved_views.delete_view(work, house.people["ann"], shared.id)
    assert await _names(house, "ann") == []


async def test_names_are_a_persons_own_and_selections_are_checked(house: House) -> None:
    await _make(house, "ann", "late ones", breached=True)
    await _make(house, "ben", "late ones")
    with pytest.raises(Conflict, match="late ones"):
        await _make(house, "ann", "  late   ones ")
    for wrong in (
        {"state": ["open"]},
        {"states": ["opn"]},
        {"intents": ["x"]},
        {"breached": "yes"},
        {"agents": "me"},
    ):
        with pytest.raises(Invalid) as refused:
            await _make(house, "ann", "wrong", **wrong)
        assert list(refused.value.fields) == list(wrong)
    with pytest.raises(Invalid, match="name"):
        await _make(house, "ann", " ")


async def test_views_are_put_in_order_and_there_is_an_end_to_them(house: House) -> None:
    made = [await _make(house, "ann", f"v{number}") for number in range(4)]
    async with house.database.write() as work:
        await saved_views.move_view(work, house.people["ann"], made[3].id, -1)
        await saved_views.move_view(work, house.people["ann"], made[0].id, -1)
    assert await _names(house, "ann") == ["v0", "v1", "v3", "v2"]
    async with house.database.write() as work:
        await saved_views.order_views(work, house.people["ann"], [made[2].id, made[0].id])
        with pytest.raises(Invalid):
            await saved_views.order_views(work, house.people["ben"], [made[2].id])
    assert await _names(house, "ann") == ["v2", "v0", "v1", "v3"]
    for number in range(4, MOST_VIEWS):
        await _make(house, "ann", f"v{number}")
    with pytest.raises(Invalid, match="delete one"):
        await _make(house, "ann", "one too many")


async def test_a_view_by_forms_from_the_filter_to_its_end(web: WebClient, house: House) -> None:
    await house.asked("Where is my lamp? It is broken!", KITE)
    await house.asked("Wo bleibt meine Lampe?", REED)
    await web.sign_in("agent", "Ann Agent")
    form = await _page(web, "/queue/views/new?tab=unclaimed&language=de")
    assert 'value="de"' in form
    made = await web.post_form(
        "/queue/views/new", {"name": "Deutsch", "state-open": "on", "agent": "nobody", "c-languages": "de"}
    )
    assert made.status == 303, await made.text()
    shown = await _page(web, made.headers["Location"])
    assert "Wo bleibt meine Lampe?" in shown
    assert "Where is my lamp?" not in shown
    assert "Deutsch" in shown
    view_id = made.headers["Location"].removeprefix("/queue?view=")
    again = await web.post_form("/queue/views/new", {"name": "Deutsch"})
    assert again.status == 409
    assert "already" in await again.text()
    changed = await web.post_form(f"/queue/views/{view_id}", {"name": "Late", "breached": "yes", "shared": "yes"})
    assert changed.status == 303
    await web.sign_in("agent", "Ben Agent")
    assert "Late" in await _page(web, "/queue/views")
    refused = await web.post_form(f"/queue/views/{view_id}/delete")
    assert refused.status == 403
    await web.sign_in("lead")
    assert (await web.post_form(f"/queue/views/{view_id}/delete")).status == 303
    assert "All quiet" in await _page(web, f"/queue?view={view_id}&tab=pending"), "a view that is gone is a tab"


async def test_the_api_keeps_counts_and_lists_views(web: WebClient, house: House) -> None:
    opened = await house.asked("Where is my lamp?", KITE)
    await house.asked("Wo bleibt meine Lampe?", REED)
    made = await web.api("POST", "/views", "agent", json={"name": "German", "selection": {"languages": ["de"]}})
    assert made.status == 201
    view = await made.json()
    counts = await (await web.api("GET", "/queue/counts", "agent")).json()
    assert counts["tabs"]["waiting"] == {"number": 2, "more": False}
    assert counts["views"][view["id"]] == {"number": 1, "more": False}
    assert counts["exact"] is False, "there is no board here"
    changed = await web.api("PATCH", f"/views/{view['id']}", "agent", json={"selection": {"languages": ["en"]}})
    assert (await changed.json())["name"] == "German"
    listed = await (await web.api("GET", f"/views/{view['id']}/conversations", "agent")).json()
    assert [one["id"] for one in listed["items"]] == [opened]
    wrong = await web.api("POST", "/views", "agent", json={"name": "x", "selection": {"colour": ["red"]}})
    assert wrong.status == 422
    assert "colour" in await wrong.text()
    assert (await web.api("DELETE", f"/views/{view['id']}", "agent")).status == 204
    assert (await (await web.api("GET", "/views", "agent")).json())["items"] == []


async def test_html_in_names_and_finds_is_text(web: WebClient, house: House) -> None:
    await house.asked(f"lamp {NASTY}", Author(key="n", handle=f"h{NASTY}", name=f"n{NASTY}"), subject=NASTY)
    await web.sign_in("agent")
    await web.post_form("/queue/views/new", {"name": NASTY, "c-tags": NASTY})
    for url in ("/queue", "/queue/views", "/search?q=lamp", "/search?q=script", f"/search?q={NASTY}"):
        answer = await web.get(url)
        page = await answer.text()
        assert answer.status in (200, 422)
        assert "<script>alert" not in page, url
        assert "<img src=x" not in page, url


async def test_the_search_page_marks_what_it_found_and_says_what_is_wrong(web: WebClient, house: House) -> None:
    opened = await house.asked("The Lamp has not arrived. 什么时候发货？", KITE)
    await web.sign_in("agent")
    page = await _page(web, "/search?q=lamp")
    assert "<mark>Lamp</mark>" in page
    assert f"/conversations/{opened}" in page
    assert "<mark>什么时候</mark>" in await _page(web, "/search?q=什么时候")
    assert "character 6: this quote is not closed" in await _page(web, "/search?q=lamp+%22not", 422)
    assert "did you mean from:" in await _page(web, "/search?q=form:kite", 422)
    assert "How to ask" in await _page(web, "/search")
    assert "Nothing found" in await _page(web, "/search?q=lantern")
    found = await (await web.api("GET", "/search?q=lamp", "agent")).json()
    assert [piece["text"] for piece in found["items"][0]["snippet"] if piece["found"]] == ["Lamp"]
    refused = await web.api("GET", "/search?q=%22lamp", "agent")
    assert refused.status == 422
    assert "character 1" in await refused.text()


async def test_a_page_shows_what_its_person_has_just_done(house: House) -> None:
    opened = [await house.asked(f"lamp {n}", Author(key=f"k{n}", handle=f"h{n}")) for n in range(3)]
    async with (
        make_client(house.database, pages=PAGES, extra={PROMISE_KEY: PROMISE}) as web,
        Board(house.database, web.live) as board,
    ):
        await board.filled()
        web.http.server.app._state[BOARD] = board  # it needs the live events that the application brought
        person = await web.sign_in("agent")
        for number, one in enumerate(opened, 1):
            assert (await web.post_form(f"/conversations/{one}/claim")).status == 303
            assert f"Queue ({number})" in await _page(web, "/queue?tab=mine")
        async with house.database.write() as work:
            await service.release(work, person, opened[0])
        assert "Queue (2)" in await _page(web, "/queue?tab=mine")
