"""
What saved replies and macros may be.
"""

from __future__ import annotations

import pytest

from bot.replies.rules import (
    Action,
    ActionKind,
    MacroWish,
    ReplyWish,
    clean_shortcut,
    left_out,
    macro_problems,
    may_change,
    reply_problems,
    text_for,
)


def wish(**more: object) -> ReplyWish:
    asked: dict[str, object] = {"shortcut": "refund", "title": "Refund", "texts": {"en": "Yes."}}
    return ReplyWish(**{**asked, **more})  # type: ignore[arg-type]


@pytest.mark.parametrize(("typed", "clean"), [("/Refund ", "refund"), ("退款", "退款"), ("//x", "x")])
def test_shortcuts_have_one_form(typed: str, clean: str) -> None:
    assert clean_shortcut(typed) == clean


@pytest.mark.parametrize("shortcut", ["refund", "退款", "a", "9-to-5", "a_b"])
def test_a_sound_reply_has_no_problem(shortcut: str) -> None:
    assert reply_problems(wish(shortcut=shortcut, intents=("praise",), texts={"": "Any", "zh": "是"})) == {}


@pytest.mark.parametrize(
    ("more", "field"),
    [
        ({"shortcut": ""}, "shortcut"),
        ({"shortcut": "two words"}, "shortcut"),
        ({"shortcut": "_"}, "shortcut"),
        ({"shortcut": "x" * 41}, "shortcut"),
        ({"title": " "}, "title"),
        ({"title": "x" * 101}, "title"),
        ({"intents": ("wish",)}, "intents"),
        ({"texts": {}}, "texts"),
        ({"texts": {"en": " \n"}}, "texts"),
        ({"texts": {"english": "x"}}, "texts"),
        ({"texts": {"en": "x" * 10_001}}, "texts"),
        ({"texts": {f"a{chr(97 + n)}": "x" for n in range(21)}}, "texts"),
    ],
)
def test_what_is_wrong_with_a_reply_is_said_by_field(more: dict[str, object], field: str) -> None:
    assert list(reply_problems(wish(**more))) == [field]


def macro(*actions: Action, name: str = "Close it") -> dict[str, str]:
    return macro_problems(MacroWish(name=name, actions=actions))


REPLY = Action(kind=ActionKind.REPLY, value="Hi")
RESOLVE = Action(kind=ActionKind.RESOLVE)


def test_a_sound_macro_has_no_problem_and_is_read_back_as_it_was_kept() -> None:
    actions = (
        REPLY,
        Action(kind=ActionKind.TAG, value="refund"),
        Action(kind=ActionKind.TAG, value="late"),
        Action(kind=ActionKind.PRIORITY, value="high"),
        Action(kind=ActionKind.ASSIGN),
        Action(kind=ActionKind.SNOOZE, value="3600"),
    )
    assert macro(*actions) == {}
    assert tuple(Action.from_json(action.to_json()) for action in actions) == actions


@pytest.mark.parametrize(
    ("actions", "said"),
    [
        ((), "at least one"),
        ((Action(kind=ActionKind.TAG, value="x"),) * 21, "at most 20"),
        ((REPLY, REPLY), "reply can be there once"),
        ((RESOLVE, REPLY), "resolve must come last"),
        ((Action(kind=ActionKind.PENDING), RESOLVE), "choose one of"),
        ((Action(kind=ActionKind.REPLY, value=" "),), "write a text"),
        ((Action(kind=ActionKind.TAG, value=" "),), "write the tag"),
        ((Action(kind=ActionKind.PRIORITY, value="higher"),), "choose urgent"),
        ((Action(kind=ActionKind.SNOOZE, value="tomorrow"),), "choose a time"),
        ((Action(kind=ActionKind.SNOOZE, value="0"),), "choose a time"),
        ((Action(kind=ActionKind.SNOOZE, value=str(366 * 86_400)),), "at most a year"),
    ],
)
def test_what_is_wrong_with_a_macro_is_said(actions: tuple[Action, ...], said: str) -> None:
    assert said in macro(*actions)["actions"]


def test_a_macro_has_a_name() -> None:
    assert macro(RESOLVE, name="")["name"] == "must not be empty"


@pytest.mark.parametrize(
    ("texts", "language", "chosen"),
    [
        ({"en": "E", "zh": "Z"}, "zh", "zh"),
        ({"en": "E", "zh": "Z"}, "fr", "en"),
        ({"en": "E", "": "A"}, "fr", ""),
        ({"en": "E", "zh": " "}, "zh", "en"),
        ({"zh": "Z", "de": "D"}, None, "de"),
    ],
)
def test_the_customers_language_is_chosen_then_any_then_english(
    texts: dict[str, str], language: str | None, chosen: str
) -> None:
    assert text_for(texts, language) == (chosen, texts[chosen])


@pytest.mark.parametrize(
    ("owner", "lead", "may"), [("", True, True), ("", False, False), ("me", False, True), ("other", True, False)]
)
def test_ones_own_is_ones_own_and_everybodys_is_for_leads(owner: str, lead: bool, may: bool) -> None:
    assert may_change(owner, "me", changes_shared=lead) is may


@pytest.mark.parametrize(
    ("more", "why"),
    [
        ({}, None),
        ({"agent_id": "me"}, None),
        ({"agent_id": "ben", "agent_name": "Ben"}, "Ben has claimed it"),
        ({"newest": "m2"}, "a newer message has come in"),
        ({"answered": True}, "somebody has answered it"),
        ({"state": "resolved"}, "it is resolved"),
    ],
)
def test_who_is_left_out_of_a_group_and_why(more: dict[str, object], why: str | None) -> None:
    facts: dict[str, object] = {
        "state": "open",
        "agent_id": None,
        "agent_name": None,
        "actor_id": "me",
        "newest": "m1",
        "seen": "m1",
        "answered": False,
    }
    assert left_out(**{**facts, **more}) == why  # type: ignore[arg-type]
