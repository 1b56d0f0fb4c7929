"""
Errors as RFC 9457 problem details. Pure.
"""

from __future__ import annotations

from aiohttp import web
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from bot.core.errors import HubbubError, Invalid, TooMany

PROBLEM_TYPE = "application/problem+json"


class FieldProblem(BaseModel):
    """
    What is wrong with one field.
    """

    pointer: str = Field(description="JSON pointer into the body, or the name of a parameter")
    detail: str


class Problem(BaseModel):
    """
    What went wrong, by RFC 9457.
    """

    model_config = ConfigDict(json_schema_extra={"description": "Problem details, RFC 9457"})

    type: str = Field(description="which kind of problem; stays the same over releases")
    title: str
    status: int
    detail: str = ""
    instance: str = ""
    errors: list[FieldProblem] = []


def problem_response(problem: Problem, headers: dict[str, str] | None = None) -> web.Response:
    """
    Make the answer for a problem.
    """
    text = problem.model_dump_json(exclude_defaults=True)
    return web.Response(text=text, status=problem.status, content_type=PROBLEM_TYPE, headers=headers)


def problem_of(error: HubbubError, instance: str) -> web.Response:
    """
    Turn one of our errors into a problem.
    """
    fields = error.fields if isinstance(error, Invalid) else {}
    problem = Problem(
        type=f"urn:hubbub:problem:{error.code}",
        title=error.title(),
        status=error.status,
        detail=error.detail,
        instance=instance,
        errors=[FieldProblem(pointer=name, detail=text) for name, text in fields.items()],
    )
    headers: dict[str, str] = {}
    if error.status == 401:
        headers["WWW-Authenticate"] = 'Bearer realm="hubbub"'
    if isinstance(error, TooMany):
        headers["Retry-After"] = str(error.retry_after_seconds)
    return problem_response(problem, headers)


def http_problem(error: web.HTTPException, instance: str) -> web.Response:
    """
    Turn an error of aiohttp (unknown path, wrong method, body too large) into a problem.
    """
    words = {
        404: "There is nothing at this address.",
        405: "This address does not take that method.",
        413: "The body is too large.",
    }
    problem = Problem(
        type=f"urn:hubbub:problem:http-{error.status}",
        title=words.get(error.status, error.reason),
        status=error.status,
        instance=instance,
    )
    headers = {name: value for name, value in error.headers.items() if name.lower() == "allow"}
    return problem_response(problem, headers)


def invalid_from(error: ValidationError, where: str = "") -> Invalid:
    """
    Say in our words what pydantic found wrong, without echoing what was sent.
    """
    fields: dict[str, str] = {}
    for found in error.errors(include_url=False, include_input=False, include_context=False):
        pointer = where + "".join(f"/{part}" for part in found["loc"])
        fields.setdefault(pointer or "/", str(found["msg"]))
    return Invalid("some fields cannot be used", fields)
