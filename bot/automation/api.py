"""
Rules over JSON.
"""

from __future__ import annotations

from datetime import datetime

from pydantic import Field

from bot.automation import service, store
from bot.automation.rules import Do, When
from bot.automation.tables import RuleRow
from bot.automation.trying import try_rule
from bot.automation.wishes import Wish
from bot.staff.rules import Permission
from bot.web.operations import Body, Call, Listing, operation

READ, CHANGE = Permission.CONVERSATIONS_READ, Permission.RULES_CHANGE
TAG = "rules"


class ActionIO(Body):
    """
    One thing to do.
    """

    do: str = Field(max_length=50, description=f"one of {', '.join(Do)}")
    value: str = Field(
        default="", max_length=2_000, description="the tag, priority, colleague, macro, note, duration or word"
    )


class RuleIn(Body):
    """
    When, if, then.
    """

    name: str = Field(max_length=200)
    enabled: bool = True
    when: list[str] = Field(max_length=50, description=f"events, any of {', '.join(When)}")
    tags: list[str] = Field(
        default_factory=list, max_length=50, description="for events of tags: which; empty: any"
    )
    conditions: dict[str, list[str]] = Field(
        default_factory=dict, description="field -> any of these values; no fields: every conversation"
    )
    words: list[str] = Field(
        default_factory=list, max_length=200, description="any of these must stand in the text; empty: any text"
    )
    then: list[ActionIO] = Field(max_length=50, description="done in this order")
    stop_after: bool = Field(default=False, description="rules below it are then not asked about the same event")


class RuleOut(RuleIn):
    """
    A rule, and what became of it so far.
    """

    id: str
    position: int
    runs: int
    last_run_at: datetime | None
    problem: str = Field(description="the last time it could not do what it says")
    problem_at: datetime | None
    problem_id: str | None = Field(description="the conversation")


class PlaceIn(Body):
    """
    Where a rule stands.
    """

    before_id: str | None = Field(default=None, max_length=100, description="null: asked last")


class SwitchIn(Body):
    """
    On or off.
    """

    enabled: bool


class CountOut(ActionIO):
    """
    An action, and how often it would have been done.
    """

    count: int


class ExampleOut(Body):
    """
    A conversation on which the rule would have run.
    """

    conversation_id: str
    subject: str
    text: str
    kind: str
    at: datetime


class TrialOut(Body):
    """
    What a rule would have done in the last seven days, judged by what conversations are like now.
    """

    since: datetime
    events: int = Field(description="that were looked at, the newest ones")
    more: bool = Field(description="there were more than are looked at")
    runs: int
    conversations: int
    actions: list[CountOut]
    examples: list[ExampleOut]


@operation("GET", "/rules", permission=READ, tag=TAG)
async def list_rules(call: Call) -> Listing[RuleOut]:
    """
    List all rules in the order in which they are asked.
    """
    return Listing(items=[_out(row) for row in await store.list_rules(call.work)])


@operation("POST", "/rules", permission=CHANGE, tag=TAG, status=201)
async def create_rule(call: Call, body: RuleIn) -> RuleOut:
    """
    Add a rule; it is asked after all others. Rules that would set each other off for ever are refused.
    """
    return _out(await service.create_rule(call.work, call.actor, _wish(body)))


@operation("POST", "/rules/try", permission=CHANGE, tag=TAG)
async def try_new_rule(call: Call, body: RuleIn) -> TrialOut:
    """
    Try a rule on last week without keeping it; nothing is changed.
    """
    trial = await try_rule(call.work, await service.check(call.work, _wish(body), ""))
    return TrialOut(
        since=trial.since,
        events=trial.events,
        more=trial.more,
        runs=trial.runs,
        conversations=trial.conversations,
        actions=[CountOut(do=action.do, value=action.value, count=count) for action, count in trial.actions],
        examples=[
            ExampleOut(**{name: getattr(one, name) for name in ExampleOut.model_fields}) for one in trial.examples
        ],
    )


@operation("GET", "/rules/{rule_id}", permission=READ, tag=TAG)
async def get_rule(call: Call, rule_id: str) -> RuleOut:
    """
    Give one rule.
    """
    return _out(await store.get_rule(call.work, rule_id))


@operation("PUT", "/rules/{rule_id}", permission=CHANGE, tag=TAG)
async def change_rule(call: Call, rule_id: str, body: RuleIn) -> RuleOut:
    """
    Change a rule; it holds from the next event.
    """
    return _out(await service.change_rule(call.work, call.actor, rule_id, _wish(body)))


@operation("POST", "/rules/{rule_id}/switch", permission=CHANGE, tag=TAG)
async def switch_rule(call: Call, rule_id: str, body: SwitchIn) -> RuleOut:
    """
    Switch a rule on or off.
    """
    return _out(await service.switch_rule(call.work, call.actor, rule_id, enabled=body.enabled))


@operation("POST", "/rules/{rule_id}/place", permission=CHANGE, tag=TAG)
async def place_rule(call: Call, rule_id: str, body: PlaceIn) -> RuleOut:
    """
    Ask a rule before another one, or last.
    """
    await service.place_rule(call.work, call.actor, rule_id, body.before_id)
    return _out(await store.get_rule(call.work, rule_id))


@operation("DELETE", "/rules/{rule_id}", permission=CHANGE, tag=TAG)
async def delete_rule(call: Call, rule_id: str) -> None:
    """
    Delete a rule; what it did stays.
    """
    await service.delete_rule(call.work, call.actor, rule_id)


def _wish(body: RuleIn) -> Wish:
    then = [one.model_dump() for one in body.then]
    return Wish(**{**body.model_dump(exclude={"then"}), "then": then})


def _out(row: RuleRow) -> RuleOut:
    return RuleOut.model_validate(row.model_dump(include=set(RuleOut.model_fields)))
