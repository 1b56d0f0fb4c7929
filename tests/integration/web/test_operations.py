"""
JSON operations: what is refused and how, and that a repeated request is carried out once.
"""

from __future__ import annotations

import asyncio
import io
import json

import sqlalchemy as sa
from structlog.testing import capture_logs

from bot.core.actor import HUBBUB
from bot.core.tables import Lease
from bot.staff.service import create_token, revoke_token
from bot.web.operations import prune_answers
from bot.web.tables import ApiAnswer
from tests.fakes.clock import FakeClock
from tests.fakes.web_app import WebClient

THING = {"name": "周慧"}


async def _rows(client: WebClient) -> int:
    async with client.database.read() as work:
        return int(await work.session.scalar(sa.select(sa.func.count()).select_from(Lease)) or 0)


async def test_a_hundred_at_once_with_one_key_have_one_effect(client: WebClient) -> None:
    await client.token("agent")
    answers = await asyncio.gather(
        *(client.api("POST", "/things", "agent", key="one", json=THING) for _ in range(100))
    )
    assert {answer.status for answer in answers} == {201}
    assert {await answer.text() for answer in answers} == {'{"name":"周慧","count":1}'}
    assert sum("Idempotency-Replayed" not in answer.headers for answer in answers) == 1
    assert await _rows(client) == 1


async def test_one_key_with_another_body_or_address_is_a_conflict(client: WebClient) -> None:
    assert (await client.api("POST", "/things", "agent", key="one", json=THING)).status == 201
    for path, body in (("/things", {"name": "other"}), ("/things?x=1", THING), ("/things/a/drop", THING)):
        answer = await client.api("POST", path, "agent", key="one", json=body)
        assert answer.status == 409
        assert "another request" in (await answer.json())["detail"]
    assert await _rows(client) == 1


async def test_the_key_of_one_token_is_not_the_key_of_another(client: WebClient) -> None:
    for role in ("agent", "lead"):
        assert (await client.api("POST", "/things", role, key="one", json=THING)).status == 201
    assert await _rows(client) == 2


async def test_without_a_key_each_request_counts(client: WebClient) -> None:
    for _ in range(2):
        assert (await client.api("POST", "/things", "agent", json=THING)).status == 201
    assert await _rows(client) == 2


async def test_a_request_that_failed_may_be_sent_again_with_its_key(client: WebClient) -> None:
    refused = await client.api("POST", "/things", "agent", key="one", json={"name": "refused"})
    assert refused.status == 409
    assert (await client.api("POST", "/things", "agent", key="one", json=THING)).status == 201


async def test_an_empty_answer_is_repeated_too(client: WebClient) -> None:
    for replayed in (None, "true"):
        answer = await client.api("POST", "/things/x/drop", "agent", key="one")
        assert (answer.status, answer.headers.get("Idempotency-Replayed")) == (204, replayed)


async def test_an_answer_with_a_secret_is_not_kept_and_not_repeated(client: WebClient) -> None:
    first = await client.api("POST", "/things/secret", "agent", key="one")
    assert (await first.json())["name"] == "classified"
    again = await client.api("POST", "/things/secret", "agent", key="one")
    assert again.status == 409
    assert "shown once" in (await again.json())["detail"]
    async with client.database.read() as work:
        assert "classified" not in str((await work.session.execute(sa.text("SELECT * FROM api_answer"))).all())
    assert await _rows(client) == 1


async def test_answers_are_forgotten_after_a_day(client: WebClient, clock: FakeClock) -> None:
    await client.api("POST", "/things", "agent", key="one", json=THING)
    await clock.advance(86_401)
    async with client.database.write() as work:
        await prune_answers(work)
        assert await work.session.scalar(sa.select(sa.func.count()).select_from(ApiAnswer)) == 0


async def test_a_strange_key_is_refused(client: WebClient) -> None:
    for key in ["x" * 201, "two words", "schlüssel", "\u00a0"]:
        answer = await client.api("POST", "/things", "agent", key=key, json=THING)
        assert answer.status == 422
        assert (await answer.json())["errors"][0]["pointer"] == "Idempotency-Key"


