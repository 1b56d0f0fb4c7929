"""
The one form of tags and segments.
"""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.core.labels import LONGEST_LABEL, clean_label, label_problem, split_labels


@pytest.mark.parametrize(
    ("typed", "label"),
    [
        ("#Refund  Wanted ", "refund-wanted"),
        ("Straße", "strasse"),
        ("ＶＩＰ", "vip"),
        ("退款", "退款"),
        ("#", ""),
        ("a-b", "a-b"),
        ("İstanbul", "i̇stanbul"),
    ],
)
def test_a_label_has_one_form(typed: str, label: str) -> None:
    assert clean_label(typed) == label


@given(st.text(max_size=80))
def test_cleaning_twice_is_cleaning_once(typed: str) -> None:
    assert clean_label(clean_label(typed)) == clean_label(typed)


@given(st.text(max_size=80))
def test_what_is_split_is_clean_and_holds_no_separator(typed: str) -> None:
    for label in split_labels(typed):
        assert label == clean_label(label)
        assert "," not in label


def test_labels_are_split_at_commas_of_both_scripts() -> None:
    assert split_labels("Refund, 退款，vip、 refund;;") == ["refund", "退款", "vip"]


@pytest.mark.parametrize("label", ["", "x" * (LONGEST_LABEL + 1), "a,b", "a\x00b", "a\u202eb"])
def test_what_is_no_label_is_told(label: str) -> None:
    assert label_problem(label)


@pytest.mark.parametrize("label", ["x", "x" * LONGEST_LABEL, "退款", "order:late", "c++"])
def test_what_is_a_label_is_taken(label: str) -> None:
    assert label_problem(label) is None
