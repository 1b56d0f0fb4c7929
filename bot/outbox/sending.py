"""
One attempt and one look: hand an entry to its channel, or ask the channel for it, and say what it came to.

Acts on the network and on nothing else; what follows from an answer is decided in `rules`. Neither function
raises for anything that a channel does.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog

from bot.accounts.connect import Connectors
from bot.accounts.tables import Account
from bot.core.clock import Clock
from bot.outbox.drafts import draft_from_json
from bot.outbox.rules import ANSWER_WITHIN, Said
from bot.outbox.tables import OutboxEntry
from connectors.base import Connector, Finds, Publishes, Replies, Sent
from connectors.errors import Ambiguous, Rejected, Unauthorized, Unreachable, Unsupported

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """
    What the network said to an attempt or a look.

    Args:
        wait: how long the server asked us to wait.
    """

    said: Said
    sent: Sent | None = None
    reason: str = ""
    wait: timedelta | None = None


@dataclass(slots=True)
class _Progress:
    """
    How far an attempt came; what an error means depends on it.
    """

    handed_over: bool = False
    result: Result | None = None


async def attempt(
    connectors: Connectors, account: Account, entry: OutboxEntry, *, clock: Clock, lease: timedelta
) -> Result:
    """
    Hand an entry to its channel, once.

    It ends well before the lease does, so that nobody else takes over while we may still be heard.
    """
    allowed = lease * ANSWER_WITHIN
    give_up_at = (entry.attempted_at or clock.now()) + allowed
    progress = _Progress()
    try:
        async with asyncio.timeout(allowed.total_seconds()), connectors.open(account) as connector:
            progress.result = await _hand_over(connector, account, entry, progress, clock, give_up_at)
    except Exception as error:
        if progress.result is None:
            unexpected = Said.LOST if progress.handed_over else Said.WAIT
            return _judged(error, clock.now(), unexpected)
        # The channel has answered; that the connection did not close well changes nothing.
        log.info("connection not closed well", action="outbox.close", error=type(error).__name__)
    return progress.result


async def _hand_over(
    connector: Connector,
    account: Account,
    entry: OutboxEntry,
    progress: _Progress,
    clock: Clock,
    give_up_at: datetime,
) -> Result:
    draft = draft_from_json(entry.draft)
    if clock.now() >= give_up_at:
        # A machine that was put to sleep counts no seconds; another worker may have taken over meanwhile.
        return Result(said=Said.WAIT, reason="held up for too long before it was sent")
    progress.handed_over = True
    if entry.reply_to is not None and isinstance(connector, Replies):
        return Result(said=Said.SENT, sent=await connector.reply(entry.reply_to, draft, key=entry.key))
    if entry.reply_to is None and isinstance(connector, Publishes):
        return Result(said=Said.SENT, sent=await connector.publish(draft, key=entry.key))
    return Result(said=Said.REFUSED, reason=f"{account.channel} cannot send this")


async def look(
    connectors: Connectors, account: Account, entry: OutboxEntry, *, clock: Clock, lease: timedelta
) -> Result:
    """
    Ask the channel whether an unknown entry is there.
    """
    try:
        async with asyncio.timeout((lease * ANSWER_WITHIN).total_seconds()):
            async with connectors.open(account) as connector:
                return await _find(connector, account, entry)
    except (Ambiguous, Unsupported) as error:
        return Result(said=Said.UNSURE, reason=str(error))
    except Exception as error:
        return _judged(error, clock.now(), Said.WAIT)


async def _find(connector: Connector, account: Account, entry: OutboxEntry) -> Result:
    if not isinstance(connector, Finds):
        return Result(said=Said.UNSURE, reason=f"{account.channel} cannot be asked whether it arrived")
    draft = draft_from_json(entry.draft)
    sent = await connector.find(entry.key, draft, to=entry.reply_to, since=entry.prepared_at)
    return Result(said=Said.SENT, sent=sent) if sent else Result(said=Said.ABSENT)


def _judged(error: Exception, now: datetime, unexpected: Said) -> Result:
    match error:
        case Unreachable():
            return Result(said=Said.WAIT, reason=str(error), wait=error.wait(now))
        case Unauthorized():
            return Result(said=Said.NO_ACCESS, reason=str(error))
        case Rejected() | Unsupported():
            return Result(said=Said.REFUSED, reason=str(error))
        case Ambiguous():
            return Result(said=Said.LOST, reason=str(error))
        case TimeoutError():
            return Result(said=unexpected, reason="no answer in time")
        case _:
            log.error("connector failed", action="outbox.connector", error=type(error).__name__, exc_info=error)
            return Result(said=unexpected, reason=f"unexpected {type(error).__name__}; see the log")
