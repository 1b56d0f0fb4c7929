"""
Seal credentials at rest: a small dict in, one line of text out (Fernet: AES-128-CBC and HMAC-SHA256).

The first key seals, every key opens. Keys come from the settings or from a key file that only its owner may read.
The box never logs, and its repr shows nothing; what it opens or seals is told to `hide`, so that logs can hide it.

Rotation
--------
`hubbub secrets rotate` does these steps; it may be killed after any of them and simply be run again:

1. `add_key(file)` puts a new key in front. Every row still opens, because the old keys stay behind it.
   Processes that run notice the changed file and seal with the new key from then on.
2. Each row is replaced by `rotated(token)`, in as many units of work as you like: a row sealed by the new key
   comes back unchanged, so that doing it twice is harmless. Repeat until a whole pass changes nothing: a unit that
   began before step 1 may have sealed with the old key.
3. `drop_old_keys(file)` leaves the first key only. Before it every row opens by either; after it every row opens
   by the first.

A file is always replaced as a whole and synced before anything is sealed with what it holds. Where the keys are
given by a setting, the operator does steps 1 and 3 by hand, on every node, and runs the command for step 2.
"""

from __future__ import annotations

import json
import os
import secrets
import stat
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Protocol

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from pydantic import SecretStr

OTHERS = stat.S_IRWXG | stat.S_IRWXO


class SecretsError(Exception):
    """
    The keys that seal credentials cannot be used; the text says what to do.
    """


class Keys(Protocol):
    """
    Where keys come from.
    """

    def read(self) -> tuple[str, ...]:
        """
        Give the keys as they are now, the one that seals first; at least one.

        Raises:
            SecretsError: there are none, or they may not be used.
        """
        ...


class GivenKeys:
    """
    Keys that a setting holds: one or more, separated by commas or white space.
    """

    def __init__(self, text: str) -> None:
        self._keys = read_keys(text, "the setting secrets.key")

    def read(self) -> tuple[str, ...]:
        return self._keys


