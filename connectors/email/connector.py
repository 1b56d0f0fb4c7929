"""
The e-mail connector: glue between the pure parts and the two libraries.

It holds one IMAP connection for reading, opened when first needed and again after it was lost; listening has one
of its own, since an idling connection can do nothing else. Sending connects anew for every mail.
"""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator, Callable, Mapping
from datetime import UTC, datetime, timedelta
from email.utils import localtime
from types import TracebackType
from typing import Self

from aiohttp import ClientSession
from pydantic import BaseModel

from connectors.base import (
    BrokenItem,
    Checked,
    Cursor,
    Draft,
    HeardItem,
    Json,
    Page,
    Profile,
    Sent,
    Wake,
)
from connectors.email import protocol
from connectors.email.compose import Outgoing, compose, target_of
from connectors.email.hearing import Arrival, read_mail
from connectors.email.imap import ImapSession, Server
from connectors.email.options import EmailOptions, Security, SentCopy
from connectors.email.protocol import Position
from connectors.email.smtp import Submission, connected, size_limit, submit
from connectors.email.threading import own_id
from connectors.errors import Ambiguous, ConnectorError, Rejected, Unreachable, Unsupported
from connectors.registry import Channel

IDLE_FOR = timedelta(minutes=7)
"""Between 5 and 9 minutes: routers and large providers forget quiet connections long before IMAP's 29."""
IN_A_THREAD_FROM_BYTES = 64 * 1024
"""Larger mails are read in a thread, so that the daemon goes on meanwhile."""


def _system_clock() -> datetime:
    # A mail must carry the Date of its writing (RFC 5322, section 3.6), and `Replies.reply` hands us no `now`.
    return localtime().astimezone(UTC)


