"""
Schemathesis, which is not ours, tries to break every operation of the API of a real daemon.

Two of its checks are left out, because the document cannot say what they ask for:
`positive_data_acceptance` (a page mark is opaque and an account's options depend on its channel, so that some
requests that fit the schema are refused, 422), `allow_header_conformance` (`GET /conversations/claim-next` is a
conversation of that name, which is not there). tests/integration/web holds what `Allow` says.
"""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path

import pytest
from openapi_spec_validator import OpenAPIV31SpecValidator

from tests.acceptance.lived_in import LivedIn, lived_in

EXAMPLES = 4
"""For each operation and way of making them up; there are many operations."""
REFUSALS = (
    "[checks.negative_data_rejection]\nexpected-statuses = [400, 401, 403, 404, 406, 409, 413, 422, 429]\n\n"
)
"""Too many items of a million characters each are refused for the size of the body: 413."""
LEFT_OUT = "positive_data_acceptance,allow_header_conformance"

pytestmark = pytest.mark.timeout(900)


async def _real_ids(house: LivedIn) -> str:
    """
    Name things that are there, so that bodies are tried on them; reading is tried with made-up ids too.
    """
    conversation = await house.heard("leaks")
    entries = (await house.ask("GET", "/outbox"))[1]["items"]
    staff = (await house.ask("POST", "/staff", json={"login": "zoe", "name": "Zoe", "role": "agent"}))[1]
    known = {
        "add_note": ("id", conversation["id"]),
        "reply_to_conversation": ("id", conversation["id"]),
        "snooze_conversation": ("id", conversation["id"]),
        "hand_over_conversation": ("id", conversation["id"]),
        "retry_outbox_entry": ("id", entries[0]["id"]),
        "cancel_outbox_entry": ("id", entries[0]["id"]),
        "settle_outbox_entry": ("id", entries[0]["id"]),
        "change_options": ("account_id", "shop"),
        "get_coverage": ("account_id", "shop"),
        "disable_staff": ("staff_id", staff["id"]),
    }
    return "\n".join(
        f'[[operations]]\ninclude-operation-id = "{operation}"\nparameters = {{ "path.{name}" = "{value}" }}\n'
        for operation, (name, value) in known.items()
    )


async def _schemathesis(house: LivedIn, folder: Path, *more: str) -> dict[str, int]:
    """
    Run it; gives how many test cases had which end. Fails with what it printed when it found something.
    """
    config, report = folder / "schemathesis.toml", folder / "schemathesis.json"
    config.write_text(REFUSALS + (await _real_ids(house) if "--exclude-operation-id" in more else ""))
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "schemathesis.cli", "--config-file", str(config), "run"),
        *(f"{house.daemon.url}/api/v1/openapi.json", "-H", f"Authorization: Bearer {house.token}"),
        *("--checks", "all", "--exclude-checks", LEFT_OUT, "--phases", "coverage,fuzzing,stateful"),
        *("--max-examples", str(EXAMPLES), "--seed", "1", "--no-shrink", "--continue-on-failure"),
        *("--report", "json", "--report-json-path", str(report), *more),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        cwd=folder,
    )
    said = (await process.communicate())[0].decode(errors="replace")
    assert process.returncode == 0, f"{said[-30_000:]}\n{house.daemon.log()[-10_000:]}"
    print(said[-900:])
    cases: dict[str, int] = json.loads(report.read_text())["test_cases"]
    return cases


async def test_schemathesis_finds_nothing_to_complain_of(tmp_path: Path, database_url: str) -> None:
    async with lived_in(tmp_path, database_url, {"LOG__LEVEL": "warning"}) as house:
        # By itself and last: it would revoke the very token that it uses.
        await _schemathesis(house, tmp_path, "--exclude-operation-id", "revoke_token")
        assert (await house.ask("GET", "/me"))[0] == 200, "all of that was tried by somebody who may do everything"
        await _schemathesis(house, tmp_path, "--include-operation-id", "revoke_token")
        assert "request.failed" not in house.daemon.log()
        assert "Traceback" not in house.daemon.log()


async def test_the_document_is_open_api(tmp_path: Path, database_url: str) -> None:
    async with lived_in(tmp_path, database_url) as house:
        _, document = await house.ask("GET", "/openapi.json")
    assert document["openapi"].startswith("3.1")
    OpenAPIV31SpecValidator(document).validate()
