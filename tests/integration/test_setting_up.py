"""
Setting a house up, and giving it a new key: on both databases.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import SecretStr
from sqlmodel import col, select

from bot.accounts.tables import Account
from bot.console import Console
from bot.core.database import Database
from bot.core.errors import Conflict, Invalid
from bot.core.secretbox import GivenKeys, SecretBox, SecretsError, new_key
from bot.opening import secret_box
from bot.setting_up import rotate_secrets, set_up, write_settings_file
from bot.settings import SecretSettings, Settings, load_settings
from bot.staff.service import list_staff

PASSWORD = "correct horse battery"


@pytest.fixture
def console(database: Database, tmp_path: Path) -> Console:
    return Console(settings=Settings(data_dir=tmp_path / "data"), database=database, clock=database.clock)


async def add_sealed(console: Console, name: str, box: SecretBox) -> None:
    async with console.database.write() as work:
        sealed = box.seal({"access_token": f"of {name}"})
        work.session.add(Account(id=work.new_id(), channel="x", name=name, sealed=sealed, created_at=work.now))


async def opened(console: Console, box: SecretBox) -> list[object]:
    async with console.database.read() as work:
        rows = (await work.session.scalars(select(Account).order_by(col(Account.name)))).all()
        return [box.open(row.sealed)["access_token"] for row in rows]


async def test_a_new_house_gets_a_key_and_one_admin(console: Console) -> None:
    said = await set_up(console, login="ada", name="Ada", password=PASSWORD)
    assert said.startswith("ada is admin")
    assert console.settings.key_file.stat().st_mode & 0o777 == 0o600
    async with console.database.read() as work:
        staff = (await list_staff(work)).items
    assert [(one.login, one.role, one.has_password) for one in staff] == [("ada", "admin", True)]


async def test_a_house_is_set_up_once(console: Console) -> None:
    await set_up(console, login="ada", name="Ada", password=PASSWORD)
    with pytest.raises(Conflict, match="staff add"):
        await set_up(console, login="eve", name="Eve", password=PASSWORD)


async def test_a_bad_password_leaves_nobody(console: Console) -> None:
    with pytest.raises(Invalid, match="at least 10"):
        await set_up(console, login="ada", name="Ada", password="short")
    async with console.database.read() as work:
        assert (await list_staff(work)).items == []


def test_the_settings_file_loads_and_is_never_replaced(tmp_path: Path) -> None:
    path = tmp_path / "hubbub.toml"
    assert write_settings_file(path).startswith("wrote")
    assert load_settings(path, {}).server == Settings().server
    path.write_text("[server]\nport = 1\n")
    assert write_settings_file(path) == f"kept {path}"
    assert load_settings(path, {}).server.port == 1


async def test_a_key_file_gets_a_new_key_and_the_old_one_opens_nothing_any_more(console: Console) -> None:
    box = secret_box(console.settings)
    old = console.settings.key_file.read_text().strip()
    await add_sealed(console, "shop", box)
    await add_sealed(console, "support", box)

    said = await rotate_secrets(console)

    assert "2 credentials sealed anew, 1 old keys forgotten" in said
    assert old not in console.settings.key_file.read_text()
    assert await opened(console, box) == ["of shop", "of support"]  # a daemon that runs notices the new file
    with pytest.raises(SecretsError):
        await opened(console, SecretBox(GivenKeys(old)))


async def test_given_keys_are_not_changed_but_everything_is_sealed_with_the_first(console: Console) -> None:
    old, new = new_key(), new_key()
    await add_sealed(console, "shop", SecretBox(GivenKeys(old)))
    given = console.settings.model_copy(update={"secrets": SecretSettings(key=SecretStr(f"{new},{old}"))})

    said = await rotate_secrets(Console(settings=given, database=console.database, clock=console.clock))

    assert said.startswith("1 credentials sealed anew")
    assert not given.key_file.exists()
    assert await opened(console, SecretBox(GivenKeys(new))) == ["of shop"]
