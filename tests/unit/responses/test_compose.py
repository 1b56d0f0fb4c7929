"""
Variables of saved replies: strict when saved, never a hole when sent, and a customer's name is never a program.
"""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from responses.compose import NAMES, VARIABLES, Filled, fill, first_name, holes, problems, used, values_of

VALUES = values_of(
    contact="Mara Lindt",
    handle="mara@far.example",
    agent="Ann Reed",
    account="Kite Shop",
    account_handle="shop@example.com",
    subject="",
)


def test_every_variable_has_a_value_a_meaning_and_an_example():
    assert set(VALUES) == NAMES
    assert all(variable.meaning and variable.example for variable in VARIABLES)


def test_values_are_put_in():
    text = 'Hi {{ contact.first_name }}, {{agent.first_name}} of {{ account.name | "us" }} here.'
    assert fill(text, VALUES) == Filled(text="Hi Mara, Ann of Kite Shop here.")


@pytest.mark.parametrize(
    "hole",
    [
        '{{ conversation.subject | "your question" }}',
        "{{conversation.subject|'your question'}}",
        "{{ conversation.subject ｜ “your question” }}",
    ],
)
def test_a_fall_back_stands_in_for_what_is_missing(hole):
    assert problems(hole) == []
    assert fill(f"About {hole}:", VALUES).text == "About your question:"


def test_what_is_missing_without_a_fall_back_is_named_and_stays_visible():
    filled = fill("{{ conversation.subject }}: {{ hours.next_opening }} {{ conversation.subject }}", VALUES)
    assert filled.missing == ("conversation.subject", "hours.next_opening")
    assert filled.text == "{{ conversation.subject }}: {{ hours.next_opening }} {{ conversation.subject }}"
    assert holes(filled.text) == ["conversation.subject", "hours.next_opening"]
    assert used(filled.text) == {"conversation.subject", "hours.next_opening"}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{{ contact.nam }}", "there is no variable contact.nam; did you mean contact.name?"),
        ("{{ zzz }}", "there is no variable zzz; there are account.handle"),
        ("{{ contact.name", "braces are not closed"),
        ("contact.name }}", "braces are not closed"),
        ("{{ contact.name | there }}", "cannot be read"),
        ("{{ contact.name() }}", "cannot be read"),
        ("{{ 7*7 }}", "cannot be read"),
        ("{{ contact.__class__.__mro__ }}", "there is no variable contact.__class__.__mro__"),
    ],
)
def test_a_text_that_cannot_be_filled_is_not_saved(text, said):
    assert any(said in one for one in problems(text))


def test_single_braces_are_text():
    assert problems("{a} or {b}") == []
    assert fill("{contact.name}", VALUES).text == "{contact.name}"


def test_a_name_is_data():
    sly = {**VALUES, "contact.name": "{{ agent.name }}\n\nBuy at  far.example" + "x" * 500}
    text = fill("Hi {{ contact.name }}!", sly).text
    assert text.startswith("Hi { { agent.name } } Buy at far.example")
    assert len(text) < 220
    assert holes(text) == []


def test_broken_holes_are_left_as_they_are():
    assert fill("{{ 7*7 }}", VALUES).text == "{{ 7*7 }}"
    assert holes("{{ nothing.known }} {{ 7*7 }}") == []


@given(text=st.text(alphabet='{} |"ab.contact name', max_size=120), value=st.text(max_size=40))
def test_what_is_sound_is_filled_without_a_hole(text, value):
    filled = fill(text, dict.fromkeys(NAMES, value.strip() or "x"))
    if not problems(text):
        assert holes(filled.text) == []
        assert filled.missing == ()


@given(name=st.text(max_size=20))
def test_whoever_has_a_name_has_a_first_name(name):
    assert bool(first_name(name)) == bool(name.strip())


@pytest.mark.parametrize(
    ("name", "first"),
    [("Mara Lindt", "Mara"), ("周 慧", "周 慧"), ("김 민준", "김 민준"), ("", ""), ("Cher", "Cher")],
)
def test_names_are_cut_where_that_is_right(name, first):
    assert first_name(name) == first


def test_the_reference_of_variables_is_the_code():
    page = (Path(__file__).parents[3] / "docs" / "reference" / "variables.md").read_text(encoding="utf-8")
    rows = [f"| `{one.name}` | {one.meaning} | {one.example} |" for one in VARIABLES]
    assert [line for line in page.splitlines() if line.startswith("| `")] == rows
