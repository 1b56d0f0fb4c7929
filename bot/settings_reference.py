"""
Write the reference of all settings and the example file from the model itself, so that neither can be wrong.

`python -m bot.settings_reference` writes both; a test compares them with what is in the repository.
"""

from __future__ import annotations

import json
from datetime import timedelta
from enum import Enum
from pathlib import Path
from typing import Any

from pydantic.fields import FieldInfo

from bot.core.units import read_size, show_duration, show_size
from bot.settings import Settings
from bot.settings_sources import Keys, leaves, variable_of

ROOT = Path(__file__).parents[1]
REFERENCE = Path("docs/reference/settings.md")
EXAMPLE = Path("deploy/hubbub.example.toml")

REFERENCE_HEAD = """\
# Settings

<!-- Written by `make docs` from bot/settings.py; change it there. -->

Settings stand in a TOML file and in environment variables.
A variable wins over the file, the file over the default.
The file is the one given by `--config`, else the one named by `HUBBUB_CONFIG`,
else `hubbub.toml` in the working folder if there is one.
A setting that does not exist, a value that cannot be used, and a file that cannot be read
stop the program with exit code 2 and one line for each problem.

Durations are written as `90s`, `15m`, `1h30m` or `7d`, in ISO 8601 (`PT15M`), or as a number of seconds. Sizes are
written as `500kB`, `2MB` or `1MiB`, or as a number of bytes. Lists in a variable are separated by commas.
Relative paths in the file start at the file's folder; in variables, at the working folder. Paths inside
`database.url` always start at the working folder. An empty variable counts as not set.
"""

EXAMPLE_HEAD = """\
# Settings of Hubbub. Everything here is optional; a line with one # shows a default or an example.
# The meaning of each is in docs/reference/settings.md; every one can be given as an environment variable instead.
"""


def settings_reference() -> str:
    """
    Write the reference, one table a section.
    """
    return REFERENCE_HEAD + "".join(_table(section) for section in _sections())


def example_toml() -> str:
    """
    Write a file with every setting commented out.
    """
    return EXAMPLE_HEAD + "".join(_example(section) for section in _sections())


def _sections() -> list[tuple[str, str, list[tuple[Keys, FieldInfo]]]]:
    """
    List name, purpose and settings of each section; the one without a name comes first.
    """
    found: dict[str, list[tuple[Keys, FieldInfo]]] = {}
    for path, field in leaves(Settings):
        found.setdefault(".".join(path[:-1]), []).append((path, field))
    return [(name, _purpose(name), fields) for name, fields in found.items()]


def _purpose(name: str) -> str:
    model = Settings.model_fields[name].annotation if name else None
    return " ".join((model.__doc__ or "").split()) if isinstance(model, type) else "Stands before any section."


def _table(section: tuple[str, str, list[tuple[Keys, FieldInfo]]]) -> str:
    name, purpose, fields = section
    title = f"[{name}]" if name else "General"
    rows = "".join(_row(path, field) for path, field in fields)
    return f"\n## {title}\n\n{purpose}\n\n| setting | default | meaning |\n|---|---|---|\n{rows}"


def _row(path: Keys, field: FieldInfo) -> str:
    default = _shown(field) or f"`{_toml(field.default, field)}`"
    meaning = f"{field.description}{_bounds(field)} `{variable_of(path)}`"
    return f"| `{'.'.join(path)}` | {default} | {meaning} |\n"


def _bounds(field: FieldInfo) -> str:
    if isinstance(field.annotation, type) and issubclass(field.annotation, Enum):
        return f" One of {', '.join(f'`{member.value}`' for member in field.annotation)}."
    low, high = (next((getattr(m, end) for m in field.metadata if hasattr(m, end)), None) for end in ("ge", "le"))
    return "" if low is None or high is None else f" From {_plain(low, field)} to {_plain(high, field)}."


def _example(section: tuple[str, str, list[tuple[Keys, FieldInfo]]]) -> str:
    name, purpose, fields = section
    head = f"\n# {purpose}\n[{name}]\n" if name else "\n"
    return head + "".join(_example_lines(path, field) for path, field in fields)


def _example_lines(path: Keys, field: FieldInfo) -> str:
    value = field.examples[0] if field.examples and field.default is None else field.default
    return f"## {field.description}\n# {path[-1]} = {_toml(value, field)}\n"


def _shown(field: FieldInfo) -> str:
    extra = field.json_schema_extra
    return str(extra["shown"]) if isinstance(extra, dict) and "shown" in extra else ""


def _toml(value: Any, field: FieldInfo) -> str:
    if isinstance(value, bool | tuple):
        return json.dumps(value)
    plain = _plain(value, field)
    return plain if isinstance(value, int) and plain.isdigit() else json.dumps(plain)


def _plain(value: Any, field: FieldInfo) -> str:
    if isinstance(value, timedelta):
        return show_duration(value)
    if any(getattr(part, "func", None) is read_size for part in field.metadata):
        return show_size(value)
    return str(value.value if isinstance(value, Enum) else value)


def main() -> None:
    """
    Write both files into the repository.
    """
    for path, text in ((REFERENCE, settings_reference()), (EXAMPLE, example_toml())):
        (ROOT / path).parent.mkdir(parents=True, exist_ok=True)
        (ROOT / path).write_text(text)


if __name__ == "__main__":
    main()
