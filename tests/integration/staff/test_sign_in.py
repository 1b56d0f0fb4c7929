"""
Getting in and out: passwords, throttling, links, sessions.
"""

from __future__ import annotations

import asyncio
import threading
from datetime import timedelta

import argon2
import pytest
import sqlalchemy as sa
from sqlmodel import col

import bot.staff.entrance_pages
import bot.staff.pages
from bot.core.actor import HUBBUB
from bot.core.database import Database
from bot.core.errors import Invalid, TooMany
from bot.settings import SessionSettings, SignInSettings
from bot.staff import passwords, service
from bot.staff.passwords import prepare_password
from bot.staff.rules import Staff
from bot.staff.sign_in import Entrance, make_sign_in_link
from bot.staff.tables import SignInFailure, StaffMember, StaffSession
from bot.web.keys import CSRF_COOKIE, SESSION_COOKIE
from tests.fakes.clock import FakeClock
from tests.fakes.web_app import WebClient, make_client

PASSWORD = "ein langes Paßwort"
MINUTES = timedelta(minutes=1)


@pytest.fixture(scope="module")
def password_hash() -> str:
    """
    Hash once: it takes as long as everything else in a test.
    """
    return asyncio.run(prepare_password(PASSWORD, "mei"))


@pytest.fixture
async def staff(database: Database, password_hash: str) -> Staff:
    async with database.write() as work:
        return await service.add_staff(
            work, HUBBUB, login="Mei", name="林梅", role="agent", password_hash=password_hash
        )


@pytest.fixture
def entrance(database: Database) -> Entrance:
    return Entrance(database=database, sessions=SessionSettings(), tries=SignInSettings())


async def _sign_in(client: WebClient, password: str = PASSWORD, login: str = "mei", **fields: str) -> int:
    answer = await client.post_form("/sign-in", {"login": login, "password": password, **fields})
    return answer.status


async def _count(database: Database, table: type) -> int:
    async with database.read() as work:
        return int(await work.session.scalar(sa.select(sa.func.count()).select_from(table)) or 0)


async def test_the_right_password_signs_in(client: WebClient, staff: Staff) -> None:
    answer = await client.post_form("/sign-in", {"login": " MEI ", "password": PASSWORD})
    assert (answer.status, answer.headers["Location"]) == (303, "/")
    cookie = answer.cookies[SESSION_COOKIE]
    assert cookie["httponly"]
    assert cookie["samesite"] == "Lax"
    assert len(cookie.value) >= 43  # 256 bits
    assert "林梅" in await (await client.get("/me")).text()


async def test_cookies_are_secure_where_people_come_by_https(client: WebClient, staff: Staff) -> None:
    client.shell.secure_cookies = True
    answer = await client.post_form("/sign-in", {"login": "mei", "password": PASSWORD})
    assert answer.cookies[SESSION_COOKIE]["secure"]


async def test_wrong_name_and_wrong_password_are_answered_alike(client: WebClient, staff: Staff) -> None:
    texts = []
    for login, password in (("mei", "wrong"), ("stranger", PASSWORD)):
        answer = await client.post_form("/sign-in", {"login": login, "password": password})
        assert answer.status == 422
        texts.append((await answer.text()).replace(login, "LOGIN"))
    assert texts[0] == texts[1]
    assert "do not belong together" in texts[0]


async def test_what_was_typed_is_kept_but_never_the_password(client: WebClient, staff: Staff) -> None:
    answer = await client.post_form(
        "/sign-in", {"login": '"><script>alert(1)</script>', "password": "secret stuff", "next": "/outbox"}
    )
    text = await answer.text()
    assert "&lt;script&gt;alert(1)" in text
    assert "<script>alert" not in text
    assert "secret stuff" not in text
    assert 'name="next" value="/outbox"' in text


@pytest.mark.parametrize(
    ("onward", "location"),
    [
        ("/outbox?state=held", "/outbox?state=held"),
        ("//evil.example", "/"),
        ("/\\evil.example", "/"),
        ("https://evil.example/", "/"),
        ("javascript:alert(1)", "/"),
        ("/\t/evil.example", "/%09/evil.example"),
        ("/x\r\nSet-Cookie: a=b", "/x%0ASet-Cookie:%20a=b"),
    ],
)
async def test_after_signing_in_one_stays_on_this_site(
    client: WebClient, staff: Staff, onward: str, location: str
) -> None:
    answer = await client.post_form("/sign-in", {"login": "mei", "password": PASSWORD, "next": onward})
    assert (answer.status, answer.headers["Location"]) == (303, location)


async def test_a_page_that_asks_to_sign_in_is_come_back_to(client: WebClient, staff: Staff) -> None:
    asked = await client.get("/me?tab=1&x=%C3%A9")
    answer = await client.get(asked.headers["Location"])
    assert 'name="next" value="/me?tab=1&amp;x=' in await answer.text()


