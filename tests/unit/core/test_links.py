"""
Links that strangers wrote.
"""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.core.links import web_link


@pytest.mark.parametrize("url", ["https://far.example/@kite/1", "http://127.0.0.1:8080/x", " https://a.example "])
def test_web_pages_are_kept(url: str) -> None:
    assert web_link(url) == url.strip()


@pytest.mark.parametrize(
    "url",
    [None, "", "javascript:alert(1)", "JaVaScRiPt:alert(1)", "data:text/html,x", "//evil.example", "https:",
     "http://[broken", "java\nscript:alert(1)", "vbscript:x", "https://a.example/" + "x" * 5000],
)  # fmt: skip
def test_anything_else_is_dropped(url: str | None) -> None:
    assert web_link(url) is None


@given(st.text())
def test_whatever_is_kept_is_a_web_address(url: str) -> None:
    kept = web_link(url)
    assert kept is None or kept.lower().startswith(("http://", "https://"))