class KeyFile:
    """
    Keys in a file, one a line. The file is read again when it was replaced, as a rotation does.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._seen: tuple[int, ...] = ()
        self._keys: tuple[str, ...] = ()

    def read(self) -> tuple[str, ...]:
        with _named(self._path, "read"), self._path.open(encoding="ascii", errors="replace") as file:
            status = os.fstat(file.fileno())
            seen = (status.st_ino, status.st_mtime_ns, status.st_size, status.st_mode)
            if seen != self._seen:
                _refuse_if_shared(self._path, status.st_mode)
                self._keys, self._seen = read_keys(file.read(), str(self._path)), seen
        return self._keys


class SecretBox:
    """
    Seals and opens small dicts.

    Args:
        hide: told every key and every text that is sealed or opened, for the logs to hide.
    """

    def __init__(self, keys: Keys, hide: Callable[[str], object] = lambda value: None) -> None:
        self._source = keys
        self._hide = hide
        self._keys: tuple[str, ...] = ()
        self._fernets: tuple[Fernet, ...] = ()
        self._current()

    def __repr__(self) -> str:
        return "<SecretBox>"

    def seal(self, secret: Mapping[str, Any]) -> str:
        """
        Seal anything `json.dumps` accepts.
        """
        self._hide_texts(secret)
        return self._current()[0].encrypt(json.dumps(dict(secret)).encode()).decode()

    def open(self, token: str) -> dict[str, Any]:
        """
        Open what was sealed.

        Raises:
            SecretsError: none of the keys opens it, or it was changed.
        """
        secret = json.loads(self._opened(token))
        self._hide_texts(secret)
        return dict(secret)

    def rotated(self, token: str) -> str:
        """
        Seal it again with the first key; unchanged when it already is. The content is not looked at.

        Raises:
            SecretsError: none of the keys opens it.
        """
        first = self._current()[0]
        with suppress(InvalidToken):
            first.decrypt(token.encode())
            return token
        return first.encrypt(self._opened(token)).decode()

    def _opened(self, token: str) -> bytes:
        try:
            return MultiFernet(self._current()).decrypt(token.encode())
        except InvalidToken:
            raise SecretsError(
                "a stored credential cannot be opened with the keys at hand; "
                "put the key it was sealed with back behind the first one (key file or HUBBUB_SECRETS__KEY), "
                "or enter the credential of that account again"
            ) from None

    def _current(self) -> tuple[Fernet, ...]:
        keys = self._source.read()
        if keys != self._keys:
            for key in keys:
                self._hide(key)
            self._keys, self._fernets = keys, tuple(Fernet(key) for key in keys)
        return self._fernets

    def _hide_texts(self, value: object) -> None:
        match value:
            case str():
                self._hide(value)
            case Mapping():
                for inner in value.values():
                    self._hide_texts(inner)
            case list() | tuple():
                for inner in value:
                    self._hide_texts(inner)


def open_secret_box(
    key: SecretStr | None, key_file: Path, hide: Callable[[str], object] = lambda value: None
) -> SecretBox:
    """
    Make the box from the settings; a key file that is missing is made.

    Raises:
        SecretsError: keys cannot be used, or the file cannot be made.
    """
    if key is not None:
        return SecretBox(GivenKeys(key.get_secret_value()), hide)
    ensure_key_file(key_file)
    return SecretBox(KeyFile(key_file), hide)


def new_key() -> str:
    """
    Make a key.
    """
    return Fernet.generate_key().decode()


def read_keys(text: str, source: str) -> tuple[str, ...]:
    """
    Split and check keys. The message names the source and the number of the key, never the key.

    Raises:
        SecretsError: there are none, or one is no key.
    """
    keys = tuple(text.replace(",", " ").split())
    for number, key in enumerate(keys, 1):
        try:
            Fernet(key)
        except ValueError:
            raise SecretsError(
                f"{source}: key {number} is not a key (44 characters of URL-safe base64); restore it from a backup"
            ) from None
    if not keys:
        raise SecretsError(f"{source}: holds no key; restore it from a backup")
    return keys


def ensure_key_file(path: Path) -> None:
    """
    Make a key file with one new key where there is none, in a folder for its owner only.

    When several processes start at once they all end with the same file: the first to link it wins.

    Raises:
        SecretsError: it cannot be made.
    """
    if path.exists():
        return
    with _named(path, "made"):
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        with _draft(path, f"{new_key()}\n") as draft, suppress(FileExistsError):
            path.hardlink_to(draft)
        _sync_folder(path.parent)


def add_key(path: Path) -> None:
    """
    Put a new key in front of those in the file; the first step of a rotation.

    Raises:
        SecretsError: the file cannot be read or replaced.
    """
    _replace(path, (new_key(), *KeyFile(path).read()))


def drop_old_keys(path: Path) -> int:
    """
    Keep the first key only and say how many went; the last step of a rotation.

    Raises:
        SecretsError: the file cannot be read or replaced.
    """
    first, *old = KeyFile(path).read()
    if old:
        _replace(path, (first,))
    return len(old)


def _replace(path: Path, keys: tuple[str, ...]) -> None:
    # A link stays a link: what it points to is replaced.
    target = path.resolve()
    with _named(path, "replaced"):
        with _draft(target, "".join(f"{key}\n" for key in keys)) as draft:
            draft.replace(target)
        _sync_folder(target.parent)


@contextmanager
def _draft(path: Path, text: str) -> Iterator[Path]:
    """
    Write a synced file, 0600 from its first moment, beside `path`; gone at the end unless it was moved.
    """
    draft = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    try:
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="ascii") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        yield draft
    finally:
        draft.unlink(missing_ok=True)


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _refuse_if_shared(path: Path, mode: int) -> None:
    if mode & OTHERS:
        raise SecretsError(
            f"{path}: others may use this key file (mode {stat.S_IMODE(mode):04o}); run: chmod 600 {path}, "
            "or give the key by HUBBUB_SECRETS__KEY"
        )


@contextmanager
def _named(path: Path, verb: str) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise SecretsError(f"{path}: the key file cannot be {verb}: {error.strerror}") from error
