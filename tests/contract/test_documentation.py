"""
Every connector has answered the checklist, has its page of documentation, and runs under the contract.
"""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from tests.contract.harness import HARNESSES

ROOT = Path(__file__).resolve().parents[2]
CHECKLIST = frozenset(
    {
        "credentials-checked",
        "credentials-never-shown",
        "hears-oldest-first-without-gap-or-replay",
        "nothing-marked-on-the-server",
        "broken-items-quarantined",
        "own-and-automatic-messages-marked",
        "streaming",
        "answers-threaded",
        "idempotency",
        "lost-answers-found",
        "rate-limits-told",
        "limits-read-from-the-server",
        "media",
        "edits-and-deletions-heard",
        "reposts",
        "followers",
        "tested-on-foreign-software",
        "documented",
    }
)
CONNECTORS = sorted(path.parent.name for path in (ROOT / "connectors").glob("*/connector.py"))


def test_there_are_connectors_to_look_at():
    assert "mastodon" in CONNECTORS


@pytest.mark.parametrize("name", CONNECTORS)
def test_the_checklist_is_answered(name):
    answers = tomllib.loads((ROOT / "connectors" / name / "quality.toml").read_text("utf-8"))

    assert set(answers) == CHECKLIST
    unexplained = [line for line, said in answers.items() if said["state"] != "done" and not said.get("reason")]
    assert unexplained == []
    assert {said["state"] for said in answers.values()} <= {"done", "todo", "exempt"}


@pytest.mark.parametrize("name", CONNECTORS)
def test_there_is_a_page_that_names_every_option(name):
    page = (ROOT / "docs" / "reference" / "connectors" / f"{name}.md").read_text("utf-8")
    options = channel_of(name).options.model_fields

    assert [option for option in options if f"`{option}`" not in page] == []


@pytest.mark.parametrize("name", CONNECTORS)
def test_every_option_tells_a_person_what_it_is(name):
    options = channel_of(name).options.model_fields

    assert [option for option, field in options.items() if not field.description] == []
    assert "hear_since" in options


@pytest.mark.parametrize("name", CONNECTORS)
def test_it_runs_under_the_contract(name):
    assert [slot for slot in HARNESSES if slot == name or slot.startswith(f"{name}-")]


def channel_of(name: str):
    module = __import__(f"connectors.{name}", fromlist=["channel"])
    return module.channel
