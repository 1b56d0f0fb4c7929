"""
Text to HTML and back-of-envelope counting: the traps of real servers.
"""

from __future__ import annotations

import pytest

from connectors.playground.markup import (
    Mentioned,
    counted_length,
    hashtags,
    mentioned_names,
    shortcodes,
    to_html,
)

SHOP = Mentioned(url="https://example.social/@shop", username="shop")
KITE = Mentioned(url="https://far.example/@kite", username="kite")


def made(text: str) -> str:
    return to_html(text, {"shop": SHOP, "kite@far.example": KITE}, tag_base="https://example.social/tags/")


def test_a_mention_shows_only_the_short_name_inside_a_card():
    assert made("@kite@far.example hi") == (
        '<p><span class="h-card" translate="no"><a href="https://far.example/@kite" class="u-url mention">'
        "@<span>kite</span></a></span> hi</p>"
    )


def test_a_name_nobody_has_stays_text():
    assert made("hi @nobody") == "<p>hi @nobody</p>"


def test_lines_and_paragraphs():
    assert made("one\ntwo\n\nthree") == "<p>one<br />two</p><p>three</p>"


def test_a_long_link_is_split_into_visible_and_invisible_parts():
    shown = made("see https://www.shop.example/a/very/long/path/that/goes/on?a=1&b=2.")
    assert 'href="https://www.shop.example/a/very/long/path/that/goes/on?a=1&amp;b=2"' in shown
    assert '<span class="invisible">https://www.</span>' in shown
    assert '<span class="ellipsis">shop.example/a/very/long/path/</span>' in shown
    assert shown.endswith("</a>.</p>")


def test_a_short_link_has_no_ellipsis():
    assert '<span class="">far.example/x</span><span class="invisible"></span>' in made("https://far.example/x")


def test_markup_in_text_is_shown_as_text():
    shown = made('<script>alert("1")</script> & <b>@shop</b>')
    assert "<script>" not in shown
    assert "<b>" not in shown
    assert "&lt;script&gt;" in shown
    assert "&amp;" in shown


def test_an_empty_text_is_no_paragraph():
    assert made("") == ""


def test_a_mail_address_is_no_mention():
    assert mentioned_names("write to me@shop or a@b.example, @shop!") == ["shop"]


def test_each_name_once_in_lower_case():
    assert mentioned_names("@Shop @shop @Kite@FAR.example.") == ["shop", "kite@far.example"]


def test_hashtags_and_shortcodes():
    assert hashtags("#Rain and #雨 but not #12 or a#b") == ["rain", "雨"]
    assert shortcodes(":blobcat: at 12:30:45", "x :heart: :blobcat:") == ["blobcat", "heart"]


def test_a_hashtag_links_to_its_page():
    assert (
        '<a href="https://example.social/tags/rain" class="mention hashtag" rel="tag">#<span>Rain</span></a>'
        in (made("#Rain"))
    )


@pytest.mark.parametrize(
    ("text", "length"),
    [
        ("", 0),
        ("abc", 3),
        ("👩🏾‍💻é👍🏽", 3),
        ("https://far.example/" + "x" * 300, 23),
        ("far.example/x", 13),
        ("@kite@far.example hi", len("@kite hi")),
        ("@shop hi", 8),
        ("你好", 2),
    ],
)
def test_counting_as_mastodon_does(text, length):
    assert counted_length(text, url_characters=23) == length


def test_a_million_characters_take_no_ages():
    assert counted_length("@a" * 500_000, url_characters=23) > 0
    assert counted_length("#1" * 200_000, url_characters=23) > 0
    assert len(made("https://x.y/" * 20_000)) > 0
