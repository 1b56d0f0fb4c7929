"""
The secret box: nothing opens without the key, nothing is lost by a rotation, nothing is shown.
"""

from __future__ import annotations

import os
import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from cryptography.fernet import Fernet
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr

from bot.core.secretbox import (
    GivenKeys,
    KeyFile,
    SecretBox,
    SecretsError,
    add_key,
    drop_old_keys,
    ensure_key_file,
    new_key,
    open_secret_box,
    read_keys,
)

SECRET = {"access_token": "s3cret-token", "instance": {"port": 993, "words": ["alpha-beta"]}}
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(), lambda inner: st.lists(inner), max_leaves=3
)
BOX = SecretBox(GivenKeys(new_key()))


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "data" / "secret.key"
    ensure_key_file(path)
    return path


@given(st.dictionaries(st.text(), VALUES, max_size=4))
def test_what_was_sealed_is_opened(secret: dict[str, object]) -> None:
    assert BOX.open(BOX.seal(secret)) == secret


def test_a_token_shows_nothing_and_a_changed_one_is_refused() -> None:
    token = BOX.seal(SECRET)
    assert "s3cret" not in token
    assert BOX.seal(SECRET) != token
    changed = token[:-8] + ("A" if token[-8] != "A" else "B") + token[-7:]
    for wrong in (changed, "", "kein Siegel", "ünï"):
        with pytest.raises(SecretsError):
            BOX.open(wrong)
        with pytest.raises(SecretsError):
            BOX.rotated(wrong)


def test_a_wrong_key_says_what_to_do_and_shows_no_key() -> None:
    key = new_key()
    with pytest.raises(SecretsError, match="put the key it was sealed with back") as caught:
        SecretBox(GivenKeys(key)).open(BOX.seal(SECRET))
    assert key not in str(caught.value)


def test_the_first_key_seals_and_every_key_opens() -> None:
    old, new = new_key(), new_key()
    before, both, after = (SecretBox(GivenKeys(text)) for text in (old, f"{new},{old}", new))
    token = before.seal(SECRET)
    assert both.open(token) == SECRET
    again = both.rotated(token)
    assert after.open(again) == SECRET
    assert both.rotated(again) == again
    with pytest.raises(SecretsError):
        before.open(again)


def test_repr_shows_nothing() -> None:
    key = new_key()
    box = SecretBox(GivenKeys(key))
    box.seal(SECRET)
    assert repr(box) == "<SecretBox>"
    assert key not in f"{GivenKeys(key)!r}"


def test_keys_and_contents_are_told_to_the_logs() -> None:
    hidden: list[str] = []
    key = new_key()
    box = SecretBox(GivenKeys(key), hidden.append)
    token = box.seal(SECRET)
    assert hidden == [key, "s3cret-token", "alpha-beta"]
    hidden.clear()
    SecretBox(GivenKeys(key), hidden.append).open(token)
    assert hidden == [key, "s3cret-token", "alpha-beta"]


@pytest.mark.parametrize("text", ["hunter2-hunter2", "KEY hunter2-hunter2", "ü" * 44])
def test_what_is_no_key_is_refused_without_being_shown(text: str) -> None:
    text = text.replace("KEY", new_key())
    with pytest.raises(SecretsError, match=r"here: key \d is not a key") as caught:
        read_keys(text, "here")
    assert "hunter2" not in str(caught.value)


def test_keys_may_be_separated_by_lines_spaces_and_commas() -> None:
    keys = tuple(new_key() for _ in range(4))
    assert read_keys(f"{keys[0]}\n{keys[1]}, {keys[2]} \n\n{keys[3]}\n", "here") == keys
    with pytest.raises(SecretsError, match="holds no key"):
        read_keys(" \n", "here")


def test_a_missing_key_file_is_made_for_its_owner_only(file: Path) -> None:
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700
    assert [path.name for path in file.parent.iterdir()] == ["secret.key"]
    before = file.read_text()
    ensure_key_file(file)
    assert file.read_text() == before


def test_a_generous_umask_changes_nothing(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        ensure_key_file(tmp_path / "secret.key")
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "secret.key").stat().st_mode) == 0o600


