"""
Ids and references.
"""

from __future__ import annotations

import pytest

from connectors.email.threading import (
    MAX_CLAIMED,
    cap,
    claimed,
    ids,
    message_id,
    own_id,
    references_for_answer,
    reply_subject,
)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("<a@b>", "a@b"),
        ("  a@b ", "a@b"),
        ("<A@B> trailing", "A@B"),
        ("", None),
        ("two words", None),
        ("<" + "x" * 300 + ">", None),
    ],
)
def test_message_id(value, expected):
    assert message_id(value) == expected


@pytest.mark.parametrize(
    ("in_reply_to", "references", "expected"),
    [
        ("<c@x>", "<a@x> <b@x> <c@x>", ("c@x", "b@x", "a@x")),
        ("", "<a@x>\t<b@x>", ("b@x", "a@x")),
        ("Your message of Tuesday <c@x>", "", ("c@x",)),
        ("c@x", "", ("c@x",)),
        ("a person @ home", "", ()),
        ("", "", ()),
    ],
)
def test_I7_claims_come_nearest_first(in_reply_to, references, expected):
    assert claimed(in_reply_to, references) == expected


def test_I7_claims_are_bounded():
    assert len(claimed("", " ".join(f"<{n}@x>" for n in range(5000)))) == MAX_CLAIMED


@pytest.mark.parametrize(
    ("parent", "in_reply_to", "references", "expected"),
    [
        ("c@x", "<b@x>", "<a@x> <b@x>", ("a@x", "b@x", "c@x")),
        ("c@x", "<b@x>", "", ("b@x", "c@x")),
        ("c@x", "<a@x> <b@x>", "", ("c@x",)),
        ("c@x", "", "", ("c@x",)),
        (None, "<b@x>", "", ("b@x",)),
        (None, "", "", ()),
    ],
)
def test_references_of_an_answer_follow_the_rfc(parent, in_reply_to, references, expected):
    assert references_for_answer(parent, in_reply_to, references) == expected


def test_a_long_chain_keeps_its_first_and_last_ten():
    chain = [f"{n}@x" for n in range(50)]

    assert cap(chain) == (*chain[:10], *chain[-10:])
    assert cap(chain[:20]) == tuple(chain[:20])


@pytest.mark.parametrize(
    ("subject", "expected"),
    [
        ("Order", "Re: Order"),
        ("Re: Order", "Re: Order"),
        ("RE: re[2]: AW: 回复：Order", "Re: Order"),
        ("Fwd: Order", "Re: Fwd: Order"),
        ("Reorder", "Re: Reorder"),
        ("", "Re: "),
    ],
)
def test_re_stands_once(subject, expected):
    assert reply_subject(subject) == expected


def test_I7_our_id_is_made_of_the_key_and_of_nothing_else():
    assert own_id("0197-abc.1", "Support@Shop.example") == "0197-abc.1@shop.example"
    odd = own_id("a b\r\n<x>", "support@shop.example")
    assert odd == own_id("a b\r\n<x>", "support@shop.example")
    assert odd != own_id("a b\r\n<y>", "support@shop.example")
    assert ids(f"<{odd}>") == (odd,)
    assert len(own_id("k" * 500, "support@shop.example")) < 80
