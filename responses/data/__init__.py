"""
Read the lexicons beside this file. All of them are our own making; each says at its head what its columns mean.
"""

from __future__ import annotations

from pathlib import Path

_HERE = Path(__file__).parent


def rows(name: str) -> list[list[str]]:
    """
    Return the rows of a tab-separated file of ours, without comments and blank lines.
    """
    lines = (_HERE / name).read_text(encoding="utf-8").splitlines()
    return [line.split("\t") for line in lines if line.strip() and not line.startswith("#")]
