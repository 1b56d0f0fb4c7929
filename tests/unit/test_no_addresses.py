"""
The repository installs from wherever its user's tools point to, and runs on any machine: no file names a package
index, a registry or a folder of one machine.
"""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PARTS = {
    # Written in pieces, so that this file does not find itself.
    "package index": [r"pypi" + r"\.(?:org|python)", r"python" + r"hosted\.org", r"/sim" + r"ple/?[\"'\s]"],
    "npm registry": [r"registry\." + r"(?:npmjs|yarnpkg)", r"npm" + r"mirror", r"npm\.pkg\." + r"github"],
    "other registry": [r"proxy\." + r"golang", r"crates" + r"\.io", r"(?:deb|security)\." + r"debian\.org"],
    "index option": [r"--(?:extra-)?index" + r"-url", r"--trusted" + r"-host", r"\"resolved" + r"\":\s*\"http"],
    "folder of a machine": [r"(?<![\w.~$}{/-])/(?:work|home|Users" + r"|root)/[\w.-]+"],
}
WRONG = {name: re.compile("|".join(patterns)) for name, patterns in PARTS.items()}


def tracked() -> list[str]:
    done = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True)
    return [name for name in done.stdout.split("\0") if name and (ROOT / name).is_file()]


def findings(text: str) -> list[str]:
    return [f"{name}: {match[0]!r}" for name, pattern in WRONG.items() for match in pattern.finditer(text)]


def test_no_tracked_file_names_an_index_or_a_folder_of_a_machine() -> None:
    wrong = {name: found for name in tracked() if (found := findings((ROOT / name).read_text(errors="replace")))}
    assert wrong == {}


def test_there_is_something_to_look_through() -> None:
    assert {"pyproject.toml", "constraints.txt", "Makefile"} <= set(tracked())


@pytest.mark.parametrize(
    "text",
    [
        "https://" + "pypi" + ".org/pypi",
        "https://registry." + "npmjs.org/x/-/x.tgz",
        '"resolved' + '": "https://elsewhere.example/x.tgz"',
        "pip install --index" + "-url=x",
        "see /ho" + "me/kite/notes",
        '"/wo' + 'rk/main"',
    ],
)
def test_each_kind_is_found(text: str) -> None:
    assert findings(text)


@pytest.mark.parametrize(
    "text", ["/healthz", "https://example.com/home/kite", "$HOME/x", "the /work page", "a/root/b"]
)
def test_ordinary_text_is_not(text: str) -> None:
    assert not findings(text)
