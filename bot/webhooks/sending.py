"""
One attempt: sign a delivery, hand it to its endpoint, and say what it came to.

Acts on the network and on nothing else; what follows from an answer is decided in `rules`. It does not raise for
anything that a receiver does.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from bot.core.clock import Clock
from bot.core.outward import Outward, OutwardError
from bot.core.secretbox import SecretBox
from bot.webhooks.rules import Said, headers
from bot.webhooks.tables import WebhookDelivery, WebhookEndpoint

ANSWER_BYTES = 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """
    How an attempt went.

    Args:
        answer: the beginning of the body, readable.
    """

    said: Said
    at: datetime
    answer: str = ""
    duration: timedelta = timedelta(0)


def secrets_of(endpoint: WebhookEndpoint, box: SecretBox, now: datetime) -> list[str]:
    """
    Open the secrets with which deliveries are signed now: the newest, and the one before while it still counts.
    """
    opened = box.open(endpoint.sealed)
    old_counts = "old" in opened and endpoint.old_secret_until is not None and endpoint.old_secret_until > now
    return [opened["secret"], *([opened["old"]] if old_counts else [])]


async def attempt(
    outward: Outward, url: str, secrets: Sequence[str], delivery: WebhookDelivery, *, clock: Clock, seconds: float
) -> Result:
    """
    Send a delivery, once.
    """
    body, now, started = delivery.body.encode(), clock.now(), time.monotonic()
    signed = headers(secrets, delivery.event_id, body, now)
    try:
        answer = await outward.post(url, body, headers=signed, seconds=seconds, max_bytes=ANSWER_BYTES)
    except OutwardError as error:
        said = Said(status=None, reason=error.detail)
        return Result(said=said, at=now, duration=timedelta(seconds=time.monotonic() - started))
    said = Said(status=answer.status, retry_after=answer.headers.get("Retry-After", ""))
    took = timedelta(seconds=time.monotonic() - started)
    return Result(said=said, at=now, answer=readable(answer.body), duration=took)


def readable(body: bytes) -> str:
    """
    Make text of what a receiver said; what no database stores or no terminal shows becomes U+FFFD.
    """
    text = body.decode("utf-8", errors="replace")
    return "".join(char if char.isprintable() or char in "\n\t" else "\ufffd" for char in text)
