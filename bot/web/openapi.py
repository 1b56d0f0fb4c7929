"""
The OpenAPI 3.1 document, made from the operations' own types. Pure.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from bot.web.operations import KEY_PATTERN, Operation
from bot.web.problems import PROBLEM_TYPE, Problem

REF = "#/components/schemas/{model}"


def openapi_document(ops: Sequence[Operation], *, version: str) -> dict[str, Any]:
    """
    Describe all operations as OpenAPI 3.1.
    """
    models = [(model, mode) for op in ops for model, mode in _models(op)] + [(Problem, "serialization")]
    keys, definitions = models_json_schema(models, ref_template=REF)  # type: ignore[arg-type]
    paths: dict[str, dict[str, Any]] = {}
    for op in ops:
        paths.setdefault(op.url, {})[op.method.lower()] = _operation(op, keys)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Hubbub",
            "version": version,
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "paths": paths,
        "components": {
            "schemas": definitions.get("$defs", {}),
            "securitySchemes": {"bearer": {"type": "http", "scheme": "bearer"}},
        },
        "security": [{"bearer": []}],
    }


def _models(op: Operation) -> list[tuple[type[BaseModel], str]]:
    wanted: list[tuple[type[BaseModel], str]] = []
    if op.body is not None:
        wanted.append((op.body, "validation"))
    if op.answer is not None:
        wanted.append((op.answer, "serialization"))
    return wanted


def _operation(op: Operation, keys: Any) -> dict[str, Any]:
    described: dict[str, Any] = {
        "operationId": op.name,
        "summary": op.summary,
        "tags": [op.tag],
        "description": f"Needs the permission `{op.permission}`.",
        "parameters": _parameters(op),
        "responses": _responses(op, keys),
    }
    if op.body is not None:
        content = {"application/json": {"schema": keys[op.body, "validation"]}}
        # no body at all is read as one that names nothing
        needed = any(field.is_required() for field in op.body.model_fields.values())
        described["requestBody"] = {"required": needed, "content": content}
    return described


def _parameters(op: Operation) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = [
        {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}
        for name in re.findall(r"{(\w+)}", op.url)
    ]
    if op.query is not None:
        schema = op.query.model_json_schema(ref_template=REF)
        for name, part in schema["properties"].items():
            found.append(
                {
                    "name": name,
                    "in": "query",
                    "required": name in schema.get("required", ()),
                    "description": part.get("description", ""),
                    "schema": _inline(part, schema.get("$defs", {})),
                }
            )
    if op.method == "POST":
        words = "the same request with the same key is carried out once and gets the same answer"
        schema = {"type": "string", "pattern": KEY_PATTERN}
        found.append({"name": "Idempotency-Key", "in": "header", "description": words, "schema": schema})
    return found


def _inline(part: Any, definitions: dict[str, Any]) -> Any:
    # Parameters of enum type refer to definitions that are not components: put them in place.
    if isinstance(part, dict):
        if "$ref" in part:
            return _inline(definitions[part["$ref"].rsplit("/", 1)[-1]], definitions)
        return {name: _inline(value, definitions) for name, value in part.items()}
    return [_inline(value, definitions) for value in part] if isinstance(part, list) else part


def _responses(op: Operation, keys: Any) -> dict[str, Any]:
    problem = {PROBLEM_TYPE: {"schema": keys[Problem, "serialization"]}}
    words = {
        "401": "no token, or one that is unknown, expired or revoked",
        "403": "the token's role does not allow it",
        "404": "there is no such thing",
        "409": "somebody or something was faster",
        "413": "the body is too large",
        "422": "something in the request cannot be used; `errors` says what",
        "503": "the database does not answer; nothing was changed, try again",
    }
    responses: dict[str, Any] = {code: {"description": text, "content": problem} for code, text in words.items()}
    if op.may_be_empty:
        responses["204"] = {"description": "done, and there is nothing to show"}
    if op.answer is None:
        return responses
    schema = keys[op.answer, "serialization"]
    return {
        str(op.status): {"description": "done", "content": {"application/json": {"schema": schema}}},
        **responses,
    }
