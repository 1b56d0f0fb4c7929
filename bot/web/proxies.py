"""
Who is really asking, when a proxy of ours stands in front. Pure but for the request it looks at.
"""

from __future__ import annotations

from collections.abc import Sequence
from ipaddress import IPv4Network, IPv6Network, ip_address

from aiohttp import web

Networks = Sequence[IPv4Network | IPv6Network]
TRUSTED_PROXIES: web.AppKey[Networks] = web.AppKey("TRUSTED_PROXIES", Sequence[IPv4Network | IPv6Network])


def client_address(peer: str, forwarded_for: Sequence[str], trusted: Networks) -> str:
    """
    Say which address asks: the last one in the chain that is not a proxy of ours.

    Only what our own proxies added is believed, so a browser that sends the header itself gains nothing.

    Args:
        peer: the other end of the connection.
        forwarded_for: values of `X-Forwarded-For`, in the order of the headers.
        trusted: networks of our own proxies.
    """
    chain = [part.strip() for value in forwarded_for for part in value.split(",")]
    address = peer
    while chain and _is_in(address, trusted):
        address = chain.pop()
    return address if _is_address(address) else peer


def _is_in(address: str, networks: Networks) -> bool:
    return _is_address(address) and any(ip_address(address) in network for network in networks)


def _is_address(text: str) -> bool:
    try:
        ip_address(text)
    except ValueError:
        return False
    return True


def address_of(request: web.Request) -> str:
    """
    Say which address a request comes from.
    """
    trusted = request.app.get(TRUSTED_PROXIES, ())
    return client_address(request.remote or "unknown", request.headers.getall("X-Forwarded-For", []), trusted)
