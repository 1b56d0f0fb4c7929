"""
What the scheduler runs for accounts: one poll job for each active account, and `sync`, which keeps that true.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import suppress

import sqlalchemy as sa
import structlog

from bot.accounts import store
from bot.accounts.connect import Connectors
from bot.accounts.ears import Ear
from bot.accounts.polling import Poller, Tools
from bot.accounts.rules import AccountState
from bot.accounts.service import TOPIC
from bot.accounts.tables import Account
from bot.core.database import Database
from bot.core.live import LiveEvents
from bot.core.scheduler import Scheduler
from bot.settings import AccountSettings

log = structlog.get_logger(__name__)

FOLLOW_AGAIN_SECONDS = 10.0


class Pollers:
    """
    The pollers of one process; leave it to close them. Call `sync` at the start and now and then.

    Args:
        holder: names this process in leases; no other process may have it.
        live: with it, accounts that are changed on a page, by the API or by a command are synced at once.
    """

    def __init__(
        self,
        database: Database,
        scheduler: Scheduler,
        connectors: Connectors,
        ears: Sequence[Ear],
        settings: AccountSettings,
        holder: str,
        live: LiveEvents | None = None,
    ) -> None:
        self._tools = Tools(database=database, connectors=connectors, ears=ears, settings=settings, holder=holder)
        self._scheduler = scheduler
        self._live = live
        self._pollers: dict[str, Poller] = {}
        self._syncing = asyncio.Lock()
        self._following: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Pollers:
        if self._live is not None:
            self._following = asyncio.create_task(self._follow(self._live), name="accounts-follow")
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._following is not None:
            self._following.cancel()
            with suppress(asyncio.CancelledError):
                await self._following
        async with self._syncing:
            for account_id in list(self._pollers):
                await self._drop(account_id)

    async def sync(self) -> None:
        """
        Poll every active account and no other; one whose options were changed is opened anew.
        """
        async with self._syncing:
            async with self._tools.database.read() as work:
                active = await store.list_accounts(work, AccountState.ACTIVE)
            wanted = {account.id: account for account in active}
            for account_id, poller in list(self._pollers.items()):
                if account_id not in wanted or _identity(wanted[account_id]) != _identity(poller.account):
                    await self._drop(account_id)
            for account in active:
                if account.id not in self._pollers:
                    self._add(account)

    def polled(self) -> dict[str, str]:
        """
        Give the accounts that this process polls, if it holds their leases: id and name.
        """
        return {account_id: poller.account.name for account_id, poller in self._pollers.items()}

    def _add(self, account: Account) -> None:
        job = _job(account.id)
        poller = Poller(account, self._tools, lambda: self._scheduler.poke(job))
        self._pollers[account.id] = poller
        settings = self._tools.settings
        self._scheduler.every(job, settings.poll_every, poller.poll, jitter=settings.poll_jitter)

    async def _drop(self, account_id: str) -> None:
        self._scheduler.drop(_job(account_id))
        await self._pollers.pop(account_id).close()

    async def _follow(self, live: LiveEvents) -> None:
        while True:
            try:
                async for _ in live.subscribe(frozenset({TOPIC}), None):
                    await self.sync()
            except sa.exc.SQLAlchemyError as error:
                # Only slower without it: the regular sync finds out too.
                log.warning(
                    "changes of accounts cannot be followed", action="accounts.follow", error=type(error).__name__
                )
                await self._tools.database.clock.sleep(FOLLOW_AGAIN_SECONDS)


def _job(account_id: str) -> str:
    return f"accounts.poll:{account_id}"


def _identity(account: Account) -> tuple[object, ...]:
    return (account.channel, account.options, account.sealed)
