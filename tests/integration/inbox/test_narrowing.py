"""
*Narrow* above the queue, as a browser without script uses it.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from urllib.parse import urlsplit

import pytest

import bot.inbox.pages
import bot.inbox.view_pages
from bot.core.database import Database
from bot.inbox import saved_views, tagging
from bot.inbox.keys import PROMISE as PROMISE_KEY
from bot.inbox.selection import Order
from tests.acceptance.visitor import Page, read_page
from tests.fakes.web_app import WebClient, make_client
from tests.integration.inbox.house import KITE, PROMISE, REED, House


@pytest.fixture
async def house(database: Database) -> House:
    return await House(database).build()


@pytest.fixture
async def web(house: House) -> AsyncIterator[WebClient]:
    pages = [bot.inbox.pages, bot.inbox.view_pages]
    async with make_client(house.database, pages=pages, extra={PROMISE_KEY: PROMISE}) as client:
        await client.sign_in("agent")
        yield client


async def _page(web: WebClient, url: str) -> Page:
    answer = await web.get(url)
    assert answer.status == 200
    return read_page(str(answer.url), 200, await answer.text())


async def _send(web: WebClient, page: Page, **values: str) -> Page:
    form = next(form for form in page.forms if "priority" in form.fields)
    values = {"language": "", "intent": "", "priority": "", **values}
    answer = await web.get(urlsplit(form.action).path, params=form.filled(**values))
    return read_page(str(answer.url), answer.status, await answer.text())


async def _tag(house: House, conversation_id: str, tag: str) -> None:
    async with house.database.write() as work:
        await tagging.add_tags(work, house.people["ann"], conversation_id, [tag])


def _follow(page: Page, words: str) -> str:
    """
    Give where the link with these words leads.
    """
    before = page.source.split(words)[0]
    return before.rpartition('href="')[2].partition('"')[0].replace("&amp;", "&")


async def test_the_form_narrows_what_is_narrowed_already(web: WebClient, house: House) -> None:
    lamp, other = await house.asked("Lamp", KITE), await house.asked("Table", REED)
    await _tag(house, lamp, "refund")
    page = await _page(web, "/queue?tab=waiting&channel=mastodon")
    assert lamp in page.source
    assert other in page.source
    page = await _send(web, page, tag="refund")
    assert lamp in page.source
    assert other not in page.source
    assert "Tag: refund" in page.source
    assert "Channel: Mastodon" in page.source, "what was chosen elsewhere is kept"
    page = await _send(web, page, q="lamp")
    assert "Tag: refund" in page.source, "a search does not widen the list"
    keep = _follow(page, "Keep as a view")
    assert "tag=refund" in keep
    assert "channel=mastodon" in keep


async def test_a_chip_takes_one_away_and_all_takes_all(web: WebClient, house: House) -> None:
    await _tag(house, await house.asked("Lamp"), "refund")
    page = await _page(web, "/queue?tab=unclaimed&tag=refund&priority=urgent&priority=high&q=lamp")
    without = await _page(web, _follow(page, "<span>Priority: urgent</span>"))
    assert "Priority: high" in without.source
    assert "Priority: urgent" not in without.source
    assert "Tag: refund" in without.source
    everything = _follow(page, ">All</a>")
    assert everything == "/queue?tab=unclaimed&q=lamp", "the tab and the words stay"
    assert "Tag: refund" not in (await _page(web, everything)).source


async def test_a_tab_is_opened_under_the_same_conditions_and_counts_under_them(
    web: WebClient, house: House
) -> None:
    lamp = await house.asked("Lamp", KITE)
    await house.asked("Table", REED)
    await _tag(house, lamp, "refund")
    page = await _page(web, "/queue?tab=waiting&tag=refund&priority=urgent&priority=normal")
    unclaimed = _follow(page, "Unclaimed")
    assert unclaimed == "/queue?tab=unclaimed&priority=urgent&priority=normal&tag=refund"
    opened = await _page(web, unclaimed)
    assert lamp in opened.source
    assert 'Unclaimed <span class="count">1</span>' in opened.source, "of two"


async def test_names_of_people_are_only_text(web: WebClient, house: House) -> None:
    page = await _page(web, "/queue?tag=%3Cscript%3Ealert(1)%3C/script%3E&language=%22%3E&segment=a%26b")
    assert "<script>alert" not in page.source
    assert page.alive == []
    assert "Segment: a&b" in page.text


async def test_a_view_is_what_was_kept(web: WebClient, house: House) -> None:
    assert web.person is not None
    async with house.database.write() as work:
        view = await saved_views.create_view(
            work, web.person, name="Refunds", selection={"tags": ["refund"]}, order=Order.DEADLINE, shared=False
        )
    page = await _page(web, f"/queue?view={view.id}")
    assert "Refunds" in page.source
    assert [form for form in page.forms if "priority" in form.fields] == []