UNUSABLE = [
    (b"", "/name"),
    (b"{", "/"),
    (b"[]", "/"),
    (b"null", "/"),
    (b'{"name": 5}', "/name"),
    (b'{"name": "a", "size": "many"}', "/size"),
    (b'{"name": "a", "size": 1e400}', "/size"),
    (b'{"name": "a", "colour": "green"}', "/colour"),
    (b'{"name": "a", "sise": 1}', "/sise"),
    (b'{"name": "' + b"x" * 101 + b'"}', "/name"),
    (b'{"name": "\xff\xfe"}', "/"),
    (b'{"name": "\\ud800"}', "/"),
    (b'{"name": "a\\u0000b"}', "/"),
    (b'{"name": "a\x00b"}', "/"),
    (b"[" * 100_000, "/"),
    (b'{"a":' * 100_000, "/"),
]


async def test_a_body_that_cannot_be_used_is_refused_by_field(client: WebClient) -> None:
    for body, pointer in UNUSABLE:
        answer = await client.api("POST", "/things", "agent", data=body)
        assert (answer.status, answer.content_type) == (422, "application/problem+json"), body[:50]
        problem = await answer.json()
        assert problem["type"] == "urn:hubbub:problem:invalid"
        assert pointer in [error["pointer"] for error in problem["errors"]], body[:50]
    assert await _rows(client) == 0


async def test_what_was_sent_is_not_echoed(client: WebClient) -> None:
    answer = await client.api("POST", "/things", "agent", json={"name": ["my secret"]})
    assert "my secret" not in await answer.text()


async def test_ten_megabytes_are_too_large(client: WebClient) -> None:
    body = json.dumps({"name": "x" * 10_000_000}).encode()
    answer = await client.api("POST", "/things", "agent", data=io.BytesIO(body))
    assert (answer.status, answer.content_type) == (413, "application/problem+json")
    assert (await answer.json())["title"] == "The body is too large."


async def test_a_query_that_cannot_be_used_is_refused(client: WebClient) -> None:
    for query in [
        "limit=0",
        "limit=201",
        "limit=x",
        "colour=green",
        "after=a%00b",
        "unknown=1",
        "after=" + "x" * 501,
    ]:
        answer = await client.api("GET", f"/things?{query}", "agent")
        assert (answer.status, answer.content_type) == (422, "application/problem+json")


async def test_a_strange_part_of_an_address_finds_nothing(client: WebClient) -> None:
    for name in ["%00", "%ff%fe", "%ed%a0%80", "a%2Fb", "'; DROP TABLE lease; --", "x" * 5_000]:
        answer = await client.api("GET", f"/things/{name}", "agent")
        assert answer.status in (404, 422)
        assert answer.content_type == "application/problem+json"


async def test_problems_carry_what_helps(client: WebClient) -> None:
    busy = await client.api("GET", "/things/busy", "agent")
    assert (busy.status, busy.headers["Retry-After"]) == (429, "7")
    wrong = await client.api("PUT", "/things", "agent")
    assert (wrong.status, wrong.content_type) == (405, "application/problem+json")
    assert "POST" in wrong.headers["Allow"]


async def test_our_own_mistakes_tell_nothing_but_a_number(client: WebClient) -> None:
    with capture_logs() as logs:
        answer = await client.api("GET", "/things/broken", "agent")
    assert answer.status == 500
    text = await answer.text()
    assert "a secret of ours" not in text
    [line] = [line for line in logs if line.get("action") == "request.failed"]
    assert line["number"] in text


async def test_a_token_we_do_not_know_is_refused(client: WebClient) -> None:
    for header in [
        "",
        "Bearer",
        "Bearer ",
        "Basic YTpi",
        "Bearer hub_unknown",
        "Bearer \udcff\udcfe",
        "Bearer é",
        "bearer a b c",
    ]:
        answer = await client.api("GET", "/things", None, headers={"Authorization": header} if header else {})
        assert (answer.status, answer.content_type) == (401, "application/problem+json")
        assert answer.headers["WWW-Authenticate"] == 'Bearer realm="hubbub"'


async def test_expired_and_revoked_tokens_are_refused(client: WebClient, clock: FakeClock) -> None:
    async with client.database.write() as work:
        _, short = await create_token(
            work, HUBBUB, name="short", role="agent", expires_at=work.now.replace(hour=10)
        )
        made, revoked = await create_token(work, HUBBUB, name="revoked", role="agent")

    async def status(token: str) -> int:
        answer = await client.api("GET", "/things", None, headers={"Authorization": f"Bearer {token}"})
        return answer.status

    assert [await status(short), await status(revoked)] == [200, 200]
    async with client.database.write() as work:
        await revoke_token(work, HUBBUB, made.id)
    await clock.advance(3_600)
    assert [await status(short), await status(revoked)] == [401, 401]
