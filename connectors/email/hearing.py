"""
Read one raw mail into a heard item, or into a broken one with the reason.

Pure, never raises on any bytes, bounded in time and memory.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime

from connectors.base import Author, BrokenItem, HeardItem, HeardKind, Json, Visibility
from connectors.email import automatic, bounces, markup, mime, quoting, threading
from connectors.email.text import Address, addresses, clean, decode_words

MAX_RAW_BYTES = 64 * 1024
"""What is kept of the raw mail for debugging and the quarantine."""
BODY_START_BYTES = 4096


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrival:
    """
    A mail as the mailbox gave it.

    Args:
        raw: the whole mail, or its beginning when `size` (bytes) says that there is more.
        received_at: when our own server took it in (INTERNALDATE); the sender's Date proves nothing.
        address: ours; `own` holds it and its aliases, lower-cased.
        junk: it was found in the Junk mailbox.
    """

    raw: bytes
    size: int
    received_at: datetime
    mailbox: str
    uid: int
    address: str
    own: frozenset[str]
    junk: bool = False

    @property
    def kept(self) -> str:
        start = self.raw[:MAX_RAW_BYTES]
        try:
            return clean(start.decode("utf-8"))
        except UnicodeDecodeError:
            return clean(start.decode("latin-1"))


def read_mail(arrival: Arrival) -> HeardItem | BrokenItem:
    """
    Read a mail.
    """
    try:
        return _read(arrival)
    except _Unreadable as error:
        return _broken(arrival, str(error))
    except mime.TooManyParts as error:
        return _broken(arrival, str(error))
    except Exception as error:
        # Whatever a stranger's bytes do to us, the mailbox must go on; the quarantine keeps the mail for a person.
        return _broken(arrival, f"could not be read ({type(error).__name__})")


class _Unreadable(ValueError):
    """
    There is no mail in these bytes.
    """


def _broken(arrival: Arrival, error: str) -> BrokenItem:
    stable = hashlib.sha256(arrival.raw[: mime.MAX_TEXT_BYTES])
    # Empty mails are all alike: when they came tells them apart, also after the mailbox was renumbered.
    stable.update(arrival.received_at.isoformat().encode())
    return BrokenItem(
        kind=HeardKind.MESSAGE,
        remote_id=f"broken#{stable.hexdigest()[:32]}",
        occurred_at=arrival.received_at,
        raw=arrival.kept,
        error=error,
    )


def _read(arrival: Arrival) -> HeardItem:
    if not arrival.raw.strip():
        raise _Unreadable("the mail is empty")
    mail = mime.take_apart(arrival.raw)
    if not mail.headers.fields:
        raise _Unreadable("the mail has no headers")
    sender = _sender(mail)
    subject = decode_words(mail.headers.get("subject"))[:1000]
    letter = automatic.Letter(
        headers=mail.headers,
        kind=mail.kind,
        report_type=mail.report_type,
        sender=sender,
        subject=subject,
        own=arrival.own,
        junk=arrival.junk,
    )
    report = automatic.report_kind(letter)
    if sender is None and report is None:
        raise _Unreadable("the mail names no sender")
    return _item(arrival, mail, letter, report)


def _sender(mail: mime.Mail) -> Address | None:
    # Mail systems write odd ones; Sender and Return-Path then still tell who it was.
    for field in ("from", "sender", "return-path"):
        if found := addresses(mail.headers.all(field)):
            return found[0]
    return None


def _item(arrival: Arrival, mail: mime.Mail, letter: automatic.Letter, report: str | None) -> HeardItem:
    headers = mail.headers
    message_id = threading.message_id(clean(headers.get("message-id")))
    text, page = mime.readable(mail)
    written, quoted = quoting.split(text)
    told: dict[str, Json] = {
        "mailbox": arrival.mailbox,
        "uid": arrival.uid,
        "size": arrival.size,
        "mail": arrival.kept,
    }
    in_reply_to = threading.claimed(headers.get("in-reply-to"), " ".join(headers.all("references")))
    if report == "bounce":
        delivery = bounces.read_report(mail, arrival.address.rpartition("@")[2].lower())
        told["report"] = delivery.as_json()
        in_reply_to = (delivery.original_id,) if delivery.original_id else in_reply_to
        written = f"{delivery.sentence}\n\n{written}".strip()
    if arrival.size > len(arrival.raw):
        told["cut"] = True
        written = f"{written}\n\n[This mail of {arrival.size // 1_000_000} MB was read only in part.]".strip()
    return HeardItem(
        kind=_kind(report),
        remote_id=f"{message_id or 'none'}#{_stable_hash(mail)}",
        occurred_at=arrival.received_at,
        author=_author(letter.sender),
        text=written,
        html=page if page is not None and markup.fit_to_show(page) else None,
        quoted=quoted,
        subject=letter.subject,
        visibility=Visibility.DIRECT,
        message_id=message_id,
        in_reply_to=in_reply_to,
        thread_proof=False,
        attachments=mime.attachments(mail),
        automatic=automatic.written_by_machine(letter),
        reply_to=_reply_to(mail, letter, message_id),
        raw=told,
    )


def _kind(report: str | None) -> HeardKind:
    match report:
        case None:
            return HeardKind.MESSAGE
        case "bounce":
            return HeardKind.BOUNCE
        case _:
            return HeardKind.OTHER


def _author(sender: Address | None) -> Author | None:
    if sender is None:
        return None
    return Author(key=clean(sender.key), handle=clean(sender.spec), name=sender.name[:200])


def _stable_hash(mail: mime.Mail) -> str:
    """
    Hash what stays the same when a mail is moved, renumbered or delivered twice on different ways.

    The Message-ID alone is not enough: broken software gives every mail the same one.
    """
    stable = hashlib.sha256()
    for field in ("from", "date", "subject", "message-id"):
        stable.update(mail.headers.get(field).encode("utf-8", "replace") + b"\n")
    start = mail.parts[0].start if mail.parts else 0
    stable.update(b"".join(mail.raw[start : start + BODY_START_BYTES].split()))
    return stable.hexdigest()[:16]


def _reply_to(mail: mime.Mail, letter: automatic.Letter, message_id: str | None) -> dict[str, Json] | None:
    sender = letter.sender
    if sender is None or "@" not in sender.spec:
        return None
    asked = addresses(mail.headers.all("reply-to"))
    # Several, or we ourselves: not where one answer can go. The author then gets it.
    elsewhere = len(asked) == 1 and asked[0].key not in letter.own
    answered, before = mail.headers.get("in-reply-to"), " ".join(mail.headers.all("references"))
    return {
        "to": clean(asked[0].spec if elsewhere else sender.spec),
        "from": clean(sender.spec),
        "name": sender.name[:200],
        "subject": letter.subject,
        "message_id": message_id,
        "references": list(threading.references_for_answer(message_id, answered, before)),
        "no_automatic": automatic.no_automatic_answer(letter),
    }
