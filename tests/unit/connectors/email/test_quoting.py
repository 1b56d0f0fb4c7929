"""
What somebody wrote is told from what he quotes.
"""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.email.markup import QUOTE_MARK
from connectors.email.quoting import split, unflow


@pytest.mark.parametrize(
    ("text", "written", "quoted"),
    [
        ("Just this.", "Just this.", ""),
        ("Yes?\n\nOn Tue, Shop wrote:\n> old\n> older\n", "Yes?", "On Tue, Shop wrote:\n> old\n> older"),
        (
            "Yes?\n\nOn Tuesday the 3rd of March,\nShop Support <s@shop.example>\nwrote:\n> old",
            "Yes?",
            "On Tuesday the 3rd of March,\nShop Support <s@shop.example>\nwrote:\n> old",
        ),
        ("好的\n\n在 2026年3月4日，客服 写道：\n> 旧", "好的", "在 2026年3月4日，客服 写道：\n> 旧"),
        ("好的\n客服 于2026年写道：\n> 旧", "好的", "客服 于2026年写道：\n> 旧"),
        ("Ja\n\nAm Di. schrieb Shop:\n> alt", "Ja", "Am Di. schrieb Shop:\n> alt"),
        ("Yes\n> old", "Yes", "> old"),
        ("> old\nan answer below", "> old\nan answer below", ""),
        ("On Tue, Shop wrote:\n> one?\nyes\n> two?\nno", "On Tue, Shop wrote:\n> one?\nyes\n> two?\nno", ""),
        ("Yes\n-----Original Message-----\nold", "Yes", "-----Original Message-----\nold"),
        (
            "是\n------------------ 原始邮件 ------------------\n旧",
            "是",
            "------------------ 原始邮件 ------------------\n旧",
        ),
        (
            "Yes\n________________________________\nFrom: Shop\nSent: Tue\nTo: me\nSubject: x\n\nold",
            "Yes",
            "________________________________\nFrom: Shop\nSent: Tue\nTo: me\nSubject: x\n\nold",
        ),
        (
            "是\n发件人: 客服\n发送时间: 周二\n收件人: 我\n\n旧",
            "是",
            "发件人: 客服\n发送时间: 周二\n收件人: 我\n\n旧",
        ),
        ("To: or not to: that is the question\nYes", "To: or not to: that is the question\nYes", ""),
        ("From: a\nTo: b\nSubject: c\nall of it", "From: a\nTo: b\nSubject: c\nall of it", ""),
        ("> only quoted", "> only quoted", ""),
        (f"new\n{QUOTE_MARK}\nold", "new", "old"),
        (f"new\n{QUOTE_MARK}\nS wrote:\n> old\n\n--\nMy name", "new", "S wrote:\n> old\n\n--\nMy name"),
        (
            f"new\n{QUOTE_MARK}\nS wrote:\n> old\nand one more question",
            "new\nS wrote:\n> old\nand one more question",
            "",
        ),
        (f"{QUOTE_MARK}\nall of it", "all of it", ""),
        ("", "", ""),
    ],
)
def test_split(text, written, quoted):
    assert split(text) == (written, quoted)


@given(
    st.lists(
        st.sampled_from(["", ">", "> a", "On x y wrote:", "From: a", QUOTE_MARK, "--", "text", "____________"])
    )
)
def test_nothing_that_was_written_is_lost(lines):
    written, quoted = split("\n".join(lines))

    kept = [line for line in (written + "\n" + quoted).split("\n") if line.strip()]
    assert kept == [line for line in lines if line.strip() and line != QUOTE_MARK]


@pytest.mark.parametrize(
    ("text", "delete_space", "expected"),
    [
        ("one \ntwo\nthree", False, "one two\nthree"),
        ("你 \n好", True, "你好"),
        ("> a \n> b\nc", False, "> a b\nc"),
        ("> a \nb", False, "> a \nb"),
        (">> a \n>> b", False, ">> a b"),
        (" From here", False, "From here"),
        ("text \n-- \nme", False, "text \n-- \nme"),
    ],
)
def test_format_flowed(text, delete_space, expected):
    assert unflow(text, delete_space=delete_space) == expected
