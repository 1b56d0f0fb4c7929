"""
Hearing and looking on servers that are poor, rude or silent; they are scripted, since Dovecot is none of it.
"""

from __future__ import annotations

import gc
from contextlib import aclosing
from datetime import UTC, datetime

import pytest

from connectors.base import Draft
from connectors.email import EmailConnector, EmailOptions
from connectors.errors import Ambiguous, Rejected, Throttled, Unauthorized, Unreachable, Unsupported
from tests.peers.scripted_imap import ScriptedImap
from tests.peers.smtp import PASSWORD, SmtpPeer

NOW = datetime(2026, 3, 4, 5, 6, 7, tzinfo=UTC)


def options(server: ScriptedImap, **changes) -> EmailOptions:
    known = {
        "address": "support@shop.example",
        "password": PASSWORD,
        "imap_host": "127.0.0.1",
        "imap_port": server.port,
        "imap_security": "plain",
        "smtp_host": "127.0.0.1",
        "smtp_security": "plain",
    }
    return EmailOptions.model_validate({**known, **changes})


async def fetch(server: ScriptedImap, **changes):
    async with EmailConnector(options(server, **changes)) as connector:
        return await connector.fetch('{"INBOX": {"uidvalidity": 7, "uid": 0}}', now=NOW)  # type: ignore[arg-type]


async def test_a_server_without_idle_is_unsupported_for_listening_and_warned_of():
    async with ScriptedImap({}) as server, SmtpPeer() as smtp:
        async with EmailConnector(options(server, smtp_port=smtp.port)) as connector:
            async with aclosing(connector.listen(None)) as wakes:
                with pytest.raises(Unsupported):
                    await anext(wakes)
            warnings = " ".join((await connector.check()).warnings)
        async with EmailConnector(options(server, smtp_port=smtp.port, sent_copy="none")) as connector:
            without_copies = " ".join((await connector.check()).warnings)

    assert "no IDLE" in warnings
    assert "No mailbox is marked as Sent" in warnings
    assert "No copy of sent mail is kept" in without_copies


@pytest.mark.parametrize(
    ("answers", "changes", "expected"),
    [
        ({}, {"imap_security": "starttls"}, Rejected),
        (
            {"CAPABILITY": "* CAPABILITY IMAP4rev1 STARTTLS\r\n", "STARTTLS": "NO not today"},
            {"imap_security": "starttls"},
            Rejected,
        ),
        ({"LOGIN": "NO [UNAVAILABLE] come back"}, {}, Unreachable),
        ({"LOGIN": "NO Too many connections"}, {}, Throttled),
        ({"LOGIN": "NO go away"}, {}, Unauthorized),
        ({"LOGIN": "BYE"}, {}, Unreachable),
        ({}, {"password": "a\r\nb"}, Unauthorized),
        ({"EXAMINE": "BYE"}, {}, Unreachable),
        ({"EXAMINE": "* 1 EXISTS\r\n"}, {}, Unreachable),
        ({"SEARCH": "BAD what"}, {}, Unreachable),
        ({"FETCH": "NO [SERVERBUG] oh"}, {}, Unreachable),
        ({}, {"imap_security": "tls"}, Unreachable),
        ({}, {"imap_security": "tls", "ca_file": "/no/such/file"}, Rejected),
    ],
)
async def test_what_a_rude_server_says_is_told(answers, changes, expected):
    async with ScriptedImap(answers) as server:
        with pytest.raises(expected) as told:
            await fetch(server, **changes)

    assert PASSWORD not in f"{told.value!r} {told.value}"


async def test_a_server_that_greets_with_goodbye_is_unreachable_and_leaves_nothing_behind():
    async with ScriptedImap({}, greeting="* BYE full") as server:
        with pytest.raises(Unreachable):
            await fetch(server)
    gc.collect()  # an unread failure of a task would be a warning, and warnings are errors


async def test_a_mail_that_goes_between_listing_and_reading_is_passed_over():
    listing = '* 1 FETCH (UID 1 INTERNALDATE "04-Mar-2026 05:00:00 +0000" RFC822.SIZE 9)\r\n'
    async with ScriptedImap({"INTERNALDATE": listing}) as server:
        page = await fetch(server)

    assert page.items == ()
    assert '"uid": 1' in page.cursor


async def test_without_a_sent_mailbox_the_fate_of_a_mail_is_ambiguous():
    async with (
        ScriptedImap({"EXAMINE": "NO no such mailbox"}) as server,
        EmailConnector(options(server)) as connector,
    ):
        with pytest.raises(Ambiguous):
            await connector.find("job-1", Draft(text="x"), to=None, since=NOW)


async def test_a_connection_lost_while_looking_is_unreachable():
    async with ScriptedImap({"EXAMINE": "BYE"}) as server, EmailConnector(options(server)) as connector:
        with pytest.raises(Unreachable):
            await connector.find("job-1", Draft(text="x"), to=None, since=NOW)
