"""
What IMAP and SMTP servers say, as values.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.base import Cursor
from connectors.email import protocol
from connectors.email.protocol import HEAD_BYTES, MAX_MAIL_BYTES, PAGE_MAILS, RESCAN, Listed, Position, Room
from connectors.errors import Ambiguous, Malformed, Rejected, Throttled, Unauthorized, Unreachable

NOW = datetime(2026, 3, 4, 5, 6, 7, tzinfo=UTC)


def listed(uid: int, size: int = 1000) -> Listed:
    return Listed(uid=uid, size=size, received_at=NOW)


def test_a_cursor_reads_back():
    positions = {"INBOX": Position(uid_validity=7, uid=42), "Kund&AOQ-": Position(uid_validity=1, uid=0)}

    assert protocol.read_cursor(protocol.write_cursor(positions)) == positions
    assert protocol.read_cursor(None) == {}
    assert protocol.write_cursor(positions) == protocol.write_cursor(dict(reversed(positions.items())))


@pytest.mark.parametrize(
    "text", ["", "[]", "7", '{"INBOX": 7}', '{"INBOX": {"uid": 7}}', '{"INBOX": {"uid": "x", "uidvalidity": 1}}']
)
def test_what_is_no_cursor_is_malformed(text):
    with pytest.raises(Malformed):
        protocol.read_cursor(Cursor(text))


def test_a_mailbox_is_read_from_its_opening():
    lines = [
        b"FLAGS (\\Seen)",
        b"42 EXISTS",
        b"OK [UIDVALIDITY 1700000001] ok",
        b"OK [UIDNEXT 1043] next",
        bytearray(b"[UIDNEXT 1] in a literal"),
        b"[READ-ONLY] done",
    ]

    mailbox = protocol.read_mailbox("INBOX", lines)  # type: ignore[arg-type]

    assert (mailbox.name, mailbox.uid_validity, mailbox.uid_next) == ("INBOX", 1700000001, 1043)


@pytest.mark.parametrize("lines", [[], [b"OK [UIDNEXT 1]"], [b"OK [UIDVALIDITY 1]"]])
def test_I4_a_server_that_numbers_nothing_cannot_be_heard(lines):
    with pytest.raises(Malformed):
        protocol.read_mailbox("INBOX", lines)


def test_the_uids_of_a_search():
    assert protocol.read_search([b"9 7 8 7", b"Search completed (0.001 + 000 secs)."]) == [7, 8, 9]
    assert protocol.read_search([b"", b"done 7"]) == []
    assert protocol.read_search([bytearray(b"5"), b"done"]) == []


def test_the_last_mail_is_not_heard_again():
    assert protocol.after([1042], 1042) == []
    assert protocol.after([1042, 1043], 1042) == [1043]


@pytest.mark.parametrize(
    ("stamp", "received_at"),
    [
        ('INTERNALDATE "04-Mar-2026 06:06:07 +0100"', NOW),
        ('internaldate " 4-mar-2026 00:06:07 -0500"', NOW),
        ('INTERNALDATE "04-Foo-2026 06:06:07 +0100"', None),
        ('INTERNALDATE "31-Feb-2026 06:06:07 +0100"', None),
        ("INTERNALDATE NIL", None),
    ],
)
def test_a_listing(stamp, received_at):
    lines = [
        f"43 FETCH (UID 1043 {stamp} RFC822.SIZE 5120)".encode(),
        b"42 FETCH (FLAGS (\\Seen))",
        bytearray(b"UID 1 RFC822.SIZE 2"),
        b"done",
    ]

    assert protocol.read_listing(lines) == [Listed(uid=1043, size=5120, received_at=received_at)]  # type: ignore[arg-type]


def test_the_content_of_the_mail_that_was_asked_for():
    lines = [
        b"42 FETCH (UID 6 BODY[]<0> {3}",
        bytearray(b"no!"),
        b")",
        b"43 FETCH (UID 7 BODY[]<0> {5}",
        bytearray(b"UID 6"),
        b")",
        b"done",
    ]

    assert protocol.read_content(7, lines) == b"UID 6"  # type: ignore[arg-type]
    assert protocol.read_content(8, lines) is None  # type: ignore[arg-type]
    assert protocol.read_content(7, [b'1 FETCH (UID 7 BODY[]<0> "")', b"done"]) == b""
    assert protocol.read_content(7, [b"1 FETCH (UID 7 BODY[] NIL)", b"done"]) == b""


def test_a_page_is_bounded_by_number_and_by_bytes():
    assert len(Room().take([listed(n) for n in range(200)])) == PAGE_MAILS
    assert [one.uid for one in Room(bytes=2500).take([listed(n) for n in range(9)])] == [0, 1]
    assert Room().without([listed(1)]) == Room(mails=PAGE_MAILS - 1, bytes=Room().bytes - 1000)
    assert Room(mails=0).take([listed(1)]) == []


@given(st.lists(st.integers(0, 3 * MAX_MAIL_BYTES), min_size=1))
def test_an_empty_page_always_takes_something_and_never_too_much(sizes):
    taken = Room().take([listed(n, size) for n, size in enumerate(sizes)])

    assert taken
    assert sum(protocol.read_bytes(one) for one in taken) <= protocol.PAGE_BYTES
    assert [one.uid for one in taken] == list(range(len(taken)))


def test_how_much_of_a_mail_is_read():
    assert protocol.to_read(MAX_MAIL_BYTES) == MAX_MAIL_BYTES
    assert protocol.to_read(MAX_MAIL_BYTES + 1) == HEAD_BYTES


def test_where_hearing_begins():
    early, late = NOW - timedelta(days=90), NOW - timedelta(days=2)

    assert protocol.look_back(None, now=NOW, renumbered=False) is None
    assert protocol.look_back(early, now=NOW, renumbered=False) == early
    assert protocol.look_back(None, now=NOW, renumbered=True) == NOW - RESCAN
    assert protocol.look_back(early, now=NOW, renumbered=True) == NOW - RESCAN
    assert protocol.look_back(late, now=NOW, renumbered=True) == late


def test_a_search_begins_a_day_early_since_servers_have_time_zones():
    assert protocol.search_day(datetime(2026, 3, 1, 0, 30, tzinfo=UTC)) == "28-Feb-2026"


@pytest.mark.parametrize(
    ("line", "name"),
    [
        (b'(\\HasNoChildren \\Sent) "/" "Sent Items"', "Sent Items"),
        (b'LIST (\\sent) "." Sent', "Sent"),
        (b'(\\Sent) NIL "a \\"b\\" \\\\c"', 'a "b" \\c'),
        (b'(\\Drafts) "/" Sent', None),
        (b"nonsense", None),
    ],
)
def test_the_sent_mailbox_is_found_by_its_use(line, name):
    assert protocol.special_mailbox([bytearray(b'(\\Sent) "/" x'), line, b"done"], "Sent") == name


def test_strings_for_the_wire():
    assert protocol.quoted('a "b" \\') == '"a \\"b\\" \\\\"'
    assert protocol.encode_mailbox("INBOX") == "INBOX"
    assert protocol.encode_mailbox("Kunden & Ärger/日本語") == "Kunden &- &AMQ-rger/&ZeVnLIqe-"


def test_the_servers_last_words():
    assert protocol.words_of([b"x", b"[NO] sorry \xff\x00"]) == "[NO] sorry \ufffd\ufffd"
    assert protocol.words_of([]) == ""


@pytest.mark.parametrize(
    ("said", "kind"),
    [
        ("[AUTHENTICATIONFAILED] Authentication failed.", Unauthorized),
        ("[AUTHENTICATIONFAILED] too many tries", Unauthorized),
        ("[UNAVAILABLE] Temporary failure", Unreachable),
        ("[INUSE] locked", Unreachable),
        ("Too many simultaneous connections", Throttled),
        ("no", Unauthorized),
    ],
)
def test_a_refused_login(said, kind):
    assert type(protocol.login_error(said)) is kind


@pytest.mark.parametrize(
    ("code", "said", "content_sent", "kind"),
    [
        (535, "no", False, Unauthorized),
        (530, "first", False, Unauthorized),
        (550, "no such user", False, Rejected),
        (554, "spam", True, Rejected),
        (451, "greylisted", False, Unreachable),
        (421, "bye", True, Unreachable),
        (450, "4.7.28 rate-limited", False, Throttled),
        (451, "generated later", False, Unreachable),
        (-1, "what", False, Malformed),
        (-1, "what", True, Ambiguous),
        (299, "what", True, Ambiguous),
    ],
)
def test_O3_smtp_replies(code, said, content_sent, kind):
    error = protocol.smtp_error(code, said, content_sent=content_sent)

    assert type(error) is kind
    assert str(code) in error.detail
