"""
Conditions as a form: what a page offers, and what comes back. Pure; policies, views and rules share it.

Closed sets and our accounts are boxes to tick (`c-intents-bug`), what people name is a list with commas
(`c-tags`).
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from bot.accounts.tables import Account
from bot.inbox.matching import NAMES, Conditions
from responses.values import Intent, Mood, Priority

LABELS = {
    "account_ids": "Accounts",
    "channels": "Channels",
    "languages": "Languages",
    "intents": "Intents",
    "priorities": "Priorities",
    "moods": "Moods",
    "tags": "Tags",
    "segments": "Segments of the contact",
}
BY_HAND = {
    "languages": "Codes such as en, zh, de; “none” for messages whose language was not judged.",
    "tags": "Any of these.",
    "segments": "Any of these.",
}
"""Fields that are written, and what is said below them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Box:
    """
    One value to tick.
    """

    name: str
    label: str
    ticked: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldView:
    """
    One field of the form: boxes, or a text with commas.
    """

    name: str
    label: str
    boxes: Sequence[Box] = ()
    text: str = ""
    hint: str = ""
    by_hand: bool = False


def condition_fields(conditions: Conditions, accounts: Sequence[Account]) -> list[FieldView]:
    """
    Show conditions as fields; empty means that any will do.
    """
    choices: dict[str, list[tuple[str, str]]] = {
        "account_ids": [(account.id, account.name) for account in accounts],
        "channels": sorted({(account.channel, account.channel.capitalize()) for account in accounts}),
        "intents": [(one, one.value) for one in Intent],
        "priorities": [(one.name.lower(), one.name.lower()) for one in Priority],
        "moods": [(one, one.value) for one in Mood],
    }
    return [_field(name, getattr(conditions, name), choices.get(name, [])) for name in NAMES]


def _field(name: str, chosen: Sequence[str], choices: Sequence[tuple[str, str]]) -> FieldView:
    if name in BY_HAND:
        text = ", ".join(chosen)
        return FieldView(name=f"c-{name}", label=LABELS[name], text=text, hint=BY_HAND[name], by_hand=True)
    # What was chosen stays on the page though it is gone, so that saving does not quietly widen the conditions.
    known = {value for value, _ in choices}
    offered = [*choices, *((value, value) for value in chosen if value not in known)]
    boxes = [Box(name=f"c-{name}-{value}", label=label, ticked=value in chosen) for value, label in offered]
    return FieldView(name=f"c-{name}", label=LABELS[name], boxes=boxes)


def conditions_from_form(form: Mapping[str, str]) -> dict[str, list[str]]:
    """
    Read what a form with these fields sent; it is checked by `condition_problems`.
    """
    found: dict[str, list[str]] = {}
    for name in NAMES:
        if name in BY_HAND:
            values = [part.strip() for part in re.split("[,，、;；\n]", form.get(f"c-{name}", "")) if part.strip()]
            values = [value.casefold() for value in values]
        else:
            start = f"c-{name}-"
            values = [key.removeprefix(start) for key in form if key.startswith(start)]
        if values:
            found[name] = values
    return found


def said_shortly(conditions: Conditions, accounts: Sequence[Account]) -> list[tuple[str, str]]:
    """
    Say conditions in short for a list: (field, values); nothing means everything.
    """
    names = {account.id: account.name for account in accounts}
    return [
        (LABELS[name], ", ".join(names.get(value, value) for value in getattr(conditions, name)))
        for name in NAMES
        if getattr(conditions, name)
    ]
