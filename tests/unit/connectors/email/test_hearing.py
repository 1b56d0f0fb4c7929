"""
One raw mail becomes one heard item, or a broken one; never an exception.
"""

from __future__ import annotations

import json
import re
import time
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connectors.base import BrokenItem, HeardItem, HeardKind, Visibility
from connectors.email.hearing import MAX_RAW_BYTES, Arrival, read_mail

AT = datetime(2026, 3, 4, 5, 6, 7, tzinfo=UTC)
EXAMPLE = b"""Return-Path: <kite@far.example>
From: =?utf-8?q?K=C3=AFte?= <Kite@far.example>
To: support@shop.example
Subject: =?utf-8?b?UmU6IE9yZGVyIDEyMw==?=
Date: Wed, 04 Mar 2099 06:06:07 +0100
Message-ID: <cafe01@far.example>
In-Reply-To: <job-77@shop.example>
References: <abc0@far.example> <job-77@shop.example>
Content-Type: text/plain; charset=utf-8; format=flowed

Does it ship to Norway?

On Tue, Shop wrote:
> Your order 123 ...
"""


def arrival(raw: bytes, **changes) -> Arrival:
    known = {
        "size": len(raw),
        "received_at": AT,
        "mailbox": "INBOX",
        "uid": 7,
        "address": "support@shop.example",
        "own": frozenset({"support@shop.example"}),
    }
    return Arrival(raw=raw, **{**known, **changes})


def heard(raw: bytes, **changes) -> HeardItem:
    item = read_mail(arrival(raw, **changes))
    assert isinstance(item, HeardItem), item
    return item


def test_a_mail_says_all_that_the_others_need():
    item = heard(EXAMPLE)

    assert item.kind is HeardKind.MESSAGE
    assert (item.author.key, item.author.handle, item.author.name) == (
        "kite@far.example",
        "Kite@far.example",
        "Kïte",
    )
    assert (item.subject, item.text) == ("Re: Order 123", "Does it ship to Norway?")
    assert item.quoted == "On Tue, Shop wrote:\n> Your order 123 ..."
    assert item.occurred_at == AT  # not the sender's Date
    assert item.message_id == "cafe01@far.example"
    assert item.in_reply_to == ("job-77@shop.example", "abc0@far.example")
    assert item.visibility is Visibility.DIRECT
    assert item.automatic is None
    assert item.reply_to == {
        "to": "Kite@far.example",
        "from": "Kite@far.example",
        "name": "Kïte",
        "subject": "Re: Order 123",
        "message_id": "cafe01@far.example",
        "references": ["abc0@far.example", "job-77@shop.example", "cafe01@far.example"],
        "no_automatic": None,
    }


def test_I7_what_the_headers_claim_is_never_proof():
    assert heard(EXAMPLE).thread_proof is False


@pytest.mark.parametrize(
    ("reply_to", "expected"),
    [
        ("Forms <customer@far.example>", "customer@far.example"),
        ("a@far.example, b@far.example", "kite@far.example"),
        ("support@shop.example", "kite@far.example"),
        ("", "kite@far.example"),
    ],
)
def test_I7_reply_to_is_where_the_answer_goes_and_not_who_wrote(reply_to, expected):
    item = heard(f"From: kite@far.example\nReply-To: {reply_to}\n\nx".encode())

    assert item.reply_to["to"] == expected
    assert item.reply_to["from"] == "kite@far.example"
    assert item.author.key == "kite@far.example"


def test_I7_one_who_got_a_blind_copy_is_another_author_of_the_same_claim():
    other = heard(EXAMPLE.replace(b"Kite@far.example", b"reader@else.example"))

    assert other.in_reply_to == heard(EXAMPLE).in_reply_to
    assert other.author.key == "reader@else.example"
    assert other.remote_id != heard(EXAMPLE).remote_id


def test_I4_the_id_is_the_same_after_a_move_and_on_another_way():
    moved = heard(EXAMPLE, mailbox="Archive", uid=99, received_at=datetime(2026, 5, 1, tzinfo=UTC))
    again = heard(b"Received: from elsewhere\nDelivered-To: help@shop.example\n" + EXAMPLE.replace(b"\n", b"\r\n"))

    assert heard(EXAMPLE).remote_id == moved.remote_id == again.remote_id


