"""
What is sent to webhooks, how it is signed, and what becomes of a delivery. Pure.

The states of a delivery and their arrows::

    waiting   -> sending     a worker took it
    sending   -> sending     that worker died; its lease ran out and another took it
    sending   -> delivered   the endpoint answered 2xx
    sending   -> waiting     it did not; tried again later under the same webhook-id
    sending   -> failed      it did not for so long that we give up, or it said 410 Gone
    delivered -> waiting     a person sends it again
    failed    -> waiting     a person sends it again

A delivery arrives at least once: who receives it drops a webhook-id that it has seen. Signatures are those of
Standard Webhooks 1.0.0.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from enum import StrEnum
from urllib.parse import urlsplit


class Kind(StrEnum):
    """
    What happened, as receivers know it.
    """

    CONVERSATION_CREATED = "conversation.created"
    CONVERSATION_ASSIGNED = "conversation.assigned"
    CONVERSATION_WARNED = "conversation.warned"
    CONVERSATION_BREACHED = "conversation.breached"
    CONVERSATION_ANSWERED = "conversation.answered"
    CONVERSATION_RESOLVED = "conversation.resolved"
    FEEDBACK_TOPIC = "feedback.topic"
    RULE_RAN = "rule.ran"
    PING = "ping"


MEANINGS: Mapping[Kind, str] = {
    Kind.CONVERSATION_CREATED: "a customer wrote and a conversation began",
    Kind.CONVERSATION_ASSIGNED: "somebody took a conversation, or got it handed over",
    Kind.CONVERSATION_WARNED: "a deadline comes near",
    Kind.CONVERSATION_BREACHED: "a deadline passed without an answer",
    Kind.CONVERSATION_ANSWERED: "an answer arrived at the customer",
    Kind.CONVERSATION_RESOLVED: "a conversation is done",
    Kind.FEEDBACK_TOPIC: "somebody sent a topic of the feedback board out",
    Kind.RULE_RAN: "a rule ran that tells webhooks",
    Kind.PING: "the test button",
}
CHOICES: tuple[Kind, ...] = tuple(kind for kind in Kind if kind is not Kind.PING)
"""What an endpoint can ask for; a ping goes to the endpoint whose button was pressed."""


class EndpointState(StrEnum):
    """
    Whether an endpoint gets anything.
    """

    ACTIVE = "active"
    STOPPED = "stopped"  # by a person
    BROKEN = "broken"  # by us: it is gone, or failed for too long


class State(StrEnum):
    """
    Where a delivery is; drawn above.
    """

    WAITING = "waiting"
    SENDING = "sending"
    DELIVERED = "delivered"
    FAILED = "failed"


OPEN_STATES = (State.WAITING, State.SENDING)

SECRET_PREFIX = "whsec_"
SECRET_BYTES = 32
LONGEST_NAME = 100
MOST_ENDPOINTS = 50
LONGEST_WAIT = timedelta(days=1)
"""A receiver that asks for a longer wait is misread or broken."""
WAITS = (
    timedelta(seconds=5),
    timedelta(seconds=30),
    timedelta(minutes=2),
    timedelta(minutes=10),
    timedelta(minutes=30),
    timedelta(hours=1),
    timedelta(hours=3),
    timedelta(hours=6),
)
"""Waits after each failed attempt; the last one repeats until we give up."""
GONE = 410


def new_secret(random_bytes: bytes) -> str:
    """
    Write a signing secret as Standard Webhooks does.
    """
    return SECRET_PREFIX + base64.b64encode(random_bytes).decode()


def key_of(secret: str) -> bytes:
    """
    Read the key back out of a secret.

    Raises:
        ValueError: it is none.
    """
    try:
        key = base64.b64decode(secret.removeprefix(SECRET_PREFIX), validate=True)
    except binascii.Error as error:
        raise ValueError("no signing secret") from error
    if not secret.startswith(SECRET_PREFIX) or not key:
        raise ValueError("no signing secret")
    return key


def signature(secret: str, webhook_id: str, timestamp: int, body: bytes) -> str:
    """
    Sign one delivery with one secret.
    """
    signed = b".".join((webhook_id.encode(), str(timestamp).encode(), body))
    return "v1," + base64.b64encode(hmac.new(key_of(secret), signed, hashlib.sha256).digest()).decode()


def headers(secrets: Iterable[str], webhook_id: str, body: bytes, now: datetime) -> dict[str, str]:
    """
    Give the headers of a delivery, with a signature for each secret that is still good.
    """
    timestamp = int(now.timestamp())
    return {
        "Content-Type": "application/json",
        "webhook-id": webhook_id,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": " ".join(signature(secret, webhook_id, timestamp, body) for secret in secrets),
    }


def payload(kind: Kind, at: datetime, data: Mapping[str, object]) -> dict[str, object]:
    """
    Wrap what is sent: what happened, when, and to what.
    """
    return {"type": kind.value, "timestamp": instant_text(at), "data": dict(data)}


def instant_text(at: datetime) -> str:
    """
    Write an instant as payloads do: ISO 8601 in UTC.
    """
    return at.astimezone(UTC).isoformat().replace("+00:00", "Z")


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """
    What an attempt came to.

    Args:
        status: of the answer; None when there was none.
        retry_after: that header, as it was sent.
    """

    status: int | None
    retry_after: str = ""
    reason: str = ""

    @property
    def ok(self) -> bool:
        return self.status is not None and 200 <= self.status < 300


@dataclass(frozen=True, slots=True, kw_only=True)
class Next:
    """
    What a delivery becomes, and what that means for its endpoint.

    Args:
        endpoint_waits_until: nothing else goes there before; the receiver asked for it.
        gone: the receiver wants nothing more, ever.
    """

    state: State
    due_at: datetime
    reason: str = ""
    endpoint_waits_until: datetime | None = None
    gone: bool = False


def after_attempt(
    said: Said, *, now: datetime, first_at: datetime, attempts: int, give_up_after: timedelta, chance: float
) -> Next:
    """
    Decide what an attempt leads to.

    Args:
        first_at: since when it is being tried.
        attempts: made so far, this one included.
        chance: a random number from 0 to 1, so that many deliveries do not come back at once.
    """
    if said.ok:
        return Next(state=State.DELIVERED, due_at=now)
    reason = said.reason or f"it answered {said.status}"
    if said.status == GONE:
        return Next(state=State.FAILED, due_at=now, reason="it answered 410 Gone", gone=True)
    due_at = now + wait_after(attempts, chance)
    asked = read_retry_after(said.retry_after, now)
    if asked is not None:
        due_at = max(due_at, asked)
    if due_at - first_at >= give_up_after:
        return Next(state=State.FAILED, due_at=now, reason=reason, endpoint_waits_until=asked)
    return Next(state=State.WAITING, due_at=due_at, reason=reason, endpoint_waits_until=asked)


def wait_after(attempts: int, chance: float) -> timedelta:
    """
    Say how long to wait after a number of attempts, moved by up to a fifth either way.
    """
    return WAITS[min(attempts, len(WAITS)) - 1] * (0.8 + 0.4 * chance)


def read_retry_after(text: str, now: datetime) -> datetime | None:
    """
    Read `Retry-After` (RFC 9110, section 10.2.3): seconds or an HTTP date; at most a day from now.
    """
    said = text.strip()
    if said.isascii() and said.isdigit():
        return now + min(timedelta(seconds=int(said[:9])), LONGEST_WAIT)
    try:
        date = parsedate_to_datetime(said)
        at = date.replace(tzinfo=UTC) if date.tzinfo is None else date.astimezone(UTC)
    except (ValueError, OverflowError):
        return None
    return min(at, now + LONGEST_WAIT) if at > now else None


def shown_url(url: str) -> str:
    """
    Name the server of an address without its path, which often holds a secret of the receiver's.
    """
    parts = urlsplit(url.strip())
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}"


def name_problem(name: str) -> str | None:
    """
    Say what is wrong with an endpoint's name, or nothing.
    """
    if not name.strip():
        return "must not be empty"
    return f"at most {LONGEST_NAME} characters" if len(name) > LONGEST_NAME else None


def kinds_problem(kinds: Sequence[str]) -> str | None:
    """
    Say what is wrong with the kinds that an endpoint asks for, or nothing.
    """
    if not kinds:
        return "choose at least one"
    strange = [str(kind) for kind in kinds if kind not in set(CHOICES)]
    return f"there is no {strange[0]!r}; choose from {', '.join(CHOICES)}" if strange else None