def test_processes_that_start_at_once_agree_on_one_key(tmp_path: Path) -> None:
    path = tmp_path / "secret.key"

    def start(_: int) -> str:
        ensure_key_file(path)
        return path.read_text()

    with ThreadPoolExecutor(16) as pool:
        texts = set(pool.map(start, range(64)))
    assert len(texts) == 1
    assert [found.name for found in tmp_path.iterdir()] == ["secret.key"]


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o644, 0o610])
def test_a_file_that_others_may_use_is_refused(file: Path, mode: int) -> None:
    file.chmod(mode)
    with pytest.raises(SecretsError, match=f"mode {mode:04o}.*chmod 600"):
        open_secret_box(None, file)
    file.chmod(0o600)
    open_secret_box(None, file)


def test_a_running_box_notices_that_its_file_became_shared(file: Path) -> None:
    box = open_secret_box(None, file)
    file.chmod(0o644)
    with pytest.raises(SecretsError, match="chmod 600"):
        box.seal(SECRET)


def test_a_file_that_cannot_be_used_is_named(tmp_path: Path) -> None:
    for keys in (tmp_path / "none", tmp_path):
        with pytest.raises(SecretsError, match=f"{keys}: the key file cannot be read"):
            KeyFile(keys).read()
    (tmp_path / "file").write_text("")
    with pytest.raises(SecretsError, match="cannot be made"):
        ensure_key_file(tmp_path / "file" / "secret.key")
    (tmp_path / "bytes").write_bytes(b"\xff\x00")
    (tmp_path / "bytes").chmod(0o600)
    with pytest.raises(SecretsError, match="key 1 is not a key"):
        KeyFile(tmp_path / "bytes").read()


def test_a_given_key_wins_and_no_file_is_made(tmp_path: Path) -> None:
    key = new_key()
    assert (
        open_secret_box(SecretStr(key), tmp_path / "secret.key").open(SecretBox(GivenKeys(key)).seal(SECRET))
        == SECRET
    )
    assert not list(tmp_path.iterdir())


def test_a_rotation_may_stop_after_any_step_and_be_run_again(file: Path) -> None:
    running = open_secret_box(None, file)
    rows = [running.seal({"n": n}) for n in range(5)]
    oldest = file.read_text().strip()

    def all_open() -> bool:
        fresh = open_secret_box(None, file)
        return all(box.open(row) == {"n": n} for box in (running, fresh) for n, row in enumerate(rows))

    for stop_after in range(len(rows) + 1):  # killed after adding and after each row
        add_key(file)
        assert all_open()
        for n in range(stop_after):
            rows[n] = open_secret_box(None, file).rotated(rows[n])
            assert all_open()
    rows.append(running.seal({"n": 5}))  # sealed meanwhile by a process that was running all along
    rows[:] = [open_secret_box(None, file).rotated(row) for row in rows]
    assert all_open()
    assert drop_old_keys(file) == len(rows)
    assert all_open()
    assert drop_old_keys(file) == 0
    assert oldest not in file.read_text()
    with pytest.raises(SecretsError):
        SecretBox(GivenKeys(oldest)).open(rows[0])


def test_a_running_box_seals_with_the_new_key_at_once(file: Path) -> None:
    running = open_secret_box(None, file)
    running.seal(SECRET)
    add_key(file)
    newest = file.read_text().split()[0]
    Fernet(newest).decrypt(running.seal(SECRET).encode())


def test_replacing_keeps_the_mode_and_leaves_no_draft(file: Path) -> None:
    add_key(file)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert [path.name for path in file.parent.iterdir()] == ["secret.key"]
    assert len(file.read_text().split()) == 2


def test_a_link_to_the_file_stays_a_link(file: Path, tmp_path: Path) -> None:
    link = tmp_path / "link.key"
    link.symlink_to(file)
    add_key(link)
    assert link.is_symlink()
    assert KeyFile(link).read() == KeyFile(file).read()


def test_a_file_that_cannot_be_replaced_keeps_its_keys(file: Path) -> None:
    before = KeyFile(file).read()
    long_name = file.with_name("x" * 250)
    file.rename(long_name)  # the draft's name would be longer than a file system allows
    with pytest.raises(SecretsError, match="cannot be replaced"):
        add_key(long_name)
    assert KeyFile(long_name).read() == before
