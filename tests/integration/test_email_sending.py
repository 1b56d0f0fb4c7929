"""
Sending e-mail through a real SMTP server, and looking for what was sent in a real Dovecot.
"""

from __future__ import annotations

import asyncio
import email
import email.policy
import ssl
from collections.abc import AsyncIterator
from datetime import UTC, datetime

import pytest

from connectors.base import Draft, Media
from connectors.email import EmailConnector
from connectors.errors import Ambiguous, Malformed, Rejected, Throttled, Unauthorized, Unreachable
from tests.conftest import missing
from tests.contract.email_harness import EmailHarness
from tests.contract.harness import PeerMissing
from tests.peers.smtp import PASSWORD, SmtpPeer

pytestmark = pytest.mark.peer

NOON = datetime(2026, 3, 4, 12, 0, tzinfo=UTC)
QUESTION = {
    "to": "kite@far.example",
    "from": "kite@far.example",
    "name": "Kïte",
    "subject": "Order 123",
    "message_id": "cafe01@far.example",
    "references": ["abc0@far.example", "cafe01@far.example"],
    "no_automatic": None,
}


@pytest.fixture
async def house() -> AsyncIterator[EmailHarness]:
    try:
        made = EmailHarness()
    except PeerMissing as error:
        missing(f"Dovecot ({error})")
    async with made as entered:
        yield entered


@pytest.fixture
async def connector(house: EmailHarness) -> AsyncIterator[EmailConnector]:
    async with EmailConnector(house.options(), clock=lambda: NOON) as opened:
        yield opened


async def find(connector: EmailConnector, key: str):
    return await connector.find(key, Draft(text="Yes."), to=QUESTION, since=NOON)


async def test_an_answer_is_a_correct_mail(house, connector):
    media = Media(content=b"\x89PNG", content_type="image/png", name="../尺码.png")
    sent = await connector.reply(QUESTION, Draft(text="Yes.\n.\nBye 👋", media=(media,)), key="job-78")

    (taken,) = house.smtp.taken
    message = email.message_from_bytes(taken.content, policy=email.policy.default)
    assert sent.remote_id == "job-78@shop.example"
    assert (taken.sender, taken.recipients) == (house.address, ("kite@far.example",))
    assert message["From"] == f"Shop Support <{house.address}>"
    assert message["To"] == "Kïte <kite@far.example>"
    assert message["Subject"] == "Re: Order 123"
    assert message["Message-ID"] == "<job-78@shop.example>"
    assert message["In-Reply-To"] == "<cafe01@far.example>"
    assert message["References"].split() == ["<abc0@far.example>", "<cafe01@far.example>"]
    assert message["X-Loop"] == house.address
    assert message["Auto-Submitted"] is None
    assert message["Date"].datetime == NOON
    assert message.get_body(("plain",)).get_content().splitlines() == ["Yes.", ".", "Bye 👋"]
    (attached,) = message.iter_attachments()
    assert (attached.get_filename(), attached.get_content()) == ("尺码.png", b"\x89PNG")
    assert taken.content.isascii()


async def test_the_copy_is_filed_in_sent_and_found_there(house, connector):
    sent = await connector.reply(QUESTION, Draft(text="Yes."), key="job-1")

    (copy,) = await asyncio.to_thread(house.dovecot.mails, house.address, "Sent")
    assert copy.rstrip() == house.smtp.taken[0].content.rstrip()
    assert "\\Seen" in house.dovecot.flags(house.address, "Sent")[0]
    found = await find(connector, "job-1")
    assert found.remote_id == sent.remote_id
    with pytest.raises(Ambiguous):
        await find(connector, "job-2")


async def test_a_copy_that_cannot_be_filed_is_no_failure_of_sending(house):
    async with EmailConnector(house.options(password="wrong", smtp_password=PASSWORD)) as connector:
        sent = await connector.reply(QUESTION, Draft(text="Yes."), key="job-1")

    assert len(house.smtp.taken) == 1
    assert "sent, but not filed" in sent.detail


@pytest.mark.parametrize("sent_copy", ["server", "none"])
async def test_without_our_own_copy_absence_proves_nothing(house, sent_copy):
    async with EmailConnector(house.options(sent_copy=sent_copy)) as connector:
        await connector.reply(QUESTION, Draft(text="Yes."), key="job-1")
        with pytest.raises(Ambiguous):
            await find(connector, "job-1")

        with house.dovecot.signed_in(house.address) as provider:
            provider.append("Sent", None, None, house.smtp.taken[0].content)
        if sent_copy == "server":
            assert (await find(connector, "job-1")).remote_id == "job-1@shop.example"
        else:
            with pytest.raises(Ambiguous):
                await find(connector, "job-1")


@pytest.mark.parametrize(
    ("fail", "expected"),
    [
        ("mail:421 4.3.2 going down", Unreachable),
        ("mail:450 4.2.1 too many mails, slow down", Throttled),
        ("rcpt:451 4.7.1 greylisted", Unreachable),
        ("rcpt:550 5.1.1 no such user", Rejected),
        ("mail:530 5.7.0 sign in first", Unauthorized),
        ("auth:454 4.7.0 temporary trouble", Unreachable),
        ("auth:535 5.7.8 no", Unauthorized),
        ("data:552 5.2.3 too large", Rejected),
        ("data:451 4.3.0 later", Unreachable),
    ],
)
async def test_O3_a_refused_mail_is_certainly_not_sent(house, connector, fail, expected):
    house.smtp.fail = fail

    with pytest.raises(expected) as raised:
        await connector.reply(QUESTION, Draft(text="Yes."), key="job-1")

    assert type(raised.value) is expected
    assert fail.partition(":")[2][:3] in raised.value.detail
    assert house.smtp.taken == []
    await connector.reply(QUESTION, Draft(text="Yes."), key="job-1")
    assert len(house.smtp.taken) == 1


