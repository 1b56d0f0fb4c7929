"""
From nothing to a house: `hubbub init`, `check`, `db` and wrong settings.
"""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from bot.core.migrate import newest_revision
from connectors.playground.server import Playground
from tests.integration.cli.conftest import Done, Shell

NEWEST = newest_revision()
PASSWORD = "a long enough passphrase"
INIT = ("init", "--admin", "root", "--password-stdin")


def everything(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*"))


def finding(done: Done, what: str) -> tuple[bool, str]:
    [row] = [row for row in done.json if row["what"] == what]
    return row["ok"], row["detail"]


def test_a_house_is_set_up_and_only_once(fresh: Shell) -> None:
    done = fresh.run(*INIT, said=f"{PASSWORD}\n")
    assert (done.code, done.err) == (0, "")
    assert "root is admin" in done.out
    assert "hubbub run" in done.out
    assert everything(fresh.folder)[:2] == ["hubbub-data", "hubbub-data/hubbub.db"]
    key = fresh.folder / "hubbub-data" / "secret.key"
    assert stat.S_IMODE(key.stat().st_mode) == 0o600
    assert stat.S_IMODE(key.parent.stat().st_mode) == 0o700
    written, sealed_by = (fresh.folder / "hubbub.toml").read_text(), key.read_text()

    again = fresh.run(*INIT, said=f"{PASSWORD}\n")
    assert again.code == 1
    assert again.lines == [
        "error: Somebody or something was faster. this house is set up; add people with `hubbub staff add`"
    ]
    assert (fresh.folder / "hubbub.toml").read_text() == written
    assert key.read_text() == sealed_by
    assert [one["login"] for one in fresh.run("staff", "list", "--json").json] == ["root"]


def test_a_settings_file_that_is_there_is_kept_and_obeyed(fresh: Shell) -> None:
    (fresh.folder / "hubbub.toml").write_text('data_dir = "elsewhere"\n')
    done = fresh.run(*INIT, said=f"{PASSWORD}\n")
    assert done.code == 0
    assert "kept hubbub.toml" in done.out
    assert (fresh.folder / "elsewhere" / "hubbub.db").exists()
    assert (fresh.folder / "hubbub.toml").read_text() == 'data_dir = "elsewhere"\n'


@pytest.mark.parametrize("password", ["", "short", "root" * 100])
def test_a_password_that_will_not_do_leaves_nobody_and_can_be_mended(fresh: Shell, password: str) -> None:
    done = fresh.run(*INIT, said=f"{password}\n")
    assert done.code == 1
    assert len(done.lines) == 1
    assert "password" in done.lines[0]
    assert fresh.run("staff", "list", "--json").json == []
    assert fresh.run(*INIT, said=f"{PASSWORD}\n").code == 0


def test_looking_makes_nothing(fresh: Shell) -> None:
    for words in (("check",), ("check", "--json"), ("db", "status"), ("db", "status", "--json")):
        assert fresh.run(*words).code == 1
        assert everything(fresh.folder) == []
    done = fresh.run("check", "--json")
    assert finding(done, "database") == (False, "hubbub-data/hubbub.db is not there yet; run: hubbub init")
    assert finding(done, "secret key") == (False, "hubbub-data/secret.key is not there yet; run: hubbub init")


async def test_check_tries_every_account(shell: Shell, playground: Playground) -> None:
    assert (await shell.add_account(playground)).code == 0
    good = await shell.run_beside("check", "--json")
    assert (good.code, [row["ok"] for row in good.json]) == (0, [True, True, True])
    assert "tidepool" in finding(good, "account shop")[1]
    assert "shop" in (await shell.run_beside("check")).out

    del playground.world.tokens[playground.token]
    wrong = await shell.run_beside("check", "--json")
    assert wrong.code == 1
    assert finding(wrong, "account shop")[0] is False
    assert finding(wrong, "database")[0] is True


async def test_check_names_a_server_that_is_away(shell: Shell, playground: Playground) -> None:
    async with Playground(now=playground.now, brands=("tidepool",)) as gone:
        assert (await shell.add_account(gone, "gone")).code == 0
    assert (await shell.add_account(playground)).code == 0
    done = await shell.run_beside("check", "--json")
    assert done.code == 1
    assert finding(done, "account gone")[0] is False
    assert finding(done, "account shop")[0] is True, "one that is away hides no other"


@pytest.mark.parametrize(("mode", "content"), [(0o644, None), (0o600, "no key at all\n"), (0o600, "")])
def test_a_key_file_that_cannot_be_used_is_said(shell: Shell, mode: int, content: str | None) -> None:
    assert shell.run(*INIT, said=f"{PASSWORD}\n").code == 0
    key = shell.folder / "data" / "secret.key"
    if content is not None:
        key.write_text(content)
    key.chmod(mode)
    done = shell.run("check", "--json")
    assert done.code == 1
    ok, detail = finding(done, "secret key")
    assert not ok
    assert "secret.key" in detail
    for words in (("secrets", "rotate"), ("run",)):
        failed = shell.run(*words, SERVER__PORT="0")
        assert failed.code == 1
        assert len(failed.lines) == 1
        assert "secret.key" in failed.lines[0]
    assert content is None or key.read_text() == content, "nothing was put in its place"


def test_an_sqlite_file_gets_its_shape(fresh: Shell) -> None:
    assert fresh.run("db", "status", "--json").json == [{"has": None, "needs": NEWEST, "ok": False}]
    assert fresh.run("db", "upgrade").out == f"from nothing to {NEWEST}\n"
    assert fresh.run("db", "upgrade").out == f"at {NEWEST} already\n"
    done = fresh.run("db", "status", "--json")
    assert (done.code, done.json) == (0, [{"has": NEWEST, "needs": NEWEST, "ok": True}])


def test_postgresql_gets_its_shape_when_it_is_told_to(fresh: Shell, empty_postgres: str) -> None:
    there = {"DATABASE__URL": empty_postgres}
    assert fresh.run("db", "status", **there).code == 1
    for words in (("run",), ("staff", "list"), ("account", "list"), INIT):
        done = fresh.run(*words, said=f"{PASSWORD}\n", SERVER__PORT="0", **there)
        assert done.code == 1
        assert len(done.lines) == 1
        assert "hubbub db upgrade" in done.lines[0]
    done = fresh.run("check", "--json", **there)
    assert finding(done, "database") == (
        False,
        f"it is at nothing, this version needs {NEWEST}; run: hubbub db upgrade",
    )
    assert fresh.run("db", "upgrade", **there).out == f"from nothing to {NEWEST}\n"
    assert fresh.run("db", "status", **there).code == 0
    assert fresh.run("staff", "list", "--json", **there).json == []


@pytest.mark.parametrize(
    ("url", "named"),
    [
        ("postgresql+asyncpg://hub:pg-sekret@127.0.0.1:1/hubbub", "127.0.0.1:1"),
        ("postgresql+asyncpg://hub:pg-sekret@nowhere.invalid/hubbub", "nowhere.invalid:5432"),
        ("sqlite+aiosqlite:////dev/null/hubbub.db", "/dev/null/hubbub.db"),
    ],
)
def test_a_database_that_is_away_is_one_line(fresh: Shell, url: str, named: str) -> None:
    for words in (("db", "upgrade"), ("run",), ("queue",), ("token", "list")):
        done = fresh.run(*words, DATABASE__URL=url, SERVER__PORT="0")
        assert done.code == 1
        assert len(done.lines) == 1, done.err
        assert named in done.lines[0], done.err
        assert "cannot be reached" in done.lines[0]
    done = fresh.run("check", "--json", DATABASE__URL=url)
    assert done.code == 1
    assert not finding(done, "database")[0]
    assert "pg-sekret" not in "".join(fresh.printed)


@pytest.mark.parametrize(
    "words", [("run",), ("check",), ("db", "status"), ("queue",), INIT, ("secrets", "rotate")]
)
def test_wrong_settings_are_one_line_each_and_code_2(fresh: Shell, words: tuple[str, ...]) -> None:
    (fresh.folder / "hubbub.toml").write_text("[servr]\nport = 1\n[queue]\nfirst_response = 'soon'\n")
    done = fresh.run(*words, said=f"{PASSWORD}\n")
    assert done.code == 2
    assert done.lines == ["error: hubbub.toml: servr: there is no such setting; did you mean server?"]
    (fresh.folder / "hubbub.toml").write_text("[queue]\nfirst_response = 'soon'\n")
    done = fresh.run(*words, said=f"{PASSWORD}\n", LOG__LEVEL="loud")
    assert done.code == 2
    assert len(done.lines) == 2
    assert any("queue.first_response" in line for line in done.lines)
    assert any("HUBBUB_LOG__LEVEL" in line for line in done.lines)
    assert everything(fresh.folder) == ["hubbub.toml"]


def test_a_file_that_is_not_there_or_no_toml(fresh: Shell) -> None:
    done = fresh.run("--config", "nowhere.toml", "check")
    assert (done.code, done.lines) == (2, ["error: nowhere.toml: cannot be read: No such file or directory"])
    (fresh.folder / "broken.toml").write_text("not = = toml")
    done = fresh.run("-c", "broken.toml", "check")
    assert done.code == 2
    assert len(done.lines) == 1
    assert "broken.toml: is not TOML" in done.lines[0]


@pytest.mark.parametrize(
    "words",
    [
        ("flee",),
        ("queue", "--tab", "everything"),
        ("token", "create"),
        ("token", "create", "--role", "emperor", "--name", "x"),
        ("outbox", "--limit", "0"),
        ("db",),
    ],
)
def test_wrong_usage_is_code_2(fresh: Shell, words: tuple[str, ...]) -> None:
    assert fresh.run(*words).code == 2
    assert everything(fresh.folder) == []
