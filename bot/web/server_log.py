"""
What aiohttp's server says of requests that are no HTTP: one line, never their bytes, which may hold credentials.
"""

from __future__ import annotations

import logging

import structlog
from aiohttp.http_exceptions import HttpProcessingError

log = structlog.get_logger(__name__)


def server_log() -> logging.Logger:
    """
    Give the logger for a server: strangers cannot fill the log with stack traces.
    """
    logger = logging.getLogger("bot.web.server")
    logger.addFilter(_shorten)  # the same function twice is one filter
    return logger


def _shorten(record: logging.LogRecord) -> bool:
    error = record.exc_info[1] if record.exc_info else None
    if not isinstance(error, HttpProcessingError):
        return True
    log.info("a request could not be read", action="request.unreadable", error=type(error).__name__)
    return False
