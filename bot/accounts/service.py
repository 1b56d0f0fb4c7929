"""
The verbs of accounts: add, stop, start, change, and what polling found out about them.

Nothing here speaks to a network: what a server says about an account arrives as a value (`Checked`, an error) from
`bot.accounts.checking` and `bot.accounts.polling`. What is heard is in `bot.accounts.hearing`.

States: an account is *active* until a person stops it (*stopped*) or its server refuses our credentials
(*unauthorized*); starting it, or renewing its credentials, makes it active again. Its queue is kept in each.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

from pydantic import BaseModel

from bot.accounts import store
from bot.accounts.connect import Connectors
from bot.accounts.options import secret_names
from bot.accounts.rules import AccountState, excerpt, name_problem
from bot.accounts.tables import Account
from bot.core.actor import Actor
from bot.core.database import UnitOfWork
from bot.core.errors import Invalid
from bot.core.secretbox import SecretBox
from bot.staff.service import audit
from bot.web.shell import Banner
from connectors.base import Checked

TOPIC = "accounts"
SAY_AFTER = timedelta(minutes=5)
"""A server that does not answer for this long is worth a banner."""


async def add_account(
    work: UnitOfWork,
    actor: Actor,
    connectors: Connectors,
    channel: str,
    name: str,
    options: Mapping[str, Any],
    checked: Checked | None = None,
) -> Account:
    """
    Add an account; it is heard from now on, or from its option `hear_since` on.

    Args:
        checked: what a check found just now; without it the account is checked before its first poll.

    Raises:
        Invalid: by field: `name`, `channel`, or an option.
    """
    if problem := name_problem(name):
        raise Invalid(fields={"name": problem})
    plain, sealed = connectors.seal(connectors.read(channel, options, now=work.now))
    account_id = work.new_id()
    row = Account(id=account_id, channel=channel, name=name, options=plain, sealed=sealed, created_at=work.now)
    if not await store.add_account(work, row.model_dump()):
        raise Invalid(fields={"name": f"another account is called {name!r}"})
    account = await store.get_account(work, account_id)
    if checked is not None:
        _take_facts(account, checked, work)
    await audit(work, actor, "account.add", "account", account_id, name=name, channel=channel)
    await _changed(work)
    return account


async def get_account(work: UnitOfWork, id_or_name: str) -> Account:
    """
    Read an account by its id or its name.

    Raises:
        NotFound: there is none.
    """
    return await store.get_account(work, id_or_name)


async def list_accounts(work: UnitOfWork) -> Sequence[Account]:
    """
    List all accounts by name.
    """
    return await store.list_accounts(work)


async def account_names(work: UnitOfWork) -> Mapping[str, str]:
    """
    Give the name of each account by its id, in the order of the names.
    """
    return await store.account_names(work)


async def stop_account(work: UnitOfWork, actor: Actor, id_or_name: str, reason: str = "") -> Account:
    """
    Stop hearing an account, and answering by it, until it is started; what it brought is kept.
    """
    account = await store.get_account(work, id_or_name, lock=True)
    if account.state != AccountState.STOPPED:
        account.state, account.state_reason = AccountState.STOPPED.value, excerpt(reason)
        await audit(work, actor, "account.stop", "account", account.id, reason=account.state_reason)
        await _changed(work)
    return account


async def start_account(work: UnitOfWork, actor: Actor, id_or_name: str) -> Account:
    """
    Hear an account again, at the place where it was stopped, without waiting for any back-off.
    """
    account = await store.get_account(work, id_or_name, lock=True)
    if account.state != AccountState.ACTIVE:
        _activate(account)
        await audit(work, actor, "account.start", "account", account.id)
        await _changed(work)
    return account


async def mark_unauthorized(work: UnitOfWork, account_id: str, reason: str) -> bool:
    """
    Note that the server refuses our credentials; a human must renew them. False if the account is not active.
    """
    account = await store.get_account(work, account_id, lock=True)
    if account.state != AccountState.ACTIVE:
        return False
    account.state, account.state_reason = AccountState.UNAUTHORIZED.value, excerpt(reason, 500)
    await _changed(work)
    return True


async def change_options(
    work: UnitOfWork,
    actor: Actor,
    account_id: str,
    options: BaseModel,
    connectors: Connectors,
    checked: Checked | None,
) -> Account:
    """
    Replace an account's options; one that its server refused is active again.
    """
    account = await store.get_account(work, account_id, lock=True)
    before = account.options
    account.options, account.sealed = connectors.seal(options)
    changed = sorted(name for name in account.options if account.options[name] != before.get(name))
    if account.state == AccountState.UNAUTHORIZED:
        _activate(account)
    account.quiet_until = None
    if checked is None:
        account.checked_at = None
    else:
        _take_facts(account, checked, work)
    renewed = sorted(secret_names(type(options)))
    await audit(work, actor, "account.change", "account", account.id, changed=changed, sealed_again=renewed)
    await _changed(work)
    return account


async def record_check(work: UnitOfWork, account_id: str, checked: Checked) -> Account:
    """
    Keep what a check found; an account that its server refused before is active again.
    """
    account = await store.get_account(work, account_id, lock=True)
    _take_facts(account, checked, work)
    if account.state == AccountState.UNAUTHORIZED:
        _activate(account)
    await _changed(work)
    return account


async def ask_for_check(work: UnitOfWork, actor: Actor, id_or_name: str) -> Account:
    """
    Have an account checked before its next poll; one that its server refused is tried again.
    """
    account = await store.get_account(work, id_or_name, lock=True)
    account.checked_at = account.quiet_until = None
    if account.state == AccountState.UNAUTHORIZED:
        _activate(account)
    await audit(work, actor, "account.check", "account", account.id)
    await _changed(work)
    return account


async def record_failure(work: UnitOfWork, account_id: str, text: str, wait: timedelta) -> bool:
    """
    Note a failed poll, and be quiet for `wait`; True if it is the first since polling last worked.
    """
    account = await store.get_account(work, account_id, lock=True)
    first = account.failing_since is None
    account.failing_since = account.failing_since or work.now
    account.failure, account.failures = excerpt(text, 500), account.failures + 1
    account.quiet_until = work.now + wait
    if first:
        await _changed(work)
    return first


async def record_success(work: UnitOfWork, account_id: str) -> bool:
    """
    Note that polling works; True if it had failed before.
    """
    account = await store.get_account(work, account_id, lock=True)
    if account.failing_since is None:
        return False
    account.failing_since, account.failure, account.failures, account.quiet_until = None, "", 0, None
    await _changed(work)
    return True


async def account_banners(work: UnitOfWork) -> list[Banner]:
    """
    Say on every page which accounts a human must look after, and which servers are silent.
    """
    return [banner for account in await store.list_accounts(work) if (banner := _banner(account, work))]


async def reseal_all(work: UnitOfWork, box: SecretBox) -> int:
    """
    Seal every account's credentials with the newest key; repeat until it returns 0, as the secret box says.
    """
    changed = 0
    for account in await store.list_accounts(work):
        sealed = box.rotated(account.sealed) if account.sealed else ""
        if sealed != account.sealed:
            account.sealed, changed = sealed, changed + 1
    await work.session.flush()
    return changed


def called(account: Account) -> str:
    """
    Say what people know an account by: its handle, or our own name for it.
    """
    return f"@{account.handle}" if account.handle and "@" not in account.handle else account.handle or account.name


def _banner(account: Account, work: UnitOfWork) -> Banner | None:
    page = f"/accounts/{account.id}"
    if account.state == AccountState.UNAUTHORIZED:
        text = "the server refuses our access token; renew it on the account page; nothing in the queue is lost"
        return Banner(level="error", text=f"{called(account)}: {text}", url=page, action="Renew it")
    since = account.failing_since
    if account.state == AccountState.ACTIVE and since is not None and work.now - since >= SAY_AFTER:
        text = f"not heard since {since:%H:%M} UTC; what is missed is fetched as soon as the server answers"
        return Banner(level="warning", text=f"{called(account)}: {text}", url=page, action="See why")
    return None


def _activate(account: Account) -> None:
    account.state, account.state_reason = AccountState.ACTIVE.value, ""
    account.quiet_until, account.failing_since, account.failure, account.failures = None, None, "", 0


def _take_facts(account: Account, checked: Checked, work: UnitOfWork) -> None:
    account.handle, account.profile_key = checked.profile.handle, checked.profile.key
    account.checked_at = work.now
    account.facts = {
        **checked.facts,
        "text_limit": checked.text_limit,
        "rules": list(checked.rules),
        "warnings": list(checked.warnings),
        "name": checked.profile.name,
        "url": checked.profile.url,
        "followers": checked.profile.followers,
    }


async def _changed(work: UnitOfWork) -> None:
    await work.session.flush()
    work.publish(TOPIC)
