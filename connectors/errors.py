"""
What can go wrong on a channel, sorted by two questions: can waiting help, and must a human act?

An exception's docstring is its message to a person; the cause is chained. Errors never carry credentials.
"""

from __future__ import annotations

from datetime import datetime, timedelta


class ConnectorError(Exception):
    """
    The channel could not do what was asked.
    """

    def __init__(self, detail: str = "") -> None:
        said = " ".join((type(self).__doc__ or "").split())
        super().__init__(f"{said} ({detail})" if detail else said)
        self.detail = detail


class Unreachable(ConnectorError):
    """
    The server did not answer or is in trouble; waiting helps.
    """

    def __init__(
        self, detail: str = "", *, retry_after: timedelta | None = None, until: datetime | None = None
    ) -> None:
        """
        Args:
            retry_after: how long the server asked us to wait, when it gave a duration.
            until: the instant (aware UTC) the server asked us to wait for, when it gave one.
        """
        super().__init__(detail)
        self.retry_after = retry_after
        self.until = until

    def wait(self, now: datetime) -> timedelta | None:
        """
        Say how long the server wants us to wait from `now`, or None if it did not say.
        """
        if self.retry_after is not None:
            return max(self.retry_after, timedelta(0))
        if self.until is not None:
            return max(self.until - now, timedelta(0))
        return None


class Throttled(Unreachable):
    """
    The server says that we ask too often; wait as long as it says.
    """


class Unauthorized(ConnectorError):
    """
    The server does not accept our credentials; a human must renew them.
    """


class Rejected(ConnectorError):
    """
    The server understood and refused for good; sending the same again cannot help.
    """

    def __init__(self, detail: str = "", *, status: int | None = None) -> None:
        """
        Args:
            status: the server's own status number, where its protocol has one.
        """
        super().__init__(detail)
        self.status = status


class Ambiguous(ConnectorError):
    """
    The request was sent but its answer was lost; it may or may not have been carried out.
    """


class Unsupported(ConnectorError):
    """
    This channel cannot do that.
    """


class Malformed(Unreachable):
    """
    The server answered with something that is not its own protocol; waiting may help.
    """
