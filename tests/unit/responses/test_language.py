"""
Language: scripts first, statistics second, a stated language as evidence, and the courage to say nothing.
"""

import pytest

from responses import read
from responses.text import JUDGED_CHARACTERS


def code(text, stated=None):
    return read(text, stated_language=stated).language.code


@pytest.mark.parametrize(
    "text", ["", " \n", "ok", "😍😍", "10233", "https://shop.example/p/1", "@kite @shop", "#1", "!!!", "zzzzz"]
)
@pytest.mark.parametrize("stated", [None, "nonsense-stated", ""])
def test_too_little_to_tell_is_not_judged(text, stated):
    language = read(text, stated_language=stated).language
    assert (language.code, language.confidence) == (None, 0.0)


def test_a_stated_language_alone_judges_nothing():
    assert code("😍😍 https://shop.example/p/1", "en") is None


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Where is my order?", "en"),
        ("Great!", "en"),
        ("no complaints", "en"),
        ("Wo ist mein Paket? Ich warte schon lange.", "de"),
        ("我的订单呢", "zh"),
        ("我的iPhone充不了电", "zh"),
        ("這個多少錢", "zh"),
        ("注文した商品はいつ届きますか", "ja"),
        ("主文はカタカナ", "ja"),
        ("주문한 상품은 언제 도착하나요", "ko"),
        ("Where can I buy the 无印良品 notebook in London please?", "en"),
        ("我在の屋买的外套什么时候到货，请帮我查一下", "zh"),
    ],
)
def test_languages_are_told_apart(text, expected):
    language = read(text).language
    assert language.code == expected
    assert 0 < language.confidence <= 1
    assert language.why


def test_a_stated_language_tips_the_scales_of_a_short_text():
    assert code("Danke!") != "de"
    assert code("Danke!", "de") == "de"
    assert "stated" in read("Danke!", stated_language="de").language.why


def test_a_stated_language_does_not_outvote_a_clear_text():
    assert code("Where is my order? I placed it on Monday.", "de") == "en"
    assert code("我的订单什么时候到", "en") == "zh"


@pytest.mark.parametrize("stated", ["en-GB", "EN_us", " en "])
def test_a_stated_language_may_carry_a_region(stated):
    assert "stated" in read("broken thing arrived on Tuesday", stated_language=stated).language.why


def test_chinese_characters_stated_as_japanese():
    assert code("注文確認", "ja") == "ja"
    assert code("我的订单呢", "ja") == "zh"


def test_a_long_text_is_judged_by_its_beginning_and_says_so():
    long = read("Where is my order? " + "x" * 1_000_000)
    assert long.language.code == "en"
    assert f"first {JUDGED_CHARACTERS:,} characters" in long.language.why
    assert "first" not in read("Where is my order?").language.why
    assert read("Where is my order? " * 1_000 + "I hate it").sentiment.words == ()
