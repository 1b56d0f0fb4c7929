"""
Tell mail written by machines from mail written by people, as one table, and who must get no automatic answer.

Pure. The rules are those of RFC 3834 and of common practice. Two answers are given, since they differ:
`written_by_machine` (rules 1 to 8) says that nobody waits for an answer; `no_automatic_answer` adds mail that a
person may well have written but that a machine of ours must not answer (rules 9 and 10, and who asks for it).
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from connectors.email.text import Address, Headers, addresses

LOOP_HEADER = "X-Loop"
"""Every mail of ours carries it with our address; coming back, it proves a loop."""

_ROBOTS = re.compile(
    r"mailer-daemon|postmaster|owner-.+|.+-owner|.+-request|no[-_.]?reply|do[-_.]?not[-_.]?reply|nobody|root|daemon"
    r"|bounces?|bounces?[-+=_.0-9].*|.+-bounces?"
)
_AWAY_SUBJECT = re.compile(
    r"(?:automatic reply|auto(?:matic)?[- ]?(?:reply|response)|out of (?:the )?office|abwesenheitsnotiz"
    r"|réponse automatique|自动回复|自動回覆)\s*(?:[:：]|$)",
    re.IGNORECASE,
)
_BULK = ("bulk", "junk", "list", "auto_reply")
_LIST_FIELDS = ("list-id", "list-unsubscribe", "list-post", "list-help", "list-owner")
_RESPONDER_FIELDS = (
    "x-autoreply",
    "x-autorespond",
    "x-autoresponder",
    "x-auto-reply",
    "x-ms-exchange-inbox-rules-loop",
)
_REPORTS = {"delivery-status": "bounce", "disposition-notification": "receipt", "feedback-report": "complaint"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Letter:
    """
    What the rules look at.

    Args:
        kind: content type of the whole mail; `report_type` its parameter.
        own: our address and its aliases, lower-cased.
        junk: it was found in the Junk mailbox.
    """

    headers: Headers
    kind: str
    report_type: str
    sender: Address | None
    subject: str
    own: frozenset[str]
    junk: bool = False

    @property
    def return_path(self) -> str | None:
        """
        Give the envelope sender as the last server wrote it: empty for `<>`, None where it wrote none.
        """
        if "return-path" not in self.headers:
            return None
        return self.headers.get("return-path").strip().strip("<>").strip().lower()


def report_kind(letter: Letter) -> str | None:
    """
    Say which report a mail is: bounce, receipt, complaint or another report; None when it is none.
    """
    if letter.kind == "multipart/report":
        return _REPORTS.get(letter.report_type, "report")
    return "bounce" if letter.kind == "message/delivery-status" or _looks_bounced(letter) else None


def _looks_bounced(letter: Letter) -> bool:
    if "x-failed-recipients" in letter.headers:
        return True
    return letter.return_path == "" and letter.sender is not None and letter.sender.local_part == "mailer-daemon"


def _own_address(letter: Letter) -> bool:
    looped = {address.key for address in addresses(letter.headers.all("x-loop"))}
    return bool(looped & letter.own) or (letter.sender is not None and letter.sender.key in letter.own)


def _auto_submitted(letter: Letter) -> bool:
    # `no` means a person (RFC 3834, section 5); many programs look for the field alone.
    words = [re.split(r"[;(\s]", value.strip().lower())[0] for value in letter.headers.all("auto-submitted")]
    return any(word not in ("no", "") for word in words)


def _robot(letter: Letter) -> bool:
    envelope = (letter.return_path or "").rpartition("@")[0]
    shown = letter.sender.local_part if letter.sender else ""
    return any(_ROBOTS.fullmatch(local) for local in (envelope, shown) if local)


def _responder(letter: Letter) -> bool:
    delivered = (value.strip().lower() for value in letter.headers.all("delivered-to"))
    return any(name in letter.headers for name in _RESPONDER_FIELDS) or "autoresponder" in delivered


def _campaign(letter: Letter) -> bool:
    return any(name == "feedback-id" or name.startswith("x-campaign") for name, _ in letter.headers.fields)


RULES: tuple[tuple[str, Callable[[Letter], bool]], ...] = (
    ("own address", _own_address),
    ("bounce", lambda letter: report_kind(letter) == "bounce"),
    ("report", lambda letter: report_kind(letter) is not None),
    ("auto-submitted", _auto_submitted),
    ("empty return path", lambda letter: letter.return_path == ""),
    ("auto-responder", _responder),
    ("list", lambda letter: any(name in letter.headers for name in _LIST_FIELDS)),
    ("bulk", lambda letter: letter.headers.get("precedence").strip().lower() in _BULK),
    ("campaign", _campaign),
    ("robot address", _robot),
    ("out of office", lambda letter: _AWAY_SUBJECT.match(letter.subject) is not None),
)
"""Why mail counts as written by a machine; the first that holds names the reason."""


def written_by_machine(letter: Letter) -> str | None:
    """
    Say why a mail was written by a machine, or None for a person.
    """
    return next((reason for reason, holds in RULES if holds(letter)), None)


def no_automatic_answer(letter: Letter) -> str | None:
    """
    Say why a machine of ours must not answer a mail, or None where it may.
    """
    if (reason := written_by_machine(letter)) is not None:
        return reason
    if letter.junk or letter.headers.get("x-spam-flag").strip().lower() == "yes":
        return "junk"
    suppressed = re.split(r"[,\s]+", letter.headers.get("x-auto-response-suppress").lower())
    if {"all", "oof", "autoreply"} & set(suppressed):
        return "asked not to"
    fields = ("to", "cc", "resent-to", "resent-cc")
    named = {address.key for name in fields for address in addresses(letter.headers.all(name))}
    return None if named & letter.own else "not addressed to us"
