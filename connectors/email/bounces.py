"""
Read delivery reports (RFC 3464): which mail of ours, what became of it, in whose words.

Pure. Whether the named mail is really ours is for the reader to look up: anybody can forge a bounce.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass

from connectors.base import Json
from connectors.email.mime import Mail
from connectors.email.text import Headers, addresses, clean, read_headers
from connectors.email.threading import ids, message_id

MAX_REPORT_BYTES = 64 * 1024
_STATUS = re.compile(r"[245]\.\d{1,3}\.\d{1,3}")
_SOFT = ("5.2.2",)
"""Permanent by its number, temporary by nature: a full mailbox."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """
    What became of one mail of ours.

    Args:
        action: failed, delayed, delivered, relayed, expanded, or empty where the report does not say.
        status: enhanced status code (RFC 3463), or empty.
        diagnostic: the refusing server's own words.
        original_id: Message-ID of the mail it is about, as the report claims.
    """

    action: str = ""
    status: str = ""
    recipient: str = ""
    diagnostic: str = ""
    original_id: str | None = None

    @property
    def hard(self) -> bool:
        """
        Tell whether that address will never take mail; a delay is no failure, and a 4.x.x failure is a soft one.
        """
        return self.action == "failed" and self.status.startswith("5") and self.status not in _SOFT

    @property
    def sentence(self) -> str:
        """
        Say it in one line for a person.
        """
        to = f" to {self.recipient}" if self.recipient else ""
        words = " ".join(word for word in (self.status, self.diagnostic) if word)
        return f"Delivery{to}: {self.action or 'not delivered, as it seems'}{f' ({words})' if words else ''}"

    def as_json(self) -> Mapping[str, Json]:
        return {**asdict(self), "hard": self.hard}


def read_report(mail: Mail, domain: str) -> Report:
    """
    Read a bounce as far as it can be read.

    Args:
        domain: of our own Message-IDs, to find one in bounces of no standard.
    """
    group = _worst(_groups(mail))
    recipients = addresses([group.get("final-recipient").partition(";")[2]])
    recipients = recipients or addresses(mail.headers.all("x-failed-recipients"))
    status = _STATUS.search(group.get("status"))
    return Report(
        action=group.get("action").strip().lower()[:20],
        status=status.group() if status else "",
        recipient=recipients[0].key if recipients else "",
        diagnostic=" ".join(clean(group.get("diagnostic-code").partition(";")[2]).split())[:500],
        original_id=_original_id(mail, domain),
    )


def _groups(mail: Mail) -> list[Headers]:
    part = mail.first("message/delivery-status", "message/global-delivery-status")
    if part is None:
        return []
    blocks = re.split(rb"\r?\n[ \t]*\r?\n", mail.content(part, MAX_REPORT_BYTES))
    return [group for block in blocks if "action" in (group := read_headers(block))]


def _worst(groups: list[Headers]) -> Headers:
    # We send to one recipient at a time; where a list behind it reports on several, the failure matters.
    failed = [group for group in groups if group.get("action").strip().lower() == "failed"]
    return next(iter(failed or groups), Headers())


def _original_id(mail: Mail, domain: str) -> str | None:
    returned = mail.first("message/rfc822", "text/rfc822-headers", "message/global", "message/global-headers")
    if returned is not None:
        block = re.split(rb"\r?\n\r?\n", mail.content(returned, MAX_REPORT_BYTES), maxsplit=1)[0]
        return message_id(read_headers(block).get("message-id"))
    claimed = ids(mail.headers.get("in-reply-to")) + ids(mail.raw[:MAX_REPORT_BYTES].decode("latin-1"))
    return next((found for found in claimed if found.lower().endswith(f"@{domain}")), None)
