"""
The documentation is checked: what it names exists, what exists is named, and every page can be reached.

Pages of connectors are held to their own rules in tests/contract/test_documentation.py,
settings in tests/unit/core/test_settings.py.
"""

from __future__ import annotations

import re
import shlex
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import pytest
import typer
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from bot.api_reference import (
    API_REFERENCE,
    PERMISSION_REFERENCE,
    all_operations,
    all_pages,
    api_reference,
    permission_reference,
)
from bot.app import registry
from bot.cli import app
from bot.command_reference import REFERENCE, arguments_of, command_reference, command_tree
from bot.core.database import Database
from bot.health import add_health
from bot.inbox import rules as inbox
from bot.settings import Settings
from bot.settings_sources import leaves, variable_of
from bot.staff.rules import Permission, Role
from bot.web.keys import DATABASE
from bot.web.openapi import openapi_document
from connectors.base import Connector

ROOT = Path(__file__).parents[2]
START = ROOT / "docs" / "README.md"
ENTRANCES = {"README.md", "CONTRIBUTING.md", "CHANGELOG.md"}
"""Pages that a reader of the repository sees without being led there."""

LINK = re.compile(r"!?\[[^\]]*\]\(([^)\s]+)\)")
FENCE = re.compile(r"^ *```(\w*)\n(.*?)^ *```", re.MULTILINE | re.DOTALL)
INLINE = re.compile(r"`hubbub ([^`\n]+)`")
GENERAL = {"...", "COMMAND --help"}
"""What is said about all commands at once."""

USAGE_ERROR: Any = typer.BadParameter.__base__
SETTING = re.compile(r"`((?:[a-z_]+\.)[a-z_]+)`")


def tracked(pattern: str) -> list[Path]:
    done = subprocess.run(["git", "ls-files", "-z", pattern], cwd=ROOT, capture_output=True, text=True, check=True)
    return [ROOT / name for name in done.stdout.split("\0") if name and (ROOT / name).is_file()]


PAGES = tracked("*.md")


def named(path: Path) -> str:
    return str(path.relative_to(ROOT))


def page(name: str) -> str:
    return (ROOT / "docs" / name).read_text()


def without_code(text: str) -> str:
    return re.sub(r"`[^`\n]*`", "", FENCE.sub("", text))


