"""
Hearing e-mail from a real Dovecot.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import aclosing
from datetime import UTC, datetime, timedelta

import pytest

from connectors.base import BrokenItem, Cursor, HeardItem, HeardKind, Page, Wake
from connectors.email import EmailConnector
from connectors.email.protocol import PAGE_MAILS
from connectors.errors import Rejected, Unauthorized, Unreachable
from tests.conftest import missing
from tests.contract.email_harness import EmailHarness
from tests.contract.harness import PeerMissing

pytestmark = pytest.mark.peer


def now() -> datetime:
    return datetime.now(UTC)


def mail(number: int | str, body: str = "Does it ship?", **fields: str) -> bytes:
    headers = {
        "From": "Kite <kite@far.example>",
        "To": "support@shop.example",
        "Subject": f"Question {number}",
        "Message-ID": f"<m{number}@far.example>",
        **{name.replace("_", "-"): value for name, value in fields.items()},
    }
    lines = [f"{name}: {value}" for name, value in headers.items() if value]
    return "\r\n".join([*lines, "", body, ""]).encode()


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
    async with EmailConnector(house.options()) as opened:
        yield opened


async def hear_all(connector: EmailConnector, since: Cursor | None) -> tuple[list[HeardItem | BrokenItem], Cursor]:
    heard: list[HeardItem | BrokenItem] = []
    while True:
        page = await connector.fetch(since, now=now())
        heard += page.items
        assert page.cursor is not None
        since = page.cursor
        if not page.more:
            return heard, since


async def start(connector: EmailConnector) -> Cursor:
    page = await connector.fetch(None, now=now())
    assert page.cursor is not None
    return page.cursor


def test_dovecot_starts_in_under_two_seconds(house):
    assert house.dovecot.started_in < 2


# --- I2: broken mail


async def test_I2_broken_mails_are_quarantined_once_and_the_mailbox_goes_on(house, connector):
    cursor = await start(connector)
    many = b"".join(b"--b\r\n\r\nx\r\n" for _ in range(10_000))
    await house.deliver(mail("parts", "", Content_Type='multipart/mixed; boundary="b"') + many)
    await asyncio.to_thread(house.dovecot.drop_file, house.address, b"", "1.empty")
    await asyncio.to_thread(house.dovecot.drop_file, house.address, b"\xff\xfe\x00 no header at all", "2.noise")
    await house.deliver(mail("charset", "\xe9t\xe9", Content_Type="text/plain; charset=no-such"))

    heard, cursor = await hear_all(connector, cursor)
    again, _ = await hear_all(connector, cursor)

    broken = [item for item in heard if isinstance(item, BrokenItem)]
    readable = [item for item in heard if isinstance(item, HeardItem)]
    assert {item.error for item in broken} == {
        "more than 500 parts",
        "the mail is empty",
        "the mail has no headers",
    }
    assert len({item.remote_id for item in broken}) == 3
    assert max(len(item.raw) for item in broken) <= 64 * 1024
    assert [item.subject for item in readable] == ["Question charset"]
    assert again == []


async def test_I2_broken_mails_keep_their_id_when_the_mailbox_is_renumbered(house, connector):
    cursor = await start(connector)
    await asyncio.to_thread(house.dovecot.drop_file, house.address, b"", "1.empty")
    (before,), cursor = await hear_all(connector, cursor)

    house.dovecot.admin("mailbox", "update", "-u", house.address, "--uid-validity", "77", "INBOX")
    (after,), _ = await hear_all(connector, cursor)

    assert after.remote_id == before.remote_id


# --- I3, I4: nothing lost, nothing twice


async def test_I3_a_backlog_larger_than_a_page_comes_whole(house, connector):
    cursor = await start(connector)
    for number in range(PAGE_MAILS + 7):
        await house.deliver(mail(number))

    first = await connector.fetch(cursor, now=now())
    rest, _ = await hear_all(connector, first.cursor)

    assert len(first.items) == PAGE_MAILS
    assert first.more
    assert [item.subject for item in (*first.items, *rest)] == [f"Question {n}" for n in range(PAGE_MAILS + 7)]


async def test_I4_a_renumbered_mailbox_loses_nothing_and_brings_nothing_twice(house, connector):
    cursor = await start(connector)
    for number in range(3):
        await house.deliver(mail(number))
    before, cursor = await hear_all(connector, cursor)
    await house.deliver(mail("unheard"))

    house.dovecot.admin("mailbox", "update", "-u", house.address, "--uid-validity", "4711", "INBOX")
    after, moved = await hear_all(connector, cursor)

    known = {(item.kind, item.remote_id) for item in before}
    new = [item for item in after if (item.kind, item.remote_id) not in known]
    assert {item.remote_id for item in after} > {item.remote_id for item in before}
    assert [item.subject for item in new] == ["Question unheard"]
    assert '"uidvalidity": 4711' in moved


async def test_I4_a_mail_moved_to_another_mailbox_and_delivered_twice_keeps_its_id(house):
    async with EmailConnector(house.options(mailboxes=["INBOX", "Kunden & Ärger"])) as connector:
        house.dovecot.admin("mailbox", "create", "-u", house.address, "Kunden & Ärger")
        cursor = await start(connector)
        await house.deliver(mail(1))
        (first,), cursor = await hear_all(connector, cursor)
        await house.deliver(mail(1), sender="list@far.example")
        (twice,), cursor = await hear_all(connector, cursor)
        house.dovecot.admin("move", "-u", house.address, "Kunden & Ärger", "mailbox", "INBOX", "uid", "1")
        (moved,), _ = await hear_all(connector, cursor)

    assert first.remote_id == twice.remote_id == moved.remote_id


async def test_a_page_never_replays_the_last_mail(house, connector):
    cursor = await start(connector)
    await house.deliver(mail(1))
    _, cursor = await hear_all(connector, cursor)

    assert (await connector.fetch(cursor, now=now())).items == ()


async def test_mail_deleted_meanwhile_is_passed_over(house, connector):
    cursor = await start(connector)
    for number in range(3):
        await house.deliver(mail(number))
    house.dovecot.admin("expunge", "-u", house.address, "mailbox", "INBOX", "uid", "2")

    heard, _ = await hear_all(connector, cursor)

    assert [item.subject for item in heard] == ["Question 0", "Question 2"]


# --- I5: nothing changes on the server


async def test_I5_hearing_changes_nothing_on_the_server(house, connector):
    cursor = await start(connector)
    await house.deliver(mail(1))
    await house.deliver(mail(2))
    before = house.dovecot.flags(house.address)

    heard, _ = await hear_all(connector, cursor)
    await connector.check()

    assert len(heard) == 2
    assert house.dovecot.flags(house.address) == before
    # Not even \Recent is gone, which any ordinary opening of the mailbox would take away.
    assert all(b"Recent" in line.encode() for line in before)


# --- large mail


async def test_a_mail_of_25_megabytes_is_read_whole_and_the_loop_goes_on(house, connector):
    cursor = await start(connector)
    attached = ("A" * 76 + "\r\n") * (24 * 1024 * 1024 // 78)
    film = "Content-Type: video/mp4; name=film.mp4\r\nContent-Transfer-Encoding: base64"
    parts = f"--b\r\n\r\nSee the film.\r\n--b\r\n{film}\r\n\r\n{attached}\r\n--b--"
    await house.deliver(mail("large", parts, Content_Type='multipart/mixed; boundary="b"'))
    longest = 0.0

    async def tick() -> None:
        nonlocal longest
        while True:
            began = time.monotonic()
            await asyncio.sleep(0.01)
            longest = max(longest, time.monotonic() - began)

    ticking = asyncio.create_task(tick())
    (item,), _ = await hear_all(connector, cursor)
    ticking.cancel()

    assert item.text == "See the film."
    (film,) = item.attachments
    assert (film.name, film.kind) == ("film.mp4", "video")
    assert film.size == pytest.approx(len(attached) * 57 / 78, rel=0.01)
    assert len(item.raw["mail"]) <= 64 * 1024
    assert longest < 2


async def test_of_a_mail_that_is_too_large_the_beginning_is_read(house, connector):
    cursor = await start(connector)
    parts = f"--b\r\n\r\nSee the film.\r\n--b\r\nContent-Type: video/mp4\r\n\r\n{'A' * 26_500_000}\r\n--b--"
    await house.deliver(mail("huge", parts, Content_Type='multipart/mixed; boundary="b"'))

    (item,), _ = await hear_all(connector, cursor)

    assert item.text == "See the film.\n\n[This mail of 26 MB was read only in part.]"
    assert item.raw["cut"] is True


# --- where hearing begins


async def test_junk_is_heard_when_asked_for(house):
    async with EmailConnector(house.options(also_junk=True)) as connector:
        cursor = await start(connector)
        await house.deliver(mail(1, To=house.address))
        house.dovecot.admin("move", "-u", house.address, "Spam & more", "mailbox", "INBOX", "uid", "1")
        (item,), _ = await hear_all(connector, cursor)

    assert item.raw["mailbox"] == "Spam &- more"
    assert item.automatic is None
    assert item.reply_to["no_automatic"] == "junk"


async def test_hear_since_leaves_out_what_is_older(house):
    await house.deliver(mail("old"))
    await asyncio.sleep(1.1)  # INTERNALDATE counts seconds
    since = now()
    await asyncio.sleep(1.1)
    await house.deliver(mail("new"))

    async with EmailConnector(house.options(hear_since=since)) as connector:
        heard, _ = await hear_all(connector, None)

    assert [item.subject for item in heard] == ["Question new"]


async def test_a_mailbox_that_does_not_exist_is_told_by_name(house):
    async with EmailConnector(house.options(mailboxes=["Nowhere"])) as connector:
        with pytest.raises(Rejected, match="Nowhere"):
            await connector.check()
        with pytest.raises(Unreachable, match="Nowhere"):
            await connector.fetch(None, now=now())


# --- connections


async def test_after_a_kick_the_next_fetch_connects_anew(house, connector):
    cursor = await start(connector)
    await house.deliver(mail(1))
    house.dovecot.admin("kick", house.address)
    pages: list[Page] = []
    for _ in range(2):
        try:
            pages.append(await connector.fetch(cursor, now=now()))
        except Unreachable:
            continue

    assert [item.subject for item in pages[-1].items] == ["Question 1"]


async def test_idle_wakes_within_two_seconds_and_outlives_its_renewal(house):
    async with (
        EmailConnector(house.options(), idle_for=timedelta(seconds=0.5)) as connector,
        aclosing(connector.listen(None)) as wakes,
    ):
        assert await anext(wakes) == Wake()
        waiting = asyncio.ensure_future(anext(wakes))
        await asyncio.sleep(1.6)
        assert not waiting.done()
        began = time.monotonic()
        await house.deliver(mail(1))
        assert await asyncio.wait_for(waiting, 5) == Wake()
        assert time.monotonic() - began < 2


async def test_mail_that_came_between_two_idles_wakes_too(house, connector):
    async with aclosing(connector.listen(None)) as wakes:
        await anext(wakes)
        await house.deliver(mail(1))

        assert await asyncio.wait_for(anext(wakes), 5) == Wake()


async def test_a_kick_ends_listening_at_once(house, connector):
    async with aclosing(connector.listen(None)) as wakes:
        await anext(wakes)
        waiting = asyncio.ensure_future(anext(wakes))
        await asyncio.sleep(0.3)
        await asyncio.to_thread(house.dovecot.admin, "kick", house.address)

        with pytest.raises(Unreachable):
            await asyncio.wait_for(waiting, 5)


@pytest.mark.parametrize("security", ["tls", "starttls"])
async def test_tls_with_a_trusted_certificate_works_and_with_another_does_not(house, security):
    port = house.dovecot.imaps if security == "tls" else house.dovecot.imap
    changes = {"imap_security": security, "imap_port": port}

    async with EmailConnector(house.options(ca_file=house.dovecot.ca_file, **changes)) as trusting:
        assert (await trusting.fetch(None, now=now())).cursor
    async with EmailConnector(house.options(**changes)) as careful:
        with pytest.raises(Unreachable, match="certificate is not trusted"):
            await careful.fetch(None, now=now())


async def test_wrong_password_never_shows_the_password(house, caplog):
    caplog.set_level("DEBUG")
    async with EmailConnector(house.options(password='wr"ong\\pass')) as connector:
        with pytest.raises(Unauthorized) as refused:
            await connector.fetch(None, now=now())

    assert "pass" not in str(refused.value).replace("password", "")
    assert 'wr"ong' not in caplog.text


# --- threads across the wire


async def test_an_answer_to_our_mail_names_it_and_a_bounce_does_so_too(house, connector):
    cursor = await start(connector)
    await house.deliver(
        mail("re", In_Reply_To="<job-1@shop.example>", References="<a@far.example> <job-1@shop.example>")
    )
    report = (
        "--b\r\n\r\nSorry.\r\n--b\r\nContent-Type: message/delivery-status\r\n\r\n"
        "Reporting-MTA: dns; mx.far.example\r\n\r\n"
        "Final-Recipient: rfc822; kite@far.example\r\nAction: failed\r\nStatus: 5.1.1\r\n"
        "Diagnostic-Code: smtp; 550 5.1.1 no such user\r\n--b\r\nContent-Type: text/rfc822-headers\r\n\r\n"
        "Message-ID: <job-2@shop.example>\r\n--b--"
    )
    kind = 'multipart/report; report-type=delivery-status; boundary="b"'
    await house.deliver(mail("dsn", report, From="MAILER-DAEMON@mx.example", Content_Type=kind), sender="")

    (answer, bounce), _ = await hear_all(connector, cursor)

    assert answer.in_reply_to == ("job-1@shop.example", "a@far.example")
    assert answer.thread_proof is False
    assert bounce.kind is HeardKind.BOUNCE
    assert bounce.in_reply_to == ("job-2@shop.example",)
    assert bounce.raw["report"]["hard"] is True
