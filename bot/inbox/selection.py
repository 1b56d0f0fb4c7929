"""
Which conversations a list is about: the tabs of the queue, and what people narrow them by. Pure.

A selection is conditions (`bot.inbox.matching`) and what only lists ask: the state, whose they are, whether they
are late or wait for us, and words. What is kept of a view, what stands in the address of the queue and what the
board counts is the same selection.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any

from bot.inbox.matching import NAMES, Conditions, condition_problems, read_conditions
from bot.inbox.rules import State, Tab

UNRESOLVED = (State.OPEN, State.PENDING, State.SNOOZED)
ME, NOBODY = "me", "nobody"
"""Instead of the id of an agent: whoever looks, and no one at all."""
LONGEST_WORDS = 200


class Order(StrEnum):
    """
    How a list is ordered.
    """

    DEADLINE = "deadline"  # earliest first, those without one last
    NEWEST = "newest"  # newest word first


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """
    Which conversations are meant.

    Args:
        states: any of them; none named: all that are not resolved.
        agents: ids of agents, `me` or `nobody`; none named: whoever has it.
        breached: only those whose deadline has passed.
        waiting: only those with a message that nobody has answered.
        text: words that all must appear, in the language of the search.
    """

    states: tuple[State, ...] = ()
    agents: tuple[str, ...] = ()
    conditions: Conditions = field(default_factory=Conditions)
    breached: bool = False
    waiting: bool = False
    contact_id: str = ""
    text: str = ""

    @property
    def open_only(self) -> bool:
        return self.states == (State.OPEN,)

    @property
    def unresolved_only(self) -> bool:
        return State.RESOLVED not in self.states

    def seen_by(self, actor_id: str) -> Selection:
        """
        Put the person who looks in the place of `me`.
        """
        agents = tuple(actor_id if agent == ME else agent for agent in self.agents)
        return self if agents == self.agents else replace(self, agents=agents)

    def narrowed(self, **conditions: tuple[str, ...]) -> Selection:
        """
        Give the same under more conditions; a field that names nothing stays as it was.
        """
        more = {name: values for name, values in conditions.items() if values}
        return replace(self, conditions=replace(self.conditions, **more)) if more else self

    def to_json(self) -> dict[str, Any]:
        """
        Give what is kept of it: only what narrows.
        """
        said: dict[str, Any] = dict(self.conditions.to_json())
        said |= {"states": [str(state) for state in self.states], "agents": list(self.agents)}
        said |= {"breached": self.breached, "waiting": self.waiting, "text": self.text}
        return {name: value for name, value in said.items() if value}


TABS: Mapping[Tab, Selection] = {
    Tab.WAITING: Selection(states=(State.OPEN,)),
    Tab.UNCLAIMED: Selection(states=(State.OPEN,), agents=(NOBODY,)),
    Tab.MINE: Selection(agents=(ME,)),
    Tab.PENDING: Selection(states=(State.PENDING,)),
    Tab.SNOOZED: Selection(states=(State.SNOOZED,)),
    Tab.RESOLVED: Selection(states=(State.RESOLVED,)),
}
ORDER_OF_TAB = {tab: Order.DEADLINE if tab in (Tab.WAITING, Tab.UNCLAIMED) else Order.NEWEST for tab in Tab}
LISTS = ("states", "agents")
FLAGS = ("breached", "waiting")
FIELDS = (*NAMES, *LISTS, *FLAGS, "text")


def read_selection(given: Mapping[str, Any]) -> Selection:
    """
    Read a selection that is kept or was handed in and has no `selection_problems`.
    """
    return Selection(
        states=tuple(State(state) for state in dict.fromkeys(given.get("states") or ())),
        agents=tuple(dict.fromkeys(given.get("agents") or ())),
        conditions=read_conditions({name: given[name] for name in NAMES if name in given}),
        breached=bool(given.get("breached")),
        waiting=bool(given.get("waiting")),
        text=str(given.get("text") or "").strip(),
    )


def selection_problems(given: Mapping[str, Any]) -> dict[str, str]:
    """
    Say what is wrong with a selection that somebody handed in, by field.
    """
    strange = {name: f"unknown; choose from {', '.join(FIELDS)}" for name in given if name not in FIELDS}
    conditions = condition_problems({name: given[name] for name in NAMES if name in given})
    own = {name: _problem(name, given[name]) for name in (*LISTS, *FLAGS, "text") if name in given}
    return {**strange, **conditions, **{name: said for name, said in own.items() if said}}


def _problem(name: str, value: Any) -> str:
    match name:
        case "states":
            return _strange(value, [str(state) for state in State])
        case "agents":
            return _strange(value, None)
        case "text":
            fits = isinstance(value, str) and len(value) <= LONGEST_WORDS
            return "" if fits else f"must be text of at most {LONGEST_WORDS} characters"
        case _:
            return "" if isinstance(value, bool) else "must be true or false"


def _strange(values: Any, known: Sequence[str] | None) -> str:
    if isinstance(values, str) or not all(isinstance(value, str) and value for value in values or ()):
        return "must be a list of texts that are not empty"
    strange = sorted(set(values or ()) - set(known)) if known is not None else []
    return f"unknown: {', '.join(strange)}; choose from {', '.join(known or ())}" if strange else ""


PARAMETERS: Mapping[str, str] = {
    "account_id": "account_ids",
    "channel": "channels",
    "language": "languages",
    "intent": "intents",
    "priority": "priorities",
    "mood": "moods",
    "tag": "tags",
    "segment": "segments",
}
"""How the address of the queue calls the conditions."""
LONGEST_ADDRESS = 40
"""Values that are read from an address."""


def from_address(base: Selection, pairs: Sequence[tuple[str, str]]) -> Selection:
    """
    Read what narrows a list from an address. People type addresses: what is unknown there is left out.
    """
    said: dict[str, list[str]] = {}
    for name, value in pairs[:LONGEST_ADDRESS]:
        value = value.replace("\x00", "")[:LONGEST_WORDS]
        if value:
            said.setdefault(name, []).append(value)
    named = {field: said[name] for name, field in PARAMETERS.items() if name in said}
    good = {field: tuple(values) for field, values in named.items() if not condition_problems({field: values})}
    return replace(
        base.narrowed(**good),
        agents=base.agents or tuple(said.get("agent", ())),
        breached=base.breached or "breached" in said,
        waiting=base.waiting or "waiting" in said,
        contact_id="".join(said.get("contact", [""])[:1]),
        text="".join(said.get("q", [""])[:1]),
    )


def to_address(selection: Selection, *, base: Selection) -> list[tuple[str, str]]:
    """
    Write what narrows a list for an address; what the tab says itself is left out.
    """
    said = selection.conditions.to_json()
    pairs = [(name, value) for name, field in PARAMETERS.items() for value in said.get(field, [])]
    pairs += [("agent", agent) for agent in selection.agents if selection.agents != base.agents]
    pairs += [(flag, "1") for flag in FLAGS if getattr(selection, flag) and not getattr(base, flag)]
    pairs += [("contact", selection.contact_id)] if selection.contact_id else []
    return pairs + ([("q", selection.text)] if selection.text else [])
