"""
Numbers that are kept: the oldest are let go, and memory stays bounded.
"""

from __future__ import annotations

import pytest

from bot.inbox import tallies
from bot.inbox.selection import Selection
from bot.inbox.tallies import Tallies


def test_what_nobody_asks_for_is_let_go(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tallies, "MOST", 2)
    kept = Tallies()
    first, second, third = (Selection(agents=(name,)) for name in ("ann", "ben", "eve"))
    for selection in (first, second):
        kept.keep(selection, [[("agents", selection.agents[0])]], 0)
    assert kept.get(first) == 0
    kept.keep(third, [[("agents", "eve")]], 5)
    assert kept.get(second) is None
    assert (kept.get(first), kept.get(third)) == (0, 5)
    kept.move(1, None, (("agents", "eve"),))
    kept.move(1, (("agents", "eve"),), (("agents", "ann"),))
    assert (kept.get(first), kept.get(third)) == (1, 5)
