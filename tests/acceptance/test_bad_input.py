"""
What strangers, hasty colleagues and broken programs send to the real daemon: each gets a clear answer, and nothing
is lost.
"""

from __future__ import annotations

import asyncio
import io
import itertools
import json
import time
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlencode, urlsplit

import aiohttp
import pytest
import pytest_asyncio

from tests.acceptance.lived_in import LivedIn
from tests.acceptance.visitor import PASSWORD, Form, Page, visitor

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(300)]

MARK = "zq7"
HOSTILE = f"\"'><script>alert('{MARK}')</script><img src=x onerror=alert(1)>{{{{7*7}}}}"
SQL = ("' OR '1'='1", "'; DROP TABLE conversation; --", "%", "_", "\\", "a' UNION SELECT sealed FROM account --")
SHORT = "sh0rt!pw"
_numbers = itertools.count(1)
FORM = "application/x-www-form-urlencoded"


async def _problem(house: LivedIn, method: str, path: str, **sent: Any) -> tuple[int, dict[str, Any]]:
    """
    Ask for something that cannot be; gives the status and the problem.
    """
    status, said = await house.ask(method, path, **sent)
    assert 400 <= status < 500, said
    assert said["type"].startswith("urn:hubbub:problem:"), said
    assert said["title"]
    return status, said


async def _count(house: LivedIn) -> int:
    return len((await house.ask("GET", "/conversations"))[1]["items"])


async def _conversation(house: LivedIn, words: str) -> dict[str, Any]:
    """
    Let somebody write these words; gives the conversation.
    """
    name = words.split()[0].lower()
    house.playground.say(f"{name}@far.example", f"@{house.brand} {words}")
    return await house.heard(words)


async def test_a_body_of_ten_megabytes_is_too_large_and_costs_nothing(house: LivedIn) -> None:
    before = await _count(house)
    body = json.dumps({"text": "x" * 10_000_000}).encode()
    headers = {"Content-Type": "application/json"}
    status, problem = await _problem(
        house, "POST", "/conversations/x/notes", data=io.BytesIO(body), headers=headers
    )
    assert (status, problem["title"]) == (413, "The body is too large.")
    async with visitor(house.daemon.url) as ann:
        form = (await ann.get("/sign-in")).form("/sign-in")
        body = io.BytesIO(urlencode(form.filled(login="x" * 10_000_000)).encode())
        async with ann.session.post(form.action, data=body, headers={"Content-Type": FORM}) as answer:
            assert (answer.status, answer.content_type) == (413, "text/html")
    assert await _count(house) == before


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        (b"", "/text"),
        (b"null", "/"),
        (b"[]", "/"),
        (b'"text"', "/"),
        (b"{", "/"),
        (b'{"text": 7}', "/text"),
        (b'{"text": null}', "/text"),
        (b'{"text": ["a"]}', "/text"),
        (b'{"text": ""}', "/text"),
        (b'{"text": "a", "colour": "red"}', "/colour"),
        (b'{"text": "\xff\xfe"}', "/"),
        (b"\xff\xfe\x00", "/"),
        (b'{"text": "\\ud800"}', "/"),
        (b'{"text": "a\\u0000b"}', "/"),
        (b"[" * 100_000, "/"),
        (b'{"text": ' + b"9" * 10_000 + b"}", "/"),
    ],
)
async def test_a_body_that_cannot_be_used_is_refused_by_field(house: LivedIn, body: bytes, pointer: str) -> None:
    path = f"/conversations/{(await house.heard('leaks'))['id']}/notes"
    status, problem = await _problem(house, "POST", path, data=body, headers={"Content-Type": "application/json"})
    assert status == 422
    assert pointer in [one["pointer"] for one in problem["errors"]], problem


async def test_numbers_and_marks_beyond_all_measure(house: LivedIn) -> None:
    for query in (
        {"limit": "9" * 400},
        {"limit": "-1"},
        {"limit": "1e3"},
        {"limit": "NaN"},
        {"after": "x" * 500},
        {"after": "Wzk5OTk5OTk5OTk5OTk5OTk5OTk5OTldCg"},
        {"q": "x" * 201},
        {"q": "a\x00b"},
        {"tab": "everything"},
        {"colour": "red"},
    ):
        status, _ = await _problem(house, "GET", "/conversations", params=query)
        assert status == 422, query


