"""
The guard before every URL that a person typed: what Hubbub may ask out there, and how much of the answer it takes.

A webhook's address or a calendar feed is chosen by somebody who may do less than our machine can: it stands
inside the house's network, beside databases and the cloud's metadata server. So the address is checked where the
socket is made, after the name was resolved and for each connection anew: a name that resolves to something else
a moment later (DNS rebinding), an odd spelling of an address, or a redirect lead to the same check. The proxies
of the environment are not used, since the check would then see the proxy.

It neither retries nor waits, and it knows nothing of what is asked for.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Any

import aiohttp
from aiohttp.abc import AbstractResolver
from multidict import CIMultiDict
from yarl import URL

from bot.core.errors import HubbubError

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

ALLOW = "an operator can allow it with `outward.allow_private`"
LONGEST_URL = 2_000
USER_AGENT = "Hubbub/0.1"
TIMEOUT_SECONDS = 15.0
MAX_BYTES = 5_000_000
MOST_REDIRECTS = 5
REDIRECTS = frozenset({301, 302, 303, 307, 308})

_NEVER = (
    ip_network("192.0.0.0/24"),  # protocol assignments; one cloud keeps its metadata server there
    ip_network("100.64.0.0/10"),  # shared by providers (RFC 6598); some clouds keep their metadata server there
    ip_network("168.63.129.16/32"),  # a cloud's own services, on an address that looks public
    ip_network("192.88.99.0/24"),  # relays of 6to4, withdrawn (RFC 7526)
    ip_network("198.18.0.0/15"),  # benchmarks
    ip_network("2001::/23"),  # protocol assignments, Teredo among them
    ip_network("2001:db8::/32"),  # documentation
    ip_network("3fff::/20"),  # documentation
)
_GLOBAL_V6 = ip_network("2000::/3")
_NAT64 = ip_network("64:ff9b::/96")


class OutwardError(HubbubError):
    """
    The other server could not be asked.
    """

    status = 422
    code = "outward"


class Refused(OutwardError):
    """
    Hubbub does not ask this address.
    """


class NoAnswer(OutwardError):
    """
    The other server gave no answer that can be used.
    """


class _AddressRefused(OSError):
    # Always with the same text: several refused addresses of one host are then reported as this one error.
    def __init__(self) -> None:
        super().__init__("the name leads into a private network")


@dataclass(frozen=True, slots=True, kw_only=True)
class OutwardRules:
    """
    What the operator allows beyond the public internet over TLS.

    Args:
        networks: private networks that may be asked all the same.
        http: addresses without TLS may be used.
    """

    networks: Sequence[Network] = ()
    http: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """
    What the server said.

    Args:
        cut: there was more of the body than was taken.
        url: where it was found, after redirects.
    """

    status: int
    headers: Mapping[str, str]
    body: bytes
    cut: bool
    url: str


def url_problem(text: str, rules: OutwardRules) -> str | None:
    """
    Say what is wrong with an address that a person typed, or nothing. Pure: no name is resolved yet.
    """
    if len(text) > LONGEST_URL:
        return f"at most {LONGEST_URL:,} characters"
    try:
        url = URL(text)
        host, port = url.host, url.port
    except ValueError:
        return "is no address of a web server; write it as https://host/path"
    if url.scheme not in ("https", "http") or not host or not url.raw_authority:
        return "must begin with https:// and name a host"
    if url.scheme == "http" and not rules.http:
        return "must begin with https://; an operator can allow http with `outward.allow_http`"
    if url.user is not None or url.password is not None:
        return "must hold no name or password; use a secret in the path instead"
    if port == 0 or any(char.isspace() or not char.isprintable() for char in text):
        return "is no address of a web server; write it as https://host/path"
    literal = _literal(host)
    if literal is not None and not may_connect(literal, rules.networks):
        return f"lies in a private network; {ALLOW}"
    return None


def may_connect(address: Address, allowed: Sequence[Network]) -> bool:
    """
    Say whether an address is on the public internet, or in a network that is allowed by name. Pure.

    An address that carries another one (IPv4-mapped, 6to4, NAT64) is judged by the one that it carries.
    """
    inner = _inner(address)
    if any(one.version == network.version and one in network for one in {address, inner} for network in allowed):
        return True
    if inner.is_multicast or inner.is_reserved or not inner.is_global:
        return False
    if isinstance(inner, IPv6Address) and inner not in _GLOBAL_V6:
        return False
    return not any(inner in network for network in _NEVER if network.version == inner.version)


def _inner(address: Address) -> Address:
    if isinstance(address, IPv4Address):
        return address
    if address.ipv4_mapped is not None:
        return address.ipv4_mapped
    if address.sixtofour is not None:
        return address.sixtofour
    if address in _NAT64:
        return IPv4Address(address.packed[-4:])
    return address


def _literal(host: str) -> Address | None:
    try:
        return ip_address(host.strip("[]").split("%")[0])
    except ValueError:
        return None


class Outward:
    """
    Asks servers out there; an async context manager that holds the connections.

    Args:
        resolver: finds addresses of names; the system's, if left out.
    """

    def __init__(self, rules: OutwardRules, resolver: AbstractResolver | None = None) -> None:
        self.rules = rules
        self._resolver = resolver
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Outward:
        connector = aiohttp.TCPConnector(
            socket_factory=self._guarded_socket,
            resolver=self._resolver,
            limit_per_host=4,
            keepalive_timeout=5,
        )
        self._session = aiohttp.ClientSession(
            connector=connector,
            cookie_jar=aiohttp.DummyCookieJar(),
            headers={"User-Agent": USER_AGENT, "Accept-Encoding": "identity"},
            auto_decompress=False,  # sizes are those of the wire; nothing small unpacks into something huge
        )
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._session is not None
        await self._session.close()

    def _guarded_socket(self, info: Any) -> socket.socket:
        """
        Make the socket of one connection, unless its address may not be asked. Nothing connects past this.
        """
        family, kind, protocol, _, place = info
        if not may_connect(ip_address(place[0].split("%")[0]), self.rules.networks):
            raise _AddressRefused
        return socket.socket(family=family, type=kind, proto=protocol)

    async def get(
        self,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        seconds: float = TIMEOUT_SECONDS,
        max_bytes: int = MAX_BYTES,
    ) -> Answer:
        """
        Fetch something, through redirects, each of which is checked like the first address.

        Args:
            seconds: for all of it, redirects and body included.
            max_bytes: of the body; a longer one is refused.

        Raises:
            Refused: the address, or one it leads to, may not be asked.
            NoAnswer: no answer in time, too much of it, or too many redirects.
        """
        async with _in_time(seconds):
            for _ in range(MOST_REDIRECTS + 1):
                answer = await self._ask("GET", url, headers or {}, None, max_bytes)
                if answer.status not in REDIRECTS or "Location" not in answer.headers:
                    return _whole(answer, max_bytes)
                url = _joined(url, answer.headers["Location"])
        raise NoAnswer(f"it sent us elsewhere more than {MOST_REDIRECTS} times")

    async def post(
        self,
        url: str,
        body: bytes,
        *,
        headers: Mapping[str, str],
        seconds: float = TIMEOUT_SECONDS,
        max_bytes: int = MAX_BYTES,
    ) -> Answer:
        """
        Send something; redirects are answers like any other and never followed.

        Args:
            max_bytes: of the answer's body that are wanted; the rest is not read.

        Raises:
            Refused: the address may not be asked.
            NoAnswer: no answer in time; it may have been taken all the same.
        """
        async with _in_time(seconds):
            return await self._ask("POST", url, headers, body, max_bytes)

    async def _ask(
        self, method: str, url: str, headers: Mapping[str, str], body: bytes | None, max_bytes: int
    ) -> Answer:
        assert self._session is not None, "use it inside `async with`"
        problem = url_problem(url, self.rules)
        if problem is not None:
            raise Refused(f"the address {problem}")
        try:
            async with self._session.request(
                method, URL(url), headers=headers, data=body, allow_redirects=False
            ) as response:
                taken, cut = await _read(response.content, max_bytes)
                if cut:
                    response.close()  # not back to the pool: the rest of the body is still to come
                found = CIMultiDict(response.headers)
                return Answer(status=response.status, headers=found, body=taken, cut=cut, url=url)
        except aiohttp.ClientConnectorError as error:
            if isinstance(error.os_error, _AddressRefused):
                raise Refused(
                    f"{error.os_error}; an operator can allow it with `outward.allow_private`"
                ) from error
            raise NoAnswer(_cause(error)) from error
        except (aiohttp.ClientError, OSError, ValueError, RuntimeError) as error:
            # uvloop and yarl have their own ways to say that an address is no good
            if isinstance(error, TimeoutError):
                raise
            raise NoAnswer(_cause(error)) from error


@asynccontextmanager
async def _in_time(seconds: float) -> AsyncIterator[None]:
    try:
        async with asyncio.timeout(seconds):
            yield
    except TimeoutError as error:
        raise NoAnswer(f"no answer within {seconds:g} s") from error


async def _read(content: aiohttp.StreamReader, limit: int) -> tuple[bytes, bool]:
    taken = bytearray()
    async for chunk in content.iter_chunked(64 * 1024):
        taken += chunk
        if len(taken) > limit:
            return bytes(taken[:limit]), True
    return bytes(taken), False


def _whole(answer: Answer, max_bytes: int) -> Answer:
    if answer.cut:
        raise NoAnswer(f"it is larger than {max_bytes:,} bytes")
    if answer.headers.get("Content-Encoding", "identity").lower() not in ("identity", ""):
        raise NoAnswer("it is packed, though we asked for it plain")
    return answer


def _joined(url: str, location: str) -> str:
    try:
        return str(URL(url).join(URL(location)))
    except ValueError as error:
        raise NoAnswer("it sent us to something that is no address") from error


def _cause(error: BaseException) -> str:
    """
    Name what went wrong on the way, without the URL, which may hold a secret.
    """
    match error:
        case aiohttp.ClientConnectorCertificateError():
            return "its certificate is not trusted"
        case aiohttp.ClientSSLError():
            return "no TLS connection could be made"
        case aiohttp.ClientConnectorDNSError():
            return "the name of the server is not known"
        case aiohttp.ClientConnectorError() if isinstance(error.os_error, ConnectionRefusedError):
            return "connection refused"
        case aiohttp.ServerDisconnectedError() | ConnectionResetError():
            return "it broke off the connection"
        case aiohttp.ClientPayloadError():
            return "its answer broke off"
        case _:
            return f"no connection ({type(error).__name__})"
