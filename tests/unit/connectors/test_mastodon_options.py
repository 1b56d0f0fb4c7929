"""
Settings of a Mastodon account: what is refused, and that the refusal does not repeat the token.
"""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from connectors.mastodon.options import MastodonOptions, is_loopback


def options(**given: object) -> MastodonOptions:
    return MastodonOptions.model_validate({"server": "https://example.social", "access_token": "t0ken", **given})


@pytest.mark.parametrize(
    ("server", "kept"),
    [
        ("https://example.social", "https://example.social"),
        (" https://example.social/ ", "https://example.social"),
        ("http://127.0.0.1:3000", "http://127.0.0.1:3000"),
        ("http://[::1]:3000", "http://[::1]:3000"),
        ("http://localhost:3000/", "http://localhost:3000"),
    ],
)
def test_an_address_is_kept_without_its_end(server, kept):
    assert options(server=server).server == kept


@pytest.mark.parametrize(
    "server",
    [
        "example.social",
        "ftp://example.social",
        "https://",
        "http://example.social",
        "http://localhost.example",
        "https://example.social/web",
        "https://example.social?x=1",
        "https://a:b@example.social",
        "",
    ],
)
def test_an_address_that_would_not_do_is_refused(server):
    with pytest.raises(ValidationError, match="needs"):
        options(server=server)


@pytest.mark.parametrize("token", ["", "  ", "two words", "line\nbreak", "schlüssel"])
def test_a_token_that_fits_no_header_is_refused_without_repeating_it(token):
    with pytest.raises(ValidationError, match="needs the token alone") as raised:
        options(access_token=token)

    assert not token.strip() or token not in str(raised.value)


def test_a_token_is_trimmed_and_never_shown():
    made = options(access_token=" s3cret\n")

    assert made.access_token.get_secret_value() == "s3cret"
    assert "s3cret" not in repr(made)


def test_an_instant_needs_its_time_zone():
    with pytest.raises(ValidationError, match="timezone"):
        options(hear_since="2026-03-04T05:06:07")


def test_unknown_settings_are_refused():
    with pytest.raises(ValidationError, match="Extra inputs"):
        options(colour="red")


@pytest.mark.parametrize(
    ("host", "local"), [("127.9.9.9", True), ("::1", True), ("10.0.0.1", False), (None, False)]
)
def test_loopback(host, local):
    assert is_loopback(host) is local
