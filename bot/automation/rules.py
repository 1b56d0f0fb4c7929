"""
What a rule is, and whether it holds. Pure.

A rule says *when* (kinds of events), *if* (conditions on the conversation, words in its text) and *then* (actions,
in order). `decide` is all there is to it; the dry run calls the same function.

Two guards against loops. When a rule is kept, `bot.automation.loops` refuses rules that would set each other off
in a circle. While rules run, each event carries the chain of rules that led to it: a rule never runs twice in a
chain, and a chain ends after `DEEPEST` rules.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Protocol

DEEPEST = 4
"""Rules in one chain."""


class When(StrEnum):
    """
    The events that can set a rule off; the names are those of the event log.
    """

    OPENED = "opened"
    MESSAGE_IN = "message_in"
    REOPENED = "reopened"
    REPLIED = "replied"
    ANSWERED = "answered"
    CLAIMED = "claimed"
    RELEASED = "released"
    HANDED_OVER = "handed_over"
    PENDING = "pending"
    SNOOZED = "snoozed"
    WOKE = "woke"
    RESOLVED = "resolved"
    CLOCK_WARNED = "clock_warned"
    CLOCK_BREACHED = "clock_breached"
    TAGGED = "tagged"
    UNTAGGED = "untagged"
    PRIORITY_SET = "priority_set"


OF_TAGS = frozenset({When.TAGGED, When.UNTAGGED})
OF_ANSWERS = frozenset({When.REPLIED, When.ANSWERED})
"""Those of a machine set no rule off."""


class Do(StrEnum):
    """
    What a rule can do; `value` of the action in the comment.
    """

    ADD_TAG = "add_tag"  # the tag
    REMOVE_TAG = "remove_tag"  # the tag
    SET_PRIORITY = "set_priority"  # its name in lower case
    ASSIGN = "assign"  # a staff member's id
    NOTE = "note"  # the text
    SNOOZE = "snooze"  # for how long, such as 2h
    PENDING = "pending"
    RESOLVE = "resolve"
    SPAM = "spam"
    MACRO = "macro"  # a macro's id; one that does not answer the customer
    WEBHOOK = "webhook"  # a word for the receiver, or nothing


WITHOUT_VALUE = frozenset({Do.PENDING, Do.RESOLVE, Do.SPAM})


class Matches(Protocol):
    """
    Conditions on a conversation (`bot.inbox.matching.Conditions`).
    """

    @property
    def priorities(self) -> tuple[str, ...]: ...

    def to_json(self) -> dict[str, list[str]]: ...

    def matches(self, facts: Any) -> bool: ...


class Told(Protocol):
    """
    What is known of a conversation (`bot.inbox.matching.Facts`), as far as rules look themselves.
    """

    @property
    def text(self) -> str: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Action:
    """
    One thing to do.
    """

    do: Do
    value: str = ""

    def to_json(self) -> dict[str, str]:
        return {"do": self.do.value, "value": self.value}


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """
    A rule as it is decided by.

    Args:
        tags: for events of tags: which tag; none: any.
        words: any of them must stand in the text; none: any text will do.
        stop_after: when it ran, the rules below it are not asked about the same event.
    """

    id: str
    name: str
    when: frozenset[When]
    conditions: Matches
    then: tuple[Action, ...]
    tags: frozenset[str] = frozenset()
    words: tuple[str, ...] = ()
    stop_after: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Happened:
    """
    An event, as far as rules look at it.

    Args:
        kind: name in the event log.
        tag: for events of tags.
        automatic: an answer that a machine wrote.
        chain: ids of the rules that led to it, the first one first.
    """

    kind: str
    tag: str = ""
    automatic: bool = False
    chain: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """
    What a rule comes to.

    Args:
        stopped: why it does not run although it holds; empty: it runs.
    """

    actions: tuple[Action, ...]
    stopped: str = ""


def decide(rule: Rule, happened: Happened, facts: Told) -> Decision | None:
    """
    Say what a rule does about an event; None: it does not hold.
    """
    if not waits_for(rule, happened) or not rule.conditions.matches(facts) or not says_any(facts.text, rule.words):
        return None
    if rule.id in happened.chain:
        return Decision(actions=(), stopped="it had already run in the same chain of rules")
    if len(happened.chain) >= DEEPEST:
        return Decision(actions=(), stopped=f"{DEEPEST} rules had set each other off before it")
    return Decision(actions=rule.then)


def waits_for(rule: Rule, happened: Happened) -> bool:
    """
    Say whether an event can set a rule off, whatever the conversation is like.
    """
    if happened.kind not in rule.when:
        return False
    if happened.kind in OF_TAGS:
        return not rule.tags or happened.tag in rule.tags
    return not (happened.kind in OF_ANSWERS and happened.automatic)


def says_any(text: str, words: Sequence[str]) -> bool:
    """
    Say whether any of these words or phrases stands in a text; no words: yes.
    """
    if not words:
        return True
    said = plain(text)
    return any(_says(said, plain(word)) for word in words)


def _says(text: str, word: str) -> bool:
    start = text.find(word) if word else -1
    while start >= 0:
        end = start + len(word)
        if _is_edge(text, start - 1, word[0]) and _is_edge(text, end, word[-1]):
            return True
        start = text.find(word, start + 1)
    return False


def _is_edge(text: str, beside: int, own: str) -> bool:
    """
    Say whether a word ends here. Scripts that write no spaces (Chinese, Japanese, Thai) have no such edges.
    """
    if not 0 <= beside < len(text) or not own.isalnum() or not text[beside].isalnum():
        return True
    return _spaceless(own) or _spaceless(text[beside])


def _spaceless(char: str) -> bool:
    return unicodedata.category(char) == "Lo"


def plain(text: str) -> str:
    """
    Bring a text into the form in which words are looked for.
    """
    return " ".join(unicodedata.normalize("NFKC", text).casefold().split())
