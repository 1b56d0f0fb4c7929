"""
What holds for every integration test.
"""

from __future__ import annotations

import itertools

import pytest

from bot.inbox import dispatch


@pytest.fixture(autouse=True)
def hand_outs_are_counted_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    """
    Every few hand-outs of a process one begins with what is late; which one is not to depend on earlier tests.
    """
    monkeypatch.setattr(dispatch, "_numbers", itertools.count(1))
