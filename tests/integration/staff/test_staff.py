"""
Staff, tokens and the audit trail: the verbs, their pages and their operations.
"""

from __future__ import annotations

import asyncio
import re
from datetime import timedelta

import pytest
import sqlalchemy as sa
from sqlmodel import col

from bot.core.actor import HUBBUB
from bot.core.database import Database
from bot.core.errors import Conflict, Invalid, NotFound
from bot.staff import service
from bot.staff.passwords import HASHER
from bot.staff.tables import ApiToken, AuditEntry, StaffMember
from tests.fakes.clock import FakeClock
from tests.fakes.web_app import WebClient

HOSTILE = '"><script>alert(1)</script> 周慧'


async def _add(database: Database, login: str, role: str = "admin") -> str:
    async with database.write() as work:
        return (await service.add_staff(work, HUBBUB, login=login, name=login, role=role)).id


async def _actions(database: Database) -> list[str]:
    async with database.read() as work:
        return list((await work.session.scalars(sa.select(col(AuditEntry.action)).order_by(AuditEntry.id))).all())


async def test_a_login_is_taken_once_however_it_is_written(database: Database) -> None:
    await _add(database, "Mei")
    with pytest.raises(Invalid) as refused:
        await _add(database, " mEI ")
    assert refused.value.fields == {"login": "somebody else has this login"}


async def test_the_last_admin_stays(database: Database) -> None:
    first, second = await _add(database, "a"), await _add(database, "b")
    async with database.write() as work:
        await service.disable_staff(work, HUBBUB, first)
    async with database.write() as work:
        with pytest.raises(Conflict, match="last admin"):
            await service.disable_staff(work, HUBBUB, second)
        with pytest.raises(Conflict, match="last admin"):
            await service.change_role(work, HUBBUB, second, "lead")


async def test_of_two_admins_that_shut_each_other_out_one_stays(database: Database) -> None:
    ids = [await _add(database, "a"), await _add(database, "b")]

    async def shut_out(staff_id: str) -> str:
        try:
            async with database.write() as work:
                await service.disable_staff(work, HUBBUB, staff_id)
        except Conflict:
            return "kept"
        return "out"

    assert sorted(await asyncio.gather(*map(shut_out, ids))) == ["kept", "out"]


async def test_nobody_is_found_by_a_wrong_id(database: Database) -> None:
    async with database.write() as work:
        for verb in (service.disable_staff, service.enable_staff, service.revoke_token):
            with pytest.raises(NotFound):
                await verb(work, HUBBUB, "nobody")


async def test_every_change_is_audited_once_and_holds_no_secret(database: Database) -> None:
    await _add(database, "boss")
    password_hash = HASHER.hash("a long password")
    async with database.write() as work:
        mei = await service.add_staff(work, HUBBUB, login="mei", name="林梅", role="agent")
        for _ in range(2):  # the second time changes nothing
            await service.change_role(work, HUBBUB, mei.id, "lead")
        await service.change_password(work, HUBBUB, mei.id, password_hash)
        for _ in range(2):
            await service.disable_staff(work, HUBBUB, mei.id)
        for _ in range(2):
            await service.enable_staff(work, HUBBUB, mei.id)
        token, secret = await service.create_token(work, HUBBUB, name="shop", role="agent")
        for _ in range(2):
            await service.revoke_token(work, HUBBUB, token.id)
    assert await _actions(database) == [
        "staff.add",
        "staff.add",
        "staff.change-role",
        "staff.change-password",
        "staff.disable",
        "staff.enable",
        "token.create",
        "token.revoke",
    ]
    async with database.read() as work:
        trail = str((await work.session.execute(sa.text("SELECT * FROM audit_entry"))).all())
    assert secret not in trail
    assert service.fingerprint(secret) not in trail
    assert "argon2" not in trail


async def test_the_trail_takes_no_secret_and_only_plain_values(database: Database) -> None:
    async with database.write() as work:
        for name in ("password", "token", "Secret", "credential"):
            with pytest.raises(ValueError, match="no secrets"):
                await service.audit(work, HUBBUB, "account.change", "account", "1", **{name: "x"})
        await service.audit(
            work, HUBBUB, "account.change", "account", "1", at=work.now, reasons=("a", timedelta(1)), count=2
        )
    async with database.read() as work:
        [entry] = (await service.list_audit(work)).items
    assert entry.detail == {"at": "2026-03-02T09:00:00+00:00", "reasons": ["a", "1 day, 0:00:00"], "count": 2}


