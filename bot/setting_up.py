"""
Set up a new house (`hubbub init`) and change its key (`hubbub secrets rotate`).
"""

from __future__ import annotations

from pathlib import Path

from bot.accounts.service import reseal_all
from bot.console import Console
from bot.core.actor import HUBBUB
from bot.core.errors import Conflict
from bot.core.secretbox import SecretBox, add_key, drop_old_keys
from bot.opening import secret_box
from bot.settings_reference import example_toml
from bot.staff.passwords import prepare_password
from bot.staff.rules import Role
from bot.staff.service import add_staff, list_staff
from bot.surveys.service import reseal_key
from bot.webhooks.service import reseal_all as reseal_webhooks

SETTINGS_FILE = Path("hubbub.toml")


def write_settings_file(path: Path = SETTINGS_FILE) -> str:
    """
    Write a settings file that says every default, unless there is one; gives a line that says what was done.
    """
    try:
        with path.open("x", encoding="utf-8") as file:
            file.write(example_toml())
    except FileExistsError:
        return f"kept {path}"
    return f"wrote {path}: every setting with its default"


async def set_up(console: Console, *, login: str, name: str, password: str) -> str:
    """
    Make the key and the first admin; the database is open, so it has its shape already.

    Raises:
        Conflict: somebody works here already.
        Invalid: with the fields login, name, password.
    """
    secret_box(console.settings)
    async with console.database.read() as work:
        if (await list_staff(work, limit=1)).items:
            raise Conflict("this house is set up; add people with `hubbub staff add`")
    hashed = await prepare_password(password, login=login)
    async with console.database.write() as work:
        await add_staff(work, HUBBUB, login=login, name=name, role=Role.ADMIN, password_hash=hashed)
    return f"{login} is admin; start with `hubbub run` and sign in at {console.settings.base_url}"


async def rotate_secrets(console: Console) -> str:
    """
    Seal everything with a new key, then forget the old ones. Safe to repeat after a crash at any point.

    Where a setting gives the keys, everything is sealed with the first of them; the operator does the rest.
    """
    box = secret_box(console.settings)
    if console.settings.secrets.key is not None:
        resealed = await _reseal(console, box)
        return f"{resealed} credentials sealed anew with the first key of `secrets.key`; the others may go now"
    add_key(console.settings.key_file)
    resealed = await _reseal(console, box)
    dropped = drop_old_keys(console.settings.key_file)
    return (
        f"new key in {console.settings.key_file}; {resealed} credentials sealed anew, {dropped} old keys forgotten"
    )


async def _reseal(console: Console, box: SecretBox) -> int:
    """
    Seal what is not sealed with the first key; gives how many that were.
    """
    resealed = 0
    # What is added meanwhile may still be sealed with the old key: go on until there is none.
    while True:
        async with console.database.write() as work:
            changed = await reseal_all(work, box) + await reseal_webhooks(work, box)
            changed += await reseal_key(work, box)
        if not changed:
            return resealed
        resealed += changed
