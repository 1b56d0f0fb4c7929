"""
HTML becomes text, in linear time, whatever it is.
"""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.email.markup import MAX_DEPTH, MAX_HTML_CHARS, QUOTE_MARK, fit_to_show, to_text


@pytest.mark.parametrize(
    ("source", "text"),
    [
        ("<p>Hello</p><p>Bye</p>", "Hello\n\nBye"),
        ("a<br>b<BR/>c", "a\nb\nc"),
        ("<div>a</div><div>b</div>", "a\n\nb"),
        ("<head><title>T</title><style>p{}</style></head><body>x</body>", "x"),
        ("a<script>alert('</p>')</script >b", "ab"),
        ("a<script>never closed", "a"),
        ("a<!-- <b>hidden</b> -->b<!-- open", "ab"),
        ("<!DOCTYPE html><?xml ?>x", "x"),
        ("1 < 2 &amp; 3 &gt; 2 <", "1 < 2 & 3 > 2 <"),
        ("<ul><li>one<li>two</ul>", "- one\n- two"),
        ("<table><tr><td>a</td><td>b</td></tr></table>", "a b"),
        ("<blockquote>old<blockquote>older</blockquote></blockquote>new", "> old\n\n>> older\n\nnew"),
        ("</blockquote>x", "x"),
        ("<pre>a\n  b</pre>c\nd", "a\nb\n\nc d"),
        (f"a{QUOTE_MARK}b", "ab"),
        ("<b", ""),
        ("a\x00b", "a\ufffdb"),
        ("&nbsp;x\u00a0y", "x y"),
    ],
)
def test_html_to_text(source, text):
    assert to_text(source) == text


@pytest.mark.parametrize("name", ['class="gmail_quote"', 'id="divRplyFwdMsg"', 'class="x yahoo_quoted"'])
def test_where_the_mail_program_says_that_the_history_begins_there_is_a_mark(name):
    assert to_text(f"<p>new</p><div {name}>old</div>").split("\n") == ["new", "", QUOTE_MARK, "old"]


@pytest.mark.parametrize(
    "piece",
    [
        "<",
        "<a ",
        "<!--",
        "<div>",
        "</div>",
        "<script>",
        "<script>x</script",
        "<style>a</style>",
        "&",
        "<blockquote>",
        "<pre>\n",
    ],
)
def test_I2_hostile_html_is_read_in_linear_time(piece):
    small, large = seconds(piece, 50_000), seconds(piece, 400_000)

    # Eight times the length: a linear reader takes 8 times as long, a quadratic one 64 times.
    assert large < 24 * max(small, 0.01)


def seconds(piece: str, length: int) -> float:
    source = piece * (length // len(piece))
    began = time.process_time()
    to_text(source)
    fit_to_show(source)
    return time.process_time() - began


def test_html_that_could_stop_the_sanitiser_is_not_fit():
    assert fit_to_show("<div>" * MAX_DEPTH + "x" + "</div>" * MAX_DEPTH)
    assert fit_to_show("<p>" * 5000 + "<br>" * 5000)
    assert fit_to_show("</div>" * 5000 + "<div></div>" * 5000)
    assert not fit_to_show("<div>" * (MAX_DEPTH + 1))
    assert not fit_to_show("x" * (MAX_HTML_CHARS + 1))


@given(
    st.text()
    | st.lists(st.sampled_from(["<p>", "<", ">", "<!--", "&#0;", "</blockquote>", "<li", "x", "\x00"])).map(
        "".join
    )
)
def test_any_text_is_read(source):
    assert "\x00" not in to_text(source)
