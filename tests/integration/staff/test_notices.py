"""
Notifications: sent by features, counted by the bell, read by their owner and nobody else.
"""

from __future__ import annotations

from datetime import timedelta

import bot.staff.entrance_pages
import bot.staff.notice_pages
import bot.staff.pages
from bot.core.actor import HUBBUB, Actor
from bot.core.database import Database
from bot.staff.notices import list_notices, mark_read, notify, prune_notices, said, unread_count
from bot.staff.service import disable_staff
from tests.fakes.web_app import WebClient, make_client

PAGES = [bot.staff.entrance_pages, bot.staff.pages, bot.staff.notice_pages]


async def _tell(database: Database, staff_id: str, who: str = "Ben", url: str = "/queue") -> bool:
    async with database.write() as work:
        words = {"who": who}
        return await notify(work, staff_id, "mention", "%(who)s mentioned you", url=url, words=words)


async def _unread(client: WebClient, person: Actor) -> int:
    async with client.database.read() as work:
        return await unread_count(work, person)


async def test_a_notification_rings_the_bell_until_it_is_opened(database: Database) -> None:
    async with make_client(database, pages=PAGES) as client:
        person = await client.sign_in("agent")
        bell = await (await client.get("/notifications/bell")).text()
        assert "has-news" not in bell
        assert await _tell(database, person.id, "周慧 <b>")
        assert ">1</b>" in await (await client.get("/notifications/bell")).text()
        page = await (await client.get("/notifications")).text()
        assert "周慧 &lt;b&gt; mentioned you" in page
        async with database.read() as work:
            (notice,) = (await list_notices(work, person, limit=5, after=None)).items
        opened = await client.post_form(f"/notifications/{notice.id}/open")
        assert opened.headers["Location"] == "/queue"
        assert "has-news" not in await (await client.get("/notifications/bell")).text()


async def test_what_is_somebody_elses_is_not_read_nor_opened(database: Database) -> None:
    async with make_client(database, pages=PAGES) as client:
        owner = await client.sign_in("agent")
        await _tell(database, owner.id)
        async with database.read() as work:
            (notice,) = (await list_notices(work, owner, limit=5, after=None)).items
        await client.sign_in("admin")
        assert "mentioned" not in await (await client.get("/notifications")).text()
        assert (await client.post_form(f"/notifications/{notice.id}/open")).status == 404
        assert (await client.post_form("/notifications/read")).status == 303
        assert await _unread(client, owner) == 1


async def test_all_are_read_at_once_and_pages_go_on(database: Database) -> None:
    async with make_client(database, pages=PAGES) as client:
        person = await client.sign_in("agent")
        for number in range(60):
            await _tell(database, person.id, f"No{number}.")
        first = await (await client.get("/notifications")).text()
        assert "No59." in first
        assert "No9." not in first
        older = first.split('rel="next"')[0].rsplit('href="', 1)[1].split('"')[0]
        assert "No9." in await (await client.get(older)).text()
        await client.post_form("/notifications/read")
        assert await _unread(client, person) == 0


async def test_nobody_is_told_who_does_not_work_here(database: Database) -> None:
    async with make_client(database, pages=PAGES) as client:
        person = await client.sign_in("agent")
        assert not await _tell(database, "a-token"), "tokens have no bell"
        async with database.write() as work:
            await disable_staff(work, HUBBUB, person.id)
        assert not await _tell(database, person.id)


async def test_old_ones_are_forgotten_and_odd_texts_shown_bare(database: Database) -> None:
    async with make_client(database, pages=PAGES) as client:
        person = await client.sign_in("agent")
        await _tell(database, person.id)
        async with database.write() as work:
            assert await mark_read(work, person, []) == 0
            (notice,) = (await list_notices(work, person, limit=5, after=None)).items
            notice.text = "100% %(nobody)s"
            assert said(notice) == "100% %(nobody)s"
            assert await prune_notices(work, work.now) == 0
            assert await prune_notices(work, work.now + timedelta(days=1)) == 1
