"""
`hubbub check`: try every setting and every account, and say what is wrong. Changes nothing.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass

import aiohttp
from sqlalchemy.exc import SQLAlchemyError

from bot.accounts.connect import Connectors
from bot.accounts.service import list_accounts
from bot.accounts.tables import Account
from bot.app import registry
from bot.core.clock import SystemClock
from bot.core.database import Database
from bot.core.errors import HubbubError
from bot.core.migrate import require_newest
from bot.core.secretbox import SecretsError
from bot.opening import secret_box, unchecked_database
from bot.settings import Settings
from connectors.errors import ConnectorError


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """
    What came of trying one thing.
    """

    what: str
    ok: bool
    detail: str


async def check_everything(settings: Settings) -> AsyncIterator[Finding]:
    """
    Try database, key and every account in turn.
    """
    async with unchecked_database(settings, SystemClock()) as database, aiohttp.ClientSession() as session:
        finding = await _database(database)
        yield finding
        try:
            box = secret_box(settings)
        except SecretsError as error:
            yield Finding(what="secret key", ok=False, detail=str(error))
            return
        yield Finding(what="secret key", ok=True, detail="readable by its owner only")
        if not finding.ok:
            return
        connectors = Connectors(registry(), box, session)
        async with database.read() as work:
            accounts = await list_accounts(work)
        for account in accounts:
            yield await _account(connectors, account)


async def _database(database: Database) -> Finding:
    try:
        await require_newest(database)
    except HubbubError as error:
        return Finding(what="database", ok=False, detail=error.detail)
    except (SQLAlchemyError, OSError) as error:
        return Finding(what="database", ok=False, detail=f"cannot be reached ({type(error).__name__})")
    return Finding(what="database", ok=True, detail=f"{database.engine.dialect.name}, of this version's shape")


async def _account(connectors: Connectors, account: Account) -> Finding:
    what = f"account {account.name}"
    try:
        async with connectors.open(account) as connector:
            checked = await connector.check()
    except (ConnectorError, HubbubError, SecretsError) as error:
        return Finding(what=what, ok=False, detail=str(error))
    said = "; ".join(checked.warnings) or "no warnings"
    return Finding(what=what, ok=True, detail=f"{checked.profile.handle}: {said}")
