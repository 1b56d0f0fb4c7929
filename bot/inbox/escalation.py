"""
What is done when a promise is in danger or broken: decided here, purely, and carried out by `watch`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from bot.inbox.rules import ClockKind, EventKind
from responses.values import Priority

MOST_ESCALATIONS = 20


class On(StrEnum):
    """
    What sets an escalation off.
    """

    WARNED = "warned"
    BREACHED = "breached"


class Do(StrEnum):
    """
    What an escalation does.
    """

    NOTIFY_AGENT = "notify_agent"  # who has it
    NOTIFY_LEADS = "notify_leads"
    NOTIFY = "notify"  # `to`: a staff member
    RAISE_PRIORITY = "raise_priority"  # `to`: a priority; never lowers
    RETURN = "return"  # to the queue, so that whoever is free takes it
    REASSIGN = "reassign"  # `to`: a staff member


NEEDS_STAFF = (Do.NOTIFY, Do.REASSIGN)
EVENTS: Mapping[str, On] = {EventKind.CLOCK_WARNED: On.WARNED, EventKind.CLOCK_BREACHED: On.BREACHED}


@dataclass(frozen=True, slots=True, kw_only=True)
class Escalation:
    """
    One step.

    Args:
        on: what sets it off.
        share: of the time; only for warnings; None: at each of them.
        clock: which promise; None: any.
        to: a staff member's id or a priority's name, as `do` asks for.
    """

    on: On
    do: Do
    share: float | None = None
    clock: ClockKind | None = None
    to: str = ""

    def to_json(self) -> dict[str, Any]:
        kept = {"on": self.on, "do": self.do, "share": self.share, "clock": self.clock, "to": self.to}
        return {name: value for name, value in kept.items() if value not in (None, "")}


def read_escalations(kept: Sequence[Mapping[str, Any]]) -> tuple[Escalation, ...]:
    """
    Read what is kept of a policy's steps; they were checked when they were written.
    """
    return tuple(
        Escalation(
            on=On(one["on"]),
            do=Do(one["do"]),
            share=one.get("share"),
            clock=ClockKind(one["clock"]) if one.get("clock") else None,
            to=str(one.get("to", "")),
        )
        for one in kept
    )


def due_steps(
    steps: Sequence[Escalation], *, event: str, clock: str, share: float | None
) -> tuple[Escalation, ...]:
    """
    Give the steps that an event of a clock sets off, in their order.
    """
    on = EVENTS.get(event)
    return tuple(
        step
        for step in steps
        if step.on is on and step.clock in (None, clock) and (step.share is None or step.share == share)
    )


def step_problem(given: Mapping[str, Any], shares: Sequence[float]) -> str | None:
    """
    Say what is wrong with a step that somebody wrote, or nothing. Whether the person exists is not known here.
    """
    on, do, share, clock, to = (given.get(name) for name in ("on", "do", "share", "clock", "to"))
    if on not in set(On):
        return f"on: choose from {', '.join(On)}"
    if do not in set(Do):
        return f"do: choose from {', '.join(Do)}"
    if clock and clock not in set(ClockKind):
        return f"clock: choose from {', '.join(ClockKind)}"
    if share is not None and share not in shares:
        return "share: must be one of the policy's warnings"
    if do in NEEDS_STAFF and not to:
        return "to: choose a colleague"
    names = [one.name.lower() for one in Priority]
    if do == Do.RAISE_PRIORITY and to not in names:
        return f"to: choose from {', '.join(names)}"
    return None