async def test_a_post_of_a_million_characters_is_heard_and_shown(house: LivedIn) -> None:
    words = "endless " * 125_000
    house.playground.say("tolstoy@far.example", f"@{house.brand} {words}")
    found = await house.heard("endless")
    _, messages = await house.ask("GET", f"/conversations/{found['id']}/messages")
    assert messages["items"][0]["text"].count("endless") == 125_000
    async with visitor(house.daemon.url) as ann:
        await ann.sign_in("ann")
        started = time.monotonic()
        page = await ann.get(f"/conversations/{found['id']}")
        assert page.status == 200
        assert "endless endless" in page.text
        assert (await ann.get("/queue")).status == 200
        assert time.monotonic() - started < 20


# Text is shown as text


def _plain(schema: Any, document: Any) -> Any:
    """
    Make a body that could be meant.
    """
    match schema:
        case {"$ref": ref}:
            return _plain(document["components"]["schemas"][ref.rpartition("/")[2]], document)
        case {"anyOf": [first, *_]}:
            return _plain(first, document)
        case {"enum": [first, *_]}:
            return first
        case {"properties": properties}:
            return {name: _plain(part, document) for name, part in properties.items()}
        case {"type": "object"}:
            return {"server": HOSTILE, HOSTILE: HOSTILE}
        case {"type": "string", "format": "date-time"}:
            return (datetime.now(UTC) + timedelta(days=1)).isoformat()
        case {"type": "string"}:
            return f"plain{next(_numbers)}"
    return False


def _bodies(document: Any) -> Iterator[tuple[str, str, Any]]:
    """
    Give each operation that takes a body with hostile text in each of its fields in turn.
    """
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            if "requestBody" in operation:
                schema = operation["requestBody"]["content"]["application/json"]["schema"]
                for name in _plain(schema, document):
                    body = _plain(schema, document)
                    yield method.upper(), path.removeprefix("/api/v1"), body | {name: HOSTILE}


async def _fill_every_body(house: LivedIn, conversation: dict[str, Any]) -> Counter[int]:
    _, document = await house.ask("GET", "/openapi.json")
    _, outbox = await house.ask("GET", "/outbox")
    known = {"{account_id}": "shop", "{token_id}": "x", "{staff_id}": "x"}
    statuses: Counter[int] = Counter()
    for method, path, body in _bodies(document):
        thing = outbox["items"][0]["id"] if path.startswith("/outbox/") else conversation["id"]
        for name, value in {**known, "{id}": thing}.items():
            path = path.replace(name, value)
        if body.get("seen", HOSTILE) != HOSTILE:
            body["seen"] = (await house.ask("GET", f"/conversations/{thing}"))[1]["newest_message_id"]
        status, said = await house.ask(method, path, json=body)
        assert status < 500, (method, path, said)
        statuses[status] += 1
    return statuses


def _all_forms(pages: list[Page]) -> dict[tuple[str, str, tuple[str, ...]], Form]:
    """
    Give one form of each kind that has a text field: one with the same fields at the same place is the same.
    """
    found = [form for page in pages for form in page.forms if form.text_fields]
    return {(form.method, urlsplit(form.action).path, tuple(form.fields)): form for form in found}


def _typed(form: Form, hostile: str) -> dict[str, str]:
    """
    Fill in a form with hostile text in one field, or in all (empty name).

    A password is never shown; a short one is refused, so that everybody can still sign in.
    """
    return {
        name: SHORT
        if form.fields[name].kind == "password"
        else HOSTILE
        if hostile in (name, "")
        else f"plain{next(_numbers)}"
        for name in form.text_fields
    }


def _assert_harmless(page: Page) -> None:
    assert page.status < 500, page.url
    assert not page.alive, f"{page.url}: {page.alive}"
    assert "alert(1)>49" not in page.text, f"{page.url}: taken for a template"


