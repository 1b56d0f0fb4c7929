"""
The keys that pages listen to are those that the list behind `?` and docs/reference/keys.md name.
"""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parents[3]
TEMPLATES = sorted((ROOT / "bot").rglob("templates/**/*.html"))
IN_HTML = re.compile(r'data-key"?(?:=|: )"([^"{]+)"')
BY_MACRO = re.compile(r'ui\.post_button\([^{}]*?, "\w+", "\w+", "(\w)"')
OF_SCRIPTS = {"j", "k", "Enter", "Ctrl Enter", "Esc", "?"}
"""Which belong to no element."""


def listened_to() -> set[str]:
    texts = [path.read_text("utf-8") for path in TEMPLATES]
    return {key for text in texts for key in (*IN_HTML.findall(text), *BY_MACRO.findall(text))}


def in_the_dialog() -> set[str]:
    layout = (ROOT / "bot/web/templates/web/layout.html").read_text("utf-8")
    return {_keys(re.findall("<kbd>(.*?)</kbd>", term)) for term in re.findall("<dt>(.*?)</dt>", layout)}


def in_the_docs() -> set[str]:
    page = (ROOT / "docs/reference/keys.md").read_text("utf-8")
    return {_keys(re.findall("`(.*?)`", cell)) for cell in re.findall(r"^\| (`.*?) \|", page, re.MULTILINE)}


def _keys(names: list[str]) -> str:
    return " ".join(names)


def test_every_key_stands_in_both_lists() -> None:
    known = listened_to()
    assert {"a", "c", "e", "r", "l", "g q"} <= known, "the patterns above no longer find what templates say"
    either = {"j k" if key in ("j", "k") else key for key in known | OF_SCRIPTS}
    assert in_the_dialog() == either
    assert in_the_docs() == either
