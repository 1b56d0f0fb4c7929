"""
`hubbub staff` and `hubbub token`, and what every command shares: failures in one line, exit codes, JSON.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import structlog
from typer.testing import CliRunner, Result

from bot.cli import app
from bot.console import print_json, print_table
from bot.core.log import HubbubHandler

Command = Callable[..., Result]
PASSWORD = "a long password\n"


@pytest.fixture
def hubbub(database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Command]:
    """
    Run the command line on an empty database of the newest shape.
    """
    monkeypatch.chdir(tmp_path)  # no hubbub.toml lies here
    settings = {"HUBBUB_DATABASE__URL": database_url, "HUBBUB_DATA_DIR": str(tmp_path / "data")}

    def run(*arguments: str, given: str = "", **environment: str) -> Result:
        return CliRunner().invoke(app, arguments, input=given, env={**settings, **environment})

    yield run
    root = logging.getLogger()
    root.handlers = [handler for handler in root.handlers if not isinstance(handler, HubbubHandler)]
    structlog.reset_defaults()


def test_somebody_is_added_listed_shut_out_and_let_in(hubbub: Command) -> None:
    for login, role in (("boss", "admin"), ("Mei", "agent")):
        added = hubbub(
            "staff", "add", login, "--name", "林 梅", "--role", role, "--password-stdin", given=PASSWORD
        )
        assert (added.exit_code, added.stderr) == (0, "")
    listed = json.loads(hubbub("staff", "list", "--json").stdout)
    assert [(one["login"], one["name"], one["role"], one["has_password"]) for one in listed] == [
        ("boss", "林 梅", "admin", True),
        ("mei", "林 梅", "agent", True),
    ]
    assert "password_hash" not in listed[0]
    assert hubbub("staff", "disable", "Mei").stdout == "mei is disabled.\n"
    assert json.loads(hubbub("staff", "list", "--json").stdout)[1]["disabled_at"] is not None
    assert hubbub("staff", "enable", "mei").exit_code == 0
    table = hubbub("staff", "list").stdout
    assert "林 梅" in table
    assert "has password" in table  # not cut, for this is no terminal


def test_failures_are_one_line_and_code_1(hubbub: Command) -> None:
    hubbub("staff", "add", "boss", "--role", "admin", "--password-stdin", given=PASSWORD)
    for arguments, given, words in (
        (("staff", "disable", "boss"), "", "this is the last admin"),
        (("staff", "disable", "nobody"), "", "nobody here has that id or login"),
        (("staff", "add", "BOSS", "--password-stdin"), PASSWORD, "somebody else has this login"),
        (("staff", "add", "mei", "--password-stdin"), "short\n", "at least 10 characters"),
        (("token", "revoke", "nothing"), "", "there is no token of that id"),
    ):
        failed = hubbub(*arguments, given=given)
        assert (failed.exit_code, failed.stdout) == (1, ""), arguments
        assert failed.stderr.count("\n") == 1, failed.stderr
        assert words in failed.stderr


def test_wrong_usage_and_wrong_settings_are_code_2(hubbub: Command) -> None:
    assert hubbub("token", "create", "--role", "boss", "--name", "x").exit_code == 2
    assert hubbub("token", "create", "--role", "agent", "--name", "x", "--expires-in", "soon").exit_code == 2
    no_terminal = hubbub("staff", "add", "mei")
    assert no_terminal.exit_code == 2
    assert "--password-stdin" in no_terminal.stderr
    wrong = hubbub("staff", "list", HUBBUB_SERVER__PORT="many")
    assert wrong.exit_code == 2
    assert wrong.stderr == "error: HUBBUB_SERVER__PORT: must be a whole number, not 'many'\n"


def test_a_token_is_all_that_is_printed(hubbub: Command) -> None:
    made = hubbub("token", "create", "--role", "agent", "--name", "shop", "--expires-in", "90d")
    assert made.exit_code == 0
    assert made.stdout.startswith("hub_")
    assert made.stdout.count("\n") == 1
    [listed] = json.loads(hubbub("token", "list", "--json").stdout)
    assert (listed["name"], listed["role"], listed["works"]) == ("shop", "agent", True)
    assert made.stdout.strip() not in hubbub("token", "list", "--json").stdout
    assert hubbub("token", "revoke", listed["id"]).stdout == "shop no longer works.\n"
    assert json.loads(hubbub("token", "list", "--json").stdout)[0]["works"] is False


def test_a_link_is_made_instead_of_a_password(hubbub: Command) -> None:
    made = hubbub("staff", "add", "mei", "--link", HUBBUB_PUBLIC_URL="https://hubbub.example")
    assert made.stdout.startswith("https://hubbub.example/sign-in/")


def test_empty_listings_say_what_to_do_next(hubbub: Command) -> None:
    assert "hubbub staff add" in hubbub("staff", "list").stdout
    assert json.loads(hubbub("token", "list", "--json").stdout) == []


def test_text_from_outside_cannot_steer_the_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    rows = [{"name": "a\x1b[2J\x9b31m\u202eb [bold]c[/bold] 周慧", "at": None}]
    print_table(rows, ["name", "at"], json=False)
    print_json(rows)
    out = capsys.readouterr().out
    assert "[bold]c[/bold] 周慧" in out
    for control in ("\x1b", "\x9b", "\u202e"):
        assert control not in out
    assert json.loads(out[out.index("[\n") :]) == rows