@pytest_asyncio.fixture(loop_scope="module")
async def hearing_goes_on(house: LivedIn) -> AsyncIterator[None]:
    """
    Start the account again for the next test; one of the forms stops it.
    """
    yield
    await house.ask("POST", "/accounts/shop/start")


@pytest.mark.usefixtures("hearing_goes_on")
async def test_html_and_script_in_every_text_are_shown_as_text(house: LivedIn) -> None:
    house.playground.person("mallory@far.example", name=HOSTILE[:60])
    conversation = await _conversation(house, f"Mallory {HOSTILE}")
    done = await _fill_every_body(house, conversation)
    assert min(done[201], done[422]) > 2, done
    async with visitor(house.daemon.url) as root:
        await root.sign_in("root")
        forms = _all_forms(await root.crawl())
        assert len(forms) >= 8, sorted(forms)
        for form in forms.values():
            for name in (*form.text_fields, ""):
                answer = await root.send(form, **_typed(form, name))
                _assert_harmless(answer)
                assert SHORT not in answer.source
        pages = await root.crawl()
        for page in pages:
            _assert_harmless(page)
        shown = {urlsplit(page.url).path.split("/")[1] for page in pages if f"alert('{MARK}')" in page.text}
        assert {"queue", "conversations", "contacts", "staff", "tokens", "audit", "outbox", "heard"} <= shown
    _, counted = await house.ask("GET", "/heard/counts")
    assert counted["adds_up"]


async def test_sql_in_every_search_and_filter_is_only_text(house: LivedIn) -> None:
    everything = await _count(house)
    async with visitor(house.daemon.url) as root:
        await root.sign_in("root")
        searches = [form for page in await root.crawl() for form in page.forms if form.method == "get"]
        assert {urlsplit(form.action).path for form in searches} >= {"/queue", "/contacts", "/heard", "/audit"}
        for form in {form.action: form for form in searches}.values():
            for words in SQL:
                page = await root.send(form, **{name: words for name in form.fields})
                assert page.status in (200, 404, 422), (form.action, words)
                assert "sqlite" not in page.text.lower()
    _, document = await house.ask("GET", "/openapi.json")
    for path, methods in document["paths"].items():
        for parameter in methods.get("get", {}).get("parameters", ()):
            for words in SQL:
                known = (
                    path.removeprefix("/api/v1").replace("{account_id}", "shop").replace("{", "").replace("}", "")
                )
                query = {parameter["name"]: words} if parameter["in"] == "query" else {}
                status, said = await house.ask("GET", known, params=query)
                assert status < 500, (path, words, said)
    for words in ("%", "_", "' OR '1'='1"):
        assert (await house.ask("GET", "/contacts", params={"search": words}))[1]["items"] == []
    assert await _count(house) >= everything


# Who may not


async def test_tokens_that_are_none_open_nothing(house: LivedIn) -> None:
    command = house.daemon.command
    short = await asyncio.to_thread(
        command, *["token", "create", "--role", "agent", "--name", "short", "--expires-in", "1s"]
    )
    gone = await asyncio.to_thread(command, *["token", "create", "--role", "agent", "--name", "gone"])
    listed = json.loads(await asyncio.to_thread(command, "token", "list", "--json"))
    [number] = [one["id"] for one in listed if one["name"] == "gone"]
    await asyncio.to_thread(command, "token", "revoke", number)
    await asyncio.sleep(1)
    foreign = "hub_" + "A" * 43
    for token in (short, gone, foreign, number, "", " ", "é", "x" * 5_000, f"{house.token}x", house.token[:-1]):
        async with house.session.get(
            f"{house.daemon.url}/api/v1/conversations", headers={"Authorization": f"Bearer {token}"}
        ) as answer:
            assert answer.status == 401, token
            assert answer.content_type == "application/problem+json"
            assert token.strip() == "" or token not in await answer.text()
    # A session is no token, and a token is no session.
    cookie = {"Cookie": f"hubbub_session={house.token}"}
    async with house.session.get(f"{house.daemon.url}/queue", headers=cookie, allow_redirects=False) as answer:
        assert (answer.status, answer.headers["Location"]) == (303, "/sign-in?next=%2Fqueue")


