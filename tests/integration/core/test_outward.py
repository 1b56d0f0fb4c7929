"""
Asking real servers on loopback through the guard: what it lets through, what it stops, and how it bounds answers.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from ipaddress import ip_network

import pytest
from aiohttp import web
from aiohttp.abc import AbstractResolver, ResolveResult
from aiohttp.test_utils import BaseTestServer, TestServer

from bot.core.outward import NoAnswer, Outward, OutwardRules, Refused

HERE = OutwardRules(networks=(ip_network("127.0.0.1/32"),), http=True)
NOWHERE = OutwardRules(http=True)


@dataclass
class Names(AbstractResolver):
    """
    A name server whose answers change from question to question.
    """

    answers: list[str] = field(default_factory=list)

    async def resolve(self, host: str, port: int = 0, family: int = 0) -> list[ResolveResult]:
        address = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        kind = socket.AF_INET6 if ":" in address else socket.AF_INET
        return [ResolveResult(hostname=host, host=address, port=port, family=kind, proto=0, flags=0)]

    async def close(self) -> None:
        pass


@dataclass
class Server:
    """
    What the tests ask, and what it was asked.
    """

    http: BaseTestServer
    asked: list[str] = field(default_factory=list)

    def url(self, path: str, host: str = "127.0.0.1") -> str:
        return f"http://{host}:{self.http.port}{path}"


@pytest.fixture
async def server() -> AsyncIterator[Server]:
    async def answer(request: web.Request) -> web.StreamResponse:
        served.asked.append(request.path)
        match request.path:
            case "/slow":
                await asyncio.sleep(30)
            case "/big":
                return web.Response(body=b"x" * 300_000)
            case "/to":
                return web.Response(status=302, headers={"Location": request.query["url"]})
            case "/round":
                return web.Response(status=307, headers={"Location": "/round"})
            case "/packed":
                return web.Response(body=b"\x1f\x8b", headers={"Content-Encoding": "gzip"})
            case "/broken":
                request.transport.close()
        return web.Response(text=f"{request.method} {(await request.read()).decode()}")

    app = web.Application()
    app.router.add_route("*", "/{rest:.*}", answer)
    async with TestServer(app, host="127.0.0.1") as http:
        served = Server(http)
        yield served


@asynccontextmanager
async def outward(rules: OutwardRules = HERE, *names: str) -> AsyncIterator[Outward]:
    async with Outward(rules, Names(list(names)) if names else None) as opened:
        yield opened


async def test_what_is_allowed_is_asked_and_answers(server: Server):
    async with outward() as out:
        assert (await out.get(server.url("/x"))).body == b"GET "
        answer = await out.post(server.url("/y"), b"hello", headers={"X-One": "1"})
    assert (answer.status, answer.body, answer.cut) == (200, b"POST hello", False)
    assert server.asked == ["/x", "/y"]


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "localhost", "127.1", "0x7f000001", "2130706433", "[::ffff:127.0.0.1]"]
)
async def test_this_machine_is_not_asked_however_it_is_spelled(server: Server, host: str):
    async with outward(NOWHERE) as out:
        with pytest.raises((Refused, NoAnswer)) as caught:
            await out.get(server.url("/x", host))
        with pytest.raises((Refused, NoAnswer)):
            await out.post(server.url("/x", host), b"", headers={})
    assert isinstance(caught.value, Refused) or host not in ("127.0.0.1", "localhost", "[::ffff:127.0.0.1]")
    assert server.asked == []


@pytest.mark.parametrize("address", ["10.0.0.1", "127.0.0.1", "169.254.169.254", "::1", "fd00:ec2::254"])
async def test_a_name_that_leads_into_a_private_network_is_refused(server: Server, address: str):
    async with outward(NOWHERE, address) as out:
        with pytest.raises(Refused, match="private network"):
            await out.get(server.url("/x", "innocent.example"))
    assert server.asked == []


async def test_a_name_that_changes_its_address_is_checked_again(server: Server):
    # DNS rebinding: the first answer may be asked, the next one may not.
    async with outward(
        OutwardRules(networks=(ip_network("127.0.0.2/32"),), http=True), "127.0.0.2", "127.0.0.1"
    ) as out:
        with pytest.raises(NoAnswer):  # nobody listens at 127.0.0.2
            await out.get(server.url("/x", "innocent.example"))
        out._session.connector.clear_dns_cache()
        with pytest.raises(Refused):
            await out.get(server.url("/x", "innocent.example"))
    assert server.asked == []


@pytest.mark.parametrize(
    "to",
    [
        "http://10.0.0.1/",
        "http://169.254.169.254/latest",
        "http://localhost.:1/",
        "file:///etc/passwd",
        "//[::1]/",
    ],
)
async def test_a_redirect_into_a_private_network_is_refused(server: Server, to: str):
    async with outward() as out:
        with pytest.raises((Refused, NoAnswer)) as caught:
            await out.get(server.url(f"/to?url={to}"))
    assert isinstance(caught.value, Refused) or "localhost" in to
    assert server.asked == ["/to"]


async def test_redirects_are_followed_when_reading_and_never_when_sending(server: Server):
    async with outward() as out:
        answer = await out.get(server.url("/to?url=/there"))
        assert (answer.status, answer.url) == (200, server.url("/there"))
        assert (await out.post(server.url("/to?url=/there"), b"x", headers={})).status == 302
        with pytest.raises(NoAnswer, match="more than 5 times"):
            await out.get(server.url("/round"))
    assert server.asked == ["/to", "/there", "/to"] + ["/round"] * 6


async def test_a_long_answer_is_refused_when_reading_and_cut_when_sending(server: Server):
    async with outward() as out:
        with pytest.raises(NoAnswer, match="larger than 1,000 bytes"):
            await out.get(server.url("/big"), max_bytes=1000)
        answer = await out.post(server.url("/big"), b"x", headers={}, max_bytes=1000)
        assert (answer.body, answer.cut) == (b"x" * 1000, True)
        assert len((await out.get(server.url("/big"), max_bytes=300_000)).body) == 300_000


async def test_a_server_that_does_not_answer_is_given_up(server: Server):
    async with outward() as out:
        with pytest.raises(NoAnswer, match=r"no answer within 0\.2 s"):
            await out.get(server.url("/slow"), seconds=0.2)
        with pytest.raises(NoAnswer, match=r"no answer within 0\.2 s"):
            await out.post(server.url("/slow"), b"", headers={}, seconds=0.2)


async def test_other_failures_are_named_without_the_address(server: Server):
    async with outward() as out:
        for path, words in (("/broken?secret=abc", "broke off"), ("/packed?secret=abc", "packed")):
            with pytest.raises(NoAnswer, match=words) as caught:
                await out.get(server.url(path))
            assert "secret" not in str(caught.value)
        with pytest.raises(NoAnswer, match="not known"):
            await out.get("http://nobody.invalid/x")
        with pytest.raises(NoAnswer, match="TLS"):
            await out.get(server.url("/x").replace("http:", "https:"))
        free = socket.create_server(("127.0.0.1", 0))
        port = free.getsockname()[1]
        free.close()
        with pytest.raises(NoAnswer, match="connection refused"):
            await out.get(f"http://127.0.0.1:{port}/")


async def test_nothing_is_asked_through_a_proxy_of_the_environment(
    server: Server, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("http_proxy", server.url(""))
    async with outward(NOWHERE, "10.0.0.1") as out:
        with pytest.raises(Refused):
            await out.get("http://innocent.example/")
    assert server.asked == []
