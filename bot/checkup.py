"""
`hubbub check`: try every setting and every account, and say what is wrong. Changes nothing.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass

import aiohttp

from bot.accounts.connect import Connectors
from bot.accounts.service import list_accounts
from bot.accounts.tables import Account
from bot.app import registry
from bot.core.clock import SystemClock
from bot.core.database import Database
from bot.core.errors import HubbubError
from bot.core.migrate import require_newest
from bot.core.secretbox import SecretsError
from bot.opening import missing_file, secret_box, shape_of, unchecked_database
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
    if file := missing_file(settings):
        yield Finding(what="database", ok=False, detail=f"{file} is not there yet; run: hubbub init")
        yield _key(settings)
        return
    async with unchecked_database(settings, SystemClock()) as database, aiohttp.ClientSession() as session:
        findings = [await _database(database), _key(settings)]
        for finding in findings:
            yield finding
        if not all(finding.ok for finding in findings):
            return
        connectors = Connectors(registry(), secret_box(settings), session)
        async with database.read() as work:
            accounts = await list_accounts(work)
        for account in accounts:
            yield await _account(connectors, account)


async def _database(database: Database) -> Finding:
    try:
        await shape_of(database)
        await require_newest(database)
    except HubbubError as error:
        return Finding(what="database", ok=False, detail=error.detail)
    return Finding(what="database", ok=True, detail=f"{database.engine.dialect.name}, of this version's shape")


def _key(settings: Settings) -> Finding:
    given = settings.secrets.key is not None
    if not given and not settings.key_file.exists():
        return Finding(
            what="secret key", ok=False, detail=f"{settings.key_file} is not there yet; run: hubbub init"
        )
    try:
        secret_box(settings)
    except SecretsError as error:
        return Finding(what="secret key", ok=False, detail=str(error))
    return Finding(what="secret key", ok=True, detail="given" if given else "readable by its owner only")


async def _account(connectors: Connectors, account: Account) -> Finding:
    what = f"account {account.name}"
    try:
        async with connectors.open(account) as connector:
            checked = await connector.check()
    except (ConnectorError, HubbubError, SecretsError) as error:
        return Finding(what=what, ok=False, detail=str(error))
    said = "; ".join(checked.warnings) or "no warnings"
    return Finding(what=what, ok=True, detail=f"{checked.profile.handle}: {said}")