def anchors(text: str) -> set[str]:
    """
    Give what the headings of a page can be linked to by, as git hosts spell it.
    """
    titles = re.findall(r"^#+ +(.+)$", FENCE.sub("", text), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", title.lower()).replace(" ", "-") for title in titles}


def links(path: Path) -> Iterator[tuple[str, Path, str]]:
    for target in LINK.findall(without_code(path.read_text())):
        if not re.match(r"[a-z]+:", target):
            file, _, anchor = target.partition("#")
            yield target, (path.parent / file).resolve() if file else path, anchor


# links and reachability


@pytest.mark.parametrize("path", PAGES, ids=named)
def test_every_relative_link_leads_somewhere(path: Path) -> None:
    broken = [
        target
        for target, file, anchor in links(path)
        if not file.exists() or (anchor and anchor not in anchors(file.read_text()))
    ]
    assert broken == []


def test_every_page_can_be_reached_from_the_start() -> None:
    reached, ahead = set(), [START]
    while ahead:
        path = ahead.pop()
        reached.add(path)
        found = {file for _, file, _ in links(path) if file.suffix == ".md" and file.exists()}
        ahead += found - reached - set(ahead)
    wanted = {path for path in PAGES if path.parts[len(ROOT.parts)] in {"docs", "deploy", *ENTRANCES}}
    assert wanted - reached - {ROOT / "README.md"} == set()


def test_anchors_are_found_as_hosts_spell_them() -> None:
    assert anchors("# A house of your own\n```\n# no heading\n```\n## `/readyz`, twice") == {
        "a-house-of-your-own",
        "readyz-twice",
    }


# what is written by code


@pytest.mark.parametrize(
    ("file", "written"),
    [
        (REFERENCE, command_reference),
        (API_REFERENCE, api_reference),
        (PERMISSION_REFERENCE, permission_reference),
    ],
    ids=["commands", "api", "permissions"],
)
def test_a_reference_in_the_repository_is_the_code(file: Path, written: Any) -> None:
    assert (ROOT / file).read_text() == written(), "run: make docs"


def test_every_command_has_its_section() -> None:
    titles = re.findall(r"^## `(hubbub .+)`$", page("reference/commands.md"), re.MULTILINE)
    assert {title.split(" ", 1)[1] for title in titles} == {
        " ".join([*words, *(str(one.metavar or one.name).upper() for one in arguments_of(command))])
        for words, command in command_tree().items()
    }


def test_every_operation_of_the_document_stands_in_the_reference_with_its_permission() -> None:
    paths = openapi_document(all_operations(), version="0")["paths"]
    text = page("reference/api.md")
    for url, methods in paths.items():
        for method, described in methods.items():
            row = next((line for line in text.splitlines() if f"| `{method.upper()} {url}` |" in line), "")
            permission = re.search(r"`([\w.-]+)`\.$", described["description"])
            assert permission, described
            assert row.endswith(f"| `{permission[1]}` |"), f"{method} {url}"


def test_every_permission_opens_something_and_is_asked_for_by_its_own_name() -> None:
    asked = {route.permission for route in all_pages() if route.permission}
    asked |= {op.permission for op in all_operations()}
    assert asked <= set(Permission)
    # Acting on what another has claimed is decided by the conversation, not by the address.
    assert set(Permission) - asked == {Permission.CONVERSATIONS_TAKE_OVER}
    assert all(f"| {role} |" in page("reference/permissions.md") for role in Role)


# what is written by hand


def test_every_connector_stands_in_the_list_and_no_other() -> None:
    rows = re.findall(r"^\| `(\w+)` \|.*\[.+\]\((\w+)\.md\)", page("reference/connectors/README.md"), re.MULTILINE)
    assert {name for name, file in rows if name == file} == {channel.name for channel in registry()}


def test_every_state_of_conversation_and_clock_is_drawn_and_told() -> None:
    text = page("explanation/the-promise.md")
    drawn = "".join(code for _, code in FENCE.findall(text))
    for state in inbox.State:
        assert re.search(rf"\b{state}\b", drawn), state
    for outcome in inbox.Outcome:
        assert re.search(rf"\b{outcome}\b", drawn), outcome
        assert f"| `{outcome}` |" in text
    tables = FENCE.sub("", text)
    assert all(re.search(rf"^\| .*`{state}`.* \|", tables, re.MULTILINE) for state in inbox.State)
    assert all(f"`{kind}`" in text for kind in inbox.ClockKind)


def test_every_protocol_of_connectors_is_named_where_one_learns_to_write_one() -> None:
    import connectors.base as base

    protocols = {
        name
        for name, thing in vars(base).items()
        if getattr(thing, "_is_protocol", False) and thing is not Connector
    }
    text = page("how-to/add-a-connector.md")
    assert {name for name in protocols - {"Protocol"} if f"`{name}`" not in text} == set()


@pytest.mark.parametrize("path", [path for path in PAGES if path.name != "settings.md"], ids=named)
def test_settings_that_pages_name_exist(path: Path) -> None:
    known = {".".join(keys) for keys, _ in leaves(Settings)}
    sections = {name.split(".")[0] for name in known if "." in name}
    said = {name for name in SETTING.findall(path.read_text()) if name.split(".")[0] in sections}
    files = {name for name in said if name.endswith((".py", ".md", ".toml", ".yml"))}
    assert said - files - set(Permission) - LOG_ACTIONS - known == set()


LOG_ACTIONS = {"outbox.refused", "outbox.unknown", "outbox.failed"}
"""Actions in log lines that look like settings; the next test holds them to the code."""


def test_actions_of_the_log_that_pages_name_are_logged() -> None:
    sources = "".join(path.read_text() for path in ROOT.glob("bot/**/*.py"))
    table = page("how-to/watch-it.md").split("## Logs")[1]
    named_actions = re.findall(r"`(\w+\.\w+)`", table.split("##")[0])
    states = {f"outbox.{state}" for state in ("refused", "unknown")}  # logged as f"outbox.{state}"
    missing = [one for one in named_actions if one not in states and f'action="{one}"' not in sources]
    assert named_actions
    assert missing == []
    assert 'action=f"outbox.{then.state}"' in sources


@pytest.mark.parametrize("path", [*PAGES, *tracked("deploy/*")], ids=named)
def test_variables_that_pages_name_exist(path: Path) -> None:
    known = {variable_of(keys) for keys, _ in leaves(Settings)} | {"HUBBUB_CONFIG", "HUBBUB_DATABASE_PASSWORD"}
    said = set(re.findall(r"\bHUBBUB_[A-Z_]*[A-Z]\b", path.read_text()))
    assert said - known == set()


# metrics and alerts


async def test_every_metric_is_documented_and_every_documented_one_exists(database: Database) -> None:
    written = set(re.findall(r"^\| `(hubbub_\w+)`", page("reference/metrics.md"), re.MULTILINE))
    assert written == await shown_metrics(database)


async def test_every_check_of_readiness_is_documented(database: Database) -> None:
    async with health_client(database) as client:
        checks = (await (await client.get("/readyz")).json())["checks"]
    rows = re.findall(r"^\| `(\w+)` \|", page("reference/metrics.md").split("## `/readyz`")[1], re.MULTILINE)
    assert set(checks) <= set(rows)


async def test_alerts_ask_for_metrics_that_exist_and_lead_into_the_runbook(database: Database) -> None:
    rules = (ROOT / "deploy" / "alerts.yml").read_text()
    asked = set(re.findall(r"\bhubbub_\w+", rules))
    assert asked
    assert asked <= await shown_metrics(database)
    places = set(re.findall(r"runbook: deploy/runbook\.md#([\w-]+)", rules))
    assert len(re.findall(r"- alert:", rules)) == len(re.findall(r"runbook: ", rules))
    assert places <= anchors((ROOT / "deploy" / "runbook.md").read_text())


async def shown_metrics(database: Database) -> set[str]:
    async with health_client(database) as client:
        text = await (await client.get("/metrics")).text()
    return set(re.findall(r"^# TYPE (hubbub_\w+)", text, re.MULTILINE))


def health_client(database: Database) -> TestClient[web.Request, web.Application]:
    served = web.Application()
    served[DATABASE] = database
    add_health(served)
    return TestClient(TestServer(served))


# commands in the texts


def command_lines(path: Path) -> Iterator[tuple[str, bool]]:
    """
    Find what is said after each `hubbub`, without what the shell does around it.

    Yields:
        The words, and whether they are an example to be typed, not just named in running text.
    """
    text = path.read_text()
    for language, code in FENCE.findall(text):
        if language in ("console", "sh", "bash"):
            joined = re.sub(r"\\\n\s*", " ", code)
            yield from (
                (line, True) for line in re.findall(r"(?:^ *|&& |/bin/)hubbub\b(.*)$", joined, re.MULTILINE)
            )
    yield from ((line, False) for line in INLINE.findall(FENCE.sub("", text)) if line not in GENERAL)
    compose = r"^#.* run --rm (?:hubbub-1|upgrade|hubbub) (.*)$"
    yield from ((line, True) for line in re.findall(compose, text, re.MULTILINE))


COMMANDS = [
    (named(path), *found)
    for path in [*PAGES, *tracked("deploy/*")]
    if path.name != "commands.md"
    for found in command_lines(path)
]


@pytest.mark.parametrize(("where", "line", "whole"), COMMANDS, ids=[f"{one[0]}: {one[1]}" for one in COMMANDS])
def test_every_command_in_a_text_could_be_typed(where: str, line: str, whole: bool) -> None:
    words = shlex.split(re.split(r" [<>|&#]|  #", line)[0])
    assert problem_of(words, whole=whole) is None, where


def test_there_are_commands_to_look_at() -> None:
    assert len(COMMANDS) > 30


@pytest.mark.parametrize(
    "line",
    ["acount list", "account lst", "account list --jsn", "outbox retry", "outbox retry A B", "staff add --name X"],
)
def test_a_wrong_command_is_found(line: str) -> None:
    assert problem_of(line.split())


def problem_of(words: list[str], *, whole: bool = True) -> str | None:
    """
    Ask the command line's own parser what it has against these words; nothing is carried out.

    Args:
        whole: missing arguments count as a problem.
    """
    name, command, context = "hubbub", cast(Any, typer.main.get_command(app)), None
    try:
        while True:
            for one in command.params:
                if getattr(one, "prompt", None):
                    one.prompt, one.required = None, False  # a person would be asked
            context = command.make_context(name, list(words), parent=context)
            left = [*getattr(context, "_protected_args", ()), *context.args]
            if not left:
                return None
            name, command, words = command.resolve_command(context, left)
    except USAGE_ERROR as error:
        incomplete = type(error).__name__ in ("MissingParameter", "NoArgsIsHelpError")
        return None if incomplete and not whole else f"{type(error).__name__}: {error}"
