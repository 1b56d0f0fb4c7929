"""
Logs: one pipeline for all, no credential in it, and no stack trace of ordinary life.
"""

from __future__ import annotations

import io
import json
import logging
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import structlog

from bot.core.errors import Conflict
from bot.core.log import CHATTY, HubbubHandler, setup_logging
from bot.core.redact import Redactor
from bot.settings import LogFormat, LogLevel, LogSettings
from connectors.errors import Unreachable
from tests.fakes.clock import FakeClock

SECRET = "hunter2-hunter2"


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture(autouse=True)
def _as_before() -> Iterator[None]:
    root = logging.getLogger()
    level, levels = root.level, {name: logging.getLogger(name).level for name in CHATTY}
    yield
    structlog.reset_defaults()
    structlog.contextvars.clear_contextvars()
    for handler in [found for found in root.handlers if isinstance(found, HubbubHandler)]:
        root.removeHandler(handler)
    root.setLevel(level)
    for name, before in levels.items():
        logging.getLogger(name).setLevel(before)


def written(
    act: Callable[[], object],
    level: LogLevel = LogLevel.INFO,
    log_format: LogFormat = LogFormat.JSON,
    stream: io.StringIO | None = None,
) -> str:
    stream = stream or io.StringIO()
    redactor = Redactor()
    redactor.hide(SECRET)
    choices = LogSettings(level=level, format=log_format)
    setup_logging(choices, stream=stream, redactor=redactor, clock=FakeClock())
    act()
    return stream.getvalue()


def event(act: Callable[[], object], level: LogLevel = LogLevel.INFO) -> dict[str, Any]:
    said = written(act, level)
    assert said.count("\n") == 1
    found: dict[str, Any] = json.loads(said)
    return found


def fail(error: Exception) -> None:
    raise error


def logged(error: Exception, how: str = "warning") -> Callable[[], None]:
    def act() -> None:
        try:
            fail(error)
        except Exception:
            getattr(structlog.get_logger("bot.test"), how)("cannot poll", action="poll", exc_info=True)

    return act


def test_an_event_is_one_json_line() -> None:
    said = event(lambda: structlog.get_logger("bot.test").info("polled\nand done 价", action="accounts.poll", n=2))
    assert said == {
        "event": "polled\nand done 价",
        "action": "accounts.poll",
        "n": 2,
        "logger": "bot.test",
        "level": "info",
        "at": "2026-03-02T09:00:00.000+00:00",
    }


def test_libraries_go_through_the_same_pipeline() -> None:
    said = event(
        lambda: logging.getLogger("aiohttp.server").error("no %s", SECRET, extra={"password": "abc", "n": 1})
    )
    assert (said["event"], said["password"], said["n"]) == ("no ***", "***", 1)
    assert (said["logger"], said["level"]) == ("aiohttp.server", "error")


def test_context_goes_with_every_event() -> None:
    structlog.contextvars.bind_contextvars(request_id="r1", api_token="abc")
    said = event(lambda: structlog.get_logger().info("x"))
    assert (said["request_id"], said["api_token"]) == ("r1", "***")


@pytest.mark.parametrize("log_format", [LogFormat.JSON, LogFormat.CONSOLE])
@pytest.mark.parametrize("who", [structlog.get_logger, lambda: logging.getLogger("alembic")])
def test_no_credential_gets_through(log_format: LogFormat, who: Callable[[], Any]) -> None:
    def act() -> None:
        try:
            try:
                fail(ValueError(f"inner {SECRET}"))
            except ValueError as error:
                raise RuntimeError("GET https://u:pw-pw@h/?access_token=abcabc") from error
        except RuntimeError:
            who().exception(f"bad {SECRET}", stack_info=True, extra={"_odd": SECRET, "token": "abcabc"})

    said = written(act, log_format=log_format)
    assert "Traceback" in said
    assert "RuntimeError" in said
    for secret in (SECRET, "pw-pw", "abcabc"):
        # the source line of the traceback itself is shown, and redacted by shape
        assert secret not in said, secret


def test_other_handlers_do_not_see_our_credentials_either(caplog: pytest.LogCaptureFixture) -> None:
    written(lambda: structlog.get_logger().warning(SECRET, token="abcabc"))
    assert SECRET not in caplog.text
    assert "abcabc" not in caplog.text
    assert "***" in caplog.text


@pytest.mark.parametrize("error", [Unreachable("no route"), Conflict("taken"), TimeoutError("slow")])
def test_an_expected_error_is_one_line_without_its_trace(error: Exception) -> None:
    said = event(logged(error))
    assert said["error"] == f"{type(error).__name__}: {error}"
    assert "exception" not in said


def test_debug_shows_the_trace_of_an_expected_error() -> None:
    assert "Traceback" in event(logged(Unreachable("no route")), LogLevel.DEBUG)["exception"]


def test_an_unexpected_error_shows_its_trace() -> None:
    assert "ZeroDivisionError" in event(logged(ZeroDivisionError()))["exception"]


@pytest.mark.parametrize("given", ["error", "tuple"])
def test_an_error_may_be_given_in_any_form(given: str) -> None:
    error = Unreachable("no route")
    exc_info = error if given == "error" else (type(error), error, None)
    said = event(lambda: structlog.get_logger().error("x", exc_info=exc_info))
    assert said["error"].startswith("Unreachable: ")


def test_no_error_is_no_error() -> None:
    assert "exception" not in event(lambda: structlog.get_logger().error("x", exc_info=False))


def test_the_level_holds_for_all() -> None:
    def act() -> None:
        structlog.get_logger("a").info("no")
        logging.getLogger("b").info("no")
        logging.getLogger("c").warning("yes")
        structlog.get_logger("d").warning("yes")

    assert [json.loads(line)["event"] for line in written(act, LogLevel.WARNING).splitlines()] == ["yes", "yes"]


@pytest.mark.parametrize("name", CHATTY)
def test_chatty_libraries_are_heard_from_warning_on_and_lose_their_handlers(name: str) -> None:
    own = io.StringIO()
    logging.getLogger(name).addHandler(logging.StreamHandler(own))

    def act() -> None:
        for level in (logging.DEBUG, logging.INFO, logging.WARNING):
            logging.getLogger(name).log(level, "x")

    said = written(act, LogLevel.DEBUG)
    assert [json.loads(line)["level"] for line in said.splitlines()] == ["warning"]
    assert own.getvalue() == ""


def test_setting_up_again_replaces_and_never_doubles() -> None:
    first = io.StringIO()
    written(lambda: None, stream=first)
    log = structlog.get_logger("early")
    log.info("one")
    assert written(lambda: log.warning("two")).count("\n") == 1
    assert first.getvalue().count("\n") == 1
    assert sum(isinstance(found, HubbubHandler) for found in logging.getLogger().handlers) == 1


def test_auto_is_console_on_a_terminal_and_json_elsewhere() -> None:
    def act() -> None:
        structlog.get_logger().info("hello")

    assert json.loads(written(act, log_format=LogFormat.AUTO))["event"] == "hello"
    shown = written(act, log_format=LogFormat.AUTO, stream=Terminal())
    assert "hello" in shown
    assert "\x1b[" in shown


def test_a_text_from_outside_cannot_forge_a_console_line() -> None:
    said = written(
        lambda: structlog.get_logger().info("a\nb", text="x\n2026 [error] forged \x1b[31m"),
        log_format=LogFormat.CONSOLE,
    )
    assert said.count("\n") == 1
    assert "\x1b" not in said
    assert "a\\nb" in said
