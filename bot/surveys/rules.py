"""
When a customer is asked whether they are satisfied, what a link is worth, and what the figures mean. Pure.

The states of a survey and their arrows::

    planned -> asked      its time came and the question went into the outbox
    planned -> dropped    the customer wrote again, or must not be asked: asked lately, a machine, no way to answer
    dropped -> planned    the conversation was resolved anew, and was dropped only because it had been opened again

An answer is kept with the survey; it can be changed until the link ends.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum


class State(StrEnum):
    """
    Where a survey is; drawn above.
    """

    PLANNED = "planned"
    ASKED = "asked"
    DROPPED = "dropped"


class By(StrEnum):
    """
    What figures are told apart by.
    """

    ALL = "all"
    AGENT = "agent"
    ACCOUNT = "account"
    WEEK = "week"


SCORES = (1, 2, 3, 4, 5)
SATISFIED_FROM = 4
"""Of the scale from 1 (very dissatisfied) to 5 (very satisfied), the share from here on is called satisfied."""
LONGEST_COMMENT = 2_000
LONGEST_DELAY = timedelta(days=14)
LONGEST_VALID = timedelta(days=90)
LONGEST_PAUSE = timedelta(days=365)
OPENED_AGAIN = "the conversation was opened again"
KEY_BYTES = 32
_TOKEN = re.compile(r"([0-9a-f-]{36})\.([0-9a-z]{1,9})\.([\w-]{43})", re.ASCII)
_DIGITS = "0123456789abcdefghijklmnopqrstuvwxyz"


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """
    How the customers of an account are asked. Off unless somebody turns it on.

    Args:
        delay: from resolving to asking.
        valid_for: how long the link can be used.
        pause: a contact is asked at most once in this time, over all accounts.
    """

    enabled: bool = False
    delay: timedelta = timedelta(hours=1)
    valid_for: timedelta = timedelta(days=14)
    pause: timedelta = timedelta(days=30)


def options_problems(options: Options) -> dict[str, str]:
    """
    Say what is wrong with options, by field.
    """
    problems = {}
    if options.delay > LONGEST_DELAY:
        problems["delay"] = "at most 14d"
    if not timedelta(hours=1) <= options.valid_for <= LONGEST_VALID:
        problems["valid_for"] = "between 1h and 90d"
    if options.pause > LONGEST_PAUSE:
        problems["pause"] = "at most 365d"
    return problems


def token(key: bytes, survey_id: str, expires_at: datetime) -> str:
    """
    Make the signed part of a link: which survey, until when, and the proof that we wrote both.
    """
    until = _base36(int(expires_at.timestamp()))
    return f"{survey_id}.{until}.{_proof(key, survey_id, until)}"


def read_token(key: bytes, text: str) -> tuple[str, datetime] | None:
    """
    Read a link back: the survey's id and when the link ends; None when we did not write it.
    """
    found = _TOKEN.fullmatch(text)
    if found is None:
        return None
    survey_id, until, proof = found.groups()
    if not hmac.compare_digest(proof, _proof(key, survey_id, until)):
        return None
    return survey_id, datetime.fromtimestamp(int(until, 36), UTC)


def _proof(key: bytes, survey_id: str, until: str) -> str:
    digest = hmac.new(key, f"survey.{survey_id}.{until}".encode(), hashlib.sha256).digest()
    return base64.urlsafe_b64encode(digest).decode().rstrip("=")


def _base36(number: int) -> str:
    text = ""
    while number:
        number, digit = divmod(number, 36)
        text = _DIGITS[digit] + text
    return text or "0"


def read_key(text: str) -> bytes:
    """
    Read a signing key back from what is sealed.

    Raises:
        ValueError: it is none.
    """
    try:
        return base64.b64decode(text, validate=True)
    except binascii.Error as error:
        raise ValueError("no key") from error


def read_score(text: str) -> int | None:
    """
    Read what was chosen on the scale; None when it is nothing of it.
    """
    return int(text) if text in {str(score) for score in SCORES} else None


def week_of(at: datetime) -> str:
    """
    Name the week of an instant by its Monday (UTC), as `2026-03-02`.
    """
    day: date = at.astimezone(UTC).date()
    return (day - timedelta(days=day.weekday())).isoformat()


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """
    What was asked and answered.

    Args:
        counts: answers by score, from 1 to 5.
    """

    key: str = ""
    name: str = ""
    asked: int = 0
    counts: Sequence[int] = (0, 0, 0, 0, 0)

    @property
    def answered(self) -> int:
        return sum(self.counts)

    @property
    def satisfied(self) -> int:
        return sum(self.counts[SATISFIED_FROM - 1 :])

    @property
    def share_satisfied(self) -> float | None:
        """
        Give satisfied answers per answer; None without one.
        """
        return self.satisfied / self.answered if self.answered else None

    @property
    def response_rate(self) -> float | None:
        """
        Give answers per question; None when nobody was asked.
        """
        return self.answered / self.asked if self.asked else None
