"""
Links that we wrote and links that somebody else did, and what the figures mean.
"""

from __future__ import annotations

import base64
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.surveys.rules import (
    Figures,
    Options,
    options_problems,
    read_key,
    read_score,
    read_token,
    token,
    week_of,
)
from bot.surveys.texts import TEXTS, language_of

KEY = b"k" * 32
END = datetime(2026, 3, 16, 9, 0, tzinfo=UTC)
ID = "019cae08-7a80-7f50-952e-55b1b2d4d2a1"


def test_a_link_of_ours_is_read_back_and_is_short():
    link = token(KEY, ID, END)
    assert read_token(KEY, link) == (ID, END)
    assert len(link) < 100


@given(st.uuids().map(str), st.integers(min_value=0, max_value=2_000_000), st.binary(min_size=1))
def test_any_link_of_ours_is_read_back_by_its_key_only(survey_id, hours, key):
    end = datetime(2020, 1, 1, tzinfo=UTC) + timedelta(hours=hours)
    assert read_token(key, token(key, survey_id, end)) == (survey_id, end)
    assert read_token(key + b"x", token(key, survey_id, end)) is None


def test_a_link_that_was_changed_anywhere_is_not_ours():
    link = token(KEY, ID, END)
    for place in range(len(link)):
        changed = link[:place] + ("b" if link[place] != "b" else "c") + link[place + 1 :]
        assert read_token(KEY, changed) is None, changed


@given(st.text())
def test_no_text_is_a_link_by_accident(text: str):
    assert read_token(KEY, text) is None


def test_a_key_is_read_back():
    assert read_key(base64.b64encode(KEY).decode()) == KEY
    with pytest.raises(ValueError, match="no key"):
        read_key("???")


@pytest.mark.parametrize(
    ("text", "score"), [("1", 1), ("5", 5), ("0", None), ("6", None), ("", None), ("٣", None)]
)
def test_a_score_is_one_of_five(text, score):
    assert read_score(text) == score


def test_weeks_are_named_by_their_monday():
    assert week_of(datetime(2026, 3, 2, 0, 0, tzinfo=UTC)) == "2026-03-02"
    assert week_of(datetime(2026, 3, 8, 23, 59, tzinfo=UTC)) == "2026-03-02"


def test_A12_figures_without_a_question_or_an_answer_are_no_zero():
    nobody = Figures()
    assert (nobody.response_rate, nobody.share_satisfied) == (None, None)
    assert Figures(asked=4).response_rate == 0
    assert Figures(asked=4).share_satisfied is None


def test_figures_are_what_they_say():
    figures = Figures(asked=10, counts=(1, 0, 1, 1, 2))
    assert (figures.answered, figures.satisfied) == (5, 3)
    assert (figures.response_rate, figures.share_satisfied) == (0.5, 0.6)


def test_options_are_checked():
    assert options_problems(Options()) == {}
    wrong = Options(delay=timedelta(days=15), valid_for=timedelta(minutes=1), pause=timedelta(days=400))
    assert set(options_problems(wrong)) == {"delay", "valid_for", "pause"}


@pytest.mark.parametrize(
    ("code", "language"), [("zh", "zh"), ("zh-TW", "zh"), ("en", "en"), ("de", "en"), (None, "en")]
)
def test_a_customer_is_asked_in_their_language_or_in_english(code, language):
    assert language_of(code) == language


def test_every_language_has_every_text():
    for texts in TEXTS.values():
        assert "{url}" in texts.question
        assert "{day}" in texts.until
        assert all(texts.scale)
        assert len(texts.question.format(url="https://hubbub.example.com/s/" + "x" * 100)) < 300