async def test_signing_in_rotates_the_session_and_ends_the_old_one(client: WebClient, staff: Staff) -> None:
    await _sign_in(client)
    first = client.cookie(SESSION_COOKIE)
    async with client.database.read() as work:
        csrf = await work.session.scalar(sa.select(col(StaffSession.csrf)))
    client.csrf = str(csrf)
    await _sign_in(client)
    second = client.cookie(SESSION_COOKIE)
    assert first != second
    client.set_cookie(SESSION_COOKIE, first)
    assert (await client.get("/me")).status == 303
    client.set_cookie(SESSION_COOKIE, second)
    assert (await client.get("/me")).status == 200
    assert await _count(client.database, StaffSession) == 1


async def test_a_session_cookie_that_was_planted_is_never_taken_over(client: WebClient, staff: Staff) -> None:
    client.set_cookie(SESSION_COOKIE, "planted-by-somebody-else")
    await _sign_in(client)
    assert client.cookie(SESSION_COOKIE) not in ("", "planted-by-somebody-else")
    client.set_cookie(SESSION_COOKIE, "planted-by-somebody-else")
    assert (await client.get("/me")).status == 303


async def test_only_hashes_of_cookies_links_and_passwords_are_kept(
    client: WebClient, staff: Staff, database: Database
) -> None:
    async with database.write() as work:
        link = await make_sign_in_link(work, HUBBUB, staff.id)
    await _sign_in(client)
    kept = ""
    async with database.read() as work:
        for name in ("staff_member", "staff_session", "sign_in_link", "audit_entry", "live_event"):
            kept += str((await work.session.execute(sa.text(f"SELECT * FROM {name}"))).all())
        hashed = await work.session.scalar(sa.select(col(StaffMember.password_hash)))
    assert str(hashed).startswith("$argon2id$v=19$m=65536,t=3,p=4$")
    for secret in (link, client.cookie(SESSION_COOKIE), PASSWORD):
        assert secret not in kept


async def test_signing_out_ends_the_session_on_the_server(client: WebClient) -> None:
    await client.sign_in("agent")
    cookie = client.cookie(SESSION_COOKIE)
    assert (await client.post_form("/sign-out")).headers["Location"] == "/sign-in"
    assert client.cookie(SESSION_COOKIE) == ""
    client.set_cookie(SESSION_COOKIE, cookie)
    assert (await client.get("/me")).status == 303


async def test_a_session_ends_when_idle(client: WebClient, clock: FakeClock) -> None:
    await client.sign_in("agent")
    await clock.advance(timedelta(hours=12) - MINUTES)
    assert (await client.get("/me")).status == 200
    await _noted(client)
    await clock.advance(timedelta(hours=12) - MINUTES)
    assert (await client.get("/me")).status == 200
    await _noted(client)
    await clock.advance(timedelta(hours=12))
    assert (await client.get("/me")).status == 303


async def test_a_session_ends_after_its_longest_life_however_busy(client: WebClient, clock: FakeClock) -> None:
    await client.sign_in("agent")
    for _ in range(14):
        assert (await client.get("/me")).status == 200
        await _noted(client)
        await clock.advance(timedelta(hours=12) - timedelta(seconds=1))
    assert (await client.get("/me")).status == 200
    await clock.advance(timedelta(seconds=14))
    assert (await client.get("/me")).status == 303


async def _noted(client: WebClient) -> None:
    await client.gate.__aexit__(None, None, None)


async def test_being_seen_is_noted_once_a_minute(client: WebClient, clock: FakeClock, database: Database) -> None:
    await client.sign_in("agent")
    begun = clock.now()

    async def seen_at() -> object:
        await _noted(client)
        async with database.read() as work:
            return await work.session.scalar(sa.select(col(StaffSession.seen_at)))

    await clock.advance(59)
    await client.get("/me")
    assert await seen_at() == begun
    await clock.advance(1)
    await asyncio.gather(*(client.get("/me") for _ in range(10)))
    assert await seen_at() == begun + MINUTES


async def test_somebody_disabled_is_out_at_once(client: WebClient, database: Database) -> None:
    person = await client.sign_in("agent")
    async with database.write() as work:
        link = await make_sign_in_link(work, HUBBUB, person.id)
        await service.disable_staff(work, HUBBUB, person.id)
    assert (await client.get("/me")).status == 303
    assert (await client.post_form(f"/sign-in/{link}")).status == 403  # its csrf went with the session
    client.sign_out()
    assert (await client.post_form(f"/sign-in/{link}")).status == 422
    async with database.write() as work:
        await service.enable_staff(work, HUBBUB, person.id)
    assert (await client.post_form(f"/sign-in/{link}")).status == 422


