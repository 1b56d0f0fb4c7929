"""
The examples of docs/reference/webhooks.md.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

PAGE = (Path(__file__).parents[3] / "docs" / "reference" / "webhooks.md").read_text()


def example(kind: str) -> Any:
    section = PAGE.split(f"\n## {kind}\n")[1].split("\n## ")[0]
    found = re.search(r"```json\n(.*?)```", section, re.DOTALL)
    assert found is not None, kind
    return json.loads(found[1])


def shape(value: Any) -> Any:
    """
    Give what a payload is made of: its names, and the types of its values but for those that may be empty.
    """
    return {name: shape(inner) for name, inner in value.items()} if isinstance(value, dict) else ...