async def test_the_trail_is_paged_and_filtered(client: WebClient, database: Database) -> None:
    async with database.write() as work:
        for number in range(120):
            await service.audit(work, HUBBUB, "thing.touch", "thing", str(number % 2), n=number)
    found: list[object] = []
    after = ""
    while True:
        answer = await client.api("GET", f"/audit?subject_kind=thing&subject_id=1&limit=25{after}", "lead")
        page = await answer.json()
        found += [entry["detail"]["n"] for entry in page["items"]]
        if page["after"] is None:
            break
        after = f"&after={page['after']}"
    assert found == list(range(119, 0, -2))
    await client.sign_in("lead")
    text = await (await client.get("/audit?kind=thing")).text()
    older = re.search(r'href="(/audit\?kind=thing&amp;after=[^"]+)"', text)
    assert older is not None
    assert "n: 69" in await (await client.get(older[1].replace("&amp;", "&"))).text()
    assert "Nothing of this kind" in await (await client.get("/audit?kind=%27%3B+DROP+TABLE+x")).text()


async def test_marks_that_are_not_ours_are_refused(client: WebClient) -> None:
    await client.sign_in("admin")
    for mark in ("x", "W10", "WzVd", "W3sieCI6MX1d", "WyJhXHUwMDAwYiJd", "%00"):
        for url in ("/staff", "/tokens", "/audit"):
            page = await client.get(f"{url}?after={mark}")
            assert page.status in (200, 422), (url, mark)
            answer = await client.api("GET", f"{url}?after={mark}", "admin")
            assert answer.status in (200, 422), (url, mark)


async def test_a_token_is_kept_as_a_hash_only(database: Database) -> None:
    async with database.write() as work:
        _, secret = await service.create_token(work, HUBBUB, name="shop", role="agent")
    assert re.fullmatch(r"hub_[\w-]{43}", secret)
    async with database.read() as work:
        row = await work.session.scalar(sa.select(ApiToken))
        kept = str((await work.session.execute(sa.text("SELECT * FROM api_token"))).all())
    assert secret not in kept
    assert service.fingerprint(secret) in kept
    assert service.fingerprint(secret) not in repr(row)


async def test_using_a_token_is_noted_once_a_minute(
    client: WebClient, database: Database, clock: FakeClock
) -> None:
    async def used_at() -> object:
        await client.gate.__aexit__(None, None, None)
        async with database.read() as work:
            return await work.session.scalar(sa.select(col(ApiToken.used_at)))

    begun = clock.now()
    await client.api("GET", "/me", "agent")
    assert await used_at() == begun
    await clock.advance(59)
    await client.api("GET", "/me", "agent")
    assert await used_at() == begun
    await clock.advance(1)
    await client.api("GET", "/me", "agent")
    assert await used_at() == begun + timedelta(minutes=1)


async def test_hashes_are_in_no_repr(database: Database) -> None:
    async with database.write() as work:
        await service.add_staff(
            work, HUBBUB, login="mei", name="Mei", role="agent", password_hash=HASHER.hash("a long password")
        )
    async with database.read() as work:
        assert "argon2" not in repr(await work.session.scalar(sa.select(StaffMember)))


async def test_the_pages_add_change_and_shut_out(client: WebClient, database: Database) -> None:
    await client.sign_in("admin")
    added = await client.post_form("/staff", {"login": "New", "name": HOSTILE, "role": "agent"})
    assert added.status == 303
    person = added.headers["Location"]
    text = await (await client.get(person)).text()
    assert "&lt;script&gt;alert(1)" in text
    assert "<script>alert" not in text
    for verb, fields in (("role", {"role": "lead"}), ("disable", {}), ("enable", {})):
        assert (await client.post_form(f"{person}/{verb}", fields)).headers["Location"] == person, verb
    assert (await client.post_form(f"{person}/password", {"password": "short"})).status == 422
    assert (await client.post_form(f"{person}/password", {"password": "long enough"})).status == 303
    linked = await (await client.post_form(f"{person}/link")).text()
    link = re.search(r'value="http://127\.0\.0\.1:\d+(/sign-in/[\w-]{43})"', linked)
    assert link is not None
    assert link[1] not in await (await client.get(person)).text()
    client.sign_out()
    assert (await client.post_form(link[1])).status == 303
    assert "&lt;script&gt;" in await (await client.get("/me")).text()


