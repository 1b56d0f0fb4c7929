"""
Write the mail that goes out: one recipient, an id made from the key, headers that nobody can break out of.

Pure: the same arguments give the same bytes, except for the boundary of a mail with attachments.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from email.headerregistry import Address as HeaderAddress
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime

from connectors.base import Draft, Json, Media
from connectors.email.automatic import LOOP_HEADER
from connectors.email.mime import safe_name
from connectors.email.text import clean
from connectors.email.threading import own_id, reply_subject
from connectors.errors import Rejected

# Seven bits: no server on the way needs to know 8BITMIME.
_POLICY = SMTP.clone(cte_type="7bit")
_LINE_BREAKS = re.compile(r"[\x00\r\n\x0b\x0c\x1c-\x1e\x85\u2028\u2029]")
_RECIPIENT = re.compile(r"[^\s<>,;:\"()\[\]@\\\x00-\x1f\x7f]{1,64}@[^\s<>,;:\"()\[\]@\\\x00-\x1f\x7f]{1,253}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """
    To whom a mail goes and what it answers.

    Args:
        to: the one address.
        parent: Message-ID of the mail answered; `references` the chain that ends with it.
        no_automatic: why a machine must not write there; None where it may.
    """

    to: str
    name: str = ""
    subject: str = ""
    parent: str | None = None
    references: tuple[str, ...] = ()
    no_automatic: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Outgoing:
    """
    A mail ready for the envelope.

    Args:
        message_id: without brackets.
        utf8: the address needs a server that knows SMTPUTF8.
    """

    message_id: str
    recipient: str
    content: bytes
    utf8: bool


def target_of(to: Mapping[str, Json], *, automatic: bool) -> Target:
    """
    Read `HeardItem.reply_to`, or `{"to": address}` for a mail that answers nothing.

    A person's answer goes to Reply-To where there is one; a machine's only to the author (RFC 3834, section 4).

    Raises:
        Rejected: it names nobody.
    """
    address = to.get("from", to.get("to")) if automatic else to.get("to")
    if not isinstance(address, str) or not address:
        raise Rejected("nobody to answer: the mail names no address")
    return Target(
        to=address,
        name=str(to.get("name") or "") if address == to.get("from") else "",
        subject=reply_subject(str(to.get("subject") or "")) if "subject" in to else "",
        parent=to.get("message_id"),
        references=tuple(to.get("references") or ()),
        no_automatic=to.get("no_automatic"),
    )


def compose(
    draft: Draft, target: Target, *, key: str, address: str, name: str, own: frozenset[str], now: datetime
) -> Outgoing:
    """
    Write the mail.

    Raises:
        Rejected: it must not or cannot be sent as it is.
    """
    _refuse_loops(draft, target, own)
    for label, value in (("subject", draft.subject), ("name", target.name), ("own name", name)):
        if _LINE_BREAKS.search(value):
            raise Rejected(f"a line break in the {label}")
    recipient = _encodable(target.to)
    message = EmailMessage(policy=_POLICY if recipient.isascii() else _POLICY.clone(utf8=True))
    message["From"] = _header_address(name, address)
    message["To"] = _header_address(target.name, recipient)
    message["Subject"] = clean(draft.subject or target.subject)
    message["Date"] = format_datetime(now)
    for field, value in _marks(draft, target, address):
        message[field] = value
    message.set_content(_body(draft.text), charset="utf-8")
    for media in draft.media:
        _attach(message, media)
    mail_id = own_id(key, address)
    return Outgoing(
        message_id=mail_id,
        recipient=recipient,
        content=_thread_headers(mail_id, target) + message.as_bytes(),
        utf8=not recipient.isascii(),
    )


def _refuse_loops(draft: Draft, target: Target, own: frozenset[str]) -> None:
    if target.to.lower() in own:
        raise Rejected("this would write to ourselves")
    if draft.automatic and target.no_automatic:
        raise Rejected(f"no automatic answer to this mail: {target.no_automatic}")


def _encodable(address: str) -> str:
    """
    Check an address and put its domain into ASCII.
    """
    if not _RECIPIENT.fullmatch(address):
        raise Rejected("the recipient is no mail address")
    local, _, domain = address.rpartition("@")
    try:
        return f"{local}@{domain if domain.isascii() else domain.encode('idna').decode('ascii')}"
    except UnicodeError:
        raise Rejected("the recipient's domain is no domain") from None


def _header_address(name: str, address: str) -> HeaderAddress:
    local, _, domain = address.rpartition("@")
    return HeaderAddress(display_name=name, username=local, domain=domain)


def _marks(draft: Draft, target: Target, address: str) -> list[tuple[str, str]]:
    marks = [(LOOP_HEADER, address)]
    if draft.automatic:
        submitted = "auto-replied" if target.parent else "auto-generated"
        marks += [("Auto-Submitted", submitted), ("X-Auto-Response-Suppress", "All")]
    return marks


def _thread_headers(mail_id: str, target: Target) -> bytes:
    # Written by hand: the standard library folds long ids into encoded words, which nobody reads as ids.
    lines = [f"Message-ID: <{mail_id}>"]
    if parents := _brackets([target.parent] if target.parent else []):
        lines.append(f"In-Reply-To: {parents[0]}")
    if chain := _brackets(target.references):
        lines.append("References: " + "\r\n ".join(chain))
    return ("\r\n".join(lines) + "\r\n").encode("ascii")


def _brackets(names: Sequence[Json]) -> list[str]:
    return [f"<{name}>" for name in names if isinstance(name, str) and re.fullmatch(r"[!-;=?-~]{1,250}", name)]


def _body(text: str) -> str:
    lines = text.replace("\r\n", "\n").replace("\r", "\n").replace("\x00", "")
    return lines.encode("utf-8", "replace").decode("utf-8").rstrip("\n") + "\n"


def _attach(message: EmailMessage, media: Media) -> None:
    major, _, minor = media.content_type.partition("/")
    if not re.fullmatch(r"[a-z0-9.+-]+/[a-z0-9.+-]+", media.content_type) or major in ("multipart", "message"):
        major, minor = "application", "octet-stream"
    message.add_attachment(media.content, maintype=major, subtype=minor, filename=safe_name(media.name) or "file")