async def test_somebody_disabled_cannot_sign_in_with_the_right_password(
    database: Database, staff: Staff, entrance: Entrance
) -> None:
    async with database.write() as work:
        await service.disable_staff(work, HUBBUB, staff.id)
    with pytest.raises(Invalid, match="do not belong together"):
        await entrance.sign_in("mei", PASSWORD, address="192.0.2.1")


async def test_another_role_holds_from_the_next_click(client: WebClient, database: Database) -> None:
    person = await client.sign_in("agent")
    assert (await client.get("/staff")).status == 403
    async with database.write() as work:
        await service.change_role(work, HUBBUB, person.id, "lead")
    assert (await client.get("/staff")).status == 200


async def test_five_failures_lock_the_login_even_for_the_right_password(
    database: Database, staff: Staff, entrance: Entrance, clock: FakeClock
) -> None:
    for number in range(5):
        with pytest.raises(Invalid):
            await entrance.sign_in("mei", "wrong", address=f"192.0.2.{number}")
        await clock.advance(60)
    with pytest.raises(TooMany) as refused:
        await entrance.sign_in("MEI", PASSWORD, address="198.51.100.7")
    assert refused.value.retry_after_seconds == 600
    assert "10 minutes" in refused.value.detail
    await clock.advance(599)
    with pytest.raises(TooMany):
        await entrance.sign_in("mei", PASSWORD, address="198.51.100.7")
    await clock.advance(1)
    assert (await entrance.sign_in("mei", PASSWORD, address="198.51.100.7")).staff.login == "mei"


async def test_waiting_and_trying_does_not_lengthen_the_wait(
    database: Database, staff: Staff, entrance: Entrance, clock: FakeClock
) -> None:
    for _ in range(5):
        with pytest.raises(Invalid):
            await entrance.sign_in("mei", "wrong", address="192.0.2.1")
    for _ in range(50):
        with pytest.raises(TooMany):
            await entrance.sign_in("mei", PASSWORD, address="192.0.2.1")
    assert await _count(database, SignInFailure) == 5


async def test_an_address_that_fails_for_many_logins_is_locked(
    database: Database, staff: Staff, clock: FakeClock
) -> None:
    entrance = Entrance(database=database, sessions=SessionSettings(), tries=SignInSettings(attempts=1))
    for number in range(4):
        with pytest.raises(Invalid):
            await entrance.sign_in(f"nobody-{number}", "wrong", address="192.0.2.1")
    with pytest.raises(TooMany):
        await entrance.sign_in("mei", PASSWORD, address="192.0.2.1")
    assert (await entrance.sign_in("mei", PASSWORD, address="192.0.2.2")).staff.id == staff.id


async def test_signing_in_well_counts_for_nothing(
    database: Database, staff: Staff, entrance: Entrance, clock: FakeClock
) -> None:
    for _ in range(4):
        with pytest.raises(Invalid):
            await entrance.sign_in("mei", "wrong", address="192.0.2.1")
    await entrance.sign_in("mei", PASSWORD, address="192.0.2.1")
    assert await _count(database, SignInFailure) == 4
    await clock.advance(timedelta(minutes=15))
    await entrance.sign_in("mei", PASSWORD, address="192.0.2.1")
    assert await _count(database, SignInFailure) == 0  # old ones are pruned


async def test_many_tries_at_once_are_not_all_let_through(
    database: Database, staff: Staff, entrance: Entrance
) -> None:
    async def attempt() -> type:
        try:
            await entrance.sign_in("mei", "wrong", address="192.0.2.1")
        except (Invalid, TooMany) as error:
            return type(error)
        return object

    outcomes = await asyncio.gather(*(attempt() for _ in range(30)))
    assert outcomes.count(Invalid) == 5
    assert outcomes.count(TooMany) == 25


async def test_the_page_says_how_long_to_wait(database: Database, staff: Staff) -> None:
    async with make_client(
        database, pages=[bot.staff.entrance_pages, bot.staff.pages], tries=SignInSettings(attempts=1)
    ) as client:
        assert await _sign_in(client, "wrong") == 422
        answer = await client.post_form("/sign-in", {"login": "mei", "password": PASSWORD})
        assert (answer.status, answer.headers["Retry-After"]) == (429, "900")
        assert "Try again in 15 minutes." in await answer.text()


async def test_a_hash_with_old_parameters_is_renewed(database: Database, staff: Staff, entrance: Entrance) -> None:
    old = argon2.PasswordHasher(time_cost=1, memory_cost=8, parallelism=1).hash(PASSWORD)
    async with database.write() as work:
        await work.session.execute(sa.update(StaffMember).values(password_hash=old))
    await entrance.sign_in("mei", PASSWORD, address="192.0.2.1")
    async with database.read() as work:
        kept = str(await work.session.scalar(sa.select(col(StaffMember.password_hash))))
    assert kept.startswith("$argon2id$v=19$m=65536,t=3,p=4$")
    await entrance.sign_in("mei", PASSWORD, address="192.0.2.1")


