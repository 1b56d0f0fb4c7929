"""
How times and shares are written.
"""

from __future__ import annotations

import pytest

from bot.reports.views import shown_share, shown_time


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (None, "—"),
        (0.4, "0 s"),
        (59.4, "59 s"),
        (61, "1 min 01 s"),
        (600, "10 min"),
        (3599, "60 min"),
        (3660, "1 h 01"),
        (90_000, "1 d 1 h"),
    ],
)
def test_a_time_is_written_as_people_read_it(seconds: float | None, text: str) -> None:
    assert shown_time(seconds).replace("\N{NO-BREAK SPACE}", " ") == text


@pytest.mark.parametrize(
    ("share", "text"), [(None, "—"), (0.0, "0.0 %"), (0.5, "50.0 %"), (0.99996, "99.9 %"), (1.0, "100 %")]
)
def test_A12_a_share_is_a_hundred_only_when_nothing_is_missing(share: float | None, text: str) -> None:
    assert shown_share(share).replace("\N{NO-BREAK SPACE}", " ") == text
