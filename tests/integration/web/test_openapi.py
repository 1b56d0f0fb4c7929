"""
The OpenAPI document and the way an application is put together.
"""

from __future__ import annotations

from types import ModuleType
from typing import Any

import pytest
from jsonschema import Draft202012Validator

import bot.staff.api
from bot.core.actor import Actor
from bot.core.database import Database, UnitOfWork
from bot.core.live import LiveEvents
from bot.web.application import build_application
from bot.web.assets import Assets
from bot.web.gate import SignedIn
from bot.web.openapi import openapi_document
from bot.web.operations import operations
from bot.web.shell import Shell
from tests.fakes.web_app import WebClient
from tests.integration.web import things


async def _document(client: WebClient) -> dict[str, Any]:
    answer = await client.get("/api/v1/openapi.json")
    assert answer.status == 200
    document: dict[str, Any] = await answer.json()
    return document


async def test_the_document_needs_no_token_and_names_every_operation(client: WebClient) -> None:
    document = await _document(client)
    assert document["openapi"] == "3.1.0"
    described = {(method.upper(), url) for url, one in document["paths"].items() for method in one}
    assert described == {(op.method, op.url) for op in operations(things)}


def test_every_reference_leads_somewhere_and_every_schema_is_one() -> None:
    ops = [*operations(things), *operations(bot.staff.api)]
    document = openapi_document(ops, version="1")
    schemas = document["components"]["schemas"]

    def references(part: Any) -> list[str]:
        if isinstance(part, dict):
            own = [part["$ref"]] if isinstance(part.get("$ref"), str) else []
            return own + [found for value in part.values() for found in references(value)]
        return [found for value in part for found in references(value)] if isinstance(part, list) else []

    assert {ref.rpartition("/")[2] for ref in references(document)} <= set(schemas)
    for schema in schemas.values():
        Draft202012Validator.check_schema(schema)
    assert "token" in schemas["NewTokenOut"]["properties"]
    assert "token" not in schemas["TokenOut"]["properties"]


def test_parameters_bodies_and_answers_are_told() -> None:
    document = openapi_document(operations(things), version="1")
    listing, adding = document["paths"]["/api/v1/things"]["get"], document["paths"]["/api/v1/things"]["post"]
    assert [(one["name"], one["in"], one["required"]) for one in listing["parameters"]] == [
        ("limit", "query", False),
        ("after", "query", False),
        ("colour", "query", False),
    ]
    assert [one["name"] for one in adding["parameters"]] == ["Idempotency-Key"]
    assert adding["requestBody"]["content"]["application/json"]["schema"] == {
        "$ref": "#/components/schemas/ThingIn"
    }
    assert set(adding["responses"]) >= {"201", "401", "403", "409", "413", "422"}
    assert "204" in document["paths"]["/api/v1/things/{name}/drop"]["post"]["responses"]
    assert document["paths"]["/api/v1/things/{name}"]["get"]["parameters"][0]["in"] == "path"


class NobodyGate:
    """
    A gate that knows nobody.
    """

    def may(self, role: str, permission: str) -> bool:
        return False

    async def session(self, work: UnitOfWork, cookie: str) -> SignedIn | None:
        return None

    async def token(self, work: UnitOfWork, bearer: str) -> Actor | None:
        return None


async def test_two_operations_of_one_name_are_refused(database: Database) -> None:
    gate = NobodyGate()
    shell = Shell(assets=Assets(), gate=gate, packages=["bot.web"])
    apis: list[ModuleType] = [things, things]
    with pytest.raises(ValueError, match="add_thing"):
        build_application(database, LiveEvents(database), shell, gate, [], apis, max_body=10_000)
