"""
The rules of the house: import-linter's contracts, and what they cannot say.
"""

from __future__ import annotations

import ast
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
PACKAGES = ("bot", "connectors", "responses")
NAMES_CONNECTORS = {"bot/app.py", "bot/demo.py"}
"""The composition root, and the demo with its playground."""

PLAIN_VALUES = ("bot/core/actor.py", "bot/core/labels.py", "bot/core/units.py", "responses/values.py")
"""Values that decisions are about, and how they are written; held to the same rule themselves."""


def modules(*patterns: str) -> list[Path]:
    return sorted(path for pattern in patterns for path in ROOT.glob(pattern))


SOURCES = modules(*(f"{package}/**/*.py" for package in PACKAGES))


def imports(path: Path) -> Iterator[str]:
    """
    Yield every imported name in full, also those inside functions.
    """
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def named(path: Path) -> str:
    return str(path.relative_to(ROOT))


def test_the_contracts_are_kept() -> None:
    command = [str(Path(sys.executable).with_name("lint-imports")), "--no-cache", "--no-logo"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "0 broken" in done.stdout


@pytest.mark.parametrize("path", [*modules("bot/*/rules.py"), *(ROOT / name for name in PLAIN_VALUES)], ids=named)
def test_decisions_import_the_standard_library_only(path: Path) -> None:
    plain = tuple(name.removesuffix(".py").replace("/", ".") + "." for name in PLAIN_VALUES)
    others = {name for name in imports(path) if name.split(".")[0] not in sys.stdlib_module_names}
    assert {name for name in others if not name.startswith(plain)} == set()


@pytest.mark.parametrize("path", modules("bot/*/tables*.py"), ids=named)
def test_rows_import_only_the_ground(path: Path) -> None:
    ours = {name for name in imports(path) if name.split(".")[0] in PACKAGES}
    assert {name for name in ours if not name.startswith("bot.core.")} == set()


@pytest.mark.parametrize("path", modules("bot/**/*.py"), ids=named)
def test_only_the_composition_root_names_concrete_connectors(path: Path) -> None:
    channels = {folder.name for folder in (ROOT / "connectors").iterdir() if (folder / "__init__.py").exists()}
    found = {name for name in imports(path) if re.match(rf"connectors\.({'|'.join(channels)})(\.|$)", name)}
    assert not found or named(path) in NAMES_CONNECTORS


def test_every_feature_and_connector_stands_in_a_contract() -> None:
    contracts = {contract["containers"][0]: contract for contract in layered_contracts()}
    for container, contract in contracts.items():
        known = set(re.findall(r"\w+", " ".join(contract["layers"])))
        folders = {path.parent.name for path in (ROOT / container).glob("*/__init__.py")}
        assert folders <= known, f"give {folders - known} its place in [tool.importlinter]"
    assert set(contracts) == {"bot", "connectors"}


def layered_contracts() -> list[dict[str, Any]]:
    contracts: list[dict[str, Any]] = PROJECT["tool"]["importlinter"]["contracts"]
    return [contract for contract in contracts if contract["type"] == "layers"]


@pytest.mark.parametrize("path", SOURCES, ids=named)
def test_only_the_clock_asks_what_time_it_is(path: Path) -> None:
    # ruff bans the calls; this finds a suppressed ban and the ways that ruff does not know.
    asked = re.findall(r"\b(?:datetime\.(?:now|utcnow|today)|date\.today|time\.time(?:_ns)?)\(", path.read_text())
    allowed = {"bot/core/clock.py", "connectors/playground/__main__.py"}
    assert not asked or named(path) in allowed


@pytest.mark.parametrize("path", [path for path in SOURCES if "versions" not in path.parts], ids=named)
def test_no_function_is_longer_than_60_lines(path: Path) -> None:
    # Migrations are left out: lists of statements, written once.
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            assert (node.end_lineno or 0) - node.lineno < 60, f"{named(path)}:{node.lineno} {node.name}"
