"""
Conditions on conversations: what they mean, and what cannot be one.
"""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.inbox.matching import NAMES, Conditions, Facts, condition_problems, read_conditions

FACTS = Facts(
    account_id="a1",
    channel="email",
    language="de",
    intent="complaint",
    priority="high",
    mood="negative",
    tags=frozenset({"vip", "refund"}),
    segments=frozenset({"loyal"}),
)
SINGLE = [
    ("account_ids", "a1", "a2"),
    ("channels", "email", "mastodon"),
    ("languages", "de", "en"),
    ("intents", "complaint", "praise"),
    ("priorities", "high", "low"),
    ("moods", "negative", "positive"),
    ("tags", "vip", "spare"),
    ("segments", "loyal", "new"),
]


def test_nothing_named_is_everything() -> None:
    assert Conditions().matches(FACTS)
    assert Conditions().to_json() == {}


@pytest.mark.parametrize(("name", "has", "lacks"), SINGLE)
def test_any_of_the_values_of_a_field(name: str, has: str, lacks: str) -> None:
    assert read_conditions({name: [has]}).matches(FACTS)
    assert read_conditions({name: [lacks, has]}).matches(FACTS)
    assert not read_conditions({name: [lacks]}).matches(FACTS)


@given(st.lists(st.sampled_from(SINGLE), unique=True), st.sampled_from(SINGLE))
def test_all_fields_must_hold(chosen: list[tuple[str, str, str]], wrong: tuple[str, str, str]) -> None:
    wanted = {name: [has] for name, has, _ in chosen}
    assert read_conditions(wanted).matches(FACTS)
    assert not read_conditions({**wanted, wrong[0]: [wrong[2]]}).matches(FACTS)


def test_a_language_that_was_not_judged_can_be_asked_for() -> None:
    assert read_conditions({"languages": ["none"]}).matches(replace(FACTS, language=None))
    assert not read_conditions({"languages": ["none"]}).matches(FACTS)


@given(st.dictionaries(st.sampled_from(NAMES), st.lists(st.text(min_size=1), min_size=1)))
def test_what_is_kept_is_read_back(wanted: dict[str, list[str]]) -> None:
    conditions = read_conditions(wanted)
    assert read_conditions(conditions.to_json()) == conditions


@pytest.mark.parametrize(
    ("given_", "field"),
    [
        ({"colour": ["red"]}, "colour"),
        ({"intents": ["rant"]}, "intents"),
        ({"priorities": ["highest"]}, "priorities"),
        ({"tags": "vip"}, "tags"),
        ({"tags": [""]}, "tags"),
        ({"tags": [7]}, "tags"),
        ({"tags": ["x" * 201]}, "tags"),
    ],
)
def test_what_cannot_be_a_condition_is_named(given_: dict[str, object], field: str) -> None:
    assert set(condition_problems(given_)) == {field}
    assert not condition_problems({"intents": ["bug"], "tags": ["vip"], "languages": []})
