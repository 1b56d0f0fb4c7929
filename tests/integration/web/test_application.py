"""
The application as a whole: what every answer carries, unknown addresses, the document.
"""

from __future__ import annotations

from bot.core.database import Database
from tests.fakes.web_app import make_client


async def test_the_start_page_is_the_queue(database: Database) -> None:
    async with make_client(database) as client:
        answer = await client.get("/")
        assert (answer.status, answer.headers["Location"]) == (303, "/queue")


async def test_an_unknown_address_is_a_page_for_people_and_a_problem_for_programs(database: Database) -> None:
    async with make_client(database) as client:
        page = await client.get("/nowhere")
        assert (page.status, page.content_type) == (404, "text/html")
        problem = await client.get("/api/v1/nowhere")
        assert (problem.status, problem.content_type) == (404, "application/problem+json")
        assert (await problem.json())["type"] == "urn:hubbub:problem:http-404"
