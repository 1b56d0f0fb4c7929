"""
Delivery reports.
"""

from __future__ import annotations

import pytest

from connectors.email.bounces import Report, read_report
from connectors.email.mime import take_apart


def dsn(
    *groups: str, returned: str = "Message-ID: <job-78@shop.example>", kind: str = "text/rfc822-headers"
) -> bytes:
    status = "\r\n\r\n".join(["Reporting-MTA: dns; mx.far.example", *groups])
    return (
        'Content-Type: multipart/report; report-type=delivery-status; boundary="b"\r\n\r\n'
        "--b\r\n\r\nYour message could not be delivered.\r\n"
        f"--b\r\nContent-Type: message/delivery-status\r\n\r\n{status}\r\n"
        f"--b\r\nContent-Type: {kind}\r\n\r\n{returned}\r\n--b--"
    ).encode()


FAILED = (
    "Final-Recipient: rfc822; Kite@far.example\r\nAction: failed\r\nStatus: 5.1.1\r\n"
    "Diagnostic-Code: smtp; 550 5.1.1 no such user"
)
DELAYED = "Final-Recipient: rfc822; b@far.example\r\nAction: Delayed\r\nStatus: 4.4.1"


def test_a_report_by_the_rfc():
    report = read_report(take_apart(dsn(FAILED)), "shop.example")

    assert report == Report(
        action="failed",
        status="5.1.1",
        recipient="kite@far.example",
        diagnostic="550 5.1.1 no such user",
        original_id="job-78@shop.example",
    )
    assert report.hard
    assert report.sentence == "Delivery to kite@far.example: failed (5.1.1 550 5.1.1 no such user)"
    assert report.as_json()["hard"] is True


def test_of_several_recipients_the_failed_one_counts():
    assert read_report(take_apart(dsn(DELAYED, FAILED)), "shop.example").action == "failed"
    assert read_report(take_apart(dsn(DELAYED)), "shop.example").action == "delayed"


@pytest.mark.parametrize(
    ("action", "status", "hard"),
    [
        ("failed", "5.1.1", True),
        ("failed", "5.2.2", False),
        ("failed", "4.4.7", False),
        ("delayed", "4.4.1", False),
        ("delayed", "5.0.0", False),
        ("delivered", "2.0.0", False),
        ("", "", False),
    ],
)
def test_what_is_hard(action, status, hard):
    assert Report(action=action, status=status).hard is hard


def test_the_returned_mail_whole():
    returned = "Subject: x\r\nMessage-ID: <job-1@shop.example>\r\n\r\nMessage-ID: <no@far.example>"

    assert read_report(
        take_apart(dsn(FAILED, returned=returned, kind="message/rfc822")), "shop.example"
    ).original_id == ("job-1@shop.example")


def test_a_bounce_of_no_standard_is_searched_for_our_id():
    raw = (
        b"From: MAILER-DAEMON@far.example\r\nX-Failed-Recipients: gone@far.example\r\n\r\n"
        b"Hi. This is the qmail-send program.\r\nMessage-ID: <x@far.example>\r\n"
        b"Message-ID: <job-5@Shop.example>\r\n"
    )

    report = read_report(take_apart(raw), "shop.example")

    assert (report.recipient, report.original_id, report.status) == ("gone@far.example", "job-5@Shop.example", "")
    assert report.sentence == "Delivery to gone@far.example: not delivered, as it seems"


def test_a_bounce_about_nothing_of_ours_names_nothing():
    report = read_report(take_apart(b"From: MAILER-DAEMON\r\n\r\nsomething failed"), "shop.example")

    assert report == Report()
    assert report.sentence == "Delivery: not delivered, as it seems"