@pytest.mark.parametrize(("fail", "taken"), [("drop", 1), ("garble", 1), ("drop-early", 0)])
async def test_O1_a_reply_lost_after_the_mail_is_ambiguous(house, connector, fail, taken):
    house.smtp.fail = fail

    with pytest.raises(Ambiguous):
        await connector.reply(QUESTION, Draft(text="Yes."), key="job-1")

    assert len(house.smtp.taken) == taken
    with pytest.raises(Ambiguous):
        await find(connector, "job-1")


async def test_a_server_that_greets_with_nonsense_was_sent_nothing(house):
    async def nonsense(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        await reader.read(1)
        writer.close()

    server = await asyncio.start_server(nonsense, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    async with EmailConnector(house.options(smtp_port=port, imap_port=port)) as connector:
        with pytest.raises(Malformed):
            await connector.reply(QUESTION, Draft(text="Yes."), key="job-1")
    server.close()
    await server.wait_closed()


async def test_nobody_there_is_unreachable(house):
    nowhere = house.nowhere_options().imap_port
    async with EmailConnector(house.options(smtp_port=nowhere)) as connector:
        with pytest.raises(Unreachable):
            await connector.reply(QUESTION, Draft(text="Yes."), key="job-1")


async def test_what_the_server_cannot_take_is_rejected_before(house, connector):
    house.smtp.size_limit = 1000
    with pytest.raises(Rejected, match="the server takes 1000"):
        await connector.reply(QUESTION, Draft(text="x" * 2000), key="job-1")
    house.smtp.size_limit, house.smtp.utf8 = 100_000, False
    with pytest.raises(Rejected, match="SMTPUTF8"):
        await connector.reply({**QUESTION, "to": "客户@far.example"}, Draft(text="Yes."), key="job-2")

    assert house.smtp.taken == []


async def test_an_address_beyond_ascii_goes_out_with_smtputf8(house, connector):
    await connector.reply({**QUESTION, "to": "客户@例子.example"}, Draft(text="好"), key="job-1")

    (taken,) = house.smtp.taken
    assert taken.recipients == ("客户@xn--fsqu00a.example",)
    assert "客户@".encode() in taken.content


async def test_new_mail_to_somebody_answers_nothing(house, connector):
    await connector.reply({"to": "kite@far.example"}, Draft(text="Hello.", subject="Your order"), key="job-1")

    message = email.message_from_bytes(house.smtp.taken[0].content, policy=email.policy.default)
    assert (message["Subject"], message["In-Reply-To"], message["References"]) == ("Your order", None, None)


@pytest.mark.parametrize("security", ["tls", "starttls"])
async def test_tls_is_used_and_verified(house, security):
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(house.dovecot.ca_file, house.dovecot.folder / "key.pem")
    peer = SmtpPeer(tls=context) if security == "tls" else SmtpPeer(starttls=context)
    async with peer:
        changes = {"smtp_security": security, "smtp_port": peer.port}
        async with EmailConnector(house.options(ca_file=house.dovecot.ca_file, **changes)) as trusting:
            await trusting.reply(QUESTION, Draft(text="Yes."), key="job-1")
        async with EmailConnector(house.options(**changes)) as careful:
            with pytest.raises(Unreachable, match="certificate is not trusted"):
                await careful.reply(QUESTION, Draft(text="Yes."), key="job-2")

    assert len(peer.taken) == 1


async def test_starttls_is_demanded_and_not_merely_tried(house):
    async with EmailConnector(house.options(smtp_security="starttls")) as connector:
        with pytest.raises((Rejected, Unreachable)):
            await connector.reply(QUESTION, Draft(text="Yes."), key="job-1")

    assert house.smtp.taken == []


async def test_I6_no_automatic_answer_to_automatic_mail_nor_to_ourselves(house, connector):
    automatic = Draft(text="We got your mail.", automatic=True)
    with pytest.raises(Rejected, match="auto-submitted"):
        await connector.reply({**QUESTION, "no_automatic": "auto-submitted"}, automatic, key="job-1")
    with pytest.raises(Rejected, match="ourselves"):
        await connector.reply({**QUESTION, "to": house.address.upper()}, Draft(text="Yes."), key="job-2")
    assert house.smtp.taken == []

    await connector.reply({**QUESTION, "to": "forms@far.example"}, automatic, key="job-3")

    (taken,) = house.smtp.taken
    message = email.message_from_bytes(taken.content, policy=email.policy.default)
    assert taken.recipients == ("kite@far.example",)  # the author, not Reply-To
    assert message["Auto-Submitted"] == "auto-replied"
    assert message["X-Auto-Response-Suppress"] == "All"


async def test_check_proves_both_logins(house, connector):
    checked = await connector.check()

    assert checked.profile.key == house.address
    assert checked.facts["idle"] is True
    assert checked.facts["smtp_size"] == house.smtp.size_limit
    assert any("unprotected" in warning for warning in checked.warnings)
    async with EmailConnector(house.options(smtp_password="wrong")) as other:
        with pytest.raises(Unauthorized):
            await other.check()
