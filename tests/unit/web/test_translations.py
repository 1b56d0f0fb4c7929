"""
The language of pages: negotiation, texts with values, constants, sentences of errors, dates and numbers.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from bot.web import translations
from bot.web.shell import ago, stamp, until
from bot.web.translations import (
    Sentence,
    gettext,
    language_name,
    negotiate,
    ngettext,
    number,
    said,
    shape_of,
    speaking,
    word,
)

NOW = datetime(2026, 9, 4, 3, 5, tzinfo=UTC)


@pytest.mark.parametrize(
    ("asked", "chosen"),
    [
        ("", "en"),
        ("zh", "zh"),
        ("zh-CN,zh;q=0.9,en;q=0.8", "zh"),
        ("ZH-Hant-TW", "zh"),
        ("en-GB,en;q=0.9,zh;q=0.8", "en"),
        ("de-DE,de;q=0.9,zh;q=0.4,en;q=0.3", "zh"),
        ("fr, de", "en"),
        ("zh;q=0, en;q=0.1", "en"),
        ("en;q=0.2, zh;q=0.7", "zh"),
        ("zh;q=nonsense", "en"),
        ("*", "en"),
        (";;,,;q=1,\x00", "en"),
        ("zh," * 10_000, "zh"),
    ],
)
def test_the_browser_is_asked_which_language_it_wants(asked: str, chosen: str) -> None:
    assert negotiate(asked) == chosen


def test_a_text_is_shown_in_the_language_of_the_page_and_only_there() -> None:
    assert gettext("Sign in") == "Sign in"
    with speaking("zh"):
        assert gettext("Sign in") == "登录"
        with speaking("en"):
            assert gettext("Sign in") == "Sign in"
        assert gettext("Sign in") == "登录"
    assert gettext("Sign in") == "Sign in"


def test_an_unknown_language_is_english() -> None:
    with speaking("tlh"):
        assert translations.language() == "en"


def test_a_text_that_nobody_translated_is_shown_in_english_with_its_values() -> None:
    with speaking("zh"):
        assert gettext("%(name)s: 100%% sure", name="Ana") == "Ana: 100% sure"
        assert ngettext("%(num)s lamp", "%(num)s lamps", 2) == "2 lamps"
        assert word("no such word") == "no such word"
        assert said("no such {sentence} 100%") == "no such {sentence} 100%"
    assert ngettext("%(num)s lamp", "%(num)s lamps", 1) == "1 lamp"


def test_a_sentence_with_values_is_known_by_its_shape() -> None:
    sentence = Sentence(shape_of("{name} has claimed it (until {at})."), "{at}前由 {name} 认领。")
    assert sentence.fill("Ana Souza has claimed it (until 14:35).") == "14:35前由 Ana Souza 认领。"
    assert sentence.fill("Ana Souza has claimed it.") is None
    twice = Sentence(shape_of("{a} and {a} again"), "{a}两次")
    assert twice.fill("x and x again") == "x两次"
    assert twice.fill("x and y again") is None


def test_dates_and_numbers_are_written_as_people_write_them() -> None:
    assert stamp(NOW) == "4 Sept 2026, 03:05 UTC"
    assert number(10_010) == "10,010"
    assert language_name("de") == "German"
    with speaking("zh"):
        assert translations.date(NOW) == "2026年9月4日"
        assert language_name("de") == "德语"
        assert language_name("qqx") == "qqx"


def test_spans_of_time_in_english() -> None:
    assert [ago(NOW - timedelta(seconds=s), NOW) for s in (0, 59, 60, 7_300, 200_000)] == [
        *("just now", "just now", "1 min ago", "2 h ago", "2 d ago")
    ]
    assert until(NOW + timedelta(seconds=702), NOW) == "in 11:42"
    assert until(NOW - timedelta(seconds=3_785), NOW) == "1:03:05 late"
