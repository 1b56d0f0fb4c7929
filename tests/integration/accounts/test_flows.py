"""
Adding, checking, stopping and renewing accounts, and what becomes of their credentials.
"""

from __future__ import annotations

import asyncio
import json
from datetime import timedelta

import pytest
import sqlalchemy as sa
from sqlmodel import col

from bot.accounts import checking, service
from bot.accounts.connect import Connectors
from bot.accounts.rules import AccountState
from bot.accounts.tables import Account
from bot.core.database import Database
from bot.core.errors import Conflict, Invalid, NotFound
from bot.core.secretbox import GivenKeys, SecretBox, new_key
from bot.core.tables import LiveEvent
from bot.staff.tables import AuditEntry
from connectors.errors import Unreachable
from tests.fakes.channel import TOKEN, FakeServer
from tests.fakes.clock import START, FakeClock
from tests.integration.accounts.conftest import ADMIN, OPTIONS


async def connect(database: Database, connectors: Connectors, **more: object) -> Account:
    given: dict[str, object] = {"channel": "fake", "name": "shop", "options": OPTIONS, **more}
    return await checking.connect_account(database, ADMIN, connectors, **given)  # type: ignore[arg-type]


async def actions(database: Database) -> list[str]:
    async with database.read() as work:
        return list((await work.session.execute(sa.select(col(AuditEntry.action)).order_by("id"))).scalars())


async def everything(database: Database) -> str:
    async with database.read() as work:
        rows = [
            [dict(row._mapping) for row in await work.session.execute(sa.select(table.__table__))]
            for table in (Account, AuditEntry, LiveEvent)
        ]
    return json.dumps(rows, default=str)


async def test_an_account_is_checked_and_begins_now(
    database: Database, connectors: Connectors, server: FakeServer
) -> None:
    account = await connect(database, connectors)
    assert (account.handle, account.state, account.checked_at) == ("shop", "active", START)
    assert account.options["hear_since"].startswith("2026-03-02T09:00:00")
    assert account.facts["warnings"] == ["Not marked as automated."]
    assert await actions(database) == ["account.add"]
    assert server.open == 0


async def test_credentials_are_sealed_and_appear_nowhere(database: Database, connectors: Connectors) -> None:
    account = await connect(database, connectors)
    assert TOKEN not in await everything(database)
    assert "token" not in account.options
    assert connectors.credentials(account) == {"token": TOKEN}


async def test_a_wrong_token_is_told_in_words_and_nothing_is_stored(
    database: Database, connectors: Connectors, server: FakeServer
) -> None:
    with pytest.raises(Invalid) as caught:
        await connect(database, connectors, options={**OPTIONS, "token": "wrong-token-2718"})
    assert "invalid token" in caught.value.fields["options"]
    assert "wrong-token-2718" not in str(caught.value)
    assert await everything(database) == "[[], [], []]"
    assert server.open == 0


async def test_an_account_may_be_added_before_its_server_answers(
    database: Database, connectors: Connectors, server: FakeServer
) -> None:
    account = await connect(database, connectors, unchecked=True)
    assert (account.checked_at, account.handle, server.calls) == (None, "", [])


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"name": "Not A Name"}, "name"),
        ({"channel": "pigeon"}, "channel"),
        ({"options": {"server": "x"}}, "token"),
        ({"options": {**OPTIONS, "sever": "y"}}, "sever"),
        ({"options": {**OPTIONS, "hear_since": "2126-01-01T00:00:00Z"}}, "hear_since"),
        ({"options": {**OPTIONS, "hear_since": "0001-01-01T00:00:00+14:00"}}, "hear_since"),
        ({"options": {**OPTIONS, "loud": "perhaps"}}, "loud"),
    ],
)
async def test_what_cannot_be_used_is_named_by_field(
    database: Database, connectors: Connectors, change: dict[str, object], field: str
) -> None:
    with pytest.raises(Invalid) as caught:
        await connect(database, connectors, **change)
    assert list(caught.value.fields) == [field]
    assert TOKEN not in str(caught.value)


async def test_two_accounts_cannot_have_one_name_not_even_at_once(
    database: Database, connectors: Connectors
) -> None:
    done = await asyncio.gather(*(connect(database, connectors) for _ in range(5)), return_exceptions=True)
    assert sum(isinstance(one, Account) for one in done) == 1
    assert all(isinstance(one, Account) or (isinstance(one, Invalid) and "name" in one.fields) for one in done)


