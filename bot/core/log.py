"""
Logs: JSON lines or a readable console on standard error, ours and everybody else's through one pipeline.

No credential gets through (see `bot.core.redact`). How to log: `structlog.get_logger(__name__)`; one event when
something fails and one when it works again, not one a try; `action="accounts.poll"` for machines, the sentence for
people. An error that belongs to ordinary life is logged without its stack trace, which only `debug` shows.
"""

from __future__ import annotations

import logging
import sys
from typing import Protocol, TextIO

import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

from bot.core.clock import Clock, SystemClock
from bot.core.database import database_is_away
from bot.core.errors import HubbubError
from bot.core.redact import Redactor, redactor
from bot.core.secretbox import SecretsError
from connectors.errors import ConnectorError

EXPECTED = (HubbubError, ConnectorError, SecretsError, ConnectionError, TimeoutError)
"""What goes wrong in ordinary life: its text says everything, its stack trace nothing."""

CHATTY = ("aiohttp.access", "aioimaplib", "aiosqlite", "alembic", "apscheduler", "asyncio", "hpack", "urllib3")
"""Loggers of libraries that tell every step; we hear their warnings only. Some bring a handler, which is taken."""

MULTILINE = ("exception", "stack")
META = ("_record", "_from_structlog")
"""structlog's own, removed before anything is written."""


class LogChoices(Protocol):
    """
    What an operator chooses: `bot.settings.LogSettings`.
    """

    @property
    def level(self) -> str: ...

    @property
    def format(self) -> str: ...


class HubbubHandler(logging.StreamHandler[TextIO]):
    """
    Our own handler, to be recognised when logging is set up again.
    """


def setup_logging(
    choices: LogChoices,
    *,
    stream: TextIO | None = None,
    redactor: Redactor = redactor,
    clock: Clock | None = None,
) -> None:
    """
    Send everything that is logged to `stream` (standard error). May be called again, with other choices.
    """
    stream = stream or sys.stderr
    level = logging.getLevelNamesMapping()[choices.level.upper()]
    to_console = choices.format == "console" or (choices.format == "auto" and stream.isatty())
    chain = _chain(clock or SystemClock(), redactor, traces=level <= logging.DEBUG)
    structlog.configure(
        processors=[*chain, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=False,  # else a logger would keep what was set up before
    )
    _install(_formatter(chain, stream, to_console=to_console), stream, level)


def _chain(clock: Clock, redactor: Redactor, *, traces: bool) -> list[Processor]:
    """
    List what happens to an event before it is written; stack traces are text before the redactor looks.
    """

    def stamp(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
        event["at"] = clock.now().isoformat(timespec="milliseconds")
        return event

    def redact(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
        meta = {name: event.pop(name) for name in META if name in event}
        return {**redactor.fields(event), **meta}

    return [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.add_log_level,
        stamp,
        *([] if traces else [_without_expected_traces]),
        structlog.processors.StackInfoRenderer(),
        structlog.processors.format_exc_info,
        redact,
    ]


def _formatter(chain: list[Processor], stream: TextIO, *, to_console: bool) -> logging.Formatter:
    renderer: Processor = (
        structlog.dev.ConsoleRenderer(
            colors=stream.isatty(),
            timestamp_key="at",
            exception_formatter=structlog.dev.plain_traceback,  # it is text already, and redacted
        )
        if to_console
        else structlog.processors.JSONRenderer(ensure_ascii=False)
    )
    return structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=[structlog.stdlib.ExtraAdder(), *chain],
        processors=[
            structlog.stdlib.ProcessorFormatter.remove_processors_meta,
            *([_one_line] if to_console else []),
            renderer,
        ],
    )


def _install(formatter: logging.Formatter, stream: TextIO, level: int) -> None:
    handler = HubbubHandler(stream)
    handler.setFormatter(formatter)
    root = logging.getLogger()
    for old in [found for found in root.handlers if isinstance(found, HubbubHandler)]:
        root.removeHandler(old)
    root.addHandler(handler)
    root.setLevel(level)
    for name in CHATTY:
        logger = logging.getLogger(name)
        logger.setLevel(max(level, logging.WARNING))
        logger.handlers.clear()


def _without_expected_traces(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """
    Replace the stack trace of an error of ordinary life by its one line.
    """
    error = _error_of(event.get("exc_info"))
    if isinstance(error, EXPECTED) or database_is_away(error):
        del event["exc_info"]
        # an error of the database goes on with its statement
        said = str(error).partition("\n[SQL: ")[0]
        event.setdefault("error", f"{type(error).__name__}: {said}")
    return event


def _error_of(exc_info: object) -> object:
    match exc_info:
        case BaseException():
            return exc_info
        case (_, BaseException() as error, _):
            return error
        case None | False:
            return None
        case _:
            return sys.exc_info()[1]


def _one_line(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """
    Write control characters visibly, so that a customer's text can neither forge a line nor colour a terminal.
    """
    return {
        name: _visible(value) if isinstance(value, str) and name not in MULTILINE else value
        for name, value in event.items()
    }


def _visible(text: str) -> str:
    return "".join(char if char.isprintable() else repr(char)[1:-1] for char in text)