async def test_the_conversation_of_another_agent_is_theirs(house: LivedIn) -> None:
    conversation = await _conversation(house, "Otherwise this is mine to answer")
    async with visitor(house.daemon.url) as ann, visitor(house.daemon.url) as ben:
        await ann.sign_in("ann")
        await ben.sign_in("ben")
        where = f"/conversations/{conversation['id']}"
        both = [await ann.get(where), await ben.get(where)]
        await ann.send(both[0].form(f"{where}/claim"))
        refused = await ben.send(both[1].form(f"{where}/reply"), text="Mine too?")
        assert refused.status == 409
        assert "Mine too?" in refused.text, "what was typed is still there"
        sent = await ann.send((await ann.get(where)).form(f"{where}/reply"), text="Yes, mine.")
        assert sent.status == 200
    _, entries = await house.ask("GET", "/outbox")
    texts = [one["text"] for one in entries["items"]]
    assert any("Yes, mine." in text for text in texts)
    assert not any("Mine too?" in text for text in texts)


# Requests that are hardly any


async def _raw(house: LivedIn, *lines: bytes, body: bytes = b"") -> bytes:
    """
    Send bytes as they are; gives the answer's bytes.
    """
    parts = urlsplit(house.daemon.url)
    reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
    try:
        writer.write(b"\r\n".join([*lines, b"Host: x", b"Connection: close", b"", b""]) + body)
        await writer.drain()
        async with asyncio.timeout(20):
            return await reader.read()
    finally:
        writer.close()


