"""
Satisfaction from the resolved conversation to the figures: asked once, answered by a form only, never a reply.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta
from html import unescape

import pytest
import sqlalchemy as sa
from sqlmodel import col

import bot.surveys.api
import bot.surveys.pages
from bot.contacts.tables import Identity
from bot.core.actor import HUBBUB
from bot.core.database import Database
from bot.core.live import LiveEvents
from bot.core.secretbox import GivenKeys, SecretBox, new_key
from bot.inbox import service as inbox
from bot.inbox.reactions import Reactions
from bot.inbox.tables import ConversationClock
from bot.outbox.service import entries_of
from bot.surveys import service, store
from bot.surveys.jobs import ask_due
from bot.surveys.keys import BOX
from bot.surveys.rules import OPENED_AGAIN, By, Options, State
from bot.surveys.store import Span
from bot.surveys.tables import Survey
from tests.fakes.clock import FakeClock
from tests.fakes.web_app import WebClient, make_client
from tests.integration.inbox.house import KITE, PROMISE, REED, House

URL = "https://hubbub.example.com"
HOUR = timedelta(hours=1)
OPTIONS = Options(enabled=True)
NASTY = "=HYPERLINK(1)<script>alert(1)</script>"


@dataclass
class Shop:
    """
    An inbox whose customers are asked.
    """

    house: House
    clock: FakeClock
    box: SecretBox

    async def set(self, options: Options) -> None:
        async with self.house.database.write() as work:
            await service.set_options(work, HUBBUB, self.house.account.id, options)

    async def resolved(self, text: str = "Does it ship?", author=KITE, who: str = "ann") -> str:
        """
        Let a customer ask and somebody resolve it.
        """
        conversation_id = await self.house.asked(text, author)
        async with self.house.database.write() as work:
            await inbox.claim(work, self.house.people[who], conversation_id)
            await inbox.resolve(work, self.house.people[who], conversation_id)
        await self.react()
        return conversation_id

    async def react(self) -> None:
        async with LiveEvents(self.house.database) as live:
            reactions = Reactions(self.house.database, live, [service.reaction()])
            while await reactions.round():
                pass

    async def ask(self, after: timedelta = HOUR, holder: str = "node") -> int:
        await self.clock.advance(after)
        return await ask_due(self.house.database, holder, box=self.box, promise=PROMISE, base_url=URL)

    async def survey(self, conversation_id: str) -> Survey:
        async with self.house.database.read() as work:
            query = sa.select(Survey).where(col(Survey.conversation_id) == conversation_id)
            return (await work.session.scalars(query)).one()

    async def link(self, conversation_id: str) -> str:
        """
        Give the path that the customer got.
        """
        async with self.house.database.read() as work:
            entry = (await entries_of(work, "conversation", conversation_id))[-1]
        assert entry.draft["automatic"] is True
        return str(entry.draft["text"]).split(URL)[1]


@pytest.fixture
async def shop(database: Database, clock: FakeClock) -> Shop:
    made = Shop(await House(database).build(), clock, SecretBox(GivenKeys(new_key())))
    await made.set(OPTIONS)
    return made


@pytest.fixture
async def web(shop: Shop) -> AsyncIterator[WebClient]:
    async with make_client(
        shop.house.database, pages=[bot.surveys.pages], apis=[bot.surveys.api], extra={BOX: shop.box}
    ) as client:
        yield client


async def test_nobody_is_asked_unless_it_is_turned_on(shop: Shop):
    await shop.set(Options())
    await shop.resolved()
    assert await shop.ask() == 0
    async with shop.house.database.read() as work:
        assert await store.due(work, limit=10) == []


async def test_a_customer_is_asked_once_after_the_delay_in_their_language(shop: Shop):
    conversation_id = await shop.resolved("你们的包裹什么时候能到？我已经等了一个星期了")
    assert await shop.ask(HOUR - timedelta(seconds=1)) == 0
    assert await shop.ask(timedelta(seconds=1)) == 1
    assert await shop.ask(timedelta(days=3)) == 0
    async with shop.house.database.read() as work:
        (entry,) = await entries_of(work, "conversation", conversation_id)
    assert entry.draft["text"].startswith("您的问题已处理完毕")
    survey = await shop.survey(conversation_id)
    assert (survey.state, survey.agent_name, survey.asked_week) == (State.ASKED, "Ann", "2026-03-02")


async def test_S5_the_question_is_no_reply(shop: Shop):
    conversation_id = await shop.resolved()
    await shop.ask()
    async with shop.house.database.read() as work:
        (entry,) = await entries_of(work, "conversation", conversation_id)
    await shop.house.becomes(entry, "confirmed")
    conversation = await shop.house.see(conversation_id)
    assert (conversation.state, conversation.first_answered_at) == ("resolved", None)
    async with shop.house.database.read() as work:
        outcomes = set((await work.session.scalars(sa.select(col(ConversationClock.outcome)))).all())
    assert outcomes == {"dropped"}


async def test_a_conversation_that_goes_on_is_not_asked_about_until_it_is_resolved_anew(shop: Shop):
    conversation_id = await shop.resolved()
    async with shop.house.database.write() as work:
        await inbox.reopen(work, shop.house.people["ann"], conversation_id)
    await shop.react()
    survey = await shop.survey(conversation_id)
    assert (survey.state, survey.reason) == (State.DROPPED, OPENED_AGAIN)
    assert await shop.ask() == 0
    async with shop.house.database.write() as work:
        await inbox.resolve(work, shop.house.people["ann"], conversation_id)
    await shop.react()
    assert await shop.ask() == 1
    async with shop.house.database.write() as work:
        await inbox.reopen(work, shop.house.people["ann"], conversation_id)
        await inbox.resolve(work, shop.house.people["ann"], conversation_id)
    await shop.react()
    assert await shop.ask(timedelta(days=60)) == 0


async def test_a_contact_is_asked_at_most_once_in_a_while_whoever_asks(shop: Shop):
    first, second = await shop.resolved(), await shop.resolved("And to Sweden?")
    assert first != second
    other = await shop.resolved(author=REED)
    await shop.clock.advance(HOUR)
    asked = await asyncio.gather(*(shop.ask(timedelta(0), node) for node in ("one", "two")))
    assert sum(asked) == 2
    states = [(await shop.survey(one)).state for one in (first, second)]
    assert sorted(states) == [State.ASKED, State.DROPPED]
    assert (await shop.survey(other)).state == State.ASKED
    later = await shop.resolved("And to Finland?")
    assert await shop.ask(timedelta(days=31)) == 1
    assert (await shop.survey(later)).state == State.ASKED


async def test_I6_machines_are_not_asked(shop: Shop):
    robot = await shop.resolved()
    async with shop.house.database.write() as work:
        await work.session.execute(sa.update(Identity).values(automated=True))
    assert await shop.ask() == 0
    assert (await shop.survey(robot)).reason == "it is a machine"
    nowhere = await shop.house.asked(author=REED, reply_to=None)
    async with shop.house.database.write() as work:
        await work.session.execute(sa.update(Identity).values(automated=False))
        await inbox.resolve(work, shop.house.people["ann"], nowhere)
    await shop.react()
    assert await shop.ask() == 0
    assert "cannot be answered" in (await shop.survey(nowhere)).reason


# the customer's page


async def test_looking_is_no_answer_and_sending_is(shop: Shop, web: WebClient):
    conversation_id = await shop.resolved()
    await shop.ask()
    link = await shop.link(conversation_id)
    for _ in range(3):  # a scanner of a mail server, a preview of a chat
        await web.http.head(link)
        page = await web.get(link)
    text = await page.text()
    assert page.status == 200
    assert (await shop.survey(conversation_id)).score is None
    assert "<script" not in text
    assert text.count('type="radio"') == 5
    styles = [await (await web.get(one)).read() for one in re.findall(r'href="(/static/[^"]+)"', text)]
    assert len(text.encode()) + sum(map(len, styles)) < 20_000

    done = await web.post_form(link, {"score": "4", "comment": NASTY})
    assert (done.status, done.headers["Location"]) == (303, link)
    text = await (await web.get(link)).text()
    assert "Thank you!" in text
    assert "<script>" not in text
    assert NASTY in unescape(text)
    first = await shop.survey(conversation_id)
    assert (first.score, first.comment, first.answered_at) == (4, NASTY, shop.clock.now())

    await shop.clock.advance(HOUR)
    assert 'value="4" required checked' in await (await web.get(f"{link}?change")).text()
    await web.post_form(link, {"score": "2", "comment": ""})
    changed = await shop.survey(conversation_id)
    assert (changed.score, changed.comment, changed.answered_at) == (2, "", first.answered_at)
    assert changed.changed_at == shop.clock.now()


async def test_the_page_speaks_the_language_of_the_conversation(shop: Shop, web: WebClient):
    conversation_id = await shop.resolved("你们的包裹什么时候能到？我已经等了一个星期了")
    await shop.ask()
    text = await (await web.get(await shop.link(conversation_id))).text()
    assert "您对我们的服务满意吗" in text
    assert '<html lang="zh-CN">' in text


async def test_what_cannot_be_an_answer_is_said_and_keeps_what_was_typed(shop: Shop, web: WebClient):
    conversation_id = await shop.resolved()
    await shop.ask()
    link = await shop.link(conversation_id)
    for fields in ({}, {"score": "9"}, {"score": "x", "comment": "kept"}, {"score": "3", "comment": "x" * 2001}):
        answer = await web.post_form(link, fields)
        assert answer.status == 422
        assert 'role="alert"' in (text := await answer.text())
    assert "x" * 2001 in text
    assert (await web.post_form(link, {"score": "3"}, csrf="wrong")).status == 403
    assert (await shop.survey(conversation_id)).score is None


async def test_a_link_ends_and_a_link_that_is_not_ours_opens_nothing(shop: Shop, web: WebClient):
    conversation_id = await shop.resolved()
    await shop.ask()
    link = await shop.link(conversation_id)
    assert (await web.get(link[:-1])).status == 404
    assert (await web.get("/s/nothing")).status == 404
    assert (await web.post_form(link[:-1], {"score": "1"})).status == 404
    await shop.clock.advance(timedelta(days=14))
    page = await web.get(link)
    assert (page.status, "This survey has ended" in await page.text()) == (410, True)
    assert (await web.post_form(link, {"score": "1"})).status == 410
    assert (await shop.survey(conversation_id)).score is None


async def test_links_outlive_a_rotation_of_the_houses_key(shop: Shop, web: WebClient):
    conversation_id = await shop.resolved()
    await shop.ask()
    old, new = shop.box._source.read()[0], new_key()
    async with shop.house.database.write() as work:
        assert await service.reseal_key(work, SecretBox(GivenKeys(f"{new},{old}"))) == 1
        assert await service.reseal_key(work, SecretBox(GivenKeys(f"{new},{old}"))) == 0
        found = await service.find_by_link(
            work, SecretBox(GivenKeys(new)), (await shop.link(conversation_id)).removeprefix("/s/")
        )
    assert found.conversation_id == conversation_id


# the figures


async def answered(shop: Shop, web: WebClient, scores: list[int | None]) -> None:
    """
    Ask as many customers as there are scores; None does not answer.
    """
    for number, score in enumerate(scores):
        author = type(KITE)(key=f"k{number}", handle=f"k{number}@far.example", name=f"K {number}")
        conversation_id = await shop.resolved(author=author, who="ann" if number % 2 else "ben")
        await shop.ask()
        if score is not None:
            await web.post_form(await shop.link(conversation_id), {"score": str(score), "comment": NASTY})


async def test_figures_equal_a_count_by_hand(shop: Shop, web: WebClient):
    await answered(shop, web, [5, 4, None, 1, 3, 5])
    now = shop.clock.now()
    async with shop.house.database.read() as work:
        span = Span(since=now - timedelta(days=1), until=now + HOUR)
        (total,) = await store.figures(work, span, By.ALL)
        agents = await store.figures(work, span, By.AGENT)
        (week,) = await store.figures(work, span, By.WEEK)
        (account,) = await store.figures(work, span, By.ACCOUNT)
    assert (total.asked, total.answered, total.satisfied, list(total.counts)) == (6, 5, 3, [1, 0, 1, 1, 2])
    assert {one.name: (one.asked, list(one.counts)) for one in agents} == {
        "Ben": (3, [0, 0, 1, 0, 1]),
        "Ann": (3, [1, 0, 0, 1, 1]),
    }
    assert (week.name, week.asked, account.name, account.answered) == ("2026-03-02", 6, "shop", 5)


async def test_figures_on_page_csv_and_api(shop: Shop, web: WebClient):
    await answered(shop, web, [5, None, 2])
    await shop.clock.advance(1)
    await web.sign_in("marketer")
    text = await (await web.get("/surveys")).text()
    assert "67%" in text
    assert "50%" in text
    assert "<script>alert" not in text
    assert "/surveys/options" not in text
    table = (await (await web.get("/surveys/answers.csv")).text()).splitlines()
    assert len(table) == 3
    assert "\"'=HYPERLINK(1)" in table[1] or "'=HYPERLINK(1)" in table[1]
    found = await (await web.api("GET", "/surveys/figures?by=week", "marketer")).json()
    assert found["items"][0]["share_satisfied"] == 0.5
    answers = await (await web.api("GET", "/surveys/answers?limit=1", "lead")).json()
    assert answers["items"][0]["score"] == 2
    more = await (await web.api("GET", f"/surveys/answers?limit=1&after={answers['after']}", "lead")).json()
    assert (more["items"][0]["score"], more["after"]) == (5, None)
    assert (await web.api("GET", "/surveys/figures", "agent")).status == 403
    wrong = "/surveys/figures?since=2026-03-02T00:00:00Z&until=2026-03-01T00:00:00Z"
    assert (await web.api("GET", wrong, "lead")).status == 422


async def test_a_lead_says_how_an_account_asks(shop: Shop, web: WebClient):
    await web.sign_in("lead")
    here = f"/surveys/options/{shop.house.account.id}"
    fields = {"enabled": "yes", "delay": "2h", "valid_for": "7d", "pause": "10d"}
    assert (await web.post_form(here, fields)).status == 303
    wrong = await web.post_form(here, {**fields, "delay": "soon", "valid_for": "1m"})
    assert wrong.status == 422
    assert 'value="soon"' in await wrong.text()
    kept = await (await web.api("GET", here, "lead")).json()
    assert kept == {
        "account_id": shop.house.account.id,
        "enabled": True,
        "delay": "PT2H",
        "valid_for": "P7D",
        "pause": "P10D",
    }
    assert (await web.api("PUT", here, "lead", json={"enabled": True, "delay": "P20D"})).status == 422
    assert (await web.api("PUT", here, "lead", json={"enabled": False})).status == 200
    assert (await web.api("PUT", "/surveys/options/nobody", "lead", json={"enabled": True})).status == 404
    assert (await web.api("PUT", here, "marketer", json={"enabled": True})).status == 403