async def test_a_link_signs_in_once(client: WebClient, staff: Staff, database: Database) -> None:
    async with database.write() as work:
        link = await make_sign_in_link(work, HUBBUB, staff.id)
    for _ in range(3):  # previews only look
        looked = await client.get(f"/sign-in/{link}")
        assert looked.status == 200
        assert SESSION_COOKIE not in looked.cookies
    answers = await asyncio.gather(*(client.post_form(f"/sign-in/{link}") for _ in range(5)))
    assert sorted(answer.status for answer in answers) == [303, 422, 422, 422, 422]
    assert (await client.get("/me")).status == 200


async def test_a_link_is_good_for_a_quarter_of_an_hour(
    database: Database, staff: Staff, entrance: Entrance, clock: FakeClock
) -> None:
    async with database.write() as work:
        early = await make_sign_in_link(work, HUBBUB, staff.id)
        late = await make_sign_in_link(work, HUBBUB, staff.id)
    await clock.advance(15 * 60 - 1)
    assert (await entrance.sign_in_by_link(early)).staff.id == staff.id
    await clock.advance(1)
    with pytest.raises(Invalid, match="too old"):
        await entrance.sign_in_by_link(late)
    with pytest.raises(Invalid):
        await entrance.sign_in_by_link("nonsense")


async def test_a_form_of_a_stranger_needs_the_cookie_that_came_with_it(client: WebClient, staff: Staff) -> None:
    page = await client.get("/sign-in")
    assert CSRF_COOKIE in page.cookies
    client.http.session.cookie_jar.clear()
    fields = {"login": "mei", "password": PASSWORD, "csrf": page.cookies[CSRF_COOKIE].value}
    answer = await client.http.post("/sign-in", data=fields, allow_redirects=False)
    assert answer.status == 403


async def test_own_password_is_changed_with_the_old_one_and_ends_other_sessions(
    client: WebClient, staff: Staff, database: Database, entrance: Entrance
) -> None:
    elsewhere = await entrance.sign_in("mei", PASSWORD, address="192.0.2.1")
    here = await entrance.sign_in("mei", PASSWORD, address="192.0.2.1")
    client.set_cookie(SESSION_COOKIE, here.cookie)
    client.csrf = here.csrf
    wrong = await client.post_form("/me/password", {"current": "no", "password": "a new long one"})
    assert wrong.status == 422
    assert "this is not your password" in await wrong.text()
    short = await client.post_form("/me/password", {"current": PASSWORD, "password": "short"})
    assert "at least 10 characters" in await short.text()
    done = await client.post_form("/me/password", {"current": PASSWORD, "password": "a new long one"})
    assert done.status == 303
    assert (await client.get("/me")).status == 200
    client.set_cookie(SESSION_COOKIE, elsewhere.cookie)
    assert (await client.get("/me")).status == 303
    with pytest.raises(Invalid):
        await entrance.sign_in("mei", PASSWORD, address="192.0.2.1")
    assert await entrance.sign_in("mei", "a new long one", address="192.0.2.1")


async def test_somebody_without_a_password_chooses_one(
    client: WebClient, database: Database, entrance: Entrance
) -> None:
    person = await client.sign_in("agent")
    assert "Choose a password" in await (await client.get("/me")).text()
    assert (await client.post_form("/me/password", {"password": "a new long one"})).status == 303
    async with database.read() as work:
        login = (await service.get_staff(work, person.id)).login
    assert await entrance.sign_in(login, "a new long one", address="192.0.2.1")


async def test_hashing_holds_up_no_writer(
    database: Database, staff: Staff, entrance: Entrance, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    While passwords are checked, a unit of work still gets its turn: sign-ins wait for hashes, writers do not.
    """
    hashing, written = threading.Event(), threading.Event()
    check = passwords._check

    def slowly(password: str, password_hash: str | None) -> passwords.Checked:
        hashing.set()
        assert written.wait(30), "a writer waited for a hash"
        return check(password, password_hash)

    monkeypatch.setattr(passwords, "_check", slowly)
    tries = [asyncio.create_task(entrance.sign_in("mei", PASSWORD, address="192.0.2.1")) for _ in range(4)]
    assert await asyncio.to_thread(hashing.wait, 30)
    for _ in range(10):
        async with database.write() as work:
            work.publish("queue")
    assert not any(task.done() for task in tries)
    written.set()
    assert all(await asyncio.gather(*tries))