def test_I4_one_message_id_for_all_mails_does_not_make_them_one():
    assert heard(EXAMPLE).remote_id != heard(EXAMPLE.replace(b"Norway", b"Sweden")).remote_id


def test_without_a_message_id_a_mail_still_has_an_id():
    item = heard(b"From: kite@far.example\n\nx")

    assert item.message_id is None
    assert item.remote_id.startswith("none#")


def test_the_sender_may_stand_elsewhere():
    assert heard(b"Sender: kite@far.example\n\nx").author.key == "kite@far.example"
    assert heard(b"From: undisclosed\nReturn-Path: <kite@far.example>\n\nx").author.key == "undisclosed"
    assert heard(b"From: undisclosed\n\nx").reply_to is None


def test_I6_a_bounce_is_heard_as_one_and_names_our_mail():
    item = heard(
        b"From: MAILER-DAEMON@mx.example\nReturn-Path: <>\nX-Failed-Recipients: gone@far.example\n\n"
        b"It failed.\nMessage-ID: <job-9@shop.example>"
    )

    assert item.kind is HeardKind.BOUNCE
    assert item.automatic == "bounce"
    assert item.in_reply_to == ("job-9@shop.example",)
    assert item.text.startswith("Delivery to gone@far.example: not delivered")
    assert item.raw["report"]["original_id"] == "job-9@shop.example"


def test_I6_a_bounce_that_names_nothing_keeps_its_own_claims():
    item = heard(b"X-Failed-Recipients: gone@far.example\nIn-Reply-To: <x@far.example>\n\nIt failed.")

    assert item.author is None
    assert item.reply_to is None
    assert item.in_reply_to == ("x@far.example",)


def test_I6_other_reports_go_nowhere():
    kind = b"multipart/report; report-type=disposition-notification; boundary=b"

    item = heard(b"From: kite@far.example\nContent-Type: " + kind + b"\n\n" + b"--b\n\nRead.\n--b--")

    assert (item.kind, item.automatic) == (HeardKind.OTHER, "report")


def test_html_is_handed_on_untouched_unless_it_could_stop_the_sanitiser():
    head = b"From: kite@far.example\nContent-Type: text/html\n\n"
    page = "<p onclick='x'>Hi<script>alert(1)</script></p>"

    assert heard(head + page.encode()).html == page
    assert heard(head + page.encode()).text == "Hi"
    assert heard(head + b"<div>" * 2000 + b"deep").html is None
    assert heard(head + b"<div>" * 2000 + b"deep").text == "deep"


def test_a_mail_read_in_part_says_so():
    item = heard(EXAMPLE, size=31_000_000)

    assert item.text.endswith("[This mail of 31 MB was read only in part.]")
    assert item.raw["cut"] is True


@pytest.mark.parametrize(
    ("raw", "error"),
    [
        (b"", "the mail is empty"),
        (b" \r\n ", "the mail is empty"),
        (b"no header at all", "the mail has no headers"),
        (b"Subject: x\n\nx", "the mail names no sender"),
        (
            b"From: a@b.example\nContent-Type: multipart/mixed; boundary=b\n\n" + b"--b\n\nx\n" * 10_000,
            "more than 500 parts",
        ),
    ],
)
def test_I2_what_cannot_be_read_is_broken_with_a_reason(raw, error):
    item = read_mail(arrival(raw))

    assert isinstance(item, BrokenItem)
    assert item.error == error
    assert item.remote_id == read_mail(arrival(raw, uid=99, mailbox="Archive")).remote_id
    assert len(item.raw) <= MAX_RAW_BYTES


def test_I2_two_empty_mails_are_two():
    other = read_mail(arrival(b"", received_at=datetime(2026, 3, 5, tzinfo=UTC)))

    assert read_mail(arrival(b"")).remote_id != other.remote_id


def test_I2_what_defeats_the_reader_is_broken_too(monkeypatch):
    # No input is known that does this; the promise is for those that are not known.
    monkeypatch.setattr("connectors.email.mime.MAX_TEXT_CHARS", "not a number")

    item = read_mail(arrival(EXAMPLE))

    assert isinstance(item, BrokenItem)
    assert item.error == "could not be read (TypeError)"