async def test_methods_that_a_page_does_not_take(house: LivedIn) -> None:
    async with visitor(house.daemon.url) as root:
        await root.sign_in("root")
        for method in ("PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "HEAD"):
            async with root.session.request(method, f"{house.daemon.url}/queue") as answer:
                assert answer.status in (200, 405), method
                assert answer.status == 405 or method == "HEAD", method
                assert method == "HEAD" or "GET" in answer.headers["Allow"]


async def test_paths_out_of_the_static_folder_lead_nowhere(house: LivedIn) -> None:
    for path in (
        "/static/../app.py",
        "/static/..%2f..%2fapp.py",
        "/static/%2e%2e/%2e%2e/settings.py",
        "/static//etc/passwd",
        "/static/..%5c..%5capp.py",
        "/static/%00",
        "/static/app.css%00.svg",
        "/static/",
    ):
        answer = await _raw(house, f"GET {path} HTTP/1.1".encode())
        assert answer.split(b" ")[1] in (b"404", b"400"), (path, answer[:200])
        assert b"root:" not in answer
        assert b"import" not in answer


async def test_headers_and_cookies_without_measure_are_refused(house: LivedIn) -> None:
    for line in (
        b"X-Long: " + b"x" * 100_000,
        b"Cookie: hubbub_session=" + b"x" * 100_000,
        b"Authorization: Bearer secret-in-a-broken-header\x00",
        b"no colon here",
        b": no name",
        b"Content-Length: 7\r\nContent-Length: 8",
        b"Transfer-Encoding: chunked\r\nContent-Length: 5",
    ):
        answer = await _raw(house, b"GET /queue HTTP/1.1", line)
        assert answer.split(b" ")[1] in (b"400", b"431"), (line[:50], answer[:200])
    many = [b"X-%d: x" % number for number in range(2_000)]
    assert (await _raw(house, b"GET /healthz HTTP/1.1", *many)).split(b" ")[1] in (b"200", b"400")
    assert (await _raw(house, b"GET /" + b"a" * 100_000 + b" HTTP/1.1")).split(b" ")[1] in (b"400", b"414")
    await _raw(house, b"\x16\x03\x01\x02\x00\x01\x00")
    assert (await _raw(house, b"GET /healthz HTTP/1.1")).split(b" ")[1] == b"200"
    assert "secret-in-a-broken-header" not in house.daemon.log()
    assert "Traceback" not in house.daemon.log()


async def test_nobody_is_sent_off_this_site(house: LivedIn) -> None:
    for onward in (
        "//evil.example",
        "/\\evil.example",
        "https://evil.example",
        "\\\\evil.example",
        "/\t/evil.example",
        "/\n/evil.example",
        "javascript:alert(1)",
        "/queue\r\nSet-Cookie: a=b",
        "/%0d%0aSet-Cookie:a=b",
        " //evil.example",
        "http:evil.example",
    ):
        async with visitor(house.daemon.url) as ann:
            form = (await ann.get("/sign-in", params={"next": onward})).form("/sign-in")
            sent = form.filled(login="ann", password=PASSWORD, next=onward)
            async with ann.session.post(form.action, data=sent, allow_redirects=False) as answer:
                assert answer.status == 303
                where = answer.headers["Location"]
                assert urlsplit(where).netloc == "", (onward, where)
                assert where.startswith("/"), (onward, where)
                assert not where.startswith(("//", "/\\")), (onward, where)
                assert not any(char in where for char in "\r\n\t"), (onward, where)
                assert "a" not in answer.cookies


async def test_half_a_form_holds_nobody_up(house: LivedIn) -> None:
    """
    Several clients begin a body and stop; all others go on writing.
    """
    conversation = await house.heard("leaks")
    parts = urlsplit(house.daemon.url)
    slow = [await asyncio.open_connection(parts.hostname, parts.port) for _ in range(50)]
    heads = (
        f"POST /sign-in HTTP/1.1\r\nHost: x\r\nContent-Type: {FORM}\r\nContent-Length: 1000\r\n\r\nlogin=a",
        f"POST /api/v1/conversations/{conversation['id']}/notes HTTP/1.1\r\nHost: x\r\n"
        f"Authorization: Bearer {house.token}\r\nContent-Length: 1000\r\n\r\n{{",
    )
    try:
        for number, (_, writer) in enumerate(slow):
            writer.write(heads[number % 2].encode())
            await writer.drain()
        started = time.monotonic()
        for number in range(10):
            note = {"text": f"note {number}"}
            status, _ = await house.ask("POST", f"/conversations/{conversation['id']}/notes", json=note)
            assert status == 201
        assert time.monotonic() - started < 10
    finally:
        for _, writer in slow:
            writer.close()


async def test_a_hundred_at_the_door_at_once_get_in_or_are_told_to_wait(house: LivedIn) -> None:
    """
    Tries under way count against guessing, so most of a hundred at once wait; nobody is shut out afterwards.
    """

    async def come(number: int) -> int:
        async with visitor(house.daemon.url) as guest:
            page = await guest.sign_in("ann" if number % 2 else "ben")
            assert (page.status == 200) == ((await guest.get("/me")).url == f"{house.daemon.url}/me")
            return page.status

    statuses = await asyncio.gather(*(come(number) for number in range(100)))
    assert set(statuses) <= {200, 429}
    assert 200 in statuses
    for login in ("ann", "ben", "root"):
        async with visitor(house.daemon.url) as late:
            assert (await late.sign_in(login)).status == 200


async def test_wrong_passwords_are_slowed_down_and_told_nothing(house: LivedIn) -> None:
    statuses = []
    async with visitor(house.daemon.url) as guest:
        for number in range(8):
            page = await guest.sign_in("nobody-of-us" if number % 2 else "root2", f"wrong password {number}")
            statuses.append(page.status)
            assert f"wrong password {number}" not in page.source
    assert set(statuses) <= {422, 429}
    assert "wrong password" not in house.daemon.log()


async def test_nothing_of_this_is_our_mistake(house: LivedIn) -> None:
    log = house.daemon.log()
    assert "request.failed" not in log
    assert house.token not in log
    assert PASSWORD not in log
    assert house.playground.tokens[house.brand] not in log


async def test_an_api_that_is_asked_by_a_hundred_at_once(house: LivedIn) -> None:
    async with aiohttp.ClientSession() as session:

        async def ask(number: int) -> int:
            url = f"{house.daemon.url}/api/v1/conversations?limit={number % 200 + 1}"
            async with session.get(url, headers={"Authorization": f"Bearer {house.token}"}) as answer:
                return answer.status

        assert set(await asyncio.gather(*(ask(number) for number in range(100)))) == {200}
