"""
Staff over the API: roles, links, and notifications carried by another program.
"""

from __future__ import annotations

import sqlalchemy as sa
from sqlmodel import col

import bot.staff.api
import bot.staff.notice_api
from bot.core.actor import HUBBUB
from bot.core.database import Database
from bot.staff.notices import notify, unread_count
from bot.staff.rules import Staff
from bot.staff.service import add_staff
from bot.staff.tables import AuditEntry
from tests.fakes.web_app import WebClient, make_client

APIS = [bot.staff.api, bot.staff.notice_api]


async def _staff(client: WebClient, login: str = "ben") -> Staff:
    async with client.database.write() as work:
        return await add_staff(work, HUBBUB, login=login, name=login.title(), role="agent")


async def _audited(client: WebClient, action: str) -> list[AuditEntry]:
    async with client.database.read() as work:
        query = sa.select(AuditEntry).where(col(AuditEntry.action) == action)
        return list((await work.session.scalars(query)).all())


async def test_a_role_is_changed_and_on_record(database: Database) -> None:
    async with make_client(database, apis=APIS) as client:
        ben = await _staff(client)
        answer = await client.api("POST", f"/staff/{ben.id}/role", "admin", json={"role": "lead"})
        assert (answer.status, (await answer.json())["role"]) == (200, "lead")
        read = await client.api("GET", "/staff/ben", "lead")
        assert (await read.json())["role"] == "lead", "by login too"
        (entry,) = await _audited(client, "staff.change-role")
        assert (entry.actor_name, entry.subject_id) == ("admin token", ben.id)
        assert (await client.api("POST", f"/staff/{ben.id}/role", "admin", json={"role": "king"})).status == 422
        assert (await client.api("GET", "/staff/nobody", "lead")).status == 404


async def test_a_link_signs_in_once_and_is_not_shown_again(database: Database) -> None:
    async with make_client(database, apis=APIS) as client:
        ben = await _staff(client)
        made = await client.api("POST", f"/staff/{ben.id}/link", "admin", key="first-day")
        assert made.status == 201
        url = (await made.json())["url"]
        session = await client.entrance.sign_in_by_link(url.rpartition("/")[2])
        assert session.staff.id == ben.id
        again = await client.api("POST", f"/staff/{ben.id}/link", "admin", key="first-day")
        assert again.status == 409
        assert url.rpartition("/")[2] not in await again.text()


async def test_a_program_carries_notifications_and_says_they_were_read(database: Database) -> None:
    async with make_client(database, apis=APIS) as client:
        ben, eve = await _staff(client), await _staff(client, "eve")
        async with database.write() as work:
            for who, reader in (("Ann", ben), ("周慧", ben), ("Ann", eve)):
                words = {"who": who}
                await notify(
                    work, reader.id, "mention", "%(who)s mentioned you", url="/conversations/1", words=words
                )
        path = f"/staff/{ben.id}/notifications"
        found = (await (await client.api("GET", path, "lead")).json())["items"]
        assert [one["text"] for one in found] == ["周慧 mentioned you", "Ann mentioned you"]
        assert {one["read_at"] for one in found} == {None}
        one = await client.api("POST", f"{path}/read", "admin", json={"ids": [found[0]["id"]]})
        assert await one.json() == {"read": 1}
        rest = await client.api("POST", f"{path}/read", "admin", json={})
        assert await rest.json() == {"read": 1}, "what was read is not read again"
        assert await (await client.api("POST", f"{path}/read", "admin", json={})).json() == {"read": 0}
        async with database.read() as work:
            assert await unread_count(work, eve.actor()) == 1, "another's stay"
        assert [entry.detail["read"] for entry in await _audited(client, "staff.read-notifications")] == [1, 1]
        assert (await client.api("GET", "/staff/nobody/notifications", "lead")).status == 404
