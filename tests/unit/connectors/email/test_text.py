"""
Bytes of unknown honesty become text.
"""

from __future__ import annotations

import base64

import pytest

from connectors.email.text import (
    MAX_FIELD_CHARS,
    MAX_FIELDS,
    Address,
    addresses,
    charset_of,
    clean,
    decode,
    decode_words,
    read_headers,
    unbase64,
)


@pytest.mark.parametrize(
    ("data", "declared", "text"),
    [
        ("尺码".encode("gb18030"), "gb2312", "尺码"),
        ("镕㐂".encode("gb18030"), "GB2312", "镕㐂"),  # not in GB 2312 itself
        ("镕".encode("gbk"), "gbk", "镕"),
        ("尺寸".encode("big5"), "big5", "尺寸"),
        ("안녕".encode("cp949"), "ks_c_5601-1987", "안녕"),
        ("①".encode("cp932"), "shift_jis", "①"),
        ("été".encode(), "us-ascii", "été"),
        ("été".encode(), "iso-8859-1", "été"),
        ("été".encode("cp1252"), "iso-8859-1", "été"),
        ("“é”".encode("cp1252"), "us-ascii", "“é”"),
        ("été".encode("cp1252"), "utf-8", "été"),
        ("été".encode("cp1252"), "no-such-charset", "été"),
        ("été".encode(), "", "été"),
        ("尺码表在哪里".encode(), "gb2312", "尺码表在哪里"),
        ("联通".encode("gb18030"), "gb2312", "联通"),  # reads as UTF-8 too
        ("尺码表在哪里".encode("gb18030"), "gb2312", "尺码表在哪里"),
        ("サイズ".encode("iso-2022-jp"), "iso-2022-jp", "サイズ"),
        (b"ab\x81cd", "us-ascii", "ab\ufffdcd"),
        (b"x" * 999 + b"\xff", "utf-8", "x" * 999 + "\ufffd"),
        ("尺码".encode("gb18030") * 5 + b"\xff", "gb2312", "尺码" * 5 + "\ufffd"),
        (b"a\x00b", "", "a\ufffdb"),
    ],
)
def test_charsets_that_lie_are_read(data, declared, text):
    assert decode(data, declared) == text


@pytest.mark.parametrize(
    "name", ["punycode", "idna", "zlib", "rot13", "unicode_escape", "\x00", "x" * 300, "undefined"]
)
def test_what_is_no_charset_is_none(name):
    assert charset_of(name) == ""


def test_clean_leaves_nothing_that_a_database_refuses():
    assert clean("a\x00\ud800b") == "a\ufffd?b"


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("=?utf-8?q?K=C3=AFte?=", "Kïte"),
        ("=?UTF-8?B?UmU6IE9yZGVyIDEyMw==?=", "Re: Order 123"),
        ("=?utf-8?q?a?= =?utf-8?q?b?=", "ab"),
        ("=?utf-8?q?a?= x =?utf-8?q?b_c?=", "a x b c"),
        ("=?utf-8?q?a?= =?iso-8859-1?q?=E9?=", "aé"),
        ("=?utf-8*en?q?hi?= there", "hi there"),
        ("=?utf-8?b?5bA=?= =?utf-8?b?uueggQ==?=", "尺码"),  # one character over two words
        ("=?utf-8?b?!!!?=", ""),
        ("=?nonsense", "=?nonsense"),
        ("plain\t text", "plain text"),
        ("=?gb2312?B?" + base64.b64encode("镕".encode("gbk")).decode() + "?=", "镕"),
    ],
)
def test_encoded_words(value, text):
    assert decode_words(value) == text


def test_headers_are_unfolded_and_lines_that_are_none_are_skipped():
    block = b"From x@y Mon\r\nSubject: one\r\n two\r\nX: a\nX: b\r\n: empty\r\nnot a field\r\nRaw: \xe9t\xe9"

    headers = read_headers(block)

    assert headers.get("subject") == "one two"
    assert headers.all("x") == ("a", "b")
    assert headers.get("raw") == "été"
    assert "subject" in headers
    assert "from" not in headers
    assert headers.get("missing") == ""


def test_headers_are_bounded():
    headers = read_headers(b"A: " + b"x" * 100_000 + b"\n" + b"B: c\n" * 5000)

    assert len(headers.get("a")) == MAX_FIELD_CHARS
    assert len(headers.fields) == MAX_FIELDS


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("Kite <Kite@Far.example>", [("Kite@Far.example", "Kite")]),
        ('"Kite, A." <k@far.example>, b@far.example', [("k@far.example", "Kite, A."), ("b@far.example", "")]),
        ("=?utf-8?q?K=C3=AFte?= <k@far.example>", [("k@far.example", "Kïte")]),
        ("张三 <k@far.example>", [("k@far.example", "张三")]),
        ("MAILER-DAEMON (Mail System)", [("MAILER-DAEMON", "Mail System")]),
        ("a b c <<k@far.example", [("k@far.example", "")]),
        ("(" * 3000 + "k@far.example", [("k@far.example", "")]),
        ("<>", []),
        ("", []),
    ],
)
def test_addresses(value, expected):
    assert [(one.spec, one.name) for one in addresses([value])] == expected


def test_an_address_is_compared_in_lower_case():
    address = Address(spec="Kite.A@Far.example")

    assert (address.key, address.local_part) == ("kite.a@far.example", "kite.a")
    assert Address(spec="MAILER-DAEMON").local_part == "mailer-daemon"


@pytest.mark.parametrize(
    ("data", "content"), [(b"YWJj", b"abc"), (b"YW\r\nJj Z", b"abc"), (b"YWI", b"ab"), (b"", b"")]
)
def test_base64_that_is_cut_or_dirty(data, content):
    assert unbase64(data) == content
