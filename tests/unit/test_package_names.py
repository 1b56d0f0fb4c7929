"""
Our three top-level names belong to nobody else: a mock library on the package index is called `responses`, too.
"""

import importlib
import importlib.metadata
from pathlib import Path

import pytest

NAMES = ("bot", "connectors", "responses")


@pytest.mark.parametrize("name", NAMES)
def test_the_name_is_owned_by_hubbub_only(name):
    owners = set(importlib.metadata.packages_distributions().get(name, []))
    assert owners <= {"hubbub"}, f"another distribution owns {name}: uninstall it"


def test_the_names_are_imported_from_one_place():
    homes = {Path(importlib.import_module(name).__path__[0]).resolve().parent for name in NAMES}
    assert len(homes) == 1