@pytest.mark.parametrize(
    "raw",
    [
        b"From: " + b"(" * 100_000 + b"a@b.example\n\nx",
        b"From: a@b.example\nTo: " + b"x@y.example, " * 20_000 + b"\n\nx",
        b"From: a@b.example\nReferences: " + b"<" * 200_000 + b"\n\nx",
        b"From: a@b.example\nSubject: " + b"=?utf-8?q?a?= " * 20_000 + b"\n\nx",
        b"From: a@b.example\nContent-Type: text/plain" + b';"' * 100_000 + b"\n\nx",
        b"From: a@b.example\nSubject:" + b"\n x" * 100_000 + b"\n\nx",
        b"From: a@b.example\n\n" + b"> \n" * 300_000,
        b"From: a@b.example\n\n" + b"-" * 1_000_000,
        b"From: a@b.example\n\n" + b" " * 1_000_000 + b"x",
        b"From: a@b.example\n\nOn " + b"x" * 1_000_000 + b"\n> q",
        b"From: a@b.example\nContent-Type: multipart/mixed; boundary=b\n\n"
        + b"--b" * 1_000_000
        + b"\n--bx" * 1_000_000,
        b"From: a@b.example\nContent-Type: text/plain; charset=utf-7\n\n" + b"+AAA-" * 200_000,
    ],
    ids=[
        "comments",
        "recipients",
        "references",
        "words",
        "parameters",
        "folds",
        "quotes",
        "dashes",
        "spaces",
        "on",
        "boundaries",
        "utf7",
    ],
)
def test_I2_hostile_mail_is_read_within_seconds(raw):
    began = time.process_time()
    read_mail(arrival(raw))

    assert time.process_time() - began < 10  # what is quadratic takes minutes


PIECES = st.sampled_from(
    [
        b"From: a@b.example\r\n",
        b"Content-Type: multipart/alternative; boundary=b\r\n",
        b"Content-Type: multipart/report; report-type=delivery-status; boundary=b\n",
        b"Content-Type: text/html; charset=gb2312\r\n",
        b"Content-Type: message/delivery-status\n",
        b"Content-Type: text/plain; format=flowed; delsp=yes; charset*=x'y'%ff\r\n",
        b"Content-Transfer-Encoding: base64\r\n",
        b"Content-Transfer-Encoding: quoted-printable\r\n",
        b"Subject: =?gb2312?b?/////w==?= =?utf-8?q?=ff?=\r\n",
        b"Content-Disposition: attachment; filename*0*=utf-8''%e5; filename*1=x\r\n",
        b"In-Reply-To: <a@b> <c@d>\r\n",
        b"Return-Path: <>\r\n",
        b"Message-ID: \xff\x00<x\r\n",
        b"\r\n",
        b"\n",
        b"--b\r\n",
        b"--b--\r\n",
        b"<blockquote><p>",
        b"> quoted\r\n",
        b"On x y z wrote:\r\n",
        b"=E5=B0\r\n",
        b"\x00\xff\xfe",
        b" \t",
    ]
)


@settings(max_examples=400, deadline=None)
@given(
    st.binary(max_size=2000) | st.lists(PIECES | st.binary(max_size=20), max_size=40).map(b"".join), st.booleans()
)
def test_I2_any_bytes_are_read_and_fit_a_database(raw, junk):
    item = read_mail(arrival(raw, junk=junk))

    assert item.remote_id
    if isinstance(item, BrokenItem):
        assert "could not be read" not in item.error
        texts = [item.raw, item.error]
    else:
        texts = [item.text, item.quoted, item.subject, item.html or "", item.remote_id, item.message_id or ""]
        texts += [item.author.key, item.author.handle, item.author.name] if item.author else []
        texts += [one.name + (one.content_type or "") + one.description for one in item.attachments]
        written = [json.dumps(part, ensure_ascii=False) for part in (item.raw, item.reply_to)]
        # A NUL, escaped; not the words of somebody who writes about that escape.
        assert not [text for text in written if re.search(r"(?<!\\)(?:\\\\)*\\u0000", text)]
        texts += [*item.in_reply_to, *written]
    for text in texts:
        assert "\x00" not in text
        text.encode("utf-8")
