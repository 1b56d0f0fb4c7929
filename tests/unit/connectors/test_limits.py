"""
What servers say about our allowance, and the nonsense they sometimes say.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connectors.base import Budget
from connectors.limits import LONGEST_WAIT, parse_instant, ratelimit_budget, retry_after

RESET = datetime(2026, 3, 4, 5, 15, tzinfo=UTC)


@pytest.mark.parametrize(
    ("said", "instant"),
    [
        ("2026-03-04T05:15:00Z", RESET),
        (" 2026-03-04T05:15:00.000000Z ", RESET),
        ("2026-03-04T06:15:00+01:00", RESET),
        ("2026-03-04T05:15:00", RESET),
        ("2026-03-04", datetime(2026, 3, 4, tzinfo=UTC)),
        ("0001-01-01T00:00:00+23:00", None),
        ("soon", None),
        ("", None),
    ],
)
def test_instants(said, instant):
    assert parse_instant(said) == instant


@pytest.mark.parametrize(
    ("said", "wait"),
    [
        ("120", timedelta(minutes=2)),
        ("0", timedelta(0)),
        ("99999999999999999999", LONGEST_WAIT),
        ("Wed, 04 Mar 2026 05:15:00 GMT", RESET),
        ("Wed, 04 Mar 2026 05:15:00 -0000", RESET),
        ("Fri, 31 Dec 9999 23:00:00 -2300", None),
        ("-5", None),
        ("²", None),
        ("soon", None),
        ("", None),
    ],
)
def test_retry_after(said, wait):
    assert retry_after({"Retry-After": said}) == wait


def limits(limit: str = "300", remaining: str = "7", reset: str = "2026-03-04T05:15:00Z") -> dict[str, str]:
    return {"X-RateLimit-Limit": limit, "X-RateLimit-Remaining": remaining, "X-RateLimit-Reset": reset}


@pytest.mark.parametrize("reset", ["2026-03-04T05:15:00Z", "2026-03-04T05:15:00.000000Z", "1772601300"])
def test_a_budget_is_read_from_either_kind_of_reset(reset):
    assert ratelimit_budget(limits(reset=reset)) == Budget(limit=300, remaining=7, resets_at=RESET)


@pytest.mark.parametrize(
    "headers",
    [
        {},
        limits(limit="many"),
        limits(limit="9" * 5000),
        limits(remaining="-1"),
        limits(remaining="²"),
        limits(reset="60"),
        limits(reset="x"),
    ],
)
def test_half_a_budget_is_none(headers):
    assert ratelimit_budget(headers) is None


@settings(deadline=None)
@given(st.text(), st.text(), st.text(), st.text())
def test_no_header_raises(limit, remaining, reset, wait):
    ratelimit_budget(limits(limit, remaining, reset))
    retry_after({"Retry-After": wait})
    parse_instant(reset)
