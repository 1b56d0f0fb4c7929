"""
`hubbub secrets rotate`: accounts open afterwards, wherever it was killed.
"""

from __future__ import annotations

import asyncio
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from bot.core.secretbox import new_key
from connectors.playground.server import Playground
from tests.integration.cli.conftest import Shell

ROOT = Path(__file__).parents[3]


async def opens(shell: Shell, **settings: str) -> bool:
    """
    Say whether the account's credentials still open, by using them.
    """
    return (await shell.run_beside("check", "--json", **settings)).code == 0


def keys(shell: Shell) -> list[str]:
    return (shell.folder / "data" / "secret.key").read_text().split()


async def test_a_new_key_opens_everything(shell: Shell, playground: Playground) -> None:
    assert (await shell.add_account(playground)).code == 0
    before = keys(shell)
    done = await shell.run_beside("secrets", "rotate")
    assert done.code == 0
    assert "1 credentials sealed anew, 1 old keys forgotten" in done.out
    assert len(keys(shell)) == 1
    assert keys(shell) != before
    assert await opens(shell)
    assert not any(key in text for key in (*before, *keys(shell)) for text in shell.printed)


@pytest.mark.parametrize(
    "step", ["add_key", "after:add_key", "reseal_all", "after:reseal_all", "drop_old_keys", "after:drop_old_keys"]
)
async def test_killed_at_a_step_it_opens_everything_and_can_be_repeated(
    shell: Shell, playground: Playground, step: str
) -> None:
    assert (await shell.add_account(playground)).code == 0
    first = keys(shell)
    killed = await asyncio.to_thread(
        subprocess.run,
        [sys.executable, "-m", "tests.integration.cli.rotate_and_die", step],
        env=shell.environment | {"PYTHONPATH": str(ROOT)},
        cwd=shell.folder,
        capture_output=True,
        timeout=60,
        check=False,
    )
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    assert await opens(shell)
    assert (await shell.run_beside("secrets", "rotate")).code == 0
    assert len(keys(shell)) == 1
    assert keys(shell) != first
    assert await opens(shell)
    assert [path.name for path in (shell.folder / "data").glob(".secret*")] == []


async def test_given_keys_are_the_operators_to_change(shell: Shell, playground: Playground) -> None:
    old, new = new_key(), new_key()
    assert (await shell.add_account(playground, SECRETS__KEY=old)).code == 0
    assert not (shell.folder / "data" / "secret.key").exists()
    done = await shell.run_beside("secrets", "rotate", SECRETS__KEY=f"{new},{old}")
    assert done.code == 0
    assert await opens(shell, SECRETS__KEY=new)
    assert not await opens(shell, SECRETS__KEY=old)
    assert not any(key in text for key in (old, new) for text in shell.printed)
