"""
The redactor: credentials by field name, by value and by shape; ordinary text stays as it is.
"""

from __future__ import annotations

import base64
import json
import time
import urllib.parse
from datetime import UTC, datetime
from enum import Enum
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.core.redact import Redactor, is_secret_name

SECRET = "kx7\"Ü/+ &?'\\n9"


@pytest.fixture
def redactor() -> Redactor:
    made = Redactor()
    made.hide(SECRET)
    return made


@pytest.mark.parametrize(
    "name",
    [
        "password",
        "Password",
        "db_password",
        "access_token",
        "token",
        "X-Api-Key",
        "apikey",
        "client_secret",
        "Authorization",
        "Set-Cookie",
        "cookie",
        "credentials",
        "csrf_token",
        "session",
        "private-key",
        "secretbox",
    ],
)
def test_fields_that_hold_credentials_are_known_by_name(name: str) -> None:
    assert is_secret_name(name)
    assert Redactor().fields({name: "abc", "list": [{name: 12}]}) == {name: "***", "list": [{name: "***"}]}


@pytest.mark.parametrize(
    "name", ["key", "token_id", "token_name", "secret_key_file", "sessions", "passenger", "user"]
)
def test_harmless_fields_stay(name: str) -> None:
    assert not is_secret_name(name)
    assert Redactor().fields({name: "abc"}) == {name: "abc"}


def test_a_field_that_says_nothing_stays_visible() -> None:
    assert Redactor().fields({"token": None, "password": False}) == {"token": None, "password": False}


@given(st.text(min_size=4), st.text(), st.text())
def test_a_hidden_value_is_nowhere_in_the_text(value: str, before: str, after: str) -> None:
    redactor = Redactor()
    redactor.hide(value)
    said = redactor.text(f"{before}{value}{after}")
    assert value not in said.replace("***", "") or set(value) <= set("*")


@pytest.mark.parametrize(
    "spelled",
    [
        SECRET,
        repr(SECRET),
        repr(SECRET.encode()),
        json.dumps(SECRET),
        json.dumps(SECRET, ensure_ascii=False),
        urllib.parse.quote(SECRET),
        urllib.parse.quote(SECRET, safe=""),
        urllib.parse.urlencode({"q": SECRET}),
        base64.b64encode(SECRET.encode()).decode(),
        base64.urlsafe_b64encode(SECRET.encode()).decode(),
    ],
)
def test_a_hidden_value_is_known_in_its_usual_spellings(redactor: Redactor, spelled: str) -> None:
    said = redactor.text(f"began {spelled} ended")
    assert "kx7" not in said
    assert "***" in said
    assert (said[:6], said[-6:]) == ("began ", " ended")


def test_a_hidden_value_is_found_however_deep_it_lies(redactor: Redactor) -> None:
    class Odd:
        def __repr__(self) -> str:
            return f"Odd({SECRET})"

    class Kind(Enum):
        ONE = SECRET

    deep: object = SECRET
    for _ in range(30):
        deep = {"in": [deep]}
    event = {
        "a": [SECRET, (SECRET,), {SECRET}],
        "b": {SECRET: SECRET},
        "c": Odd(),
        "d": ValueError(SECRET),
        "e": SECRET.encode(),
        "f": Path("/tmp") / SECRET,
        "g": Kind.ONE,
        "h": deep,
        SECRET: 1,
    }
    assert "kx7" not in repr(redactor.fields(event))


def test_a_longer_value_is_hidden_as_a_whole() -> None:
    redactor = Redactor()
    redactor.hide("abcd")
    redactor.hide("abcd-efgh")
    assert redactor.text("x abcd-efgh y abcd z") == "x *** y *** z"


def test_very_short_values_are_not_hidden_and_repr_shows_nothing(redactor: Redactor) -> None:
    redactor.hide("abc")
    redactor.hide("")
    assert redactor.text("abc") == "abc"
    assert repr(redactor) == "<Redactor>"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("postgresql+asyncpg://u:pa@ss@h:5432/db", "postgresql+asyncpg://***@h:5432/db"),
        ("see https://token@example.com/x", "see https://***@example.com/x"),
        ("GET /a?access_token=abc123&x=1", "GET /a?access_token=***&x=1"),
        ("wss://h/api/v1/streaming?stream=user&token=abc", "wss://h/api/v1/streaming?stream=user&token=***"),
        ("password=hunter2;host=x", "password=***;host=x"),
        ('{"access_token": "a\\"bc", "ok": 1}', '{"access_token": "***", "ok": 1}'),
        ("{'password': 'a\"bc', 'ok': 1}", "{'password': '***', 'ok': 1}"),
        ("{b'Authorization': b'Basic dTpw'}", "{b'Authorization': b'***'}"),
        ("Authorization: Basic dTpwdTpw\nHost: h", "Authorization: ***\nHost: h"),
        ("Cookie: a=1; b=2", "Cookie: ***"),
        ("sent Bearer abc.DEF-123_~+/= there", "sent Bearer *** there"),
        ("-----BEGIN PRIVATE KEY-----\nMIIE\n-----END PRIVATE KEY-----\nx", "***\nx"),
        ("-----BEGIN EC PRIVATE KEY-----\nMIIE", "***"),
    ],
)
def test_credentials_are_known_by_shape(text: str, said: str) -> None:
    assert Redactor().text(text) == said


@pytest.mark.parametrize(
    "text",
    [
        "https://mastodon.example/@kite/1?page=2",
        "mail from kite@far.example",
        "invalid token: expired",
        "a bearer of bad news",
        "the secret is out",
        "価格は？ 🎉",
    ],
)
def test_ordinary_text_stays_as_it_is(text: str) -> None:
    assert Redactor().text(text) == text


def test_plain_values_stay_plain_and_the_rest_becomes_text() -> None:
    at = datetime(2026, 3, 2, tzinfo=UTC)
    fields = Redactor().fields({"n": 1, "x": 0.5, "b": True, "o": None, "at": at, "set": {1}, "p": Path("/x")})
    assert fields == {"n": 1, "x": 0.5, "b": True, "o": None, "at": str(at), "set": [1], "p": "PosixPath('/x')"}
    json.dumps(fields)


@pytest.mark.parametrize(
    "unit", ["a", "://", "a.", "token", '"token": \'', "cookie:", "-----BEGIN PRIVATE KEY-----"]
)
def test_a_million_characters_are_looked_through_quickly_and_cut(unit: str) -> None:
    began = time.process_time()
    said = Redactor().text(unit * (1_000_000 // len(unit)))
    assert time.process_time() - began < 2
    assert len(said) < 21_000


@pytest.mark.parametrize("before", range(19_960, 20_010, 3))
def test_a_cut_shows_no_part_of_a_credential(before: int) -> None:
    said = Redactor().text("x" * (before - 1) + " https://kite:hunter2-hunter2@example.com/ " + "y" * 10_000)
    assert "hunter" not in said
