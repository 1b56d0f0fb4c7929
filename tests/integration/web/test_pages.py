"""
Pages: headers, errors, forms, flashes, and that nothing a browser sends breaks them.
"""

from __future__ import annotations

import base64
import io

import sqlalchemy as sa
from aiohttp import FormData
from structlog.testing import capture_logs

from bot.core.tables import Lease
from bot.web.keys import CSRF_COOKIE, FLASH_COOKIE, SESSION_COOKIE
from tests.fakes.web_app import WebClient


async def _rows(client: WebClient) -> int:
    async with client.database.read() as work:
        return int(await work.session.scalar(sa.select(sa.func.count()).select_from(Lease)) or 0)


async def test_every_answer_carries_the_security_headers(client: WebClient) -> None:
    await client.sign_in("agent")
    for url in ("/things", "/nowhere", "/api/v1/things", "/api/v1/openapi.json", "/"):
        answer = await client.get(url)
        policy = answer.headers["Content-Security-Policy"]
        assert "default-src 'none'" in policy, url
        assert "unsafe" not in policy, url
        assert answer.headers["X-Content-Type-Options"] == "nosniff", url
        assert answer.headers["Cache-Control"] == "no-store", url


async def test_text_from_outside_is_shown_as_text(client: WebClient) -> None:
    await client.sign_in("agent", name="<img src=x onerror=alert(1)>")
    text = await (await client.get("/things?title=<script>alert(1)</script>")).text()
    assert "<img src=x" not in text
    assert "<script>alert" not in text
    assert "&lt;script&gt;alert(1)" in text


async def test_a_form_is_carried_out_and_its_flash_is_shown_once(client: WebClient) -> None:
    await client.sign_in("agent")
    answer = await client.post_form("/things", {"name": "周慧", "said": "周慧 <b>is</b> here"})
    assert (answer.status, answer.headers["Location"]) == (303, "/things")
    assert await _rows(client) == 1
    assert "周慧 &lt;b&gt;is&lt;/b&gt; here" in await (await client.get("/things")).text()
    assert "周慧" not in await (await client.get("/things")).text()


async def test_a_form_that_fails_changes_nothing(client: WebClient) -> None:
    await client.sign_in("agent")
    expected = {"broken": 500, "invalid": 422, "busy": 429}
    with capture_logs():
        for name, status in expected.items():
            answer = await client.post_form("/things", {"name": name})
            assert (answer.status, answer.content_type) == (status, "text/html")
            assert "a secret of ours" not in await answer.text()
    assert await _rows(client) == 0


async def test_a_form_of_another_session_is_refused_in_words(client: WebClient) -> None:
    await client.sign_in("agent")
    answer = await client.post_form("/things", {"name": "a"}, csrf="stale")
    assert answer.status == 403
    assert "load the page again" in await answer.text()
    assert await _rows(client) == 0


async def test_the_csrf_token_may_come_in_a_header(client: WebClient) -> None:
    await client.sign_in("agent")
    answer = await client.http.post(
        "/things", data={"name": "a"}, headers={"X-CSRF-Token": client.csrf}, allow_redirects=False
    )
    assert answer.status == 303
    strange = await client.http.post("/things", data={"name": "a"}, headers={"X-CSRF-Token": "\udcff"})
    assert strange.status == 403


async def test_a_csrf_cookie_does_not_stand_in_for_a_session(client: WebClient) -> None:
    await client.sign_in("agent")
    client.set_cookie(CSRF_COOKIE, "planted")
    assert (await client.post_form("/things", {"name": "a"}, csrf="planted")).status == 403


async def test_forms_that_cannot_be_read_are_refused(client: WebClient) -> None:
    await client.sign_in("agent")
    form = "application/x-www-form-urlencoded"
    wanted = [
        (b"csrf=%ff%fe&name=a", form, 403),
        (b"csrf=x&name=\xff", form, 422),
        (b"csrf=x", f"{form}; charset=nonsense", 422),
        (b"broken", "multipart/form-data; boundary=x", 422),
        (b"broken", "multipart/form-data", 422),
        (b'{"csrf": "x"}', "application/json", 403),
    ]
    for body, kind, status in wanted:
        answer = await client.http.post("/things", data=body, headers={"Content-Type": kind})
        assert (answer.status, answer.content_type) == (status, "text/html"), (body, kind)
    assert await _rows(client) == 0


async def test_a_form_takes_no_file_and_nothing_too_large(client: WebClient) -> None:
    await client.sign_in("agent")
    with_file = FormData({"csrf": client.csrf})
    with_file.add_field("name", io.BytesIO(b"content"), filename="a.txt")
    assert (await client.http.post("/things", data=with_file)).status == 422
    large = io.BytesIO(b"csrf=" + client.csrf.encode() + b"&name=" + b"x" * 10_000_000)
    kind = {"Content-Type": "application/x-www-form-urlencoded"}
    answer = await client.http.post("/things", data=large, headers=kind)
    assert (answer.status, answer.content_type) == (413, "text/html")
    assert await _rows(client) == 0


async def test_a_nul_character_never_reaches_the_database(client: WebClient) -> None:
    await client.sign_in("agent")
    assert (await client.post_form("/things", {"name": "a\x00b"})).status == 303
    async with client.database.read() as work:
        assert await work.session.scalar(sa.select(Lease)) is not None
    assert await _rows(client) == 1


async def test_strange_cookies_are_no_session_and_no_flash(client: WebClient) -> None:
    deep = base64.urlsafe_b64encode(b"[" * 4_000).decode()
    for flash in ("%%%", "bm90IGpzb24=", "NQ==", "e30=", "W3sibGV2ZWwiOiAxfV0=", deep):
        answer = await client.get("/nowhere", headers={"Cookie": f"{FLASH_COOKIE}={flash}"})
        assert answer.status == 404
    await client.sign_in("agent")
    for flash in ("%%%", "bm90IGpzb24=", "NQ==", "e30=", "W3sibGV2ZWwiOiAxfV0=", deep):
        client.set_cookie(FLASH_COOKIE, flash)
        assert (await client.get("/things")).status == 200
    for session in ("x" * 4_000, "\udcff\udcfe", "a b", "'; --"):
        headers = {"Cookie": f"{SESSION_COOKIE}={session}"}
        client.http.session.cookie_jar.clear()
        assert (await client.get("/things", headers=headers)).status == 303


async def test_a_form_answers_only_with_places_on_this_site(client: WebClient) -> None:
    await client.sign_in("agent")
    for onward in ("//evil.example", "https://evil.example", "/\\evil.example", "evil", ""):
        answer = await client.post_form("/things", {"name": "a", "next": onward})
        assert answer.headers["Location"] == "/", onward


async def test_a_method_that_is_not_there_says_which_are(client: WebClient) -> None:
    answer = await client.http.request("DELETE", "/things")
    assert (answer.status, answer.content_type) == (405, "text/html")
    assert answer.headers["Allow"] == "GET,POST"


async def test_a_limit_says_when_to_come_back(client: WebClient) -> None:
    await client.sign_in("agent")
    answer = await client.post_form("/things", {"name": "busy"})
    assert (answer.status, answer.headers["Retry-After"]) == (429, "7")
