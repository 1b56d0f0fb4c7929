"""
What the server says of requests that are no HTTP.
"""

from __future__ import annotations

from aiohttp.http_exceptions import BadHttpMessage
from structlog.testing import capture_logs

from bot.web.server_log import server_log


def say(error: Exception) -> None:
    try:
        raise error
    except type(error):
        server_log().exception("Error handling request from 127.0.0.1")


def test_a_request_that_cannot_be_read_is_a_line_without_its_bytes(caplog) -> None:
    with capture_logs() as lines:
        say(BadHttpMessage("Authorization: Bearer sekret\x00"))
    assert [(line["action"], line["error"]) for line in lines] == [("request.unreadable", "BadHttpMessage")]
    assert "sekret" not in str(lines) + caplog.text


def test_our_own_mistakes_are_logged_whole(caplog) -> None:
    say(RuntimeError("ours"))
    assert "ours" in caplog.text
    assert len(server_log().filters) == 1