async def test_a_form_with_mistakes_keeps_what_was_typed(client: WebClient) -> None:
    await client.sign_in("admin")
    answer = await client.post_form("/staff", {"login": "a b", "name": "周慧", "role": "boss"})
    text = await answer.text()
    assert answer.status == 422
    assert 'value="周慧"' in text
    assert "use 1 to 64 letters" in text
    assert "one of agent, lead, marketer, admin" in text
    secret = await client.post_form("/staff", {"login": "mei", "password": "tooshort1"})
    assert "tooshort1" not in await secret.text()


async def test_the_token_page_shows_a_secret_once(client: WebClient) -> None:
    await client.sign_in("admin")
    made = await client.post_form("/tokens", {"name": HOSTILE, "role": "agent", "expires_in": "90d"})
    text = await made.text()
    assert "<script>alert" not in text
    [secret] = set(re.findall(r"hub_[\w-]{43}", text))
    assert secret not in await (await client.get("/tokens")).text()
    me = await client.api("GET", "/me", None, headers={"Authorization": f"Bearer {secret}"})
    assert (await me.json())["kind"] == "token"
    token_id = re.search(r'action="/tokens/([\w-]+)/revoke"', text)
    assert token_id is not None
    await client.post_form(f"/tokens/{token_id[1]}/revoke")
    again = await client.api("GET", "/me", None, headers={"Authorization": f"Bearer {secret}"})
    assert again.status == 401
    for wrong in ("soon", "99999999999999d", "-1d"):
        refused = await client.post_form("/tokens", {"name": "x", "role": "agent", "expires_in": wrong})
        assert refused.status == 422


async def test_the_operations_do_what_the_pages_do(client: WebClient) -> None:
    made = await client.api(
        "POST", "/staff", "admin", json={"login": "Mei", "name": "林梅", "role": "agent"}, key="a"
    )
    staff = await made.json()
    assert (made.status, staff["login"], staff["has_password"]) == (201, "mei", False)
    for verb in ("disable", "enable"):
        answer = await client.api("POST", f"/staff/{staff['id']}/{verb}", "admin")
        assert ((await answer.json())["disabled_at"] is not None) == (verb == "disable")
    listed = await (await client.api("GET", "/staff?limit=1", "lead")).json()
    assert listed == {"items": [{**staff}], "after": None}
    token = await (await client.api("POST", "/tokens", "admin", json={"name": "shop", "role": "lead"})).json()
    me = await client.api("GET", "/me", None, headers={"Authorization": f"Bearer {token['token']}"})
    assert (await me.json())["role"] == "lead"
    tokens = await (await client.api("GET", "/tokens", "admin")).text()
    assert token["token"] not in tokens
    assert (await client.api("POST", f"/tokens/{token['id']}/revoke", "admin")).status == 200


async def test_a_repeated_token_request_makes_no_second_token_and_keeps_no_secret(
    client: WebClient, database: Database
) -> None:
    body = {"name": "shop", "role": "lead"}
    first = await client.api("POST", "/tokens", "admin", json=body, key="a")
    assert (await client.api("POST", "/tokens", "admin", json=body, key="a")).status == 409
    async with database.read() as work:
        kept = str((await work.session.execute(sa.text("SELECT * FROM api_answer"))).all())
    assert (await first.json())["token"] not in kept


async def test_times_at_the_edge_of_the_calendar_are_refused(client: WebClient) -> None:
    for at in (
        "9999-12-31T23:59:59-12:00",
        "0001-01-01T00:00:00+12:00",
        "2026-03-02T08:59:59Z",
        "2030-01-01T00:00:00",
    ):
        answer = await client.api("POST", "/tokens", "admin", json={"name": "x", "role": "lead", "expires_at": at})
        assert answer.status == 422, at


async def test_ten_thousand_people_are_listed_page_by_page(client: WebClient, database: Database) -> None:
    async with database.write() as work:
        rows = [
            {
                "id": f"id-{n:05}",
                "login": f"login-{n:05}",
                "name": "林" * 100,
                "role": "agent",
                "created_at": work.now,
            }
            for n in range(10_000)
        ]
        await work.session.execute(sa.insert(StaffMember), rows)
    await client.sign_in("lead")
    url, seen = "/staff", 0
    for _ in range(3):
        text = await (await client.get(url)).text()
        seen += len(re.findall(r'href="/staff/id-', text))
        older = re.search(r'href="(/staff\?after=[^"]+)" rel="next"', text)
        assert older is not None
        url = older[1]
    assert seen in (149, 150)  # the lead who looks may be among them
