"""
Asking a server about an account: the flows in which network and database take turns, never one inside the other.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bot.accounts.connect import Connectors
from bot.accounts.options import secret_names
from bot.accounts.rules import name_problem
from bot.accounts.service import (
    add_account,
    change_options,
    get_account,
    list_accounts,
    mark_unauthorized,
    record_check,
)
from bot.accounts.tables import Account
from bot.core.actor import Actor
from bot.core.database import Database
from bot.core.errors import Conflict, Invalid
from connectors.base import Checked
from connectors.errors import ConnectorError, Unauthorized


async def check_account(connectors: Connectors, account: Account) -> Checked:
    """
    Ask the account's server who we are there. Call it outside any unit of work.

    Raises:
        ConnectorError: as `Connector.check` says.
        Invalid: the stored options no longer fit the channel.
    """
    async with connectors.open(account) as connector:
        return await connector.check()


async def connect_account(
    database: Database,
    actor: Actor,
    connectors: Connectors,
    *,
    channel: str,
    name: str,
    options: Mapping[str, Any],
    unchecked: bool = False,
) -> Account:
    """
    Add an account after its server has accepted it; a wrong password is told and nothing is stored.

    Args:
        unchecked: add it anyway; it is checked before its first poll.

    Raises:
        Invalid: by field; under `options` what the server said.
    """
    if problem := name_problem(name):
        raise Invalid(fields={"name": problem})
    await _require_free(database, name)
    read = connectors.read(channel, options, now=database.clock.now())
    plain, sealed = connectors.seal(read)
    trial = Account(
        id="", channel=channel, name=name, options=plain, sealed=sealed, created_at=database.clock.now()
    )
    checked = None if unchecked else await _checked_or_invalid(connectors, trial)
    async with database.write() as work:
        return await add_account(work, actor, connectors, channel, name, options, checked)


async def check_again(database: Database, connectors: Connectors, id_or_name: str) -> Account:
    """
    Check an account now and keep what was found; a refusal marks it unauthorized.

    Raises:
        NotFound: there is no such account.
        Conflict: the server refused or did not answer; says what it said.
    """
    async with database.read() as work:
        account = await get_account(work, id_or_name)
    try:
        checked = await check_account(connectors, account)
    except Unauthorized as error:
        async with database.write() as work:
            await mark_unauthorized(work, account.id, str(error))
        raise Conflict(str(error)) from error
    except ConnectorError as error:
        raise Conflict(str(error)) from error
    async with database.write() as work:
        return await record_check(work, account.id, checked)


async def renew_options(
    database: Database, actor: Actor, connectors: Connectors, id_or_name: str, given: Mapping[str, Any]
) -> Account:
    """
    Change an account's options after its server has accepted them; a credential left empty stays as it is.

    Raises:
        NotFound: there is no such account.
        Invalid: by field; under `options` what the server said. Nothing is changed then.
    """
    async with database.read() as work:
        account = await get_account(work, id_or_name)
    channel = connectors.channel(account.channel)
    kept = {name: value for name, value in connectors.credentials(account).items() if not given.get(name)}
    since = {"hear_since": account.options.get("hear_since")} if not given.get("hear_since") else {}
    wanted = {name: value for name, value in given.items() if name not in secret_names(channel.options) or value}
    options = connectors.read(account.channel, {**wanted, **kept, **since}, now=database.clock.now())
    plain, sealed = connectors.seal(options)
    trial = Account(**{**account.model_dump(), "options": plain, "sealed": sealed})
    checked = await _checked_or_invalid(connectors, trial)
    async with database.write() as work:
        return await change_options(work, actor, account.id, options, connectors, checked)


async def _checked_or_invalid(connectors: Connectors, trial: Account) -> Checked:
    try:
        return await check_account(connectors, trial)
    except ConnectorError as error:
        raise Invalid(fields={"options": str(error)}) from error


async def _require_free(database: Database, name: str) -> None:
    # Said before the server is asked; the unique constraint says it again when two are added at once.
    async with database.read() as work:
        if any(account.name == name for account in await list_accounts(work)):
            raise Invalid(fields={"name": f"another account is called {name!r}"})
