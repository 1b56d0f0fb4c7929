"""
HTML to text, counting and likeness, by the traps that Mastodon servers set.
"""

from __future__ import annotations

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connectors.mastodon.text import html_to_text, length_of, likeness, with_mention

LINK = (
    '<a href="https://far.example/x?a=1&amp;b=2" rel="nofollow noopener" target="_blank">'
    '<span class="invisible">https://</span><span class="">far.example/x?a=1&amp;b=2</span>'
    '<span class="invisible"></span></a>'
)
CUT_LINK = (
    '<a href="https://far.example/a/very/long/path"><span class="invisible">https://</span>'
    '<span class="ellipsis">far.example/a/very</span><span class="invisible">/long/path</span></a>'
)
MENTION = (
    '<span class="h-card" translate="no"><a href="https://far.example/@kite" class="u-url mention">'
    "@<span>kite</span></a></span>"
)
HASHTAG = '<a href="https://x.example/tags/sale" class="mention hashtag" rel="tag">#<span>sale</span></a>'
KNOWN = {"https://far.example/@kite": "kite@far.example"}


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ("", ""),
        ("plain", "plain"),
        ("<p>one</p><p>two</p>", "one\n\ntwo"),
        ("<p>one<br>two<br />three</p>", "one\ntwo\nthree"),
        ("<p>one<br><br>two</p>", "one\n\ntwo"),
        ("<p>tom &amp; jerry &lt;3 &amp;lt;</p>", "tom & jerry <3 &lt;"),
        (f"<p>see {LINK} now</p>", "see https://far.example/x?a=1&b=2 now"),
        (CUT_LINK, "https://far.example/a/very/long/path"),
        (
            '<a href="https://evil.example/">https://bank.example/</a>',
            "https://bank.example/ (https://evil.example/)",
        ),
        ('<a href="https://far.example/">click here</a>', "click here (https://far.example/)"),
        ('<a href="https://far.example/long">far.example/lo…</a>', "https://far.example/long"),
        ('<a href="https://far.example/"></a>', "https://far.example/"),
        ('<a href="javascript:alert(1)">click</a>', "click"),
        ("<a>bare</a>", "bare"),
        (
            '<a href="https://one.example/">one<a href="https://two.example/">two',
            "one (https://one.example/)two (https://two.example/)",
        ),
        (f"<p>{MENTION} hello</p>", "@kite@far.example hello"),
        (f"<p>{MENTION.replace('far', 'new')} hello</p>", "@kite hello"),
        ('<a href="https://far.example/@kite">@kite</a>', "@kite@far.example"),
        (f"<p>{HASHTAG}</p>", "#sale"),
        ("<p>:blobcat: hi</p>", ":blobcat: hi"),
        ("<p>a<img class='emoji' alt=':cat:' src='x'>b</p>", "a:cat:b"),
        ("<p>a<img alt='&lt;b&gt;'>b</p>", "a<b>b"),
        ("<ul><li>one</li><li>two</li></ul>after", "- one\n- two\n\nafter"),
        ("<blockquote>said</blockquote><div>more</div>end", "said\n\nmore\nend"),
        ("<pre>a\n  b</pre>c  d", "a\n  b\n\nc d"),
        ("<p>  spaced \n out </p>", "spaced out"),
        ('<p class="quote-inline">RE: <a href="https://x.example">x</a></p><p>mine</p>', "mine"),
        ('<span class="quote-inline"><span>a</span><b>b</b></span>mine', "mine"),
        ("<script>alert(1)</script>", "<script>alert(1)</script>"),
        ("&lt;script&gt;alert(1)&lt;/script&gt;", "<script>alert(1)</script>"),
        ("<b>bold</b> <em>soft</em>", "bold soft"),
        ("1 < 2 > 0 <", "1 < 2 > 0 <"),
        ('<a href="https://far.example/a">one<br>two</a>', "one two (https://far.example/a)"),
    ],
)
def test_html_to_text(content, expected):
    assert html_to_text(content, KNOWN) == expected


