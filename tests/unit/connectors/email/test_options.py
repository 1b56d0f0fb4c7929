"""
Settings of an e-mail account.
"""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from connectors.email.options import EmailOptions, is_loopback

GOOD = {
    "address": "Support@shop.example",
    "aliases": ["Help@shop.example"],
    "password": "sesame",
    "imap_host": "imap.shop.example",
    "smtp_host": "smtp.shop.example",
}


def options(**changes) -> EmailOptions:
    return EmailOptions.model_validate({**GOOD, **changes})


def test_what_is_left_out_has_safe_defaults():
    read = options()

    assert read.own == {"support@shop.example", "help@shop.example"}
    assert (read.imap_at, read.smtp_at) == (("imap.shop.example", 993), ("smtp.shop.example", 465))
    assert read.imap_login == read.smtp_login
    assert read.imap_login[0] == "Support@shop.example"
    assert "sesame" not in repr(read)


def test_starttls_has_its_own_ports_and_sending_its_own_login():
    read = options(imap_security="starttls", smtp_security="starttls", smtp_username="out", smtp_password="other")

    assert (read.imap_at[1], read.smtp_at[1]) == (143, 587)
    assert read.smtp_login[0] == "out"
    assert read.smtp_login[1].get_secret_value() == "other"
    assert options(name="Shop Ürün 店").name == "Shop Ürün 店"
    assert options(imap_port=1993, smtp_port=1465).imap_at[1] == 1993


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"address": "shop"}, "not a mail address"),
        ({"address": "a@b\r\nX: y"}, "not a mail address"),
        ({"aliases": ["x"]}, "not a mail address"),
        ({"name": "a\nb"}, "one line"),
        ({"imap_security": "plain"}, "imap_security: plain"),
        ({"smtp_security": "plain"}, "smtp_security: plain"),
        ({"hear_since": "2026-03-04T05:06:07"}, "time zone"),
        ({"mailboxes": []}, "at least 1"),
        ({"unknown": 1}, "Extra inputs"),
        ({"imap_port": 0}, "greater than"),
    ],
)
def test_bad_settings_are_named(changes, said):
    with pytest.raises(ValidationError, match=said) as refused:
        options(**changes)

    assert "sesame" not in "\n".join(str(error["msg"]) for error in refused.value.errors())


def test_plain_is_for_this_machine():
    assert options(imap_host="127.0.0.1", imap_security="plain").imap_at[1] == 143
    assert [is_loopback(host) for host in ("localhost", "::1", "127.9.9.9", "10.0.0.1", "shop.example")] == [
        True,
        True,
        True,
        False,
        False,
    ]
    assert options(hear_since="2026-03-04T05:06:07Z").hear_since is not None
