"""
Where settings come from, and how a wrong one is named: in one line, with the file or variable it was set in.

Knows no setting by name: the model is handed in. A secret's value is never part of a line.
"""

from __future__ import annotations

import difflib
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

from pydantic import BaseModel
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails

from bot.core.units import show_duration

PREFIX = "HUBBUB_"
CONFIG_VARIABLE = "HUBBUB_CONFIG"
DEFAULT_FILE = Path("hubbub.toml")
LONGEST_SHOWN = 60

Keys = tuple[str, ...]
"""Where a setting stands: `("server", "port")`."""


class SettingsError(Exception):
    """
    Some settings cannot be used; the text is one line for each, naming the setting and where it was set.
    """

    def __init__(self, problems: list[str]) -> None:
        super().__init__("\n".join(problems))


def find_file(path: Path | None, environ: Mapping[str, str]) -> Path | None:
    """
    Choose the file: what was asked for, else `HUBBUB_CONFIG`, else `hubbub.toml` here, else none.
    """
    if path is not None:
        return path
    if environ.get(CONFIG_VARIABLE):
        return Path(environ[CONFIG_VARIABLE])
    return DEFAULT_FILE if DEFAULT_FILE.exists() else None


def read_file(file: Path) -> dict[str, Any]:
    """
    Read a TOML file.

    Raises:
        SettingsError: it is missing, unreadable, or not TOML.
    """
    try:
        return tomllib.loads(file.read_bytes().decode())
    except OSError as error:
        raise SettingsError([f"{file}: cannot be read: {error.strerror}"]) from None
    except UnicodeDecodeError as error:
        raise SettingsError([f"{file}: is not UTF-8 text (byte {error.start})"]) from None
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise SettingsError([f"{file}: is not TOML: {error}"]) from None


def read_variables(environ: Mapping[str, str]) -> dict[str, str]:
    """
    Pick our variables out of the environment, in upper case.
    """
    ours = {name.upper(): value for name, value in environ.items() if name.upper().startswith(PREFIX)}
    ours.pop(CONFIG_VARIABLE, None)
    return ours


def leaves(model: type[BaseModel], above: Keys = ()) -> Iterator[tuple[Keys, FieldInfo]]:
    """
    Walk over every single setting, in the order in which they are documented.
    """
    for name, field in model.model_fields.items():
        if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
            yield from leaves(field.annotation, (*above, name))
        else:
            yield (*above, name), field


def variable_of(path: Keys) -> str:
    """
    Name the environment variable of a setting.
    """
    return PREFIX + "__".join(path).upper()


def is_secret(field: FieldInfo) -> bool:
    """
    Say whether a setting's value must never be shown.
    """
    return "SecretStr" in f"{field.annotation} {field.metadata}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Sources:
    """
    What was written where.

    Args:
        written: the file's content; `file` is None and this empty where there is no file.
        named: our variables, names in upper case.
    """

    model: type[BaseModel]
    file: Path | None
    written: Mapping[str, Any]
    named: Mapping[str, str]

    def unknown(self) -> list[str]:
        """
        Name what was set but does not exist, with what was probably meant.
        """
        known = [path for path, _ in leaves(self.model)]
        return [*self._unknown_keys(self.written, (), known), *self._unknown_variables(known)]

    def problem(self, found: ErrorDetails) -> str:
        """
        Say in one line what is wrong with a value.
        """
        known = dict(leaves(self.model))
        path = _innermost(tuple(str(part) for part in found["loc"]), known)
        shown = "" if path not in known or is_secret(known[path]) else f", not {_short(found['input'])}"
        said = _said(found) + shown
        if variable_of(path) in self.named:
            return f"{variable_of(path)}: {said}"
        return f"{f'{self.file}: ' if self.file else ''}{'.'.join(path)}: {said}"

    def _unknown_keys(self, written: Mapping[str, Any], above: Keys, known: list[Keys]) -> Iterator[str]:
        for name, value in written.items():
            path = (*above, name)
            where = f"{self.file}: {'.'.join(path)}"
            if path in known:
                continue
            if not any(leaf[: len(path)] == path for leaf in known):
                yield f"{where}: there is no such setting{_hint(_guess(path, known))}"
            elif isinstance(value, dict):
                yield from self._unknown_keys(value, path, known)
            else:
                yield f"{where}: is a section; write [{name}] on a line of its own"

    def _unknown_variables(self, known: list[Keys]) -> Iterator[str]:
        variables = [CONFIG_VARIABLE, *map(variable_of, known)]
        for name in sorted(set(self.named) - set(variables)):
            yield f"{name}: there is no such setting{_hint(_closest(name, variables))}"


def _innermost(path: Keys, known: Mapping[Keys, FieldInfo]) -> Keys:
    # pydantic appends list indexes and union members to the place of an error
    return next((path[:length] for length in range(len(path), 0, -1) if path[:length] in known), path)


def _said(found: ErrorDetails) -> str:
    match found["type"]:
        case "int_parsing" | "int_type" | "int_from_float":
            return "must be a whole number"
        case "bool_parsing" | "bool_type":
            return "must be true or false"
        case _:
            return found["msg"].removeprefix("Value error, ").replace("Input should be", "must be")


def _short(value: object) -> str:
    text = show_duration(value) if isinstance(value, timedelta) else repr(value)
    return text if len(text) <= LONGEST_SHOWN else text[:LONGEST_SHOWN] + "..."


def _guess(path: Keys, known: list[Keys]) -> str:
    same_name = [".".join(leaf) for leaf in known if leaf[-1] == path[-1]]
    if len(same_name) == 1:
        return same_name[0]
    sections = {leaf[0] for leaf in known if len(leaf) > len(path)}
    return _closest(".".join(path), [*(".".join(leaf) for leaf in known), *sorted(sections)])


def _closest(name: str, names: list[str]) -> str:
    return next(iter(difflib.get_close_matches(name, names, n=1, cutoff=0.7)), "")


def _hint(guess: str) -> str:
    return f"; did you mean {guess}?" if guess else ""
