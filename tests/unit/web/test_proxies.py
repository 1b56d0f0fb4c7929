"""
Who is really asking behind a proxy.
"""

from __future__ import annotations

from ipaddress import ip_network

import pytest

from bot.web.proxies import client_address

OURS = (ip_network("10.0.0.0/8"), ip_network("::1/128"))


@pytest.mark.parametrize(
    ("peer", "forwarded", "address"),
    [
        ("192.0.2.7", [], "192.0.2.7"),
        ("192.0.2.7", ["198.51.100.1"], "192.0.2.7"),  # a stranger's header is not believed
        ("10.0.0.1", ["198.51.100.1"], "198.51.100.1"),
        ("10.0.0.1", ["203.0.113.9, 198.51.100.1"], "198.51.100.1"),  # the browser wrote the first part itself
        ("10.0.0.1", ["203.0.113.9", "198.51.100.1, 10.0.0.2"], "198.51.100.1"),  # two proxies of ours
        ("10.0.0.1", ["nonsense"], "10.0.0.1"),
        ("10.0.0.1", [], "10.0.0.1"),
        ("::1", ["2001:db8::5"], "2001:db8::5"),
        ("unknown", ["198.51.100.1"], "unknown"),
    ],
)
def test_only_what_our_own_proxies_say_is_believed(peer: str, forwarded: list[str], address: str) -> None:
    assert client_address(peer, forwarded, OURS) == address


def test_without_proxies_the_header_means_nothing() -> None:
    assert client_address("10.0.0.1", ["198.51.100.1"], ()) == "10.0.0.1"
