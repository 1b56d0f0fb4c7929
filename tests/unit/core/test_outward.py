"""
Which addresses people may make us ask.
"""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.core.outward import LONGEST_URL, OutwardRules, may_connect, url_problem

STRICT = OutwardRules()
REFUSED = [
    "0.0.0.0",
    "0.1.2.3",
    "10.0.0.1",
    "100.64.0.1",
    "100.100.100.200",  # a metadata server
    "127.0.0.1",
    "127.255.255.254",
    "168.63.129.16",  # a metadata server
    "169.254.169.254",  # a metadata server
    "172.16.0.1",
    "172.31.255.255",
    "192.0.0.192",  # a metadata server
    "192.0.2.1",
    "192.168.1.1",
    "198.18.0.1",
    "224.0.0.1",
    "239.255.255.255",
    "240.0.0.1",
    "255.255.255.255",
    "::",
    "::1",
    "::ffff:127.0.0.1",
    "::ffff:169.254.169.254",
    "::127.0.0.1",
    "64:ff9b::7f00:1",
    "64:ff9b:1::1",
    "2002:7f00:1::1",
    "2002:a00:1::",
    "2001::1",
    "2001:db8::1",
    "3fff::1",
    "fc00::1",
    "fd00:ec2::254",  # a metadata server
    "fe80::1",
    "fec0::1",
    "ff02::1",
]
OPEN = ["1.1.1.1", "93.184.216.34", "100.63.255.255", "100.128.0.1", "172.32.0.1", "2606:4700::1111"]
CARRYING = ["::ffff:1.1.1.1", "64:ff9b::101:101", "2002:101:101::1"]


@pytest.mark.parametrize("address", REFUSED)
def test_what_is_not_on_the_public_internet_is_refused(address):
    assert not may_connect(ip_address(address), ())


@pytest.mark.parametrize("address", OPEN + CARRYING)
def test_the_public_internet_is_open(address):
    assert may_connect(ip_address(address), ())


@given(st.ip_addresses(v=4))
def test_an_address_inside_another_is_judged_as_itself(inner: IPv4Address):
    carriers = (f"::ffff:{inner}", f"64:ff9b::{inner}", str(IPv6Address(0x2002 << 112 | int(inner) << 80)))
    assert {may_connect(ip_address(one), ()) for one in carriers} == {may_connect(inner, ())}


@given(st.ip_addresses())
def test_nothing_that_python_calls_private_is_open(address):
    if address.is_private or address.is_loopback or address.is_link_local or address.is_multicast:
        assert not may_connect(address, ()) or getattr(address, "ipv4_mapped", None) is not None


def test_a_network_can_be_allowed_and_nothing_beside_it():
    networks = (ip_network("10.20.0.0/16"), ip_network("fd00:1::/32"))
    assert may_connect(ip_address("10.20.3.4"), networks)
    assert may_connect(ip_address("::ffff:10.20.3.4"), networks)
    assert may_connect(ip_address("fd00:1::5"), networks)
    assert not may_connect(ip_address("10.21.0.1"), networks)
    assert not may_connect(ip_address("127.0.0.1"), networks)


@pytest.mark.parametrize(
    "url",
    [
        "https://hooks.example.com/x?y=1",
        "https://example.com:8443/",
        "https://例子.中国/路",
        "https://[2606:4700::1]/",
    ],
)
def test_addresses_of_web_servers_are_fine(url):
    assert url_problem(url, STRICT) is None


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("", "https://"),
        ("example.com/x", "https://"),
        ("//example.com", "https://"),
        ("ftp://example.com/", "https://"),
        ("file:///etc/passwd", "https://"),
        ("javascript:alert(1)", "https://"),
        ("https://", "name a host"),
        ("https:///x", "name a host"),
        ("https://example.com:99999/", "no address"),
        ("https://example.com:0/", "no address"),
        ("https://exa mple.com/", "no address"),
        ("https://example.com/\n", "no address"),
        ("https://[::1", "no address"),
        ("http://example.com/", "outward.allow_http"),
        ("https://ann:secret@example.com/", "no name or password"),
        ("https://ann@example.com/", "no name or password"),
        ("https://127.0.0.1/", "private network"),
        ("https://[::1]/", "private network"),
        ("https://[::ffff:10.0.0.1]/", "private network"),
        ("https://169.254.169.254/latest/meta-data", "private network"),
        ("https://example.com/" + "x" * LONGEST_URL, "characters"),
    ],
)
def test_other_addresses_are_refused_with_what_to_do(url, words):
    problem = url_problem(url, STRICT)
    assert problem is not None
    assert words in problem


def test_an_operator_can_allow_http_and_networks():
    rules = OutwardRules(networks=(ip_network("127.0.0.0/8"),), http=True)
    assert url_problem("http://127.0.0.1:8080/x", rules) is None
    assert url_problem("http://10.0.0.1/", rules) is not None


@given(st.text())
def test_no_text_breaks_the_check(text: str):
    url_problem(text, STRICT)
    url_problem(f"https://{text}", STRICT)
