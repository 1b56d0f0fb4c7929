"""
What rules decide, which words they find, and which of them would go round for ever.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.automation.loops import effects, find_loop, say_loop, sets_off
from bot.automation.rules import DEEPEST, Action, Decision, Do, Happened, Rule, When, decide, says_any
from bot.automation.wishes import Wish, action_problem, wish_problems
from bot.inbox.matching import Conditions, Facts

FACTS = Facts(
    account_id="a1", channel="mastodon", intent="refund", priority="normal", text="I want my money back!"
)


def rule(name: str, when: str, *then: tuple[str, str], **more) -> Rule:
    return Rule(
        id=name,
        name=name,
        when=frozenset(When(one) for one in when.split()),
        conditions=more.pop("conditions", Conditions()),
        then=tuple(Action(do=Do(do), value=value) for do, value in then),
        **more,
    )


REFUNDS = rule("refunds", "message_in", ("add_tag", "refund"), conditions=Conditions(intents=("refund",)))


# deciding


def test_a_rule_that_holds_gives_its_actions() -> None:
    happened = Happened(kind="message_in")
    assert decide(REFUNDS, happened, FACTS) == Decision(actions=REFUNDS.then)
    assert decide(REFUNDS, Happened(kind="resolved"), FACTS) is None
    assert decide(REFUNDS, happened, replace(FACTS, intent="praise")) is None
    with_words = replace(REFUNDS, words=("money", "refund"))
    assert decide(with_words, happened, FACTS) is not None
    assert decide(with_words, happened, replace(FACTS, text="Where is it?")) is None


def test_a_rule_that_waits_for_a_tag_waits_for_that_tag() -> None:
    vip = rule("vip", "tagged", ("set_priority", "high"), tags=frozenset({"vip"}))
    assert decide(vip, Happened(kind="tagged", tag="vip"), FACTS) is not None
    assert decide(vip, Happened(kind="tagged", tag="late"), FACTS) is None
    assert decide(replace(vip, tags=frozenset()), Happened(kind="tagged", tag="late"), FACTS) is not None


def test_what_a_machine_answered_sets_no_rule_off() -> None:
    thanks = rule("thanks", "answered message_in", ("add_tag", "answered"))
    assert decide(thanks, Happened(kind="answered"), FACTS) is not None
    assert decide(thanks, Happened(kind="answered", automatic=True), FACTS) is None
    assert decide(thanks, Happened(kind="message_in", automatic=True), FACTS) is not None, (
        "an auto-reply of theirs"
    )


def test_a_rule_never_runs_twice_in_a_chain_and_a_chain_ends() -> None:
    again = decide(REFUNDS, Happened(kind="message_in", chain=("refunds",)), FACTS)
    assert again is not None
    assert again.actions == ()
    assert "already run" in again.stopped
    deep = decide(REFUNDS, Happened(kind="message_in", chain=tuple("abcd")), FACTS)
    assert deep is not None
    assert deep.actions == ()
    assert f"{DEEPEST} rules" in deep.stopped
    assert decide(REFUNDS, Happened(kind="message_in", chain=tuple("abc")), FACTS) == Decision(
        actions=REFUNDS.then
    )


# words


@pytest.mark.parametrize(
    ("text", "word", "found"),
    [
        ("I want a Refund.", "refund", True),
        ("refunds are slow", "refund", False),
        ("prerefund refund", "refund", True),
        ("not  to\nbe", "NOT TO BE", True),
        ("我想退款，谢谢", "退款", True),
        ("iPhone退款", "退款", True),
        ("Straße", "STRASSE", True),
        ("ＦＲＥＥ shipping", "free", True),
        ("a :-( day", ":-(", True),
        ("", "x", False),
    ],
)
def test_words_are_found_as_words(text: str, word: str, found: bool) -> None:
    assert says_any(text, [word]) is found


@given(st.text(), st.lists(st.text(min_size=1), max_size=5))
def test_looking_for_words_never_fails(text: str, words: list[str]) -> None:
    assert says_any(text, []) is True
    says_any(text, words)


# loops


def loop_of(*rules: Rule) -> str:
    return " ".join(link.rule.name for link in find_loop(rules))


def test_two_rules_that_set_each_other_off_are_named() -> None:
    on = rule("On", "untagged", ("add_tag", "vip"), tags=frozenset({"vip"}))
    off = rule("Off", "tagged", ("note", "x"), ("remove_tag", "vip"), tags=frozenset({"vip"}))
    said = say_loop(find_loop([on, off]))
    assert "“On” adds the tag “vip”, which sets off “Off”" in said
    assert "“Off” takes off the tag “vip”, which sets off “On”" in said
    assert said.startswith("these rules would set each other off for ever")


def test_a_rule_can_set_itself_off() -> None:
    assert loop_of(rule("self", "tagged", ("add_tag", "seen"))) == "self"
    assert loop_of(rule("self", "woke", ("snooze", "1h"))) == "self"
    assert loop_of(rule("self", "resolved", ("resolve", ""))) == "self"
    assert loop_of(rule("self", "tagged", ("add_tag", "seen"), tags=frozenset({"vip"}))) == ""


def test_a_circle_of_three_is_found_and_a_row_of_three_is_not() -> None:
    a = rule("a", "resolved", ("add_tag", "one"))
    b = rule("b", "tagged", ("snooze", "1d"), tags=frozenset({"one"}))
    c = rule("c", "woke", ("resolve", ""))
    bystander = rule("d", "message_in", ("resolve", ""))
    assert loop_of(bystander, a, b) == ""
    assert sorted(loop_of(bystander, a, b, c).split()) == ["a", "b", "c"]


def test_a_priority_that_is_not_waited_for_sets_nothing_off() -> None:
    raising = rule(
        "raise", "priority_set", ("set_priority", "urgent"), conditions=Conditions(priorities=("high",))
    )
    assert loop_of(raising) == ""
    assert loop_of(replace(raising, conditions=Conditions())) == "raise"


whens = st.frozensets(st.sampled_from(When), min_size=1, max_size=3)
names = st.sampled_from(["vip", "late", "refund"])
actions = st.one_of(
    st.builds(Action, do=st.sampled_from([Do.ADD_TAG, Do.REMOVE_TAG]), value=names),
    st.builds(Action, do=st.just(Do.SET_PRIORITY), value=st.sampled_from(["high", "low"])),
    st.builds(
        Action, do=st.sampled_from([Do.PENDING, Do.RESOLVE, Do.NOTE, Do.WEBHOOK, Do.ASSIGN]), value=st.just("x")
    ),
    st.builds(Action, do=st.just(Do.SNOOZE), value=st.just("1h")),
)
rule_sets = st.lists(
    st.builds(
        Rule,
        id=st.just(""),
        name=st.just(""),
        when=whens,
        tags=st.frozensets(names, max_size=2),
        conditions=st.just(Conditions()),
        then=st.lists(actions, min_size=1, max_size=3).map(tuple),
    ),
    max_size=6,
).map(lambda rules: [replace(one, id=str(number), name=str(number)) for number, one in enumerate(rules)])


@given(rule_sets)
def test_what_is_not_called_a_loop_ends_by_itself(rules: Sequence[Rule]) -> None:
    """
    Without a loop, no chain of effects is longer than there are rules; with one, the named way can be walked.
    """
    loop = find_loop(rules)
    for link, following in zip(loop, [*loop[1:], *loop[:1]], strict=True):
        assert link.sets_off == following.rule
        assert any(sets_off(effect, link.sets_off) for action in link.rule.then for effect in effects(action))
    if loop:
        return
    running = list(rules)
    for _ in range(len(rules)):
        running = [
            other
            for other in rules
            if any(sets_off(effect, other) for one in running for action in one.then for effect in effects(action))
        ]
    assert running == []


# what people write


GOOD = Wish(name="Refunds", when=["message_in"], then=[{"do": "add_tag", "value": "refund"}])


@pytest.mark.parametrize(
    ("field", "wish"),
    [
        ("name", replace(GOOD, name=" ")),
        ("name", replace(GOOD, name="x" * 101)),
        ("when", replace(GOOD, when=[])),
        ("when", replace(GOOD, when=["full_moon"])),
        ("tags", replace(GOOD, tags=["vip"])),
        ("words", replace(GOOD, words=["x" * 201])),
        ("words", replace(GOOD, words=["  "])),
        ("then", replace(GOOD, then=[])),
        ("then", replace(GOOD, then=[{"do": "dance"}])),
        ("then", replace(GOOD, then=[{"do": "note", "value": "x"}] * 21)),
    ],
)
def test_what_is_wrong_with_a_rule_stands_at_its_field(field: str, wish: Wish) -> None:
    assert wish_problems(GOOD) == {}
    assert set(wish_problems(wish)) == {field}


@pytest.mark.parametrize(
    ("do", "value", "said"),
    [
        ("add_tag", "", "write the tag"),
        ("set_priority", "asap", "choose from urgent, high, normal, low"),
        ("assign", "", "choose a colleague"),
        ("note", " ", "write a note"),
        ("snooze", "soon", "must be a duration"),
        ("snooze", "1s", "from a minute to a year"),
        ("snooze", "2y", "must be a duration"),
        ("snooze", "1h", ""),
        ("webhook", "", ""),
        ("webhook", "x" * 201, "at most"),
        ("resolve", "", ""),
        ("spam", "", ""),
    ],
)
def test_what_is_wrong_with_an_action_is_said(do: str, value: str, said: str) -> None:
    found = action_problem(do, value)
    assert found.startswith(said) if said else found == ""


def test_every_action_has_its_effects_and_every_effect_its_event() -> None:
    for do in Do:
        for effect in effects(Action(do=do, value="x")):
            assert effect.kind in When
            assert effect.by