class EmailConnector:
    """
    One mailbox that is heard by IMAP and answered by SMTP.

    Args:
        idle_for: how long one IDLE lasts before it is asked anew.
        clock: gives the Date of outgoing mail, and nothing else.
    """

    def __init__(
        self,
        options: EmailOptions,
        *,
        idle_for: timedelta = IDLE_FOR,
        clock: Callable[[], datetime] = _system_clock,
    ) -> None:
        self._options = options
        self._idle_for = idle_for
        self._clock = clock
        self._reading: ImapSession | None = None
        self._one_at_a_time = asyncio.Lock()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._drop()

    def _drop(self) -> None:
        if self._reading is not None:
            self._reading.close()
            self._reading = None

    def _context(self, security: Security) -> ssl.SSLContext | None:
        if security is Security.PLAIN:
            return None
        try:
            return ssl.create_default_context(cafile=self._options.ca_file)
        except OSError as error:
            raise Rejected(f"ca_file cannot be read: {type(error).__name__}") from error

    def _server(self) -> Server:
        host, port = self._options.imap_at
        user, password = self._options.imap_login
        security = self._options.imap_security
        context = self._context(security)
        return Server(host=host, port=port, security=security, context=context, user=user, password=password)

    def _submission(self) -> Submission:
        host, port = self._options.smtp_at
        user, password = self._options.smtp_login
        security = self._options.smtp_security
        return Submission(
            host=host,
            port=port,
            security=security,
            context=self._context(security),
            user=user,
            password=password,
            hello=self._options.address.rpartition("@")[2],
        )

    @contextlib.asynccontextmanager
    async def _session(self) -> AsyncIterator[ImapSession]:
        """
        Lend the reading connection; after any failure it is dropped, since half an answer may still be on its way.
        """
        async with self._one_at_a_time:
            try:
                if self._reading is None or not self._reading.alive:
                    self._drop()
                    self._reading = await ImapSession.open(self._server())
                yield self._reading
            except BaseException:
                self._drop()
                raise

    async def check(self) -> Checked:
        """
        Sign in on both servers and look for the mailboxes.
        """
        async with self._session() as session:
            capabilities = session.capabilities
            for name in await self._names(session):
                try:
                    await session.examine(name)
                except Unreachable as error:
                    raise Rejected(f"mailbox {name!r} cannot be opened: {error.detail}") from error
            sent = await session.special("Sent")
        async with connected(self._submission()) as client:
            limit = size_limit(client)
        address = self._options.address
        return Checked(
            profile=Profile(key=address.lower(), handle=address, name=self._options.name),
            warnings=tuple(self._warnings(capabilities, sent)),
            facts={"imap": list(capabilities), "idle": "IDLE" in capabilities, "smtp_size": limit, "sent": sent},
        )

    def _warnings(self, capabilities: tuple[str, ...], sent: str | None) -> list[str]:
        options = self._options
        said = []
        if "IDLE" not in capabilities:
            said.append("This mail server has no IDLE: new mail is heard only when it is asked for.")
        if Security.PLAIN in (options.imap_security, options.smtp_security):
            said.append("The password goes unprotected over this machine's loopback.")
        if sent is None and options.sent_copy is not SentCopy.NONE:
            said.append("No mailbox is marked as Sent: copies of answers go to, and are looked for in, 'Sent'.")
        if options.sent_copy is SentCopy.NONE:
            said.append(
                "No copy of sent mail is kept: the fate of a mail whose answer was lost cannot be looked up."
            )
        return said

    async def _names(self, session: ImapSession) -> list[str]:
        names = [protocol.encode_mailbox(name) for name in self._options.mailboxes]
        junk = await self._junk(session)
        return names if junk is None or junk in names else [*names, junk]

    async def _junk(self, session: ImapSession) -> str | None:
        return await session.special("Junk") if self._options.also_junk else None

    async def fetch(self, since: Cursor | None, *, now: datetime) -> Page:
        """
        Bring the mail that came after `since`, mailbox by mailbox.

        At most `PAGE_MAILS` mails and about `PAGE_BYTES` a page. Mail that is deleted meanwhile is passed over.
        """
        positions = protocol.read_cursor(since)
        items: list[HeardItem | BrokenItem] = []
        room = protocol.Room()
        more = False
        async with self._session() as session:
            junk = await self._junk(session)
            for name in await self._names(session):
                mailbox = await session.examine(name)
                start = await self._start(session, mailbox, positions.get(name), now)
                taken, reached, left = await self._take(session, mailbox, start, room)
                for listed in taken:
                    items += await self._read(session, name, listed, now=now, junk=name == junk)
                positions[name] = Position(uid_validity=mailbox.uid_validity, uid=reached)
                room, more = room.without(taken), more or left
        items.sort(key=lambda item: item.occurred_at)
        return Page(items=tuple(items), cursor=protocol.write_cursor(positions), more=more)

    async def _start(
        self, session: ImapSession, mailbox: protocol.Mailbox, position: Position | None, now: datetime
    ) -> int:
        """
        Say after which UID to go on.
        """
        if position is not None and position.uid_validity == mailbox.uid_validity:
            return position.uid
        since = protocol.look_back(self._options.hear_since, now=now, renumbered=position is not None)
        found = [] if since is None else await session.search(f"SINCE {protocol.search_day(since)}")
        return found[0] - 1 if found else mailbox.uid_next - 1

    async def _take(
        self, session: ImapSession, mailbox: protocol.Mailbox, start: int, room: protocol.Room
    ) -> tuple[list[protocol.Listed], int, bool]:
        """
        Choose the next mails of a mailbox, how far that brings us, and whether there are more.
        """
        if mailbox.uid_next <= start + 1:
            return [], start, False
        waiting = protocol.after(await session.search(f"UID {start + 1}:*"), start)
        batch = waiting[: protocol.PAGE_MAILS]
        listed = await session.describe(batch) if batch else []
        taken = room.take(listed)
        if len(taken) < len(listed):
            return taken, taken[-1].uid if taken else start, True
        return taken, batch[-1] if batch else start, len(waiting) > len(batch)

    async def _read(
        self, session: ImapSession, mailbox: str, listed: protocol.Listed, *, now: datetime, junk: bool
    ) -> list[HeardItem | BrokenItem]:
        received_at = min(listed.received_at or now, now)
        hear_since = self._options.hear_since
        if hear_since is not None and received_at < hear_since:
            return []
        raw = await session.content(listed.uid, protocol.to_read(listed.size))
        if raw is None:
            return []
        arrival = Arrival(
            raw=raw,
            size=max(listed.size, len(raw)) if listed.size > protocol.MAX_MAIL_BYTES else len(raw),
            received_at=received_at,
            mailbox=mailbox,
            uid=listed.uid,
            address=self._options.address,
            own=self._options.own,
            junk=junk,
        )
        if len(raw) < IN_A_THREAD_FROM_BYTES:
            return [read_mail(arrival)]
        return [await asyncio.to_thread(read_mail, arrival)]

    async def listen(self, since: Cursor | None) -> AsyncIterator[Wake | Page]:
        """
        Wake the caller when mail comes into the first mailbox; the others are heard when they are fetched.
        """
        session = await ImapSession.open(self._server())
        try:
            if not session.has("IDLE"):
                raise Unsupported("this mail server has no IDLE")
            await session.examine(protocol.encode_mailbox(self._options.mailboxes[0]))
            yield Wake()
            async for _ in session.pushes(self._idle_for):
                yield Wake()
        finally:
            session.close()

    async def reply(self, to: Mapping[str, Json], draft: Draft, *, key: str) -> Sent:
        """
        Answer a mail, or write one: `to` is `HeardItem.reply_to`, or `{"to": address}` for a new mail.

        The receipt's `remote_id` is the Message-ID, made of `key`. A copy that cannot be filed is no failure: the
        receipt's detail says so.
        """
        options = self._options
        mail = compose(
            draft,
            target_of(to, automatic=draft.automatic),
            key=key,
            address=options.address,
            name=options.name,
            own=options.own,
            now=self._clock(),
        )
        said = await submit(self._submission(), options.address, mail)
        if options.sent_copy is SentCopy.APPEND:
            said += await self._file(mail)
        return Sent(remote_id=mail.message_id, detail=said)

    async def _file(self, mail: Outgoing) -> str:
        try:
            async with self._session() as session:
                await session.append(await session.special("Sent") or "Sent", mail.content)
        except ConnectorError as error:
            return f" (sent, but not filed in Sent: {error.detail})"
        return ""

    async def find(self, key: str, draft: Draft, *, to: Mapping[str, Json] | None, since: datetime) -> Sent | None:
        """
        Look into Sent for the mail made of `key`.

        Never says that a mail was certainly not sent: no mail system can tell. A copy is filed after the mail was
        taken, by us or by the provider, so its absence proves nothing.
        """
        wanted = own_id(key, self._options.address)
        if self._options.sent_copy is SentCopy.NONE:
            raise Ambiguous("no copies of sent mail are kept here")
        async with self._session() as session:
            name = await session.special("Sent") or "Sent"
            try:
                await session.examine(name)
            except Unreachable as error:
                raise (Ambiguous if session.alive else Unreachable)(error.detail) from error
            found = await session.search("HEADER", "Message-ID", protocol.quoted(f"<{wanted}>"))
            listed = await session.describe(found[:1]) if found else []
        if not listed:
            raise Ambiguous("no copy in Sent, which does not prove that it was not sent")
        return Sent(remote_id=wanted, at=listed[0].received_at, detail="found in Sent")


def _open(options: BaseModel, session: ClientSession) -> EmailConnector:
    assert isinstance(options, EmailOptions)
    return EmailConnector(options)


channel = Channel(name="email", title="E-mail", options=EmailOptions, open=_open)
