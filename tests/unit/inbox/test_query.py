"""
The language of the search, its tokens and the parts of texts it shows.
"""

from __future__ import annotations

import re
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.core.errors import Invalid
from bot.core.tokens import MOST_BYTES, indexed, to_find, tokens_of
from bot.inbox.query import FILTERS, Phrase, read_query
from bot.inbox.snippets import LENGTH, snippet_of


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ('lamp "not', "character 6: this quote is not closed"),
        ("form:kite", "character 1: there is no filter form: (did you mean from:?)"),
        ("lamp colour:red", "character 6: there is no filter colour:"),
        ("from:", "character 1: from: needs a value, such as from:kite"),
        ("-from:kite", "character 1: from: cannot be turned round"),
        ("in:boxes", "character 1: in: takes messages, notes, subjects, contacts, not 'boxes'"),
        ("  state:opn", "character 3: state: takes open, pending, snoozed, resolved, not 'opn'"),
        ("after:31.1.2026", "character 1: after: takes a day such as 2026-01-31"),
        ("before:2026-02-30", "character 1: before: takes a day"),
        ('""', "character 1: there is nothing between the quotes"),
        ("lamp -", "character 6: a minus needs a word behind it"),
        ("%", "character 1: '%' holds no letter, number or symbol"),
        ("", "character 1: write at least one word"),
        ("x" * 501, "character 500: at most 500 characters"),
        ("a " * 21, "character 41: at most 20 words and filters"),
    ],
)
def test_what_cannot_be_understood_is_said_with_its_place(typed: str, said: str) -> None:
    with pytest.raises(Invalid) as refused:
        read_query(typed)
    assert refused.value.fields["q"].startswith(said)


def test_what_looks_like_a_filter_but_is_text() -> None:
    assert read_query("https://far.example/a").wanted[0].tokens == ("https", "far", "example", "a")
    assert read_query("12:30").wanted == (Phrase(tokens=("12", "30"), begins=True),)
    assert read_query('"re: lamp"').wanted == (Phrase(tokens=("re", "lamp"), begins=False),)


def test_every_filter_has_an_example_that_is_understood() -> None:
    for name, one in FILTERS.items():
        assert one.example.startswith(f"{name}:")
        read_query(one.example)


REFERENCE = (Path(__file__).parents[3] / "docs" / "reference" / "search.md").read_text()


def test_the_reference_names_every_filter_with_its_meaning() -> None:
    for one in FILTERS.values():
        assert f"| `{one.example}` | {one.means} |" in REFERENCE


def test_the_reference_quotes_refusals_as_they_are() -> None:
    refused = re.findall(r"^\| `(.+)` \| (character .+) \|$", REFERENCE, re.MULTILINE)
    assert len(refused) >= 6
    for typed, said in refused:
        with pytest.raises(Invalid) as problem:
            read_query(typed)
        assert problem.value.fields["q"] == said


@given(st.text(max_size=60))
def test_anything_typed_is_understood_or_refused(typed: str) -> None:
    with suppress(Invalid):
        read_query(typed)


TEXTS = st.text(st.sampled_from("abß 12 订单号 กา😀'\"-_.:A⑴½é") | st.characters(), max_size=40)


@given(TEXTS, st.data())
def test_any_part_of_a_text_that_ends_at_words_is_found_in_it(text: str, data: st.DataObject) -> None:
    tokens = list(tokens_of(text))
    assert indexed(text) == [token.text for token in tokens]
    assert all(text[token.start : token.end] for token in tokens)
    if not tokens:
        return
    first = data.draw(st.integers(0, len(tokens) - 1))
    last = data.draw(st.integers(first, len(tokens) - 1))
    wanted, _ = to_find(text[tokens[first].start : tokens[last].end])
    held = indexed(text)
    assert any(
        held[at : at + len(wanted) - 1] == wanted[:-1] and held[at + len(wanted) - 1].startswith(wanted[-1])
        for at in range(len(held) - len(wanted) + 1)
    )


@given(TEXTS, TEXTS)
def test_a_snippet_is_a_part_of_its_text_and_marks_what_was_asked(text: str, words: str) -> None:
    tokens, single = to_find(words)
    wanted = [Phrase(tokens=tuple(tokens), begins=single)] if tokens else []
    pieces = snippet_of(text, wanted)
    assert "".join(piece.text for piece in pieces).strip("…") in text
    for piece in pieces:
        if piece.found and not single:
            assert indexed(piece.text)


def test_a_long_text_is_cut_around_what_was_found() -> None:
    text = "before " * 100 + "the lamp" + " after" * 100
    pieces = snippet_of(text, [Phrase(tokens=("lam",), begins=True)])
    assert [piece.text for piece in pieces if piece.found] == ["lamp"]
    assert len("".join(piece.text for piece in pieces)) <= LENGTH + 2
    assert snippet_of("订单什么时候", [Phrase(tokens=("么",), begins=True)])[1].text == "么"


def test_the_index_takes_no_more_than_postgresql_can_hold() -> None:
    assert sum(len(token.encode()) for token in indexed("长" * 100 + "字词" * 200_000)) < MOST_BYTES
    assert sum(len(token.encode()) for token in indexed("x" * 190 + (" " + "y" * 190) * 20_000)) < MOST_BYTES
