"""
The main job on real input: mail from Dovecot and mentions from mastodon-mock at once, one agent answering both in
Chromium, each answer at its customer once.
"""

from __future__ import annotations

import asyncio
import email
import email.policy
import json
import re
import ssl
from collections.abc import AsyncIterator
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from playwright.async_api import Browser, Page, expect

from tests.acceptance.daemon import ApiClient, DaemonProcess
from tests.acceptance.desk import (
    ARRIVES,
    answer,
    claim,
    delivered,
    is_marked,
    mark,
    opened_row,
    row,
    said,
    seconds_left,
    sign_in,
)
from tests.browser.chromium import launched, opened
from tests.conftest import missing
from tests.contract.email_harness import EmailHarness
from tests.contract.harness import PeerMissing
from tests.fakes import mastodon_mock
from tests.fakes.mastodon_mock import Person
from tests.peers import dovecot, smtp

pytestmark = [pytest.mark.browser, pytest.mark.peer, pytest.mark.timeout(300)]

PASSWORD = "a kettle of fish"
QUICK = {"ACCOUNTS__POLL_EVERY": "1s", "ACCOUNTS__POLL_JITTER": "0s", "OUTBOX__FIRST_WAIT": "1s"}
PROMISE_SECONDS = 15 * 60


@pytest.fixture
async def browser() -> AsyncIterator[Browser]:
    async with launched() as started:
        yield started


@pytest.fixture
async def mail() -> AsyncIterator[EmailHarness]:
    try:
        made = EmailHarness()
    except PeerMissing as error:
        missing(f"Dovecot ({error})")
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(made.dovecot.ca_file, made.dovecot.folder / "key.pem")
    made.smtp.starttls = context
    async with made as entered:
        yield entered


@pytest.fixture
async def people() -> tuple[Person, Person]:
    """
    The brand and a customer on mastodon-mock.
    """
    try:
        url = await asyncio.to_thread(mastodon_mock.shared)
    except PeerMissing as error:
        missing(f"mastodon-mock ({error})")
    return await mastodon_mock.sign_up(url, "lamps"), await mastodon_mock.sign_up(url, "kite")


@pytest.fixture
def daemon(tmp_path: Path, database_url: str) -> DaemonProcess:
    return DaemonProcess(tmp_path, database_url=database_url, settings=QUICK)


async def _set_up(daemon: DaemonProcess, mail: EmailHarness, brand: Person) -> str:
    """
    Do what the README says for going live; gives an API token.
    """

    async def hubbub(*words: str, given: str = "") -> str:
        return await asyncio.to_thread(daemon.command, *words, given=given)

    init = await hubbub("init", "--admin", "robin", "--password-stdin", given=f"{PASSWORD} of admins\n")
    assert "wrote hubbub.toml" in init
    mei = ("staff", "add", "mei", "--name", "Mei Lin", "--role", "agent", "--password-stdin")
    assert "mei is agent now" in await hubbub(*mei, given=f"{PASSWORD}\n")
    options = {
        "address": mail.address,
        "name": "Lamp Shop",
        "imap_host": "127.0.0.1",
        "imap_port": mail.dovecot.imaps,
        "imap_security": "tls",
        "smtp_host": "127.0.0.1",
        "smtp_port": mail.smtp.port,
        "smtp_security": "starttls",
        "ca_file": mail.dovecot.ca_file,
    }
    given = [word for key, value in options.items() for word in ("--option", f"{key}={value}")]
    secrets = f"password={dovecot.PASSWORD}\nsmtp_password={smtp.PASSWORD}\n"
    assert "heard from now on" in await hubbub(
        "account", "add", "email", "--name", "post", "--secret-stdin", *given, given=secrets
    )
    server = ("--option", f"server={brand.url}")
    assert "heard from now on" in await hubbub(
        "account", "add", "mastodon", "--name", "lamps", "--secret-stdin", *server, given=f"{brand.token}\n"
    )
    return await hubbub("token", "create", "--role", "lead", "--name", "acceptance")


async def _customer_mails(mail: EmailHarness, subject: str, text: str, **headers: str) -> str:
    message = EmailMessage()
    message["From"] = "Anna Lindqvist <anna@far.example>"
    message["To"] = mail.address
    message["Subject"] = subject
    message["Message-ID"] = f"<{abs(hash((subject, text)))}@far.example>"
    for name, value in headers.items():
        message[name.replace("_", "-")] = value
    message.set_content(text)
    await mail.deliver(message.as_bytes(policy=email.policy.SMTP), sender="anna@far.example")
    return str(message["Message-ID"])


async def _mentions(customer: Person) -> list[dict[str, Any]]:
    found = await customer.ask("GET", "/api/v1/notifications?types[]=mention")
    return [one["status"] for one in found if one["type"] == "mention"]


def _text(html: str) -> str:
    return re.sub(r"<[^>]+>", "", html)


def _only_mail(mail: EmailHarness) -> EmailMessage:
    (taken,) = mail.smtp.taken
    assert taken.recipients == ("anna@far.example",)
    return email.message_from_bytes(taken.content, policy=email.policy.default)


