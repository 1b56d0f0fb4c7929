"""
What can be wrong with a wish, in words for the person who made it. The shell turns these into pages or problems.

An exception's docstring is its title; `detail` says what to do. Unexpected errors are not in here.
"""

from __future__ import annotations

from collections.abc import Mapping


class HubbubError(Exception):
    """
    That did not work.
    """

    status = 400
    code = "failed"

    def __init__(self, detail: str = "") -> None:
        super().__init__(detail or self.title())
        self.detail = detail

    @classmethod
    def title(cls) -> str:
        return " ".join((cls.__doc__ or "").strip().partition("\n\n")[0].split())


class NotFound(HubbubError):
    """
    There is no such thing.
    """

    status = 404
    code = "not-found"


class NotSignedIn(HubbubError):
    """
    Sign in first.
    """

    status = 401
    code = "not-signed-in"


class NotAllowed(HubbubError):
    """
    Your role does not allow that.
    """

    status = 403
    code = "not-allowed"


class Conflict(HubbubError):
    """
    Somebody or something was faster.
    """

    status = 409
    code = "conflict"


class Invalid(HubbubError):
    """
    Some of what you sent cannot be used.
    """

    status = 422
    code = "invalid"

    def __init__(self, detail: str = "", fields: Mapping[str, str] | None = None) -> None:
        """
        Args:
            fields: what is wrong by field name, in words.
        """
        said = detail or "; ".join(f"{name}: {text}" for name, text in (fields or {}).items())
        super().__init__(said)
        self.fields = dict(fields or {})


class TooMany(HubbubError):
    """
    Too many tries; wait a moment.
    """

    status = 429
    code = "too-many"

    def __init__(self, detail: str, retry_after_seconds: int) -> None:
        super().__init__(detail)
        self.retry_after_seconds = retry_after_seconds