@settings(deadline=None)
@given(
    st.text(alphabet=st.sampled_from("<>/&;\"'= apbr!-[]#x1😀\n\ud800\x00"), max_size=60)
    | st.lists(
        st.sampled_from(
            ["<p>", "</p>", "<a href='https://x.example/'>", "</a>", "<br>", "<pre>", "</pre>", "<li>"]
        )
        | st.sampled_from(['<p class="quote-inline">', "<img alt='x'>", "&amp;", "text", " ", "<!--", "<![x["]),
        max_size=20,
    ).map("".join)
)
def test_html_to_text_never_raises_and_leaves_no_known_tag(content):
    text = html_to_text(content, KNOWN)

    assert text == text.strip("\n ")
    assert "<br>" not in text


@settings(deadline=None)
@given(st.text(max_size=200))
def test_escaped_text_comes_back(text):
    import html

    written = " ".join(text.split())

    assert " ".join(html_to_text(f"<p>{html.escape(written)}</p>").split()) == " ".join(
        html.unescape(html.escape(written)).split()
    )


@pytest.mark.parametrize(
    "piece",
    [
        "<a",
        "<p ",
        "<",
        '<a href="x">',
        '<p class="quote-inline">',
        "@a@",
        "https://",
        "&",
        "a=",
        "<p a",
        "a" * 10 + "@",
    ],
)
def test_hostile_text_takes_time_in_proportion_to_its_length(piece):
    hostile = piece * (200_000 // len(piece))
    started = time.monotonic()

    html_to_text(hostile)
    html_to_text(f"<p {hostile}>")
    length_of(hostile)
    likeness(hostile)
    with_mention(hostile, "kite")

    assert time.monotonic() - started < 20  # a quadratic step would take many minutes


@pytest.mark.parametrize(
    ("text", "warning", "expected"),
    [
        ("", "", 0),
        ("hello", "", 5),
        ("hello", "cw", 7),
        ("你好", "", 2),
        ("👩‍👩‍👧‍👦🇳🇴é", "", 3),
        ("https://far.example/a/very/long/path/that/goes/on/and/on", "", 23),
        ("http://a.b x", "", 25),
        ("example.com", "", 11),
        ("@kite@far.example hi", "", 8),
        ("@kite hi", "", 8),
        ("mail me@far.example", "", 19),
    ],
)
def test_length_is_counted_as_the_server_does(text, warning, expected):
    assert length_of(text, warning) == expected


def test_the_server_says_how_long_an_address_counts():
    assert length_of("https://far.example/", per_url=10) == 10


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Yes.", "@kite@far.example Yes."),
        ("@kite@far.example Yes.", "@kite@far.example Yes."),
        ("Hi @KITE@Far.Example, yes.", "Hi @KITE@Far.Example, yes."),
        ("@kite Yes.", "@kite@far.example @kite Yes."),
        ("@kite@other.example Yes.", "@kite@far.example @kite@other.example Yes."),
        ("mail x@kite@far.example", "@kite@far.example mail x@kite@far.example"),
        ("", "@kite@far.example"),
    ],
)
def test_a_mention_is_put_before_a_text_without_it(text, expected):
    assert with_mention(text, "kite@far.example") == expected


def test_another_spelling_of_the_same_account_is_a_mention_too():
    assert with_mention("@kite@home.example yes", "kite", ("kite@home.example",)) == "@kite@home.example yes"


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Yes, *3* days", "Yes, 3 days"),
        ("a  b\n\nc", "a b c"),
        ("@kite@far.example yes", "@kite yes"),
        ("see https://far.example/%C3%A9", "see https://far.example/é"),
        ("caf\u00e9", "cafe\u0301"),
        ("**bold** ~~gone~~ `code`", "bold gone code"),
    ],
)
def test_what_servers_change_makes_no_difference(one, other):
    assert likeness(one) == likeness(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Yes, 3 days", "Yes, 4 days"),
        ("https://far.example/a", "https://far.example/b"),
        ("👍", "👎"),
        ("...", "!!!"),
        ("http://[a", "http://[b"),
        ("$5", "€5"),
    ],
)
def test_what_people_change_makes_a_difference(one, other):
    assert likeness(one) != likeness(other)