async def test_a_mail_and_a_mention_are_answered_by_one_agent(
    daemon: DaemonProcess, mail: EmailHarness, people: tuple[Person, Person], browser: Browser
) -> None:
    brand, customer = people
    token = await _set_up(daemon, mail, brand)
    try:
        await daemon.start()
        async with (
            opened(browser, daemon.url) as page,
            aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=20)) as session,
        ):
            await sign_in(page, "mei", PASSWORD)
            await expect(page.get_by_text("Nothing waits here")).to_be_visible()
            await mark(page)
            question, asked = await asyncio.gather(
                customer.write(f"@{brand.name} does the desk lamp dim?", visibility="unlisted"),
                _customer_mails(mail, "Order 4711", "Hello, my lamp came without a bulb. Where is it?\n"),
            )
            await _both_wait(page)
            toot = await _answer_the_mention(page, brand, customer, question)
            ours = await _answer_the_mail(page, mail, asked)
            await _the_customers_go_on(page, mail, brand, customer, toot, ours)
            await _the_books_add_up(ApiClient(daemon, token, session))
        assert await asyncio.to_thread(daemon.stop) == 0
        assert '"level": "error"' not in daemon.log()
    finally:
        daemon.close()


async def _both_wait(page: Page) -> None:
    """
    See both come into the open queue by themselves, each with its own running clock.
    """
    for words in ("does the desk lamp dim?", "came without a bulb"):
        await expect(row(page, words)).to_be_visible(timeout=ARRIVES)
        clock = row(page, words).locator("[data-countdown]")
        before = await seconds_left(clock)
        assert PROMISE_SECONDS - 60 < before <= PROMISE_SECONDS
        await expect(clock).not_to_have_text(await clock.inner_text())
        assert await seconds_left(clock) < before
    assert await is_marked(page)


async def _answer_the_mention(page: Page, brand: Person, customer: Person, question: dict[str, Any]) -> str:
    """
    Answer in Chromium and read the answer as the customer; gives its id.
    """
    await opened_row(page, "does the desk lamp dim?")
    await claim(page)
    await answer(page, "Yes, in four steps.")
    (status,) = await _mentions(customer)
    assert status["account"]["id"] == brand.id
    assert status["in_reply_to_id"] == question["id"]
    assert status["visibility"] == "unlisted", "never wider than the question"
    assert [one["id"] for one in status["mentions"]] == [customer.id]
    assert _text(status["content"]) == f"@{customer.name} Yes, in four steps."
    return str(status["id"])


async def _answer_the_mail(page: Page, mail: EmailHarness, asked: str) -> str:
    """
    Answer in Chromium and read the answer from the server that took it and from Sent; gives its Message-ID.
    """
    await opened_row(page, "came without a bulb")
    await claim(page)
    await answer(page, "Sorry! The bulb is on its way.")
    message = _only_mail(mail)
    assert message["In-Reply-To"] == asked
    assert message["References"] == asked
    assert message["Subject"] == "Re: Order 4711"
    assert message["From"] == f"Lamp Shop <{mail.address}>"
    body = message.get_body(("plain",))
    assert body is not None
    assert body.get_content().strip().startswith("Sorry! The bulb is on its way.")
    (filed,) = await asyncio.to_thread(mail.dovecot.mails, mail.address, "Sent")
    assert email.message_from_bytes(filed, policy=email.policy.default)["Message-ID"] == message["Message-ID"]
    return str(message["Message-ID"])


async def _the_customers_go_on(
    page: Page, mail: EmailHarness, brand: Person, customer: Person, toot: str, ours: str
) -> None:
    """
    Both customers write again: their conversations go on, with a new clock, and one is answered again.
    """
    await mark(page)
    await customer.write(f"@{brand.name} lovely, thank you. Which colours?", in_reply_to_id=toot)
    await _customer_mails(mail, "Re: Order 4711", "And the shade?\n", In_Reply_To=ours, References=ours)
    await expect(said(page, "inbound", "And the shade?")).to_be_visible(timeout=ARRIVES)
    await expect(page.locator("#talk-head .countdown")).to_be_visible()
    await expect(row(page, "Which colours?")).to_be_visible(timeout=ARRIVES)
    assert await is_marked(page)
    await expect(page.locator("[data-row]")).to_have_count(2)
    await opened_row(page, "Which colours?")
    await expect(said(page, "inbound", "does the desk lamp dim?")).to_be_visible()
    await page.fill("#reply-text", "Black and white.")
    await page.keyboard.press("Control+Enter")
    await delivered(page, "Black and white.")
    answers = [_text(one["content"]) for one in await _mentions(customer)]
    assert sorted(answers) == [f"@{customer.name} Black and white.", f"@{customer.name} Yes, in four steps."]
    _only_mail(mail)


async def _the_books_add_up(api: ApiClient) -> None:
    """
    Read over the API what the pages showed: clocks, deliveries, and the ledger.
    """
    _, waiting = await api.ask("GET", "/conversations?tab=waiting")
    assert {one["channel"]: one["due_at"] is None for one in waiting["items"]} == {
        "mastodon": True,
        "email": False,
    }
    assert all(one["first_answered_at"] for one in waiting["items"]), json.dumps(waiting)
    _, sent = await api.ask("GET", "/outbox")
    assert [one["state"] for one in sent["items"]] == ["confirmed"] * 3
    for account in ("post", "lamps"):
        _, counts = await api.ask("GET", f"/heard/counts?account={account}")
        assert counts["quarantined"] == 0
        assert counts["heard"] == counts["routed"] + counts["ignored"] + counts["duplicate"]
        assert counts["routed"] == 2, counts