async def test_stopping_and_starting_are_audited_once(database: Database, connectors: Connectors) -> None:
    await connect(database, connectors)
    for _ in range(2):
        async with database.write() as work:
            stopped = await service.stop_account(work, ADMIN, "shop", "holidays")
    assert (stopped.state, stopped.state_reason) == ("stopped", "holidays")
    for _ in range(2):
        async with database.write() as work:
            started = await service.start_account(work, ADMIN, stopped.id)
    assert started.state == "active"
    assert await actions(database) == ["account.add", "account.stop", "account.start"]


async def test_a_stopped_account_is_not_called_unauthorized(database: Database, account: Account) -> None:
    async with database.write() as work:
        await service.stop_account(work, ADMIN, "shop")
        assert not await service.mark_unauthorized(work, account.id, "no")
    async with database.read() as work:
        assert (await service.get_account(work, "shop")).state == AccountState.STOPPED


async def test_renewing_a_token_makes_an_account_active_again_and_keeps_the_rest(
    database: Database, connectors: Connectors, server: FakeServer, clock: FakeClock
) -> None:
    account = await connect(database, connectors)
    async with database.write() as work:
        await service.mark_unauthorized(work, account.id, "revoked")
    server.token = "new-token-1618"
    await clock.advance(timedelta(hours=1))
    given = {"server": OPTIONS["server"], "token": "new-token-1618", "loud": "yes", "folders": "INBOX, Sales"}
    renewed = await checking.renew_options(database, ADMIN, connectors, "shop", given)
    assert (renewed.state, renewed.options["loud"], renewed.options["folders"]) == (
        "active",
        True,
        ["INBOX", "Sales"],
    )
    assert renewed.options["hear_since"] == account.options["hear_since"]
    assert connectors.credentials(renewed) == {"token": "new-token-1618"}


async def test_a_credential_left_empty_stays_and_a_refused_change_changes_nothing(
    database: Database, connectors: Connectors
) -> None:
    await connect(database, connectors)
    kept = await checking.renew_options(
        database, ADMIN, connectors, "shop", {"server": "https://other.example", "token": ""}
    )
    assert connectors.credentials(kept) == {"token": TOKEN}
    with pytest.raises(Invalid, match="invalid token"):
        await checking.renew_options(database, ADMIN, connectors, "shop", {"server": "x", "token": "wrong"})
    async with database.read() as work:
        assert (await service.get_account(work, "shop")).options["server"] == "https://other.example"


async def test_checking_again_tells_what_the_server_says(
    database: Database, connectors: Connectors, server: FakeServer
) -> None:
    account = await connect(database, connectors)
    server.errors = [Unreachable("nobody answers")]
    with pytest.raises(Conflict, match="nobody answers"):
        await checking.check_again(database, connectors, "shop")
    server.token = "another"
    with pytest.raises(Conflict, match="invalid token"):
        await checking.check_again(database, connectors, account.id)
    async with database.read() as work:
        assert (await service.get_account(work, "shop")).state == "unauthorized"
    server.token = TOKEN
    assert (await checking.check_again(database, connectors, "shop")).state == "active"


async def test_an_unknown_account_is_not_found(database: Database, connectors: Connectors) -> None:
    with pytest.raises(NotFound):
        await checking.check_again(database, connectors, "nobody")


async def test_an_id_is_not_mistaken_for_a_name(database: Database, connectors: Connectors) -> None:
    first = await connect(database, connectors)
    second = await connect(database, connectors, name=first.id)
    async with database.read() as work:
        assert (await service.get_account(work, first.id)).name == "shop"
        assert (await service.get_account(work, second.id)).name == first.id


async def test_resealing_makes_the_old_key_needless(database: Database, connectors: Connectors) -> None:
    old, new = new_key(), new_key()
    connectors.box = SecretBox(GivenKeys(old))
    await connect(database, connectors)
    both = SecretBox(GivenKeys(f"{new},{old}"))
    async with database.write() as work:
        assert await service.reseal_all(work, both) == 1
    async with database.write() as work:
        assert await service.reseal_all(work, both) == 0
        account = await service.get_account(work, "shop")
    connectors.box = SecretBox(GivenKeys(new))
    assert connectors.credentials(account) == {"token": TOKEN}
