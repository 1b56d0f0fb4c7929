"""
What saved replies and macros may be, and which text of a reply is meant. Pure.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import Any

from responses.values import Intent, Priority

LONGEST_TITLE = 100
LONGEST_TEXT = 10_000
MOST_TEXTS = 20
MOST_ACTIONS = 20
LONGEST_SNOOZE = timedelta(days=365)
ANY_LANGUAGE = ""
_SHORTCUT = re.compile(r"[^\W_][\w-]{0,39}")
_LANGUAGE = re.compile(r"[a-z]{2,3}")
_INTENTS: frozenset[str] = frozenset(Intent)


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplyWish:
    """
    A saved reply as somebody wants it.

    Args:
        texts: by language (base subtag of BCP 47); `""` is for any other.
        shared: for everybody; else for whoever makes it.
    """

    shortcut: str
    title: str
    texts: Mapping[str, str]
    intents: Sequence[str] = ()
    shared: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class MacroWish:
    """
    A macro as somebody wants it.
    """

    name: str
    actions: Sequence[Action]
    shared: bool = True


class ActionKind(StrEnum):
    """
    What a macro can do to a conversation, one after the other.
    """

    REPLY = "reply"  # value: a text with variables; shown before it is sent
    TAG = "tag"
    PRIORITY = "priority"
    ASSIGN = "assign"  # value: id of a colleague; empty: whoever runs it
    PENDING = "pending"
    SNOOZE = "snooze"  # value: seconds
    RESOLVE = "resolve"


ENDINGS = frozenset({ActionKind.PENDING, ActionKind.SNOOZE, ActionKind.RESOLVE})
"""They say where the conversation is afterwards: one of them, and last."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Action:
    """
    One step of a macro.
    """

    kind: ActionKind
    value: str = ""

    def to_json(self) -> dict[str, str]:
        return {"kind": self.kind.value, "value": self.value}

    @classmethod
    def from_json(cls, kept: Mapping[str, Any]) -> Action:
        return cls(kind=ActionKind(kept["kind"]), value=str(kept.get("value", "")))


def clean_shortcut(typed: str) -> str:
    """
    Bring a shortcut into the form in which it is kept: without the slash, lower case.
    """
    return unicodedata.normalize("NFKC", typed).strip().lstrip("/").casefold()


def reply_problems(wish: ReplyWish) -> dict[str, str]:
    """
    Say what is wrong with a saved reply, by field. Variables are looked at by `responses.compose`.
    """
    found: dict[str, str] = {}
    if not _SHORTCUT.fullmatch(wish.shortcut):
        found["shortcut"] = "1 to 40 letters, digits, - and _, beginning with a letter or a digit"
    if problem := _name_problem(wish.title):
        found["title"] = problem
    if unknown := [intent for intent in wish.intents if intent not in _INTENTS]:
        found["intents"] = f"there is no intent {unknown[0][:40]!r}; choose from {', '.join(Intent)}"
    if problem := _texts_problem(wish.texts):
        found["texts"] = problem
    return found


def _texts_problem(texts: Mapping[str, str]) -> str | None:
    if not any(text.strip() for text in texts.values()):
        return "write the text in at least one language"
    if len(texts) > MOST_TEXTS:
        return f"at most {MOST_TEXTS} languages"
    for language, text in texts.items():
        if language != ANY_LANGUAGE and not _LANGUAGE.fullmatch(language):
            return f"{language[:20]!r} is no language; write its code, such as en or zh"
        if len(text) > LONGEST_TEXT:
            return f"at most {LONGEST_TEXT:,} characters a text"
    return None


def _name_problem(name: str) -> str | None:
    if not name.strip():
        return "must not be empty"
    return f"at most {LONGEST_TITLE} characters" if len(name) > LONGEST_TITLE else None


def macro_problems(wish: MacroWish) -> dict[str, str]:
    """
    Say what is wrong with a macro, by field.
    """
    found: dict[str, str] = {}
    if problem := _name_problem(wish.name):
        found["name"] = problem
    if problem := _actions_problem(wish.actions):
        found["actions"] = problem
    return found


def _actions_problem(actions: Sequence[Action]) -> str | None:
    if not actions:
        return "choose at least one action"
    if len(actions) > MOST_ACTIONS:
        return f"at most {MOST_ACTIONS} actions"
    kinds = [action.kind for action in actions]
    for kind in ActionKind:
        if kind is not ActionKind.TAG and kinds.count(kind) > 1:
            return f"{kind.value} can be there once"
    endings = [kind for kind in kinds if kind in ENDINGS]
    if len(endings) > 1:
        return "choose one of pending, snooze and resolve"
    if endings and kinds[-1] is not endings[0]:
        return f"{endings[0].value} must come last"
    return next((problem for action in actions if (problem := _value_problem(action))), None)


def _value_problem(action: Action) -> str | None:
    value = action.value.strip()
    match action.kind:
        case ActionKind.REPLY:
            if not value or len(value) > LONGEST_TEXT:
                return f"reply: write a text of at most {LONGEST_TEXT:,} characters"
        case ActionKind.TAG:
            if not value or len(value) > 100:
                return "tag: write the tag"
        case ActionKind.PRIORITY:
            if value not in {one.name.lower() for one in Priority}:
                return "priority: choose urgent, high, normal or low"
        case ActionKind.SNOOZE:
            longest = LONGEST_SNOOZE.total_seconds()
            if not value.isdecimal() or len(value) > 9 or not 0 < int(value) <= longest:
                return "snooze: choose a time of at most a year"
        case ActionKind.ASSIGN | ActionKind.PENDING | ActionKind.RESOLVE:
            pass
    return None


def text_for(texts: Mapping[str, str], language: str | None) -> tuple[str, str]:
    """
    Choose the text for a customer: in their language, else the one for any, else English, else the first.

    Gives its language and itself.
    """
    order = [language or ANY_LANGUAGE, ANY_LANGUAGE, "en", *sorted(texts)]
    chosen = next(one for one in order if texts.get(one, "").strip())
    return chosen, texts[chosen]


def may_change(owner_id: str, actor_id: str, *, changes_shared: bool) -> bool:
    """
    Say whether somebody may change what everybody uses (`changes_shared`), or what is their own.
    """
    return owner_id == actor_id if owner_id else changes_shared


def left_out(
    *,
    state: str,
    agent_id: str | None,
    agent_name: str | None,
    actor_id: str,
    newest: str | None,
    seen: str,
    answered: bool,
) -> str | None:
    """
    Say why somebody of a group is not answered together with the others, or None when they are.

    Args:
        seen: the newest message when the group was shown.
        answered: an answer of a person to that message is made already.
    """
    if agent_id not in (None, actor_id):
        return f"{agent_name} has claimed it"
    if newest != seen:
        return "a newer message has come in"
    if answered:
        return "somebody has answered it"
    return None if state == "open" else f"it is {state}"
