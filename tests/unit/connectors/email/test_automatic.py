"""
Mail from machines is told from mail from people.
"""

from __future__ import annotations

import pytest

from connectors.email.automatic import Letter, no_automatic_answer, report_kind, written_by_machine
from connectors.email.text import Headers, addresses

OWN = frozenset({"support@shop.example", "help@shop.example"})


def letter(
    *fields: tuple[str, str], sender="Kite <kite@far.example>", to="support@shop.example", **changes
) -> Letter:
    found = addresses([sender])
    settings = {
        "headers": Headers(fields=(*fields, ("to", to))),
        "kind": "text/plain",
        "report_type": "",
        "sender": found[0] if found else None,
        "subject": "A question",
        "own": OWN,
        **changes,
    }
    return Letter(**settings)


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ([("return-path", "<>")], "empty return path"),
        ([("auto-submitted", "auto-replied")], "auto-submitted"),
        ([("auto-submitted", 'auto-replied; owner-email="x"')], "auto-submitted"),
        ([("auto-submitted", "auto-generated (by cron)")], "auto-submitted"),
        ([("auto-submitted", "no"), ("auto-submitted", "Auto-Notified")], "auto-submitted"),
        ([("precedence", "Bulk")], "bulk"),
        ([("precedence", "auto_reply")], "bulk"),
        ([("list-id", "<crowd.far.example>")], "list"),
        ([("list-unsubscribe", "<mailto:x@far.example>")], "list"),
        ([("x-autoreply", "yes")], "auto-responder"),
        ([("x-autoresponder", "1")], "auto-responder"),
        ([("delivered-to", "Autoresponder")], "auto-responder"),
        ([("feedback-id", "1:far")], "campaign"),
        ([("x-campaign-id", "7")], "campaign"),
        ([("x-loop", "Support@Shop.example")], "own address"),
        ([("x-failed-recipients", "gone@far.example")], "bounce"),
        ([("return-path", "<noreply@far.example>")], "robot address"),
    ],
)
def test_I6_automatic_by_header(fields, reason):
    assert written_by_machine(letter(*fields)) == reason
    assert no_automatic_answer(letter(*fields)) == reason


@pytest.mark.parametrize(
    "fields",
    [
        [("auto-submitted", "no")],
        [("auto-submitted", "No (a person)")],
        [("auto-submitted", "")],
        [("precedence", "first-class")],
        [("return-path", "<kite@far.example>")],
        [("x-loop", "somebody@else.example")],
        [("delivered-to", "support@shop.example")],
        [("x-auto-response-suppress", "DR, RN")],
        [("x-spam-flag", "no")],
    ],
)
def test_I6_a_person_stays_a_person(fields):
    assert written_by_machine(letter(*fields)) is None
    assert no_automatic_answer(letter(*fields)) is None


@pytest.mark.parametrize(
    "local",
    [
        "mailer-daemon",
        "postmaster",
        "owner-crowd",
        "crowd-owner",
        "crowd-request",
        "no-reply",
        "noreply",
        "do.not.reply",
        "donotreply",
        "bounce",
        "bounces",
        "bounce+77",
        "bounces-77=x",
        "crowd-bounces",
        "nobody",
        "root",
        "daemon",
    ],
)
def test_I6_robots_are_known_by_their_address(local):
    assert written_by_machine(letter(sender=f"{local}@far.example")) == "robot address"


@pytest.mark.parametrize("local", ["kite", "bouncy.castle", "reply", "rooty", "owner", "request"])
def test_I6_names_that_only_look_alike_are_people(local):
    assert written_by_machine(letter(sender=f"{local}@far.example")) is None


@pytest.mark.parametrize("sender", ["support@shop.example", "Help <HELP@shop.example>"])
def test_I6_our_own_addresses_and_aliases_are_us(sender):
    assert written_by_machine(letter(sender=sender)) == "own address"


@pytest.mark.parametrize(
    "subject", ["Automatic reply: away", "Out of Office", "out of the office: back Monday", "自动回复：出差"]
)
def test_I6_out_of_office_by_its_subject(subject):
    assert written_by_machine(letter(subject=subject)) == "out of office"


def test_a_question_about_an_automatic_reply_is_a_question():
    assert written_by_machine(letter(subject="Re: Automatic reply: away")) is None
    assert written_by_machine(letter(subject="automatic replying machine")) is None


@pytest.mark.parametrize(
    ("changes", "fields", "kind"),
    [
        ({"kind": "multipart/report", "report_type": "delivery-status"}, [], "bounce"),
        ({"kind": "multipart/report", "report_type": "disposition-notification"}, [], "receipt"),
        ({"kind": "multipart/report", "report_type": "feedback-report"}, [], "complaint"),
        ({"kind": "multipart/report", "report_type": "new-kind"}, [], "report"),
        ({"kind": "message/delivery-status"}, [], "bounce"),
        ({"sender": "MAILER-DAEMON@far.example"}, [("return-path", "<>")], "bounce"),
        ({"sender": "vacation@far.example"}, [("return-path", "<>")], None),
        ({"sender": ""}, [("return-path", "<>")], None),
        ({}, [], None),
    ],
)
def test_I6_reports(changes, fields, kind):
    asked = letter(*fields, **changes)

    assert report_kind(asked) == kind
    assert (written_by_machine(asked) is not None) == (kind is not None or bool(fields))


def test_a_receipt_is_a_report():
    assert written_by_machine(letter(kind="multipart/report", report_type="disposition-notification")) == "report"


@pytest.mark.parametrize(
    ("asked", "reason"),
    [
        (letter(junk=True), "junk"),
        (letter(("x-spam-flag", "YES")), "junk"),
        (letter(("x-auto-response-suppress", "DR, OOF")), "asked not to"),
        (letter(("x-auto-response-suppress", "All")), "asked not to"),
        (letter(to="somebody@else.example"), "not addressed to us"),
        (letter(("cc", "Help <help@shop.example>"), to="somebody@else.example"), None),
        (letter(("resent-to", "support@shop.example"), to=""), None),
        (letter(sender=""), None),
    ],
)
def test_I6_a_person_whom_no_machine_must_answer(asked, reason):
    assert written_by_machine(asked) is None
    assert no_automatic_answer(asked) == reason
