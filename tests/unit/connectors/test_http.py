"""
The one HTTP client on a server that misbehaves in every way we could think of.
"""

from __future__ import annotations

import asyncio
import gzip
import ipaddress
import json
import socket
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta

import aiohttp
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID
from hypothesis import given, settings
from hypothesis import strategies as st

from connectors import http
from connectors.errors import (
    Ambiguous,
    ConnectorError,
    Malformed,
    Rejected,
    Throttled,
    Unauthorized,
    Unreachable,
)
from connectors.http import Answer, Http, error_for, reason_of

SECRET = "Bearer s3cret-token"
QUICK = aiohttp.ClientTimeout(total=1.5, sock_connect=1, sock_read=0.5)

Speak = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@asynccontextmanager
async def raw_server(speak: Speak, tls: ssl.SSLContext | None = None) -> AsyncIterator[str]:
    """
    A TCP server that says bytes, so that it can say what no HTTP library would.
    """

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await speak(reader, writer)
        except ConnectionError:
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(handle, "127.0.0.1", 0, ssl=tls)
    async with server:
        port = server.sockets[0].getsockname()[1]
        yield f"{'https' if tls else 'http'}://127.0.0.1:{port}"


def says(*pieces: bytes, pause: float = 0, asked: bool = True) -> Speak:
    async def speak(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if asked:
            await reader.readuntil(b"\r\n\r\n")
        for piece in pieces:
            writer.write(piece)
            await writer.drain()
            await asyncio.sleep(pause)

    return speak


def answer(status: str = "200 OK", body: bytes = b"{}", **headers: str) -> bytes:
    named = {"Content-Type": "application/json", "Content-Length": str(len(body)), "Connection": "close"}
    named |= {name.replace("_", "-"): value for name, value in headers.items()}
    lines = "".join(f"{name}: {value}\r\n" for name, value in named.items())
    return f"HTTP/1.1 {status}\r\n{lines}\r\n".encode() + body


async def outcome(
    speak: Speak, *, changes: bool, max_answer: int = http.MAX_ANSWER_BYTES
) -> Answer | ConnectorError:
    async with raw_server(speak) as url:
        return await outcome_at(url, changes=changes, max_answer=max_answer)


async def outcome_at(
    url: str, *, changes: bool, max_answer: int = http.MAX_ANSWER_BYTES
) -> Answer | ConnectorError:
    async with aiohttp.ClientSession() as session:
        client = Http(session, url, {"Authorization": SECRET}, QUICK, max_answer)
        got = await attempt(client, changes=changes)
    if isinstance(got, ConnectorError):
        assert "s3cret" not in f"{got!r} {got}"
        assert "/x" not in str(got)
    return got


async def attempt(client: Http, *, changes: bool) -> Answer | ConnectorError:
    try:
        if changes:
            return await client.change("POST", "/x?secret=s3cret-token", body={"a": 1})
        return await client.read("/x", [("secret", "s3cret-token")])
    except ConnectorError as error:
        return error


# --- what happens on the way


BROKEN = {
    "nothing said": says(),
    "closed at once": says(asked=False),
    "silence": says(b"", pause=3),
    "half a head": says(b"HTTP/1.1 200 OK\r\nConte", pause=3),
    "half a body": says(answer(body=b'{"id": 1}')[:-4]),
    "slow body": says(*[answer(body=b"x" * 100)[:-90], *[b"x"] * 20], pause=0.3),
    "not HTTP": says(b"220 mail.example ESMTP\r\n"),
    "bad gzip": says(answer(body=b"no gzip", Content_Encoding="gzip")),
    "bad chunk": says(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nZZ\r\nx\r\n"),
    "endless head": says(b"HTTP/1.1 200 OK\r\n" + b"A: " + b"x" * 100_000 + b"\r\n\r\n"),
}


@pytest.mark.parametrize("speak", BROKEN.values(), ids=BROKEN.keys())
async def test_O1_an_answer_lost_on_the_way_is_ambiguous_for_a_change(speak):
    assert type(await outcome(speak, changes=True)) is Ambiguous


@pytest.mark.parametrize("speak", BROKEN.values(), ids=BROKEN.keys())
async def test_an_answer_lost_on_the_way_is_unreachable_for_a_read(speak):
    assert isinstance(await outcome(speak, changes=False), Unreachable)


@pytest.mark.parametrize(("changes", "expected"), [(True, Ambiguous), (False, Malformed)])
async def test_an_answer_without_end_is_cut_off(changes, expected):
    flood = says(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n", *[b"x" * 60_000] * 5)

    error = await outcome(flood, changes=changes, max_answer=100_000)

    assert type(error) is expected
    assert "more than 100000 bytes" in str(error)


async def test_a_small_answer_that_unpacks_into_a_large_one_is_cut_off():
    bomb = says(answer(body=gzip.compress(b" " * 10_000_000), Content_Encoding="gzip"))

    assert type(await outcome(bomb, changes=False, max_answer=100_000)) is Malformed


@pytest.mark.parametrize("changes", [True, False])
async def test_nobody_there_is_unreachable_and_nothing_was_sent(changes):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        error = await outcome_at(f"http://127.0.0.1:{free.getsockname()[1]}", changes=changes)

    assert type(error) is Unreachable
    assert "connection refused" in str(error)


@pytest.mark.parametrize("changes", [True, False])
async def test_an_unknown_name_is_unreachable(changes):
    error = await outcome_at("http://no-such-host.invalid", changes=changes)

    assert type(error) is Unreachable
    assert "name is not known" in str(error)


@pytest.mark.parametrize("changes", [True, False])
async def test_an_address_that_is_none_is_rejected(changes):
    assert type(await outcome_at("http://", changes=changes)) is Rejected


@pytest.fixture(scope="module")
def tls(tmp_path_factory) -> ssl.SSLContext:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    address = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
    today = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(today - timedelta(days=1))
        .not_valid_after(today + timedelta(days=1))
        .add_extension(address, critical=False)
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    both = tmp_path_factory.mktemp("tls") / "both.pem"
    both.write_bytes(private + certificate.public_bytes(Encoding.PEM))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(both)
    return context


@pytest.mark.parametrize("changes", [True, False])
async def test_a_certificate_that_nobody_vouches_for_is_unreachable(tls, changes):
    async with raw_server(says(answer()), tls) as url:
        error = await outcome_at(url, changes=changes)

    assert type(error) is Unreachable
    assert "certificate is not trusted" in str(error)


@pytest.mark.parametrize("changes", [True, False])
async def test_a_server_without_tls_is_unreachable(changes):
    async with raw_server(says(b"HTTP/1.1 400 Bad Request\r\n\r\n", asked=False)) as url:
        error = await outcome_at(url.replace("http:", "https:"), changes=changes)

    assert type(error) is Unreachable
    assert "TLS" in str(error)


def test_no_connection_in_time_is_named():
    assert http.cause_of(aiohttp.ConnectionTimeoutError()) == "no connection in time"
    assert http.cause_of(aiohttp.ClientError("https://a.example/?token=s3cret")) == "ClientError"


@pytest.mark.parametrize("status", ["301 Moved Permanently", "307 Temporary Redirect"])
@pytest.mark.parametrize("changes", [True, False])
async def test_credentials_do_not_follow_a_redirect(status, changes):
    asked: list[bytes] = []

    async def elsewhere(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked.append(await reader.read(1000))

    async with raw_server(elsewhere) as other:
        error = await outcome(says(answer(status, Location=f"{other}/x")), changes=changes)

    assert type(error) is Rejected
    assert "is its address right" in str(error)
    assert asked == []


async def test_a_good_answer():
    said = await outcome(says(answer(body=b'{"id": "1"}', X_Thing="y")), changes=True)

    assert isinstance(said, Answer)
    assert (said.status, said.json(), said.headers["x-thing"]) == (200, {"id": "1"}, "y")
    assert said.budget is None


# --- what a status means


def said(status: int, body: object = None, **headers: str) -> Answer:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    return Answer(status=status, headers={k.replace("_", "-"): v for k, v in headers.items()}, body=raw)


ERROR = {"error": "no"}


@pytest.mark.parametrize(
    ("answered", "for_a_read", "for_a_change"),
    [
        (said(400, ERROR), Rejected, Rejected),
        (said(401, ERROR), Unauthorized, Unauthorized),
        (said(403, ERROR), Unauthorized, Unauthorized),
        (said(403, b"<h1>Are you human?</h1>"), Unreachable, Unreachable),
        (said(404, ERROR), Rejected, Rejected),
        (said(408), Unreachable, Unreachable),
        (said(409, ERROR), Rejected, Rejected),
        (said(410, ERROR), Rejected, Rejected),
        (said(422, ERROR), Rejected, Rejected),
        (said(425), Unreachable, Unreachable),
        (said(429, ERROR), Throttled, Throttled),
        (said(500, ERROR), Unreachable, Ambiguous),
        (said(502, b"<html>"), Unreachable, Ambiguous),
        (said(503, ERROR), Unreachable, Ambiguous),
        (said(504), Unreachable, Ambiguous),
    ],
)
def test_O3_a_status_says_what_helps(answered, for_a_read, for_a_change):
    assert type(error_for(answered, changes=False)) is for_a_read
    assert type(error_for(answered, changes=True)) is for_a_change


def test_O13_a_refusal_is_never_taken_for_success():
    error = error_for(said(422, {"error": "Duplicate"}), changes=True)

    assert isinstance(error, Rejected)
    assert error.status == 422


@pytest.mark.parametrize("status", [429, 503, 408])
def test_O3_the_servers_own_wait_is_handed_on(status):
    error = error_for(said(status, Retry_After="30"), changes=False)

    assert isinstance(error, Unreachable)
    assert error.wait(datetime(2026, 3, 4, tzinfo=UTC)) == timedelta(seconds=30)


def test_O3_throttling_without_retry_after_waits_for_the_reset():
    now = datetime(2026, 3, 4, 5, 14, tzinfo=UTC)
    limits = {
        "X_RateLimit_Limit": "300",
        "X_RateLimit_Remaining": "0",
        "X_RateLimit_Reset": "2026-03-04T05:15:00Z",
    }
    dated = error_for(said(429, Retry_After="Wed, 04 Mar 2026 05:16:00 GMT"), changes=False)
    throttled, busy = error_for(said(429, **limits), changes=False), error_for(said(503, **limits), changes=False)

    assert isinstance(throttled, Throttled)
    assert isinstance(busy, Unreachable)
    assert isinstance(dated, Throttled)
    assert throttled.wait(now) == timedelta(minutes=1)
    assert dated.wait(now) == timedelta(minutes=2)
    assert busy.wait(now) is None


@pytest.mark.parametrize(
    ("answered", "reason"),
    [
        (said(422, {"error": "too long"}), "HTTP 422: too long"),
        (said(401, {"error": "invalid", "error_description": "gone"}), "HTTP 401: gone"),
        (said(422, {"error": "a\r\nb\x1b[31m"}), "HTTP 422: a b [31m"),
        (said(422, {"error": {"a": 1}}), "HTTP 422: {'a': 1}"),
        (said(422, ["x"]), "HTTP 422"),
        (said(500, b"<html>"), "HTTP 500"),
        (said(500, b"[" * 100_000), "HTTP 500"),
    ],
)
def test_the_servers_own_words_are_told_in_one_line(answered, reason):
    assert reason_of(answered) == reason


def test_the_servers_own_words_are_bounded():
    assert len(reason_of(said(422, {"error": "x" * 5000}))) < 320


async def test_credentials_that_a_server_echoes_are_blotted_out():
    echo = says(
        answer("422 Unprocessable Content", json.dumps({"error": f"bad {SECRET} or s3cret-token"}).encode())
    )

    error = await outcome(echo, changes=True)

    assert "bad *** or ***" in str(error)


# --- JSON


@pytest.mark.parametrize("body", [b"", b"<html>", b'{"id": "1', b"NaN", b"\xff\xfe", b"[" * 100_000, b"9" * 5000])
def test_what_is_not_json_is_malformed_and_not_repeated(body):
    with pytest.raises(Malformed, match="not JSON but text/html, ") as raised:
        Answer(status=200, headers={"Content-Type": "text/html; charset=utf-8"}, body=body).json()

    assert "<html>" not in str(raised.value)


def test_characters_that_no_database_stores_are_replaced():
    body = rb'{"a\u0000": ["\ud83d\ude00", "\ud800", "\uDC00x", {"b": "\u0000"}, 1]}'

    value = Answer(status=200, headers={}, body=body).json()

    assert value == {"a\ufffd": ["😀", "\ufffd", "\ufffdx", {"b": "\ufffd"}, 1]}


@settings(deadline=None, max_examples=60)
@given(
    st.recursive(st.none() | st.text() | st.integers(), lambda inner: st.lists(inner, max_size=3), max_leaves=6)
)
def test_json_is_always_storable(value):
    read = Answer(status=200, headers={}, body=json.dumps(value).encode()).json()

    assert "\x00" not in json.dumps(read, ensure_ascii=False)
    json.dumps(read, ensure_ascii=False).encode()
