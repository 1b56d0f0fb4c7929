"""
IMAP and SMTP as plain values: what the servers' answers mean, where we are in each mailbox, what to take next.

No I/O. What a mail itself says is read in `hearing`.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from connectors.base import Cursor
from connectors.email.text import clean
from connectors.errors import Ambiguous, ConnectorError, Malformed, Rejected, Throttled, Unauthorized, Unreachable

MAX_MAIL_BYTES = 25 * 1024 * 1024
"""A mail up to this size is read whole: more than large providers let in (20-25 MB)."""
HEAD_BYTES = 256 * 1024
"""What is read of a larger mail: its headers and, as a rule, its text, which comes before the files."""
PAGE_MAILS = 50
PAGE_BYTES = 32 * 1024 * 1024
RESCAN = timedelta(days=30)
"""How far we look back when a mailbox was renumbered (UIDVALIDITY); the heard ledger knows what it had."""

_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_STAMP = re.compile(r'INTERNALDATE "\s?(\d{1,2})-(\w{3})-(\d{4}) (\d\d:\d\d:\d\d) ([+-])(\d\d)(\d\d)"', re.I)
_LIST = re.compile(r'^(?:LIST\s+)?\(([^)]*)\)\s+(?:"(?:[^"\\]|\\.)*"|NIL)\s+(.+)$', re.IGNORECASE)
# RFC 5530 response codes.
_TRY_LATER = ("UNAVAILABLE", "INUSE", "LIMIT", "SERVERBUG")
_TRANSIENT_WORDS = ("temporar", "try again", "too many", "rate limit")
_TOO_OFTEN = re.compile(r"too many|rate.?limit|throttl|limit exceeded|4\.7\.28", re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Mailbox:
    """
    A mailbox as it was when we looked: `uid_next` is what the next mail will get at least.
    """

    name: str
    uid_validity: int
    uid_next: int
    exists: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Position:
    """
    How far we have heard a mailbox: up to and including `uid`, in one numbering.
    """

    uid_validity: int
    uid: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Listed:
    """
    A mail before its content is read. Size is in bytes.
    """

    uid: int
    size: int
    received_at: datetime | None


def read_cursor(cursor: Cursor | None) -> dict[str, Position]:
    """
    Read the positions by mailbox; none for a first fetch.

    Raises:
        Malformed: it is no cursor of ours.
    """
    if cursor is None:
        return {}
    try:
        saved = json.loads(cursor)
        return {
            str(name): Position(uid_validity=int(at["uidvalidity"]), uid=int(at["uid"]))
            for name, at in saved.items()
        }
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise Malformed("not a cursor of the e-mail connector") from error


def write_cursor(positions: Mapping[str, Position]) -> Cursor:
    """
    Write the positions so that equal ones give equal text.
    """
    plain = {name: {"uidvalidity": at.uid_validity, "uid": at.uid} for name, at in sorted(positions.items())}
    return Cursor(json.dumps(plain, ensure_ascii=False))


def read_mailbox(name: str, lines: Iterable[bytes | bytearray]) -> Mailbox:
    """
    Read the answer to EXAMINE.

    Raises:
        Malformed: the server does not tell UIDVALIDITY and UIDNEXT, without which nothing can be heard safely.
    """
    text = _joined(lines)
    validity, following = _number(r"UIDVALIDITY (\d+)", text), _number(r"UIDNEXT (\d+)", text)
    if validity is None or following is None:
        raise Malformed("the mail server tells no UIDVALIDITY or UIDNEXT")
    exists = _number(r"(\d+) EXISTS", text) or 0
    return Mailbox(name=name, uid_validity=validity, uid_next=following, exists=exists)


def _joined(lines: Iterable[bytes | bytearray]) -> str:
    # A bytearray is a literal: content, never the server's own words.
    return "\n".join(line.decode("latin-1") for line in lines if isinstance(line, bytes))


def _number(pattern: str, text: str) -> int | None:
    match = re.search(pattern, text, re.IGNORECASE)
    return int(match.group(1)) if match else None


def read_search(lines: Sequence[bytes | bytearray]) -> list[int]:
    """
    Read the UIDs of a SEARCH answer, in rising order. The last line is the server's closing remark.
    """
    words = " ".join(line.decode("latin-1") for line in lines[:-1] if isinstance(line, bytes)).split()
    return sorted({int(word) for word in words if word.isascii() and word.isdigit()})


def after(uids: Iterable[int], last: int) -> list[int]:
    """
    Drop what was heard before: `n:*` always brings the last mail, even where its UID is below n (RFC 3501, 6.4.8).
    """
    return [uid for uid in uids if uid > last]


def read_listing(lines: Iterable[bytes | bytearray]) -> list[Listed]:
    """
    Read the answer to `FETCH (UID INTERNALDATE RFC822.SIZE)`, in rising order of UID.
    """
    found: dict[int, Listed] = {}
    for line in lines:
        text = line.decode("latin-1") if isinstance(line, bytes) else ""
        uid, size = _number(r"\bUID (\d+)", text), _number(r"RFC822\.SIZE (\d+)", text)
        if uid is not None and size is not None:
            found[uid] = Listed(uid=uid, size=size, received_at=_received_at(text))
    return [found[uid] for uid in sorted(found)]


def _received_at(text: str) -> datetime | None:
    match = _STAMP.search(text)
    if match is None:
        return None
    day, month, year, clock, sign, hours, minutes = match.groups()
    try:
        date = f"{int(year):04d}-{_MONTHS.index(month.title()) + 1:02d}-{int(day):02d}"
        local = datetime.fromisoformat(f"{date}T{clock}+00:00")
    except ValueError:
        return None
    offset = timedelta(hours=int(hours), minutes=int(minutes))
    return local - offset if sign == "+" else local + offset


def read_content(uid: int, lines: Sequence[bytes | bytearray]) -> bytes | None:
    """
    Find the literal of mail `uid` in the answer to `FETCH BODY.PEEK[]`; None when the mail is gone.
    """
    wanted = False
    for line in lines:
        if isinstance(line, bytearray):
            if wanted:
                return bytes(line)
            continue
        told = _number(r"\bUID (\d+)", line.decode("latin-1"))
        wanted = told == uid
        if wanted and re.search(rb'BODY\[\](?:<\d+>)? (?:NIL|"")', line, re.IGNORECASE):
            return b""  # servers send an empty mail without a literal
    return None


@dataclass(frozen=True, slots=True, kw_only=True)
class Room:
    """
    How much still fits into a page, by number of mails and by bytes.
    """

    mails: int = PAGE_MAILS
    bytes: int = PAGE_BYTES

    def take(self, listed: Iterable[Listed]) -> list[Listed]:
        """
        Take the next mails that fit; an empty page takes one of any size.
        """
        taken: list[Listed] = []
        left = self
        for mail in listed:
            fits = left.mails > 0 and left.bytes >= read_bytes(mail)
            if not fits and left != Room():
                break
            taken.append(mail)
            left = left.without([mail])
        return taken

    def without(self, taken: Sequence[Listed]) -> Room:
        return Room(mails=self.mails - len(taken), bytes=self.bytes - sum(read_bytes(mail) for mail in taken))


def read_bytes(mail: Listed) -> int:
    return min(mail.size, to_read(mail.size))


def look_back(hear_since: datetime | None, *, now: datetime, renumbered: bool) -> datetime | None:
    """
    Say since when to look through a mailbox that we have no position in; None for new mail only.

    Args:
        renumbered: we had a position, but UIDVALIDITY changed and made it worthless (RFC 3501, section 2.3.1.1).
    """
    if not renumbered:
        return hear_since
    return max(now - RESCAN, hear_since) if hear_since else now - RESCAN


def to_read(size: int) -> int:
    """
    Say how many bytes of a mail are read.
    """
    return MAX_MAIL_BYTES if size <= MAX_MAIL_BYTES else HEAD_BYTES


def search_day(instant: datetime) -> str:
    """
    Write a day for SEARCH SINCE: servers compare dates in a time zone of theirs, so look a day further back.
    """
    day = instant.astimezone(UTC) - timedelta(days=1)
    return f"{day.day}-{_MONTHS[day.month - 1]}-{day.year:04d}"


def special_mailbox(lines: Iterable[bytes | bytearray], use: str) -> str | None:
    """
    Find a mailbox by its SPECIAL-USE flag (RFC 6154) in a LIST answer, as the name is to be sent back.
    """
    for line in lines:
        match = _LIST.match(line.decode("latin-1")) if isinstance(line, bytes) else None
        if match and f"\\{use}".lower() in match.group(1).lower().split():
            name = match.group(2).strip()
            return re.sub(r"\\(.)", r"\1", name[1:-1]) if name.startswith('"') else name
    return None


def quoted(text: str) -> str:
    """
    Write a quoted string (RFC 3501).
    """
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def encode_mailbox(name: str) -> str:
    """
    Write a mailbox name in IMAP's modified UTF-7 (RFC 3501, section 5.1.3).
    """
    pieces: list[str] = []
    for run in re.findall(r"[\x20-\x7e]+|[^\x20-\x7e]+", name):
        if run.isascii() and run.isprintable():
            pieces.append(run.replace("&", "&-"))
        else:
            packed = base64.b64encode(run.encode("utf-16-be", "replace")).decode("ascii")
            pieces.append(f"&{packed.rstrip('=').replace('/', ',')}-")
    return "".join(pieces)


def words_of(lines: Sequence[bytes | bytearray]) -> str:
    """
    Give the server's closing remark, shortened, for a person.
    """
    last = bytes(lines[-1]).decode("utf-8", "replace") if lines else ""
    return " ".join(clean(last).split())[:300]


def login_error(said: str) -> ConnectorError:
    """
    Decide what a refused LOGIN means: wrong credentials, unless the server speaks of trouble that passes.
    """
    upper = said.upper()
    if any(f"[{code}" in upper for code in _TRY_LATER):
        return Unreachable(said)
    known = any(f"[{code}" in upper for code in ("AUTHENTICATIONFAILED", "AUTHORIZATIONFAILED", "EXPIRED"))
    # Many bad logins lock an account: without a word about passing trouble we stop.
    if not known and any(word in said.lower() for word in _TRANSIENT_WORDS):
        return Throttled(said)
    return Unauthorized(said)


def smtp_error(code: int, said: str, *, content_sent: bool = False) -> ConnectorError:
    """
    Decide what an SMTP reply means (RFC 5321, section 4.2).

    Args:
        content_sent: the reply came to the mail itself: an unreadable reply may have been a yes.
    """
    words = f"{code} {' '.join(clean(said).split())[:300]}"
    if code in (530, 534, 535, 538):
        return Unauthorized(words)
    if 500 <= code < 600:
        return Rejected(words)
    if 400 <= code < 500:
        return Throttled(words) if _TOO_OFTEN.search(said) else Unreachable(words)
    return Ambiguous(words) if content_sent else Malformed(words)
